"""How often a login may fail: few enough that nobody guesses a password, and so that nobody locks out somebody else.

Failures count three times: for the account from the place that they come from, for the account from everywhere, and
for the place. The first is the narrow one. If an account had only so few for the whole world, anybody could keep its
owner out with five wrong passwords a minute; the wide limit holds off those who have many places, and it takes so
many failures that this is no way to bother somebody. A name that does not exist is counted as any other, so that the
limit does not tell which names there are.

What is kept is bounded: of the latest names and places only. Who comes from this machine has no place.
"""

from collections import OrderedDict, deque

from chatnet.clock import Now
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused

_Key = tuple[str, ...]


class Attempts:
    """The failed logins of the last minute."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures: OrderedDict[_Key, deque[float]] = OrderedDict()
        """When they were (monotonic), no more of them than the limit; what was touched last is last."""

    def check(self, place: str, account: str, now: Now) -> None:
        """May there be one more? ``account`` names whatever is shown; empty for tokens, which name nobody.

        :raises Refused: RETRY_AFTER.
        """
        wait = max((self._wait(key, most, now.monotonic) for key, most in self._counted(place, account)), default=0.0)
        if wait > 0:
            reason = "too many failed logins; try again later"
            raise Refused(ErrorCode.RETRY_AFTER, reason, wait)

    def failed(self, place: str, account: str, now: Now) -> None:
        """There was one more."""
        for key, most in self._counted(place, account):
            self._failures.setdefault(key, deque(maxlen=most)).append(now.monotonic)
            self._failures.move_to_end(key)
            if len(self._failures) > self._limits.failed_login_keys:
                self._failures.popitem(last=False)

    def _counted(self, place: str, account: str) -> list[tuple[_Key, int]]:
        """Under what a login counts, and how often each may fail."""
        limits = self._limits
        counted: list[tuple[_Key, int]] = []
        if account:
            counted.append((("account", account, place), limits.failed_logins_per_account))
            counted.append((("account", account), limits.failed_logins_per_account_everywhere))
        if place:
            counted.append((("place", place), limits.failed_logins_per_place))
        return counted

    def _wait(self, key: _Key, most: int, now: float) -> float:
        """Seconds until one more may fail under this key; 0 or less for at once."""
        times = self._failures.get(key)
        if times is None or len(times) < most:
            return 0.0
        return times[0] + self._limits.failed_login_seconds - now

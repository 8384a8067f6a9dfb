"""Whom to ask for a proof that it has a content, instead of the bytes.

A question costs the disk up to 16 MiB of reading. Who has left some without the right answer lately is not asked: then
the bytes must come, as they must for a content that nobody has sent yet.
"""

from collections import deque

from chatnet.clock import Now
from chatnet.model import UserId

IN_VAIN = 3
"""Questions without a right answer, in `SECONDS`, after which a user is asked no more."""
SECONDS = 3600.0


class Questions:
    """What was asked in vain, or is not answered yet."""

    def __init__(self) -> None:
        self._open: dict[UserId, deque[float]] = {}
        """When (monotonic), the oldest first."""

    def ask(self, user: UserId, now: Now) -> bool:
        """May the user be asked? Then it is."""
        times = self._open.setdefault(user, deque())
        while times and now.monotonic - times[0] >= SECONDS:
            times.popleft()
        if len(times) >= IN_VAIN:
            return False
        times.append(now.monotonic)
        return True

    def answered(self, user: UserId) -> None:
        """The user has given a right answer."""
        times = self._open.get(user)
        if times:
            times.pop()
        if not times:
            self.forget(user)

    def forget(self, user: UserId) -> None:
        """The user has no open question, or is gone."""
        self._open.pop(user, None)

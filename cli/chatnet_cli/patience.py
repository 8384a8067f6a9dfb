"""How long a command keeps trying with ``--retry TIME``: until nothing has got on for so long.

A text either is sent or is not, so the time counts from the first attempt. A file gets on piece by piece, and what
moves is never given up: the time counts from the last byte that moved.

Without ``--retry`` there is one attempt; a client that moves files then waits for a lost connection by itself, as long
as it takes, since whoever sits there can press Ctrl-C.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from chatnet.client.backoff import Backoff
from chatnet.client.driver import chance
from chatnet.errors import ChatnetError, ErrorCode, TimedOut
from chatnet_cli.exit_codes import passes
from chatnet_cli.failures import first_line

if TYPE_CHECKING:
    from chatnet.client.progress import Progress

T = TypeVar("T")
_MOVING = ("sending", "receiving")


class Patience:
    """The time that is left, from now on; without ``seconds`` there is none, for a single attempt."""

    def __init__(self, seconds: int | None) -> None:
        self._seconds = seconds
        self._since = time.monotonic()
        self._name, self._most = "", 0
        """Of the file that moved last, and how far it was at most."""

    @property
    def left(self) -> float:
        """Seconds; none at all if it is not positive."""
        return 0.0 if self._seconds is None else self._since + self._seconds - time.monotonic()

    def following(self, show: "Callable[[Progress], None]") -> "Callable[[Progress], None]":
        """Show progress, and be patient again with each that there is.

        What is returned raises `TimedOut`, and so ends the transfer that calls it, where the server has none for long.
        """

        def tell(progress: "Progress") -> None:
            show(progress)
            self._look(progress)
            if self._seconds is not None and progress.waiting_for and self.left <= 0:
                why = f": {progress.reason}" if progress.reason else ""
                raise TimedOut(ErrorCode.NO_ANSWER, f"it did not get on for {self._seconds} s{why}")

        return tell

    def _look(self, progress: "Progress") -> None:
        if progress.phase not in _MOVING:
            return
        if progress.name != self._name:
            self._name, self._most = progress.name, progress.done
        elif progress.done > self._most:
            self._most, self._since = progress.done, time.monotonic()


def keep_trying(attempt: Callable[[], T], patience: Patience, tell: Callable[[str], None]) -> T:
    """Try once, and again while there is patience left and the failure is one that may pass.

    ``tell``: called with a safe text when it has failed for the first time, and whenever it had got on in between.
    :raises ChatnetError: of the last attempt.
    """
    backoff, told = Backoff(chance), 0.0
    while True:
        try:
            return attempt()
        except ChatnetError as error:
            left = patience.left
            if left <= 0 or not passes(error):
                raise
            if told <= left:
                backoff.reset()
                tell(f"{first_line(error)}; trying again for {left:.0f} s")
            told = left
            time.sleep(min(left, backoff.next_delay(getattr(error, "retry_after", 0.0))))

"""How long to wait before connecting again.

Exponential back-off with full jitter: clients that lost the same server at the same moment come back spread over the
whole delay, so that it is not run over while it starts. What a server asks for with ``retry_after`` is a floor.

Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from collections.abc import Callable

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
LONGEST_ASKED = 3600.0
"""More than this is not waited, whatever a server asks for."""


def sane_delay(seconds: float) -> float:
    """A delay that the other side asked for, between 0 and `LONGEST_ASKED`; not-a-number is 0."""
    return min(seconds, LONGEST_ASKED) if seconds > 0 else 0.0


class Backoff:
    """Delays in seconds, for one connection that is tried again and again. ``random`` gives numbers in [0, 1)."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._ceiling = BASE_SECONDS

    def next_delay(self, retry_after: float = 0.0) -> float:
        """The next delay: at least ``retry_after``, and at most `CAP_SECONDS` more than that."""
        delay = sane_delay(retry_after) + self._random() * self._ceiling
        self._ceiling = min(CAP_SECONDS, 2 * self._ceiling)
        return delay

    def reset(self) -> None:
        """The connection is good again."""
        self._ceiling = BASE_SECONDS

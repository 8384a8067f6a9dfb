"""Time as a value.

Nothing below the network layer looks at a clock; whoever calls it says what time it is. So a whole server runs
under a virtual clock, and a test about an hour takes no time.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on two clocks."""

    monotonic: float
    """Seconds from an arbitrary start, never going back: for limits and time-outs."""
    wall: int
    """Milliseconds since 1970-01-01 UTC: for stamps that people read."""


class Clock(Protocol):
    """Where the composition gets the time from."""

    def now(self) -> Now:
        """The present moment."""
        ...

"""How long the loop keeps others waiting.

Whoever becomes ready while a turn is under way waits for its end, so a turn's length is the longest that anybody waited
because of the loop itself. How late a timer comes adds what the system did: it may have let the process wait. Both are
known anyway, so this costs no look at the clock.
"""

TIMER_RESOLUTION = 0.001
"""A selector waits for whole milliseconds, so much a timer is late with nothing to do."""


class Lateness:
    """The worst of this second and of the one before."""

    __slots__ = ("_before", "this_second")

    def __init__(self) -> None:
        self._before = 0.0
        self.this_second = 0.0
        """The worst so far."""

    @property
    def worst(self) -> float:
        """Seconds: of the last whole second, and what there is of this one."""
        return max(self._before, self.this_second)

    def note(self, seconds: float) -> None:
        """Somebody may have waited so long."""
        if seconds > self.this_second:
            self.this_second = seconds

    def next_second(self) -> None:
        """A second is over."""
        self._before, self.this_second = self.this_second, 0.0

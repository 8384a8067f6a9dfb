"""A clock that only a test moves, with things that fall due while it moves.

Whatever a simulation lets happen later (bytes that arrive, a store that answers) hangs on the one clock, so that
there is one order of events and the same seed gives the same run.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from chatnet.clock import Now

WALL_START = 1_700_000_000_000
"""Milliseconds since 1970 UTC at which virtual time starts: some day in November 2023."""


class VirtualClock:
    """A `chatnet.clock.Clock` that stands still until it is told to advance.

    Monotonic time starts at ``monotonic`` seconds, wall time at ``wall`` milliseconds; both move together.
    """

    def __init__(self, monotonic: float = 0.0, wall: int = WALL_START) -> None:
        self._monotonic = self._start = monotonic
        self._wall = wall
        self._now = Now(monotonic, wall)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0

    def now(self) -> Now:
        """The present moment; the same until somebody advances the clock."""
        if self._now.monotonic != self._monotonic:
            self._now = Now(self._monotonic, self._wall + round((self._monotonic - self._start) * 1000))
        return self._now

    @property
    def next_due(self) -> float | None:
        """The monotonic time of the next action that was planned, or None if none is."""
        return self._due[0][0] if self._due else None

    def call_at(self, monotonic: float, action: Callable[[], None]) -> None:
        """Run ``action`` when the clock gets to ``monotonic``; of two at the same time, the first planned."""
        self._planned += 1
        heappush(self._due, (monotonic, self._planned, action))

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run ``action`` when ``seconds`` have passed."""
        self.call_at(self._monotonic + seconds, action)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, and run everything that falls due on the way, each at its own time."""
        self.advance_to(self._monotonic + seconds)

    def advance_to(self, monotonic: float) -> None:
        """Let time pass until ``monotonic`` seconds; a time that has passed runs only what is due already."""
        while self._due and self._due[0][0] <= max(monotonic, self._monotonic):
            due, _, action = heappop(self._due)
            self._monotonic = max(self._monotonic, due)
            action()
        self._monotonic = max(self._monotonic, monotonic)

"""The four small plots: what of the server's figures is drawn, for how long back, and on which scale."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chatnet.events import Stats

KEPT = 120
"""Points of a plot; there is one a second."""
_STEPS = (1.0, 2.0, 5.0)
_HEADROOM = 1.1


@dataclass(slots=True)
class Plot:
    """One line over time."""

    title: str
    least: float
    """The scale does not end below this."""
    show: Callable[[float], str]
    points: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def shown(self) -> str:
        """The newest value, for people."""
        return self.show(self.points[-1]) if self.points else "-"

    @property
    def top(self) -> float:
        """The upper end of the scale: 1, 2 or 5 times a power of ten."""
        highest = max(self.points, default=0.0) * _HEADROOM
        power = self.least
        while True:
            for step in _STEPS:
                if highest <= step * power:
                    return step * power
            power *= 10

    @property
    def top_shown(self) -> str:
        """The same, for people; empty while there is nothing to measure."""
        return self.show(self.top) if self.points else ""

    def line(self, width: float, height: float) -> list[tuple[float, float]]:
        """Where to draw it in a field of this size, the newest point at the right."""
        step, top = width / (KEPT - 1), self.top
        first = KEPT - len(self.points)
        return [((first + i) * step, height * (1 - value / top)) for i, value in enumerate(self.points)]


def _rate(value: float) -> str:
    return f"{_number(value)}/s"


def _count(value: float) -> str:
    return f"{int(value):,}"


def _milliseconds(value: float) -> str:
    return f"{_number(value * 1000)} ms"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


class Plots:
    """Made of one `Stats` after the other."""

    def __init__(self) -> None:
        self.messages = Plot("Messages", 1.0, _rate)
        self.deliveries = Plot("Deliveries", 1.0, _rate)
        self.connections = Plot("Connections", 1.0, _count)
        self.lag = Plot("Loop lag", 0.001, _milliseconds)
        self._last: Stats | None = None

    @property
    def all(self) -> Sequence[Plot]:
        return (self.messages, self.deliveries, self.connections, self.lag)

    def clear(self) -> None:
        """Begin anew."""
        self._last = None
        for plot in self.all:
            plot.points.clear()

    def add(self, stats: Stats) -> None:
        """One more point for each; another run of the server begins anew, since its counters do."""
        last = self._last
        if last is not None and last.server.started != stats.server.started:
            self.clear()
            last = None
        self._last = stats
        self.connections.points.append(float(stats.connections))
        self.lag.points.append(stats.lag)
        seconds = (stats.time - last.time) / 1000 if last is not None else 0.0
        if last is not None and seconds > 0:
            self.messages.points.append((stats.messages - last.messages) / seconds)
            self.deliveries.points.append((stats.deliveries - last.deliveries) / seconds)

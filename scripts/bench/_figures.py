"""What was measured: rows of figures, what they should be, and the same measured several times."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from _setting import Setting


def percentile(times: Sequence[float], percent: float) -> float:
    """Within so many seconds, this part of all was over; ``times`` are sorted. 0 of none."""
    return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else 0.0


@dataclass(frozen=True)
class Row:
    """One case of a benchmark, measured once: figures by their name, which ends in their unit."""

    case: str
    figures: dict[str, float]
    faults: tuple[str, ...] = ()
    """What was lost, said twice, out of order...: with any, the figures mean nothing."""


@dataclass(frozen=True)
class Bar:
    """What a figure should be at most, or at least."""

    case: str
    figure: str
    most: float = float("inf")
    least: float = float("-inf")

    def __str__(self) -> str:
        limit = f"at most {self.most:,g}" if self.most < float("inf") else f"at least {self.least:,g}"
        return f"{self.case}: {self.figure} {limit}"

    def is_met(self, value: float) -> bool:
        return self.least <= value <= self.most


@dataclass(frozen=True)
class Benchmark:
    """``measure`` yields the rows of one round; several rounds give a median and its spread."""

    name: str
    what: str
    measure: Callable[[Setting], Iterator[Row]]
    bars: tuple[Bar, ...] = ()


@dataclass
class Result:
    """All rounds of one benchmark."""

    benchmark: Benchmark
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By case and figure, one of each round."""
    faults: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """A row of another round."""
        figures = self.values.setdefault(row.case, {})
        for name, value in row.figures.items():
            figures.setdefault(name, []).append(value)
        self.faults += [f"{row.case}: {fault}" for fault in row.faults]

    def bars(self) -> Iterator[tuple[Bar, float, bool]]:
        """Each bar whose case was measured, with the median and whether it meets it."""
        for bar in self.benchmark.bars:
            values = self.values.get(bar.case, {}).get(bar.figure)
            if values:
                median = statistics.median(values)
                yield bar, median, bar.is_met(median)

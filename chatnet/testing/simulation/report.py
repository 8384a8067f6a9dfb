"""What runs have been worth: how much was said, and at which steps processes ended."""

import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from chatnet.testing.simulation.file_ledger import FileEvent
from chatnet.testing.simulation.kills import ClientStep, ServerStep


@dataclass(frozen=True, slots=True)
class Report:
    """One run without a violation."""

    seed: int
    store: str
    """``memory`` or ``sqlite``."""
    messages: int
    """Stored."""
    deliveries: int
    """Messages sent to clients, those again that were sent twice."""
    connections: int
    kills: dict[ServerStep, int]
    """How often the server was killed at each step."""
    crashes: dict[ClientStep, int]
    """How often a client crashed at each step."""
    files: dict[FileEvent, int]
    """How often what happened to files."""
    seconds: float
    """Of virtual time."""
    digest: str
    """Of the trace."""


class Sums:
    """Of all reports so far."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.seeds = self.messages = self.deliveries = self.connections = 0
        self.stores: Counter[str] = Counter()
        self.kills: Counter[Enum] = Counter()
        self.crashes: Counter[Enum] = Counter()
        self.files: Counter[Enum] = Counter()

    def add(self, report: Report) -> None:
        """One more."""
        self.seeds += 1
        self.messages += report.messages
        self.deliveries += report.deliveries
        self.connections += report.connections
        self.stores[report.store] += 1
        self.kills.update(report.kills)
        self.crashes.update(report.crashes)
        self.files.update(report.files)

    @property
    def rate(self) -> float:
        """Seeds in a second."""
        return self.seeds / (time.monotonic() - self.start)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.start
        return (
            f"{self.seeds} seeds without a violation ({_counts(self.stores)}): {self.messages} messages, "
            f"{self.deliveries} deliveries, {self.connections} connections in {seconds:.1f} s, "
            f"{self.rate:.1f} seeds a second\n"
            f"the server was killed {self.kills.total()} times ({_counts(_named(self.kills))})\n"
            f"clients crashed {self.crashes.total()} times ({_counts(_named(self.crashes))})\n"
            f"files: {_counts(_named(self.files))}"
        )


def _named(steps: Counter[Enum]) -> Counter[str]:
    return Counter({step.name.lower(): count for step, count in steps.items()})


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{what}: {counts[what]}" for what in sorted(counts)) or "never"

"""What happened in a run, line by line, and the one error that ends it.

The rule kept here: a line is made of virtual time, names that the seed chose and protocol values alone; never of ids,
hashes or real time. So the same seed gives the same trace, byte for byte, on every machine.
"""

import hashlib

from chatnet.testing.clock import VirtualClock


class Violation(BaseException):
    """An invariant does not hold. ``rule`` names it: I1 to I8 as in docs/architecture.md, or a word for all others.

    Not an `Exception`: an event loop goes on after one of those.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


class Trace:
    """The lines of one run."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.lines: list[str] = []

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._clock.now().monotonic

    def add(self, who: str, what: str) -> None:
        """Something happened now."""
        self.lines.append(f"{self.now:9.3f} {who} {what}")

    def text(self) -> str:
        """The whole trace."""
        return "".join(f"{line}\n" for line in self.lines)

    def digest(self) -> str:
        """The SHA-256 of the whole trace, in hexadecimal: the same for two runs exactly if they were the same."""
        return hashlib.sha256(self.text().encode()).hexdigest()

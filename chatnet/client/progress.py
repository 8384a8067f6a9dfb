"""How a transfer is getting on, in figures for people: told often enough to be looked at, and no oftener."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

Phase = Literal["hashing", "sending", "receiving", "checking"]
Waiting = Literal["", "connection", "server"]


class Progress(msgspec.Struct, frozen=True):
    """Where a transfer stands."""

    name: str
    """Of the file, as its sender calls it: hostile where others chose it."""
    done: int
    """Bytes that this phase is done with, of ``total``; what an earlier try has brought over counts."""
    total: int
    rate: float
    """Bytes a second, over the last seconds."""
    left: float | None
    """Seconds that this phase will take at that rate; None if nobody knows."""
    phase: Phase
    """"hashing": a source is read for the first time; "checking": what there is, is compared or proven."""
    waiting_for: Waiting = ""
    """What it stands still for, if it does: a new "connection", or the "server"."""
    reason: str = ""
    """Why the server wants to be waited for, if it has said so."""


SHOWN_SECONDS = 0.1
"""Between two reports, at least."""
FRESH_SECONDS = 1.0
"""Between two reports at most, so that whoever hears of a transfer knows for how long nothing has moved."""
_RATE_SECONDS = 5.0
_STALL_SECONDS = 3.0
"""Without a byte, after which it is the server that is waited for."""
_SHORTEST_RATE = 0.3
"""A rate over less than that says nothing."""

Tell = Callable[[Progress], None]


class Meter:
    """Makes `Progress` of what one transfer does, for ``tell``. ``now``: seconds of a monotonic clock."""

    def __init__(self, tell: Tell | None, now: Callable[[], float] = time.monotonic) -> None:
        self.name = ""
        """Of the file, once it is known."""
        self._tell = tell
        self._now = now
        self._shown = self._told = Progress("", 0, 0, 0.0, None, "checking")
        self._told_at = -math.inf
        self.due = -math.inf
        """When to call `show` again, even if nothing happens."""
        self._samples: deque[tuple[float, int]] = deque()
        """When how much had moved, over the last seconds, the oldest first."""
        self._moved_at = -math.inf

    def show(
        self,
        phase: Phase,
        done: int,
        total: int,
        moved: int | None = None,
        waiting_for: Waiting = "",
        reason: str = "",
    ) -> None:
        """Say how far it is. ``moved``: the bytes that count for the rate, by default ``done``."""
        now = self._now()
        if phase != self._shown.phase:
            self._samples.clear()
        rate = self._rate(now, done if moved is None else moved)
        if waiting_for:
            self._moved_at = now
        elif now - self._moved_at >= _STALL_SECONDS:
            waiting_for = "server"
        left = (total - done) / rate if rate > 0 and not waiting_for else None
        self._shown = Progress(self.name, done, total, rate, left, phase, waiting_for, reason)
        if now >= self._told_at + self._pause():
            self._say(now)
        self.due = self._told_at + self._pause()

    def _pause(self) -> float:
        return FRESH_SECONDS if self._shown == self._told else SHOWN_SECONDS

    def end(self) -> None:
        """It is over: say the last word, if it was not said."""
        if self._shown != self._told:
            self._say(self._now())

    def _say(self, now: float) -> None:
        self._told, self._told_at = self._shown, now
        if self._tell is not None:
            self._tell(self._shown)

    def _rate(self, now: float, moved: int) -> float:
        samples = self._samples
        if not samples or samples[-1][1] != moved:
            self._moved_at = now
        if not samples or now - samples[-1][0] >= SHOWN_SECONDS:
            samples.append((now, moved))
        while now - samples[0][0] > _RATE_SECONDS:
            samples.popleft()
        since, before = samples[0]
        return (moved - before) / (now - since) if now - since >= _SHORTEST_RATE else 0.0

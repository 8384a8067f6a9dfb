"""What a person sees of files on their way: a line for the current one, a line for all of them, a word at each end.

On a terminal the lines are drawn over in place; elsewhere there is only the word at the end of each, and one when it
stands still and one when it goes on. With ``--quiet`` there is nothing at all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chatnet.quantities import show_size
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import talk
from chatnet_cli.progress_line import State, percent_of, progress_line
from chatnet_cli.redrawing import Redrawn
from chatnet_cli.safe_text import safe_name

if TYPE_CHECKING:
    from chatnet.client.progress import Progress

_PAUSE = 0.1
"""Seconds between two drawings: the eye follows no more."""
_WAITING = {"connection": "connection lost, trying again", "server": "waiting for the server"}
_PHASES = {"hashing": "reading it", "checking": "checking it"}
_MOVING = ("sending", "receiving")
_WORTH_A_SPEED = 1.0
"""Seconds from which on a speed means something."""


class TransferDisplay:
    """Of the files of one command: ``count`` of them, with ``total`` bytes in all if that is known.

    ``verb``: what is done with them, ``sent`` or ``received``. Ctrl-C ends it with a word on how to go on.
    """

    def __init__(self, verb: str, count: int = 1, total: int | None = None, *, quiet: bool = False) -> None:
        self._verb, self._count, self._total, self._quiet = verb, count, total, quiet
        self._lines = Redrawn()
        self._files_done, self._bytes_done = 0, 0
        self._next_drawing = 0.0
        self._last: Progress | None = None
        """How far the current file is, as far as is known."""
        self._note = ""
        self._is_stalled = False
        """Was it said that the current file stands still?"""
        self._moved_from: tuple[float, int] | None = None
        """When the first byte of this file moved, and how much was there already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._lines.erase()
        if kind is KeyboardInterrupt:
            raise Failure(ExitCode.INTERRUPTED, self._how_to_go_on()) from None

    def _how_to_go_on(self) -> str:
        again = "Run the same command again to go on from there."
        if self._last is None or self._last.phase == "hashing" or not self._last.name:
            begun = f"after {self._files_done} of {self._count} files" if self._files_done else "before it began"
            return f"stopped {begun}\n{again}"
        name, percent = safe_name(self._last.name), percent_of(self._last.done, self._last.total)
        if percent == 100 and self._verb == "sent":
            return f"stopped after all of {name} was {self._verb}\n'chatnet files' tells what is shared by now."
        return f"stopped at {percent}% of {name}; what was {self._verb} is kept\n{again}"

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """What is drawn meanwhile is gone afterwards, so that others may print."""
        try:
            yield
        finally:
            self._lines.erase()

    def show(self, progress: "Progress") -> None:
        """The callback for a transfer."""
        now = time.monotonic()
        self._last = progress
        if self._moved_from is None and progress.phase in _MOVING:
            self._moved_from = now, progress.done
        state = state_of(progress)
        if not self._lines.is_seen and not self._quiet:
            self._tell_of_stalls(progress, state)
        if now >= self._next_drawing or state.note != self._note:
            self._next_drawing, self._note = now + _PAUSE, state.note
            self._draw(state)

    def _tell_of_stalls(self, progress: "Progress", state: State) -> None:
        """Once for each time that it stands still, whatever it waits for by and by."""
        is_stalled = bool(progress.waiting_for)
        if is_stalled and not self._is_stalled:
            why = f": {safe_name(progress.reason)}" if progress.reason else ""
            self.tell(f"{state.name}: {state.note}{why}")
        elif self._is_stalled and not is_stalled:
            self.tell(f"{state.name} goes on")
        self._is_stalled = is_stalled

    def show_reading(self, name: str, done: int, total: int | None) -> None:
        """So many bytes were read, before anything moves; of a pipe nobody knows how many there are."""
        now = time.monotonic()
        if now >= self._next_drawing:
            self._next_drawing = now + _PAUSE
            self._draw(State(safe_name(name), done, total, 0.0, None, _PHASES["hashing"]))

    def end(self, name: str, size: int) -> None:
        """The current file is done: ``sent video.mkv (1.4 GiB, 11 MiB/s)``."""
        self._lines.erase()
        self.skip(size, f"{self._verb} {safe_name(name)} ({show_size(size)}{self._speed(size)})")

    def tell(self, text: str) -> None:
        """Say something safe that is no progress."""
        self._lines.erase()
        talk(f"chatnet: {text}")

    def skip(self, size: int, why: str = "") -> None:
        """The current file, of this size, is done; the next one comes."""
        if why and not self._quiet:
            self.tell(why)
        self._files_done += 1
        self._bytes_done += size
        self._last, self._moved_from, self._next_drawing = None, None, 0.0
        self._is_stalled = False

    def _speed(self, size: int) -> str:
        if self._moved_from is None:
            return ""
        since, done = self._moved_from
        seconds = time.monotonic() - since
        return f", {show_size(round((size - done) / seconds))}/s" if seconds >= _WORTH_A_SPEED and size > done else ""

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw(self, state: State) -> None:
        if self._quiet or not self._lines.is_seen:
            return
        width = self._lines.width
        lines = [progress_line(replace(state, name=self._lines.shown(state.name)), width)]
        if self._count > 1:
            lines.append(progress_line(self._of_all(state), width))
        self._lines.draw(lines)

    def _of_all(self, current: State) -> State:
        done = self._bytes_done + (0 if current.note == _PHASES["hashing"] else current.done)
        left = None
        if self._total is not None and current.rate and not current.note:
            left = max(0, self._total - done) / current.rate
        return State(f"{self._files_done} of {self._count} files", done, self._total, 0.0, left)


def state_of(progress: "Progress") -> State:
    """What is shown of a transfer."""
    note = _WAITING.get(progress.waiting_for, "") or _PHASES.get(progress.phase, "")
    # Of a download, name and size are known once the server has answered.
    total = progress.total if progress.name else None
    return State(safe_name(progress.name) or "...", progress.done, total, progress.rate, progress.left, note)

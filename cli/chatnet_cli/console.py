"""Where the lines of ``chatnet chat`` come from and go to: a terminal, or pipes.

Lines are read in a thread of their own, one for each `ask`, so that messages can be shown while somebody types: the
line being typed is taken off the screen, and put back below. Only `ask` starts to read, so whatever a line causes is
shown before the next prompt.
"""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import BinaryIO

from chatnet_cli.failures import Failure
from chatnet_cli.message_text import ENOUGH, decode_text
from chatnet_cli.output import Style, is_terminal, put, talk

Line = str | Failure | None
"""What was typed; or what is wrong with it; or None at the end of the input."""


class Console:
    """Reads and shows lines. ``woken`` is called, from another thread, whenever a line has come."""

    def __init__(self, woken: Callable[[], None]) -> None:
        self.is_terminal = is_terminal(sys.stdin) and is_terminal(sys.stdout)
        self.style = Style(sys.stdout)
        self._woken = woken
        self._prompts: SimpleQueue[str] = SimpleQueue()
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._prompt: str | None = None
        """What stands in front of the cursor now; None while nobody is asked."""
        self._terminal = _Terminal() if self.is_terminal and os.environ.get("TERM") != "dumb" else None
        threading.Thread(target=self._read, name="console", daemon=True).start()

    def close(self) -> None:
        """Leave the terminal as it was, also in the middle of a line."""
        if self._terminal is not None:
            self._terminal.restore()

    # -- input ------------------------------------------------------------------------------------------------

    def ask(self, prompt: str) -> None:
        """Let one more line come; the prompt is shown on terminals only."""
        self._prompt = prompt
        self._prompts.put(prompt)

    def has_line(self) -> bool:
        """Is there a line to `take`?"""
        return not self._lines.empty()

    def take(self) -> Line:
        """The line that was asked for."""
        line = self._lines.get()
        self._prompt = None
        if line is None and self.is_terminal:
            put("")  # so that the shell's prompt does not follow this one
        return line

    def _read(self) -> None:
        """The thread: a prompt in, a line out, until the input ends."""
        lines = _typed_lines(self._prompts.get) if self.is_terminal else _piped_lines(self._prompts.get)
        for line in lines:
            self._lines.put(line)
            self._woken()
        self._lines.put(None)
        self._woken()

    # -- output -----------------------------------------------------------------------------------------------

    def show(self, line: str) -> None:
        """Print data above the prompt."""
        self._above_prompt(lambda: put(line))

    def tell(self, line: str) -> None:
        """Print talk above the prompt."""
        self._above_prompt(lambda: talk(line))

    def _above_prompt(self, write: Callable[[], None]) -> None:
        if self._terminal is None or self._prompt is None:
            write()
            return
        self._terminal.erase(self._prompt)
        write()
        self._terminal.redraw(self._prompt)


class _Terminal:
    """What is on the screen of the line being typed. Where readline is missing (Windows), that is not known."""

    def __init__(self) -> None:
        try:
            import readline
            import termios
        except ImportError:
            self._buffer: Callable[[], str] = str
            self.restore: Callable[[], None] = lambda: None
        else:
            # Else several pasted lines would come as one.
            readline.parse_and_bind("set enable-bracketed-paste off")
            self._buffer = readline.get_line_buffer
            descriptor = sys.stdin.fileno()
            modes = termios.tcgetattr(descriptor)
            self.restore = lambda: termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)

    def erase(self, prompt: str) -> None:
        rows_above = len(prompt + self._buffer()) // shutil.get_terminal_size().columns
        sys.stdout.write((f"\x1b[{rows_above}A" if rows_above else "") + "\r\x1b[J")
        sys.stdout.flush()

    def redraw(self, prompt: str) -> None:
        sys.stdout.write(prompt + self._buffer())
        sys.stdout.flush()


def _typed_lines(next_prompt: Callable[[], str]) -> Iterator[Line]:
    while True:
        try:
            yield input(next_prompt())
        except (EOFError, OSError):  # Ctrl-D; the terminal is gone
            return


def _piped_lines(next_prompt: Callable[[], str]) -> Iterator[Line]:
    if sys.stdin is None:
        return
    # Not sys.stdin itself: the interpreter cannot end while a thread waits inside it.
    with open(sys.stdin.fileno(), "rb", closefd=False) as file:
        while True:
            next_prompt()
            raw = file.readline(ENOUGH)
            if not raw:
                return
            try:
                yield decode_text(raw)
            except Failure as failure:
                _skip_line(file, raw)
                yield failure


def _skip_line(file: BinaryIO, raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(ENOUGH)

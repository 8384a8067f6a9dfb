"""Where output goes: data to stdout, one whole line at a time; talk with the person to stderr; colour to terminals.

A line is written and flushed as one piece, so that whoever reads a pipe has it at once, and nothing is ever left
half-written. Whatever is written passes `safe_text.neutral` last, on a terminal and elsewhere: what goes to a file
today is shown on a terminal tomorrow.
"""

import errno
import os
import sys
from typing import TextIO

from chatnet_cli.safe_text import neutral


def put(line: str) -> None:
    """Write one line of data.

    :raises OSError: stdout cannot be written; BrokenPipeError where its reader has gone.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.write(neutral(line) + "\n")
    sys.stdout.flush()


def put_json(value: object) -> None:
    """Write one object as a line of JSON, see `as_json`."""
    put(as_json(value))


def as_json(value: object) -> str:
    """JSON in printable ASCII: whatever reads or shows it, on a terminal or not, it is valid and harmless."""
    import json

    return json.dumps(value, separators=(", ", ": ")).replace("\x7f", "\\u007f")


def talk(line: str) -> None:
    """Tell the person something that is not data. Lost if stderr is closed or full: there is nobody to tell then."""
    write_to_stderr(neutral(line) + "\n")


def write_to_stderr(text: str) -> None:
    """Write a text that is safe already, as `talk` does; an unfinished line is shown too."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        raise
    except OSError:
        return


def is_terminal(stream: TextIO | None) -> bool:
    """Does a person look at this stream, or type into it?"""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


class Style:
    """Emphasis for terminals; plain text anywhere else, and where NO_COLOR (no-color.org) or TERM=dumb asks for it."""

    def __init__(self, stream: TextIO | None) -> None:
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self._on = is_terminal(stream) and not plain

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._on else text

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._on else text


def be_forgiving() -> None:
    """Let no character stop the output: a terminal that has only ASCII shows the others as ``\\xe9``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def abandon_stdout() -> None:
    """Keep the interpreter from flushing, at its end, what could not be written before."""
    if sys.stdout is None:
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        return

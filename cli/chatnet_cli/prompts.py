"""Questions to the person at the terminal. They go to stderr, so that stdout has nothing but data."""

import sys

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.message_text import decode_text
from chatnet_cli.output import is_terminal

_LONGEST_LINE = 4096


def can_ask() -> bool:
    """Is there somebody to ask?"""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(question: str, default: str = "") -> str:
    """A line that the person types; the default for an empty one.

    :raises click.Abort: the input has ended.
    """
    hint = f" [{default}]" if default else ""
    sys.stderr.write(f"{question}{hint}: ")
    sys.stderr.flush()
    line = sys.stdin.readline(_LONGEST_LINE)
    if not line:
        raise click.Abort
    return line.strip() or default


def confirm(question: str) -> bool:
    """Yes or no; anything that is not a yes is a no."""
    return ask(f"{question} [y/N]").lower() in ("y", "yes")


def ask_secret(question: str) -> str:
    """A line that is not shown while it is typed.

    :raises click.Abort: the input has ended.
    """
    from getpass import getpass

    try:
        return getpass(f"{question}: ", sys.stderr)
    except EOFError:
        raise click.Abort from None


def ask_new_password() -> str:
    """A new password, typed twice."""
    while True:
        password = ask_secret("New password")
        if ask_secret("The same once more") == password:
            return password
        sys.stderr.write("They differ; try again.\n")


def read_line(what: str) -> str:
    """The next line of standard input, without its end.

    :raises Failure: NO_INPUT: there is none; BAD_TEXT: it is not UTF-8.
    """
    raw = b"" if sys.stdin is None else sys.stdin.buffer.readline(_LONGEST_LINE)
    if not raw:
        raise Failure(ExitCode.NO_INPUT, f"there is no {what} on standard input")
    return decode_text(raw)

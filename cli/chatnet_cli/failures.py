"""How ``chatnet`` says that something went wrong: one or two lines, and an exit code. Never a traceback.

The first line says what happened and why; the second, what to do next.
"""

import os

import click

from chatnet.errors import ChatnetError, ErrorCode
from chatnet_cli.exit_codes import ExitCode, exit_code_of
from chatnet_cli.safe_text import safe_name

_NEXT_STEPS: dict[str, str] = {
    ErrorCode.UNREACHABLE: "Check the address in --server or CHATNET_SERVER, or try again later.",
    ErrorCode.SHUTTING_DOWN: "Try again once the server is back.",
    ErrorCode.NOT_CHATNET: "Check the host and the port: something else answers there.",
    ErrorCode.BAD_VERSION: "Bring chatnet up to date on the older side; 'chatnet --version' shows what this one is.",
    ErrorCode.NO_ANSWER: "Try again, or wait longer with --timeout.",
    ErrorCode.NAME_IN_USE: "Choose another name with --as NAME.",
    ErrorCode.BAD_CREDENTIALS: "Ask an admin for a new join code; or, with a password, log in: chatnet login",
    ErrorCode.LOGGED_OUT: "Log in again: chatnet login; or ask an admin for a join code.",
    ErrorCode.NO_SUCH_TOKEN: "'chatnet admin tokens' lists them.",
    ErrorCode.NO_SUCH_INVITATION: "'chatnet invite --list' lists those that can still be used.",
    ErrorCode.BAD_NAME: "Examples: alice, build-bot, web1.example",
    ErrorCode.NO_SUCH_USER: "'chatnet who' lists who is online.",
    ErrorCode.NO_SUCH_ROOM: "'chatnet rooms' lists the rooms; 'chatnet rooms create NAME' makes one.",
    ErrorCode.ROOM_EXISTS: "Use it as it is, or choose another name; 'chatnet rooms --all' lists what is taken.",
    ErrorCode.ROOM_ARCHIVED: "Its owner can open it again: chatnet rooms archive NAME --undo",
    ErrorCode.NO_SUCH_FILE: "'chatnet files' lists those that you may fetch.",
    ErrorCode.QUOTA: "'chatnet files' lists what you have shared; 'chatnet files remove FILE_ID' makes room.",
    ErrorCode.TOO_LONG: "Shorten it, or send it as several messages.",
    ErrorCode.SERVER_FULL: "Try again in a minute.",
    ErrorCode.TOO_MANY_SESSIONS: "End another session of this name, or choose another name with --as.",
    ErrorCode.ADDRESS_IN_USE: "Stop what listens there, or choose another port: --bind chatnet+tcp://127.0.0.1:0 takes "
    "a free one.",
}


class Failure(Exception):
    """Something that the command line itself found wrong. ``str()`` of it is one or two lines."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def explain(error: BaseException) -> tuple[ExitCode, str]:
    """The exit code and the text for whatever ended a command; an empty text where nothing needs to be said.

    The text is safe to print, wherever its words come from.
    """
    exit_code, text = _explain(error)
    return exit_code, "\n".join(safe_name(line) for line in text.strip("\n").split("\n"))


def _explain(error: BaseException) -> tuple[ExitCode, str]:
    match error:
        case Failure():
            return error.exit_code, str(error)
        case ChatnetError():
            return exit_code_of(error), _of_chatnet(error)
        case click.FileError():
            return ExitCode.NO_INPUT, error.format_message()
        case click.UsageError():
            return ExitCode.USAGE, _of_usage(error)
        case KeyboardInterrupt() | click.Abort():
            return ExitCode.INTERRUPTED, ""
        case BrokenPipeError():
            return ExitCode.OK, ""
        case OSError():
            return ExitCode.IO, f"input or output failed: {error.strerror or error}"
        case _:
            return ExitCode.BUG, (
                f"a bug in chatnet: {type(error).__name__}: {safe_name(str(error))}\n"
                "Please report it; with CHATNET_TRACEBACK=1 in the environment the same command shows where it is."
            )


def first_line(error: ChatnetError) -> str:
    """What happened, without what to do about it; safe to print."""
    return safe_name(error.message.partition("\n")[0])


def traceback_wanted() -> bool:
    """Did the person ask to see where a bug is?"""
    return bool(os.environ.get("CHATNET_TRACEBACK"))


def _of_chatnet(error: ChatnetError) -> str:
    next_step = _NEXT_STEPS.get(error.code, "")
    return f"{error.message}\n{next_step}" if next_step and "\n" not in error.message else error.message


def _of_usage(error: click.UsageError) -> str:
    message = safe_name(error.format_message())
    if error.ctx is None:
        return message
    return f"{message}\nTry '{error.ctx.command_path} --help'."

"""What to say: from the command line or from standard input, checked before a connection is made.

Only what needs no server is checked here; which characters a message may have is for the server to say.
"""

import sys
from typing import BinaryIO

import click

from chatnet.core.limits import Limits
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import is_terminal

MAX_BYTES = Limits().text
"""A longer text is refused by every server with the default limits, so it is not even read to its end."""
ENOUGH = MAX_BYTES + len("\r\n") + 1
"""Bytes that tell whether a text is too long."""


def message_text(words: tuple[str, ...]) -> str:
    """The text of the one argument TEXT; of standard input where there is none, or where it is ``-``.

    :raises click.UsageError: several arguments, or none and standard input is a terminal.
    :raises Failure: BAD_TEXT; or NO_INPUT where there is no standard input.
    """
    if len(words) > 1:
        raise click.UsageError(f'put the text in quotes: "{" ".join(words)}"')
    if words and words[0] != "-":
        return check_text(words[0])
    if sys.stdin is None:
        raise Failure(ExitCode.NO_INPUT, "there is no TEXT and no standard input to read it from")
    if not words and is_terminal(sys.stdin):
        raise click.UsageError('say what to send: chatnet send --to bob "hi", or pipe it in: date | chatnet send ...')
    return check_text(read_text(sys.stdin.buffer))


def read_text(stream: BinaryIO) -> str:
    """Read one message to the end of the stream, or until it is too long; without its last line's end.

    :raises Failure: BAD_TEXT: it is too long, or not UTF-8.
    """
    return decode_text(stream.read(ENOUGH))


def decode_text(raw: bytes) -> str:
    """The text in what was read, without its last line's end; ``raw`` has at most `ENOUGH` bytes of it.

    :raises Failure: BAD_TEXT: it is too long, or not UTF-8.
    """
    if len(raw.removesuffix(b"\n").removesuffix(b"\r")) > MAX_BYTES:
        raise _too_long(f"more than {MAX_BYTES}")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            ExitCode.BAD_TEXT,
            f"the input is not UTF-8 text: byte {error.start + 1} is 0x{raw[error.start]:02x}\n"
            "Convert it first, for instance with iconv -f latin1 -t utf-8",
        ) from None
    return text.replace("\r\n", "\n").removesuffix("\n")


def check_text(text: str) -> str:
    """Return a text that can be a message, as it is.

    :raises Failure: BAD_TEXT: it is empty, too long, or has half characters.
    """
    if not text:
        raise Failure(ExitCode.BAD_TEXT, "the text is empty: there is nothing to send")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Failure(ExitCode.BAD_TEXT, "the text has bytes that are no characters in this locale") from None
    if size > MAX_BYTES:
        raise _too_long(str(size))
    return text


def _too_long(size: str) -> Failure:
    return Failure(
        ExitCode.BAD_TEXT,
        f"the text is too long: it has {size} bytes, and a message has at most {MAX_BYTES} (16 KiB)\n"
        "Shorten it, or send it as several messages: split -C 16000 FILE part-",
    )

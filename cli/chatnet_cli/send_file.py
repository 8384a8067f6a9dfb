"""The part of ``chatnet send`` that is about ``--file``: what is meant, and what makes no sense."""

import os
import sys
from pathlib import Path

import click

from chatnet.client.receipts import Stage
from chatnet_cli.message_text import message_text
from chatnet_cli.options import Account
from chatnet_cli.output import is_terminal
from chatnet_cli.sharing import Sharing, share

STDIN = "-"


def send_file(
    account: Account,
    files: tuple[str, ...],
    name: str | None,
    words: tuple[str, ...],
    *,
    user: str | None,
    room: str | None,
    wait: Stage,
    key: str | None,
    retry: int | None,
    quiet: bool,
) -> dict[str, object]:
    """Share a file; what is to be told of it as JSON.

    :raises click.UsageError: the options make no sense together.
    :raises ChatnetError, Failure: it is not shared.
    """
    place = f"--to {user}" if user is not None else f"--room {room}"
    file = _one_file(files, words, place)
    _check_stdin(file, name, words)
    text = message_text(words) if words else ""
    if name == "":
        raise click.UsageError("the NAME after --name is empty")
    sharing = Sharing(account, user, room, text, retry, quiet, wait, key)
    if file == STDIN:
        return share(sharing, None, name or "")
    return share(sharing, Path(file), name or Path(file).name)


def _one_file(files: tuple[str, ...], words: tuple[str, ...], place: str) -> str:
    """The file; several are for ``upload``, also where a shell has made them of ``--file *.csv``."""
    if not files[0]:
        raise click.UsageError("the PATH after --file is empty")
    more = [*files[1:], *(word for word in words if os.path.exists(word))]
    if more:
        several = " ".join((files[0], *more))
        hint = f"; or, if {more[0]!r} is what to say: --text {more[0]!r}" if not files[1:] else ""
        raise click.UsageError(f"for several files: chatnet upload {place} {several}{hint}")
    return files[0]


def _check_stdin(file: str, name: str | None, words: tuple[str, ...]) -> None:
    if file != STDIN:
        return
    if name is None:
        raise click.UsageError("say what the file is to be called: --file - --name project.tar")
    if words == (STDIN,):
        raise click.UsageError("standard input has either the file or the TEXT")
    if is_terminal(sys.stdin):
        raise click.UsageError("pipe the file in: tar c project | chatnet send --file - --name project.tar ...")

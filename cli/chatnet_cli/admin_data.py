"""``chatnet admin backup`` and ``check``: they work on a data folder itself, also while a server runs on it."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import click

from chatnet.errors import ChatnetError, ErrorCode
from chatnet.net.folders import default_data_folder
from chatnet.store.check import Damage
from chatnet.store.opening import FILE_NAME, open_for_reading
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import put
from chatnet_cli.safe_text import safe_name

_data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The server's data folder. Default: {default_data_folder()}",
)


@click.command("backup", short_help="Copy everything that a server keeps.")
@click.argument("file", type=click.Path(path_type=Path))
@_data_option
@click.pass_context
def backup(ctx: click.Context, file: Path, data: Path | None) -> None:
    """Copy everything that a server keeps to the new FILE: one moment of it, complete, and for nobody else to read.

    To go back to it, stop the server and put FILE, named chatnet.db, into an empty folder of your own. Ends with 1 if
    something in the copy, and so in the data folder, is damaged, and says what; the copy is made all the same. Ends
    with 66 if there is nothing to copy, and with 73 if FILE is there already or cannot be made.

    \b
    Examples:
      chatnet admin backup monday.db
      chatnet admin backup monday.db --data /srv/chat
    """
    from chatnet.store.backup import backup as copy

    source = _database(data)
    try:
        damages = copy(source, file)
    except FileExistsError:
        raise Failure(
            ExitCode.CANNOT_CREATE, f"{safe_name(str(file))} is there already\nChoose another name, or remove it first."
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(ExitCode.CANNOT_CREATE, f"cannot make {safe_name(str(file))}: {reason}") from error
    if _tell(damages):
        ctx.exit(ExitCode.NOTHING)
    put(f"{_count(file)} in {safe_name(str(file))}, no damage")


@click.command("check", short_help="Look for damage in what a server keeps.")
@_data_option
@click.pass_context
def check(ctx: click.Context, data: Path | None) -> None:
    """Look at every message and everything else that a server keeps; print what is damaged, one line each.

    Ends with 0 and 'no damage in N messages', with 1 if something is damaged, or with 66 if there is nothing to check.

    \b
    Examples:
      chatnet admin check
      chatnet admin check --data /srv/chat
    """
    from chatnet.store.check import check as look

    path = _database(data)
    # A server may have the file open, but that is another process.
    if _tell(_readable(lambda: look(path, alone=True))):
        ctx.exit(ExitCode.NOTHING)
    put(f"no damage in {_count(path)}")


def _database(data: Path | None) -> Path:
    folder = data or default_data_folder()
    path = folder / FILE_NAME
    try:
        found = path.is_file()
    except OSError as error:
        raise Failure(
            ExitCode.NO_INPUT, f"cannot look into {folder}: {(error.strerror or str(error)).lower()}"
        ) from None
    if not found:
        raise Failure(
            ExitCode.NO_INPUT,
            f"there is no chatnet data in {folder}\nSay where it is with --data, as for 'chatnet serve'.",
        )
    return path


def _readable(look: Callable[[], Iterable[Damage]]) -> Iterable[Damage]:
    try:
        yield from look()
    except ChatnetError as error:
        if error.code != ErrorCode.DATA_UNUSABLE:
            raise
        raise Failure(ExitCode.NO_INPUT, safe_name(error.message)) from error


def _tell(damages: Iterable[Damage]) -> bool:
    """Print each damage; was there any?"""
    any_ = False
    for damage in damages:
        any_ = True
        put(safe_name(str(damage)))
    return any_


def _count(path: Path) -> str:
    with closing(open_for_reading(path)) as database:
        (count,) = database.execute("SELECT coalesce(sum(head - first + 1), 0) FROM heads").fetchone()
    return "1 message" if count == 1 else f"{count} messages"

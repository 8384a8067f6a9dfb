"""``chatnet admin backup`` and ``check``: they work on a data folder itself, also while a server runs on it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatnet.errors import ChatnetError, ErrorCode
from chatnet.net.folders import default_data_folder
from chatnet.quantities import show_size
from chatnet.store.check import Damage
from chatnet.store.file_list import files_of
from chatnet.store.opening import FILE_NAME, open_for_reading
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import put, talk
from chatnet_cli.safe_text import safe_name

if TYPE_CHECKING:
    from chatnet.core.entries import PutFile
    from chatnet.files.copies import ContentCopies

_data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The server's data folder. Default: {default_data_folder()}",
)


@click.command("backup", short_help="Copy everything that a server keeps.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--files",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Copy the contents of files, too, into this folder; the same one may serve all your backups.",
)
@_data_option
@click.pass_context
def backup(ctx: click.Context, file: Path, folder: Path | None, data: Path | None) -> None:
    """Copy everything that a server keeps to the new FILE: one moment of it, complete, and for nobody else to read.

    FILE has all messages and the list of files, but not their contents: those go into the folder of --files. They
    never change, so only new ones are copied; they are hard links, which take no room, if DIR is on the same disk. Keep
    a copy on another one.

    To go back to it, stop the server, put FILE, named chatnet.db, into an empty folder of your own and DIR, named
    files, beside it. Without DIR, files are listed, and nobody can download them.

    Ends with 1 if something in the copy, and so in the data folder, is damaged, and says what; the copy is made all the
    same. Ends with 66 if there is nothing that can be copied, and with 73 if FILE is there already, or FILE or DIR
    cannot be made.

    \b
    Examples:
      chatnet admin backup monday.db --files files-backup
      chatnet admin backup monday.db --data /srv/chat
    """
    source = _database(data)
    is_damaged = _tell(_copy(source, file, folder))
    files = _files(file, is_damaged=is_damaged)
    if folder is None and files:
        talk(f"The contents of {_sum(files)} are not in it: add --files DIR to copy them, too.")
    if is_damaged:
        ctx.exit(ExitCode.NOTHING)
    with_files = "" if folder is None else f" and {_sum(files)} in {safe_name(str(folder))}"
    put(f"{_count(file)} in {safe_name(str(file))}{with_files}, no damage")


@click.command("check", short_help="Look for damage in what a server keeps.")
@click.option("--deep", is_flag=True, help="Read the contents of all files, too.")
@_data_option
@click.pass_context
def check(ctx: click.Context, deep: bool, data: Path | None) -> None:
    """Look at every message and everything else that a server keeps; print what is damaged, one line each.

    Of each file it is seen whether its content is there and has its size; with --deep all contents are read, and
    compared with their SHA-256. Ends with 0 and 'no damage in N messages', with 1 if something is damaged, or with 66
    if there is nothing to check.

    \b
    Examples:
      chatnet admin check
      chatnet admin check --deep --data /srv/chat
    """
    from chatnet.store.check import check as look

    path = _database(data)
    # A server may have the file open, but that is another process.
    is_damaged = _tell(_readable(lambda: look(path, alone=True)))
    files = _files(path, is_damaged=is_damaged)
    if _tell(_faults(path, files, deep=deep)) or is_damaged:
        ctx.exit(ExitCode.NOTHING)
    put(f"no damage in {_count(path)}{_about(files, deep=deep)}")


def _about(files: list["PutFile"], *, deep: bool) -> str:
    if not files:
        return ""
    return f" and {_sum(files)}" if deep else f"; {_sum(files)} are all there (--deep reads them)"


# -- contents ---------------------------------------------------------------------------------------------------


def _files(path: Path, *, is_damaged: bool) -> list["PutFile"]:
    """The files of a database, which may be damaged so that nobody can tell."""
    try:
        return files_of(path)
    except ChatnetError:
        if not is_damaged:
            raise
        talk("It cannot be said which files there are.")
        return []


def _copy(source: Path, file: Path, folder: Path | None) -> list[Damage]:
    from chatnet.store.backup import backup as copy

    with ExitStack() as last:
        try:
            return copy(source, file, None if folder is None else last.enter_context(_copies(source, folder)))
        except OSError as error:
            raise Failure(ExitCode.CANNOT_CREATE, _why_not(error, file, folder)) from error
        except ChatnetError as error:
            raise _unreadable(error) from error


def _why_not(error: OSError, file: Path, folder: Path | None) -> str:
    reason = (error.strerror or str(error)).lower()
    if folder is not None and error.filename == str(folder):
        return f"cannot copy files into {safe_name(str(folder))}: {reason}"
    if isinstance(error, FileExistsError):
        return f"{safe_name(str(file))} is there already\nChoose another name, or remove it first."
    return f"cannot make {safe_name(str(file))}: {reason}"


def _copies(source: Path, folder: Path) -> "ContentCopies":
    from chatnet.files.copies import ContentCopies
    from chatnet.files.store import FOLDER

    own = source.with_name(FOLDER)
    if own.exists() and folder.exists() and own.samefile(folder):
        raise Failure(ExitCode.USAGE, f"{safe_name(str(folder))} is where the server keeps its files\nChoose another.")
    return ContentCopies(own, folder)


def _faults(path: Path, files: list["PutFile"], *, deep: bool) -> Iterator[Damage]:
    """What is wrong with the contents of these files."""
    from chatnet.files.inspection import Inspector
    from chatnet.files.store import FOLDER
    from chatnet.store.backup import of_content

    folder = path.with_name(FOLDER)
    if files and not folder.is_dir():
        yield Damage(f"the folder {FOLDER}", f"it is not there, nor are the contents of {_sum(files)}")
        return
    inspector = Inspector(folder, deep=deep)
    faults = [(file, fault) for file in files if (fault := inspector.fault(file.digest, file.size))]
    if faults:
        # A server that runs may have removed a file meanwhile, and its content behind it.
        kept = {file.id for file in files_of(path)}
        yield from (of_content(file, fault) for file, fault in faults if file.id in kept)


def _sum(files: list["PutFile"]) -> str:
    """How many there are, and how long they are: ``2 files (1.4 GiB)``."""
    sizes = {file.digest: file.size for file in files}
    return f"{'1 file' if len(files) == 1 else f'{len(files)} files'} ({show_size(sum(sizes.values()))})"


# -- the database -----------------------------------------------------------------------------------------------


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
        raise _unreadable(error) from error


def _unreadable(error: ChatnetError) -> Exception:
    """What is said of a database that cannot be used: here it is the input, not what is to be made."""
    is_input = error.code == ErrorCode.DATA_UNUSABLE
    return Failure(ExitCode.NO_INPUT, safe_name(error.message)) if is_input else error


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

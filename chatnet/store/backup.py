"""Copies the database while the server works on it: one file, of one moment, complete or not there.

The copy is made beside its place under another name, synced, and only then put there. It is no longer in WAL mode, so
it is a single file that can be looked at even on a read-only disk; a server that is given it changes that back.

The contents of files are taken behind the database, by whoever knows where they are. Each was there at the moment of
the copy: a server stores a content before it stores the file, and drops it after. So if one is not there any more when
its turn comes, and neither is the file in the database, it was removed meanwhile; then it is removed from the copy too.

Source: https://sqlite.org/backup.html. All pages are copied in one step, since a copy in several begins again whenever
something is stored in between.
"""

import errno
import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

from chatnet.core.entries import PutFile
from chatnet.core.file_jobs import Digest
from chatnet.errors import ErrorCode
from chatnet.net.folders import sync_folder
from chatnet.store.check import Damage, check
from chatnet.store.failures import HOW_TO_GO_ON, StoreUnusable, code_of, explained, is_full
from chatnet.store.file_list import files_of
from chatnet.store.migrations import recognise
from chatnet.store.opening import open_for_reading
from chatnet.store.rows import FILES

_MODE = 0o600
_OF_WRITING = (
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_DELETE,
    sqlite3.SQLITE_IOERR_CLOSE,
)
"""Only the copy is written. All else that goes wrong with it is the database's own fault."""


class Contents(Protocol):
    """Where the contents of files are copied to. All methods raise OSError if that place takes no more."""

    def take(self, digest: Digest, size: int) -> str:
        """Copy a content. Returns what is wrong with it, empty for nothing; then it is not copied."""
        ...

    def sync(self) -> None:
        """Make durable what was copied."""
        ...


class _NotWritten(Exception):
    """The copy cannot be written."""

    def __init__(self, cause: sqlite3.Error) -> None:
        self.cause = cause


def backup(source: Path, target: Path, contents: Contents | None = None) -> list[Damage]:
    """Copy the database ``source`` to the new file ``target``, which only its owner can read, and look at the copy.

    The contents of its files are copied to ``contents``, or not at all.
    Returns what is damaged in the copy, and so in the database; the copy is there all the same.

    :raises FileExistsError: there is something at ``target``; it is as it was.
    :raises OSError: the copy cannot be made there, and is not.
    :raises StoreUnusable: the database cannot be read.
    :raises DatabaseTooNew: only a newer chatnet knows what should be in it.
    """
    unfinished = target.with_name(target.name + ".part")
    with ExitStack() as undo:
        # Nobody else can take the name meanwhile, and an empty file is taken for a backup by nobody.
        _reserve(target)
        undo.callback(target.unlink)
        _reserve(unfinished)
        undo.callback(unfinished.unlink)
        _copy(source, unfinished, target)
        faults = [] if contents is None else _take_files(source, unfinished, contents)
        damages = [*check(unfinished), *faults]
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        undo.pop_all()
    sync_folder(target.absolute().parent)
    return damages


def _reserve(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
    path.chmod(_MODE)  # whatever the umask is


# -- the database -----------------------------------------------------------------------------------------------


def _copy(source: Path, unfinished: Path, target: Path) -> None:
    try:
        with explained(source), closing(open_for_reading(source)) as database:
            _check_age(database)
            _copy_pages(database, unfinished)
    except _NotWritten as error:
        code = errno.ENOSPC if is_full(error.cause) else errno.EIO
        raise OSError(code, os.strerror(code), str(target)) from error.cause


def _check_age(database: sqlite3.Connection) -> None:
    """Whatever else may be wrong with it is named by the look at the copy.

    :raises DatabaseTooNew: nobody here could look at it.
    """
    try:
        recognise(database)
    except (StoreUnusable, sqlite3.DatabaseError, UnicodeDecodeError):
        return


def _copy_pages(database: sqlite3.Connection, path: Path) -> None:
    with closing(_open_copy(path)) as copy:
        try:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            code, primary = code_of(error), code_of(error) & 0xFF
            if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN) or code in _OF_WRITING:
                raise _NotWritten(error) from error
            if primary == sqlite3.SQLITE_READONLY:
                # Nobody else can have made it so in this moment but its header, which is the database's.
                raise StoreUnusable(
                    ErrorCode.DATA_UNUSABLE, f"its header says that it is for a newer SQLite. {HOW_TO_GO_ON}"
                ) from error
            raise


def _open_copy(path: Path) -> sqlite3.Connection:
    """It is nothing before it is complete, and all of it is synced then."""
    copy = sqlite3.connect(path, isolation_level=None)
    copy.execute("PRAGMA synchronous = OFF")
    copy.execute("PRAGMA journal_mode = OFF")
    return copy


# -- files ------------------------------------------------------------------------------------------------------


def _take_files(source: Path, unfinished: Path, contents: Contents) -> list[Damage]:
    try:
        files = files_of(unfinished)
    except StoreUnusable:
        return [Damage("the file", "it cannot be said which files there are; no content of any was copied")]
    faults: dict[PutFile, str] = {}
    for file in files:
        fault = contents.take(file.digest, file.size)
        if fault:
            faults[file] = fault
    contents.sync()
    kept = {file.id for file in files_of(source)} if faults else set()
    with explained(source):
        _forget(unfinished, [file for file in faults if file.id not in kept])
    return [of_content(file, fault) for file, fault in faults.items() if file.id in kept]


def _forget(unfinished: Path, files: list[PutFile]) -> None:
    if files:
        with closing(_open_copy(unfinished)) as copy:
            copy.executemany(FILES.drop, [(file.id,) for file in files])


def of_content(file: PutFile, fault: str) -> Damage:
    """What is wrong with the content of a file."""
    return Damage(f"file {file.id} ({file.name})", fault)

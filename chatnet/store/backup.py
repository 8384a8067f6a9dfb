"""Copies the database while the server works on it: one file, of one moment, complete or not there.

The copy is made beside its place under another name, synced, and only then put there. It is no longer in WAL mode, so
it is a single file that can be looked at even on a read-only disk; a server that is given it changes that back.

Source: https://sqlite.org/backup.html. All pages are copied in one step, since a copy in several begins again whenever
something is stored in between.
"""

import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from chatnet.net.folders import sync_folder
from chatnet.store.check import Damage, check
from chatnet.store.failures import explained
from chatnet.store.opening import open_for_reading

_MODE = 0o600


def backup(source: Path, target: Path) -> list[Damage]:
    """Copy the database ``source`` to the new file ``target``, which only its owner can read, and look at the copy.

    Returns what is damaged in the copy, and so in the database; the copy is there all the same.

    :raises FileExistsError: there is something at ``target``; it is as it was.
    :raises OSError: the copy cannot be made there, and is not.
    :raises StoreUnusable: likewise, or the database cannot be read.
    """
    unfinished = target.with_name(target.name + ".part")
    with ExitStack() as undo:
        # Nobody else can take the name meanwhile, and an empty file is taken for a backup by nobody.
        _reserve(target)
        undo.callback(target.unlink)
        _reserve(unfinished)
        undo.callback(unfinished.unlink)
        with explained(source), closing(open_for_reading(source)) as database, explained(target):
            _copy(database, unfinished)
        damages = list(check(unfinished))
        unfinished.replace(target)
        undo.pop_all()
    sync_folder(target.absolute().parent)
    return damages


def _reserve(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
    path.chmod(_MODE)  # whatever the umask is


def _copy(database: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        # It is nothing before it is complete, and all of it is synced then.
        copy.execute("PRAGMA synchronous = OFF")
        copy.execute("PRAGMA journal_mode = OFF")
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb+") as file:
        os.fsync(file.fileno())

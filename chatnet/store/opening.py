"""Opens the database: private from its first moment, and with the settings on which every ack rests.

The settings are read back, and a database that does not take them is refused. Only one connection ever writes and
makes checkpoints; all others are opened read-only. (SQLite up to 3.51.2 can lose a commit when one connection makes a
checkpoint while another one writes: https://sqlite.org/wal.html#walresetbug.)

Source: SQLite's documentation of its pragmas, of WAL mode and of URI file names.
"""

import os
import sqlite3
import stat
from pathlib import Path

from chatnet.errors import ErrorCode
from chatnet.net.folders import sync_folder
from chatnet.store.failures import StoreUnusable
from chatnet.store.migrations import recognise

FILE_NAME = "chatnet.db"
_START_PATIENCE = 2.0
"""Seconds for which another program may hold its locks while the server starts."""
_CACHE_KIB = 16 * 1024
_MODE = 0o600
_FORMAT_VERSIONS = slice(18, 20)
"""In the file's header: what it takes to write it and to read it, 1 or, in WAL mode, 2."""
_WANTED: dict[str, object] = {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0}


def log_of(path: Path) -> Path:
    """The database's write-ahead log."""
    return path.with_name(path.name + "-wal")


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one connection that writes. The file is made if it is not there, and nobody else can read it.

    :raises StoreUnusable, DatabaseTooNew: nothing is left open, and a file that was there is as it was.
    :raises sqlite3.Error, OSError: likewise.
    """
    _make_private(path)
    database = _connect(path, "rw", _START_PATIENCE)
    try:
        recognise(database)
        _configure(database)
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except BaseException:
        database.close()
        raise
    return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, nor make checkpoints.

    :raises sqlite3.Error: it cannot be opened.
    """
    database = _connect(path, "ro", _START_PATIENCE)
    try:
        database.execute("PRAGMA query_only = ON")
        # Opens the log: from here on it does not go away behind this connection's back.
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def is_for_newer_sqlite(path: Path) -> bool:
    """Says its header that today's SQLite must not write it?

    Only for a process that has not opened the database in any other way: SQLite loses its locks when the file is closed
    here (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with path.open("rb") as file:
        return max(file.read(_FORMAT_VERSIONS.stop)[_FORMAT_VERSIONS], default=0) > 2


def _make_private(path: Path) -> None:
    """SQLite gives its other files the mode of this one, whatever the umask is."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
    except FileExistsError:
        for file in (path, log_of(path), path.with_name(path.name + "-shm")):
            if file.exists() and stat.S_IMODE(file.stat().st_mode) != _MODE:
                file.chmod(_MODE)
    else:
        path.chmod(_MODE)  # a umask may have taken rights from the owner, too
        sync_folder(path.parent)


def _connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    database.text_factory = bytes
    # Notice more of what may be damaged, and run nothing that a damaged or foreign file might bring.
    database.execute("PRAGMA cell_size_check = ON")
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _configure(database: sqlite3.Connection) -> None:
    # To the end: with its first row it is not committed yet, and an error is still to come.
    database.execute("PRAGMA journal_mode = WAL").fetchall()
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    # macOS only: there, a plain fsync leaves the data in the disk's own cache.
    database.execute("PRAGMA fullfsync = ON")
    database.execute("PRAGMA checkpoint_fullfsync = ON")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def check_settings(writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
    """Are the settings as they must be? The journal's mode is asked of the reader, to which only the file can tell it.

    :raises StoreUnusable: they are not.
    """
    for pragma, wanted in _WANTED.items():
        database = reading if pragma == "journal_mode" else writing
        (found,) = database.execute(f"PRAGMA {pragma}").fetchone()
        found = found.decode() if isinstance(found, bytes) else found
        if found != wanted:
            raise StoreUnusable(
                ErrorCode.DATA_UNUSABLE,
                f"it cannot be kept safely here: {pragma} is {found!r}, not {wanted!r}; choose another folder",
            )

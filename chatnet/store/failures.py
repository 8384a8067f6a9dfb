"""What SQLite's errors mean to a server: does it pass, is the file damaged, or must the server stop?

Source: https://sqlite.org/rescode.html. The low byte of an extended code is its primary code.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatnet.errors import ChatnetError, ErrorCode

HOW_TO_GO_ON = "'chatnet admin check' names all that is damaged; to go on, put a backup in its place"


class StoreUnusable(ChatnetError):
    """The database cannot be opened, or not with the guarantees that chatnet gives."""


class DatabaseTooNew(ChatnetError):
    """The database was written by a newer chatnet."""


class DamagedRow(Exception):
    """A row is not what was written. ``str()`` of it says which: ``user 17 is damaged``."""


def is_full(error: sqlite3.Error) -> bool:
    """Is there no room, for the log or for the index of the log?

    What such a transaction wrote is overwritten by the next one. If the server dies before that, it may be found
    whole, unacknowledged but stored: as after any other commit whose answer was lost.
    """
    code = _code(error)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def is_locked(error: sqlite3.Error) -> bool:
    """Is another program writing to the database? Nothing has been written then."""
    return _code(error) & 0xFF == sqlite3.SQLITE_BUSY


def is_damage(error: sqlite3.Error) -> bool:
    """Is the file not what SQLite wrote?"""
    return _code(error) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in one line why a database cannot be used, and what to do.

    :raises StoreUnusable, DatabaseTooNew: in place of whatever went wrong inside.
    """
    try:
        yield
    except (StoreUnusable, DatabaseTooNew) as error:
        raise type(error)(error.code, f"cannot use the database {path}: {error.message}") from error
    except DamagedRow as error:
        raise _unusable(path, f"{error}. {HOW_TO_GO_ON}") from error
    except sqlite3.Error as error:
        raise _unusable(path, _why(error)) from error
    except OSError as error:
        raise _unusable(path, (error.strerror or str(error)).lower()) from error


def _unusable(path: Path, why: str) -> StoreUnusable:
    return StoreUnusable(ErrorCode.DATA_UNUSABLE, f"cannot use the database {path}: {why}")


def _why(error: sqlite3.Error) -> str:
    primary = _code(error) & 0xFF
    if primary == sqlite3.SQLITE_NOTADB:
        return f"it is no SQLite database, or damaged at its very start. {HOW_TO_GO_ON}"
    if primary == sqlite3.SQLITE_CORRUPT:
        return f"it is damaged ({error}). {HOW_TO_GO_ON}"
    if is_full(error):
        return "the disk is full; make some room"
    if is_locked(error):
        return "another program is using it; end that one first"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return f"it cannot be written to ({error}); check who owns it, and whether the disk is mounted read-only"
    if primary == sqlite3.SQLITE_IOERR:
        return f"the disk failed ({_name(error)})"
    return str(error)


def _code(error: sqlite3.Error) -> int:
    """The extended code; 0 for errors of the sqlite3 module itself."""
    return getattr(error, "sqlite_errorcode", 0)


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", str(error))

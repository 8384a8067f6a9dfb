"""What SQLite's errors mean to a server: does it pass, is the file damaged, or must the server stop?

Source: https://sqlite.org/rescode.html. The low byte of an extended code is its primary code.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatnet.errors import ChatnetError, ErrorCode

_OBSTACLES = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)
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
    code = code_of(error)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def is_locked(error: sqlite3.Error) -> bool:
    """Is another program writing to the database? Nothing has been written then."""
    return code_of(error) & 0xFF == sqlite3.SQLITE_BUSY


def is_damage(error: sqlite3.Error) -> bool:
    """Is the file not what SQLite wrote?"""
    return code_of(error) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_obstacle(error: sqlite3.Error | UnicodeDecodeError) -> bool:
    """Is something in the way, and the file perhaps sound? With a damaged layout, SQLite may say anything else."""
    return isinstance(error, sqlite3.Error) and code_of(error) & 0xFF in _OBSTACLES


def in_one_line(text: bytes) -> str:
    """What SQLite's checks say, without what only makes sense on a terminal."""
    return " ".join(text.decode("utf-8", "replace").replace("*", "").split())


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
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # The latter where SQLite repeats what is damaged in what it says of it.
        raise _unusable(path, _why(error) if path.exists() else "there is no such file") from error
    except OSError as error:
        raise _unusable(path, (error.strerror or str(error)).lower()) from error


def _unusable(path: Path, why: str) -> StoreUnusable:
    return StoreUnusable(ErrorCode.DATA_UNUSABLE, f"cannot use the database {path}: {why}")


def _why(error: sqlite3.Error | UnicodeDecodeError) -> str:
    if not isinstance(error, sqlite3.Error) or not is_obstacle(error):
        if code_of(error) & 0xFF == sqlite3.SQLITE_NOTADB:
            return f"it is no SQLite database, or damaged at its very start. {HOW_TO_GO_ON}"
        said = error.object if isinstance(error, UnicodeDecodeError) else str(error).encode()
        return f"it is damaged ({in_one_line(said)}). {HOW_TO_GO_ON}"
    if is_full(error):
        return "the disk is full; make some room"
    if is_locked(error):
        return "another program is using it; end that one first"
    if code_of(error) & 0xFF == sqlite3.SQLITE_IOERR:
        return f"the disk failed ({_name(error)})"
    return f"it cannot be opened or written to ({error}); check who owns it, and whether the disk is mounted read-only"


def code_of(error: Exception) -> int:
    """SQLite's extended code; 0 for errors of the sqlite3 module itself."""
    return getattr(error, "sqlite_errorcode", 0)


def _name(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", str(error))

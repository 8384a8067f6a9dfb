"""How an older database becomes today's, and how one is recognised.

Migrations have names, are only ever added at the end, and each runs in a transaction of its own together with the
note that it has run. A file that has migrations which this chatnet does not know was made by a newer one, and is
refused: to guess at its meaning could lose what it holds. So is a file that is laid out in any other way than its
migrations do it, be it another program's or a damaged one.

A migration that makes a table anew reads the old rows with the rules for them: each is verified, and gets the digest of
what it has become. With a damaged one it stops, and the file stays as it was.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import lru_cache

from chatnet.errors import ErrorCode
from chatnet.model import Role
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.rows import ROOMS, USERS, Table, check_structure, sound_rows
from chatnet.store.schema import ACCOUNTS, FILES, MESSAGES

WITH_ACCOUNTS = "0002-accounts"
"""A database without this migration has `OLD_USERS` and `OLD_ROOMS`, and none of the tables of accounts."""
WITH_FILES = "0003-files"
"""A database without this migration has neither `UPLOADS` nor `FILES` of `chatnet.store.rows`."""
OLD_USERS = Table("users", "user", "id name display guest secret_hash", texts=(1, 2))
OLD_ROOMS = Table("rooms", "room", "id name owner archived", texts=(1,))
_NO_VERIFIER, _NO_UID = (b"", 0, b"", b""), -1
_NOTES = "CREATE TABLE migrations (name TEXT PRIMARY KEY) WITHOUT ROWID"
_SHARED_ROOT = """
    SELECT max(name) FROM sqlite_master WHERE rootpage > 0 GROUP BY rootpage HAVING count(*) > 1 ORDER BY 1 LIMIT 1
"""
"""An empty table in the place of another one would hide its rows, which no digest would tell."""


def _make_messages(database: sqlite3.Connection) -> None:
    _execute(database, MESSAGES)


def _make_accounts(database: sqlite3.Connection) -> None:
    """Roles in place of a note who is a guest, and all that accounts need."""
    for table in (OLD_USERS, OLD_ROOMS):
        check_structure(database, table)
    users = [
        USERS.sealed(id, name, display, int(Role.GUEST if guest else Role.MEMBER), hash, *_NO_VERIFIER, _NO_UID)
        for id, name, display, guest, hash in sound_rows(database, OLD_USERS)
    ]
    rooms = [ROOMS.sealed(*values, "", 0) for values in sound_rows(database, OLD_ROOMS)]
    _execute(database, ACCOUNTS)
    database.executemany(USERS.put, users)
    database.executemany(ROOMS.put, rooms)


def _make_files(database: sqlite3.Connection) -> None:
    _execute(database, FILES)


Migration = tuple[str, Callable[[sqlite3.Connection], None]]
MIGRATIONS: list[Migration] = [
    ("0001-messages", _make_messages),
    (WITH_ACCOUNTS, _make_accounts),
    (WITH_FILES, _make_files),
]


def recognise(database: sqlite3.Connection) -> list[str]:
    """The names of the migrations that a database has had; none for a new one. Changes nothing.

    :raises StoreUnusable: it is another program's.
    :raises DatabaseTooNew: it is a newer chatnet's.
    """
    tables = _layout(database)
    if not tables:
        return []
    if "migrations" not in tables:
        raise StoreUnusable(ErrorCode.DATA_UNUSABLE, "it is the database of another program")
    done = [_text(name) for (name,) in database.execute("SELECT name FROM migrations ORDER BY name")]
    unknown = sorted(set(done) - {name for name, _ in MIGRATIONS})
    if unknown:
        raise DatabaseTooNew(
            ErrorCode.DATA_TOO_NEW,
            f"it was written by a newer chatnet (it has {unknown[-1]!r}); install that one or a newer",
        )
    return done


def migrate(database: sqlite3.Connection) -> list[str]:
    """Bring a database up to date and return the names of the migrations that ran.

    :raises StoreUnusable, DatabaseTooNew: nothing was changed.
    """
    done = recognise(database)
    if done:
        check_layout(database)
    else:
        database.execute(_NOTES.replace("TABLE", "TABLE IF NOT EXISTS", 1))
    return _run(database, [migration for migration in MIGRATIONS if migration[0] not in done])


def _run(database: sqlite3.Connection, migrations: Iterable[Migration]) -> list[str]:
    ran = []
    for name, run in migrations:
        database.execute("BEGIN IMMEDIATE")
        run(database)
        database.execute("INSERT INTO migrations VALUES (?)", (name,))
        database.execute("COMMIT")
        ran.append(name)
    return ran


def _execute(database: sqlite3.Connection, statements: str) -> None:
    """Unlike ``executescript``, this stays within the transaction."""
    for statement in statements.split(";"):
        database.execute(statement)


def check_layout(database: sqlite3.Connection) -> None:
    """Is everything laid out as the migrations do it that a database has had? In a new one nothing is.

    :raises StoreUnusable: it is not.
    """
    done = recognise(database)
    first, *others = MIGRATIONS
    wanted, found = _made_by((first, *(other for other in others if other[0] in done))), _layout(database)
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise StoreUnusable(ErrorCode.DATA_UNUSABLE, f"its table {name!r} is not what chatnet made")
    shared = database.execute(_SHARED_ROOT).fetchone()
    if shared is not None:
        raise StoreUnusable(ErrorCode.DATA_UNUSABLE, f"its table {_text(shared[0])!r} has the place of another one")


@lru_cache(maxsize=8)
def _made_by(migrations: tuple[Migration, ...]) -> dict[str, tuple[str, ...]]:
    """The layout of a database that has had these. They are run for it once, which takes longer than all else here."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        model.text_factory = bytes
        model.execute(_NOTES)
        _run(model, migrations)
        return _layout(model)


def _layout(database: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Everything in a database but SQLite's own, by name."""
    found = database.execute(
        "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return {_text(row[0]): tuple(map(_text, row)) for row in found}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

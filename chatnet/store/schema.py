"""The layout of the database file, and how an older one becomes today's.

Migrations have names, are only ever added at the end, and each runs in a transaction of its own together with the
note that it has run. A file that has migrations which this chatnet does not know was made by a newer one, and is
refused: to guess at its meaning could lose what it holds. So is a file that is laid out in any other way than the
migrations do it, be it another program's or a damaged one.

A message's row id is ``conversation << 32 | seq``. So one integer b-tree holds them all, a conversation's messages
lie side by side, and no second index has to be written: at a million messages that is less than half the cost of a
table with an index on (conversation, seq). No other table has an index beside its key either, since a damaged index
would hide rows that are there.
"""

import sqlite3

from chatnet.errors import ErrorCode
from chatnet.store.failures import DatabaseTooNew, StoreUnusable

SEQ_BITS = 32
MAX_SEQ = (1 << SEQ_BITS) - 1
MAX_CONVERSATION = (1 << 63 - SEQ_BITS) - 1

MIGRATIONS: list[tuple[str, str]] = [
    (
        "0001-messages",
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value, digest INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            display TEXT NOT NULL,
            guest INTEGER NOT NULL,
            secret_hash BLOB NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE rooms (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            owner INTEGER NOT NULL,
            archived INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE chats (
            id INTEGER PRIMARY KEY,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE heads (
            conversation INTEGER PRIMARY KEY,
            first INTEGER NOT NULL,
            head INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE marks (
            user INTEGER NOT NULL,
            conversation INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            read INTEGER NOT NULL,
            digest INTEGER NOT NULL,
            PRIMARY KEY (user, conversation)
        ) WITHOUT ROWID;
        CREATE TABLE devices (
            device BLOB PRIMARY KEY,
            id INTEGER NOT NULL,
            n INTEGER NOT NULL,
            last INTEGER NOT NULL,
            digest INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            sender INTEGER NOT NULL,
            name TEXT NOT NULL,
            display TEXT NOT NULL,
            kind INTEGER NOT NULL,
            body TEXT NOT NULL,
            reference INTEGER NOT NULL,
            device INTEGER NOT NULL,
            n INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE gone (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            device INTEGER NOT NULL,
            n INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        """,
    ),
]

_NOTES = "CREATE TABLE migrations (name TEXT PRIMARY KEY) WITHOUT ROWID"


def row_id(conversation: int, seq: int) -> int:
    """The row of a message."""
    return conversation << SEQ_BITS | seq


def position(row: int) -> tuple[int, int]:
    """(conversation, seq) of a row."""
    return row >> SEQ_BITS, row & MAX_SEQ


def bounds(conversation: int) -> tuple[int, int]:
    """The row ids between which all messages of a conversation are, without these two themselves."""
    return row_id(conversation, 0), row_id(conversation + 1, 0)


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
    if not done:
        database.execute(_NOTES.replace("TABLE", "TABLE IF NOT EXISTS", 1))
    ran = []
    for name, statements in MIGRATIONS:
        if name not in done:
            database.executescript(
                f"BEGIN IMMEDIATE;\n{statements};\nINSERT INTO migrations VALUES ('{name}');\nCOMMIT;"
            )
            ran.append(name)
    return ran


def check_layout(database: sqlite3.Connection) -> None:
    """Is everything laid out as the migrations do it?

    :raises StoreUnusable: it is not.
    """
    model = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(model)
        wanted, found = _layout(model), _layout(database)
    finally:
        model.close()
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise StoreUnusable(ErrorCode.DATA_UNUSABLE, f"its table {name!r} is not what chatnet made")


def _layout(database: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Everything in a database but SQLite's own, by name."""
    found = database.execute(
        "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return {_text(row[0]): tuple(map(_text, row)) for row in found}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

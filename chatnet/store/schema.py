"""The layout of the database file, and how an older one becomes today's.

Migrations have names, are only ever added at the end, and each runs in a transaction of its own together with the
note that it has run. A file that has migrations which this chatnet does not know was made by a newer one, and is
refused: to guess at its meaning could lose what it holds.

A message's row id is ``conversation << 32 | seq``. So one integer b-tree holds them all, a conversation's messages
lie side by side, and no second index has to be written: at a million messages that is less than half the cost of a
table with an index on (conversation, seq).
"""

import sqlite3

from chatnet.errors import ChatnetError, ErrorCode

SEQ_BITS = 32
MAX_SEQ = (1 << SEQ_BITS) - 1

MIGRATIONS: list[tuple[str, str]] = [
    (
        "0001-messages",
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            display TEXT NOT NULL,
            guest INTEGER NOT NULL,
            secret_hash BLOB NOT NULL
        );
        CREATE TABLE rooms (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            owner INTEGER NOT NULL,
            archived INTEGER NOT NULL
        );
        CREATE TABLE chats (
            id INTEGER PRIMARY KEY,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL
        );
        CREATE TABLE marks (
            conversation INTEGER NOT NULL,
            user INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            read INTEGER NOT NULL,
            PRIMARY KEY (conversation, user)
        ) WITHOUT ROWID;
        CREATE TABLE devices (
            id INTEGER PRIMARY KEY,
            device BLOB NOT NULL UNIQUE,
            n INTEGER NOT NULL,
            last INTEGER NOT NULL,
            used INTEGER NOT NULL
        );
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
        """,
    ),
]


class DatabaseTooNew(ChatnetError):
    """The database was written by a newer chatnet."""


def row_id(conversation: int, seq: int) -> int:
    """The row of a message."""
    return conversation << SEQ_BITS | seq


def position(row: int) -> tuple[int, int]:
    """(conversation, seq) of a row."""
    return row >> SEQ_BITS, row & MAX_SEQ


def migrate(database: sqlite3.Connection) -> list[str]:
    """Bring a database up to date and return the names of the migrations that ran.

    :raises DatabaseTooNew: nothing was changed.
    """
    database.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) WITHOUT ROWID")
    done = {name for (name,) in database.execute("SELECT name FROM migrations")}
    unknown = sorted(done - {name for name, _ in MIGRATIONS})
    if unknown:
        raise DatabaseTooNew(
            ErrorCode.DATA_TOO_NEW,
            f"the data folder was written by a newer chatnet (it has {unknown[-1]!r}); install that one or a newer",
        )
    ran = []
    for name, statements in MIGRATIONS:
        if name not in done:
            database.executescript(
                f"BEGIN IMMEDIATE;\n{statements};\nINSERT INTO migrations VALUES ('{name}');\nCOMMIT;"
            )
            ran.append(name)
    return ran

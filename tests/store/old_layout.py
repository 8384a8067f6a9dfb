"""Makes databases as a chatnet without accounts, and one without files, have left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from chatnet.store.migrations import OLD_ROOMS, OLD_USERS
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import CHATS, MARKS, META, Table
from chatnet.store.schema import MESSAGES

SERVER = b"s" * 16
_BEFORE_FILES = Path(__file__).with_name("before_files.sql")
"""Written by that chatnet itself: rooms, chats, messages, and something of all that accounts have."""
ROWS: list[tuple[Table, tuple[object, ...]]] = [
    (META, ("server", SERVER)),
    (META, ("next_user", 10_003)),
    (META, ("next_conversation", 10_004)),
    (OLD_USERS, (1, "alice", "Ünsal", 1, b"x" * 32)),
    (OLD_USERS, (2, "bob", "", 0, b"")),
    (OLD_ROOMS, (1, "lobby", 0, 0)),
    (OLD_ROOMS, (2, "ops", 1, 1)),
    (CHATS, (3, 1, 2)),
    (MARKS, (1, 1, 5, 4)),
]


def make_old(folder: Path) -> None:
    """A database with something of everything but messages, closed."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as database:
        make_old_layout(database)
        for table, values in ROWS:
            database.execute(table.put, table.sealed(*values))


def make_before_files(folder: Path) -> None:
    """The database of a chatnet with accounts, closed."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as database:
        database.executescript(_BEFORE_FILES.read_text("utf-8"))


def make_old_layout(database: sqlite3.Connection) -> None:
    """Without any row."""
    database.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY) WITHOUT ROWID")
    database.executescript(f"BEGIN;{MESSAGES}INSERT INTO migrations VALUES ('0001-messages');COMMIT")

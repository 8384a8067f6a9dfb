"""All that the core must know before it can start, each row of it verified.

What is damaged here is not worked around: with a user, a room or a head that is not what was kept, the server would go
on wrongly and nobody would notice. Messages themselves are not looked at; a damaged one is found when it is read.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from chatnet.core.entries import PutChat, PutMarks, PutRoom, PutUser, SavedConversation, Snapshot
from chatnet.store.failures import DamagedRow, in_one_line
from chatnet.store.rows import CHATS, DEVICES, HEADS, MARKS, META, ROOMS, USERS, Table
from chatnet.store.schema import SEQ_BITS

SERVER_ID, NEXT_USER, NEXT_CONVERSATION = "server", "next_user", "next_conversation"
"""Keys of the table ``meta``."""
_SERVER_ID_BYTES = 16
_SET_ASIDE = 10_000
"""Numbers that a run may give out without storing anything; there are enough for 200,000 starts."""
_NO_NEWEST_MESSAGE = f"""
    SELECT conversation, head FROM heads
    WHERE head >= first AND NOT EXISTS (SELECT * FROM messages WHERE id = (conversation << {SEQ_BITS} | head))
"""


def read_snapshot(database: sqlite3.Connection, entropy: Callable[[int], bytes]) -> Snapshot:
    """Read what was kept; a new database gets its server's id from ``entropy(bytes)``.

    :raises sqlite3.Error, DamagedRow: the database cannot be used.
    """
    for table in (META, USERS, ROOMS, CHATS, HEADS, MARKS, DEVICES):
        _check_structure(database, table)
    lost = database.execute(_NO_NEWEST_MESSAGE).fetchall()
    if lost:
        raise DamagedRow("the newest message of conversation {}, {}, is gone".format(*lost[0]))
    meta = dict(_rows(database, META))
    if SERVER_ID not in meta:
        meta[SERVER_ID] = entropy(_SERVER_ID_BYTES)
        database.execute(META.put, META.sealed(SERVER_ID, meta[SERVER_ID]))
    next_user, next_conversation = (_reserve(database, meta, key) for key in (NEXT_USER, NEXT_CONVERSATION))
    users = [PutUser(id, name, display, bool(guest), hash) for id, name, display, guest, hash in _rows(database, USERS)]
    conversations: list[PutRoom | PutChat] = [
        *(PutRoom(id, name, owner, bool(archived)) for id, name, owner, archived in _rows(database, ROOMS)),
        *(PutChat(*values) for values in _rows(database, CHATS)),
    ]
    heads = {id: (first, head) for id, first, head in _rows(database, HEADS)}
    return Snapshot(
        users,
        [SavedConversation(entry, *heads.get(entry.id, (1, 0))) for entry in conversations],
        [PutMarks(conversation, user, *marks) for user, conversation, *marks in _rows(database, MARKS)],
        next_user,
        next_conversation,
        meta[SERVER_ID],
    )


def _reserve(database: sqlite3.Connection, meta: dict[str, Any], key: str) -> int:
    """The next free number; those that this run may give out to what is never stored are set aside.

    A client goes on using the number of a personal chat that it has looked up over a restart of the server. It may be
    told that there is no such chat any more; but what it sends must never be read by two others.
    """
    number: int = meta.get(key, 1)
    database.execute(META.put, META.sealed(key, number + _SET_ASIDE))
    return number


def _rows(database: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    # A cursor that an error's traceback still knows would keep the file open.
    with closing(database.execute(table.all)) as rows:
        for raw in rows:
            yield table.open(raw)


def _check_structure(database: sqlite3.Connection, table: Table) -> None:
    """A damaged page could hide rows, which no digest would tell."""
    (found,) = database.execute(f"PRAGMA quick_check({table.name})").fetchall()[0]
    if found != b"ok":
        raise DamagedRow(f"the table {table.name} is damaged ({in_one_line(found)})")

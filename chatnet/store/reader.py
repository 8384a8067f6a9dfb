"""Reads pages of messages over a connection of its own, which cannot write.

A page is one statement that returns one value. Fetching row by row would hand the interpreter to the loop's thread
and back a thousand times, and while that thread is busy each time takes as long as it likes.
"""

import sqlite3

import msgspec

from chatnet.core.entries import PageRead, ReadMessages
from chatnet.model import Message
from chatnet.store.rows import COLUMNS, Row, damaged, from_row
from chatnet.store.schema import position, row_id

_PAGE = f"""
    SELECT json_group_array(json_array({COLUMNS})) FROM (
        SELECT {COLUMNS} FROM (
            SELECT *, sum(length(CAST(body AS BLOB)) + 200) OVER (ORDER BY id {{order}}) AS bytes,
                row_number() OVER (ORDER BY id {{order}}) AS number
            FROM (SELECT * FROM messages WHERE id > ? AND id < ? ORDER BY id {{order}} LIMIT ?)
        ) WHERE bytes <= ? OR number = 1 ORDER BY id
    )
"""
_FORWARDS, _BACKWARDS = _PAGE.format(order="ASC"), _PAGE.format(order="DESC")
_decode = msgspec.json.Decoder(list[Row], strict=False).decode


class Reader:
    """Answers queries. Only the reader's thread calls it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def page(self, query: ReadMessages) -> PageRead:
        """Read one page.

        :raises sqlite3.Error: the database cannot be read.
        """
        low, high = row_id(query.conversation, 0), row_id(query.conversation + 1, 0)
        first = self._first(low, high)
        if query.after is not None:
            bounds = (row_id(query.conversation, query.after), high)
        else:
            bounds = (low, row_id(query.conversation, query.before or 0))
        statement = _BACKWARDS if query.after is None else _FORWARDS
        found = self._database.execute(statement, (*bounds, query.limit, query.max_bytes)).fetchone()[0]
        return PageRead(query, _without_gaps([from_row(row) for row in _decode(found)]), first)

    def _first(self, low: int, high: int) -> int:
        found = self._database.execute("SELECT min(id) FROM messages WHERE id > ? AND id < ?", (low, high)).fetchone()[
            0
        ]
        return position(found)[1] if found else 1


def _without_gaps(messages: list[Message]) -> list[Message]:
    """Put a notice where a row is gone: nobody shall take what is left for all that was said."""
    if not messages or messages[-1].seq - messages[0].seq == len(messages) - 1:
        return messages
    found = {message.seq: message for message in messages}
    return [found.get(seq) or damaged(seq) for seq in range(messages[0].seq, messages[-1].seq + 1)]

"""Reads pages of messages and of the audit log over a connection of its own, which cannot write.

A page has every seq between its ends: a message that is damaged or gone is shown as such, in its place. So nobody takes
what is left for all that was said, and a reader never waits for what cannot be read. The rows come in one pass; as soon
as one of them is not what it should be, the rest of the page is looked up one by one, since a damaged page of the file
may hide others.

A damaged line of the audit log is left out, since nothing true can be said of who did what to whom. As lines are
numbered without gaps, the gap shows it; and it is named in the server's own log.
"""

import logging
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from chatnet.core.entries import DeedsRead, PageRead, ReadDeeds, ReadMessages
from chatnet.core.policy import text_bytes
from chatnet.model import Deed, Message
from chatnet.store.failures import DamagedRow, is_damage
from chatnet.store.records import to_deed
from chatnet.store.rows import COLUMNS, DEEDS, HEADS, Row, damaged, read_row, to_message
from chatnet.store.schema import MAX_CONVERSATION, MAX_SEQ, row_id

_PASS = f"SELECT {COLUMNS} FROM messages WHERE id BETWEEN ? AND ? ORDER BY id"
_ONE = f"SELECT {COLUMNS} FROM messages WHERE id = ?"
_DEEDS = f"SELECT {DEEDS.columns} FROM deeds WHERE id < ? ORDER BY id DESC"
_MAX_ID = 2**63 - 1

_log = logging.getLogger(__name__)


class Reader:
    """Answers queries. Only the reader's thread calls it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def page(self, query: ReadMessages) -> PageRead:
        """Read one page.

        :raises sqlite3.Error, DamagedRow: the conversation cannot be read at all.
        """
        limit = max(query.limit, 1)
        with one_moment(self._database):
            first, head = self._extent(query.conversation)
            if query.after is not None:
                start = max(first, min(query.after, MAX_SEQ) + 1)
                messages = self._take(query, range(start, min(head, start + limit - 1) + 1))
            else:
                end = min(head, (query.before or 0) - 1)
                messages = self._take(query, range(end, max(first, end - limit + 1) - 1, -1))[::-1]
        return PageRead(query, messages, first)

    def deeds(self, query: ReadDeeds) -> DeedsRead:
        """Read lines of the audit log; the damaged ones are left out, and others in their place.

        :raises sqlite3.Error: it cannot be read at all.
        """
        deeds: list[Deed] = []
        with closing(self._database.execute(_DEEDS, (query.before or _MAX_ID,))) as rows:
            for raw in rows:
                if len(deeds) >= query.limit:
                    break
                try:
                    deeds.append(to_deed(DEEDS.open(raw)))
                except DamagedRow as error:
                    _log.error("%s in the database; it is left out", error)
        return DeedsRead(query, deeds)

    def _extent(self, conversation: int) -> tuple[int, int]:
        if conversation > MAX_CONVERSATION:
            return 1, 0
        raw = self._database.execute(HEADS.get, (conversation,)).fetchone()
        if raw is None:
            return 1, 0
        _, first, head = HEADS.open(raw)
        return first, head

    def _take(self, query: ReadMessages, seqs: range) -> list[Message]:
        """The messages with these seqs, as far as the page's bytes go, and at least one."""
        page: list[Message] = []
        size = 0
        with closing(read_rows(self._database, query.conversation, seqs)) as rows:
            for seq, row in zip(seqs, rows, strict=False):
                message = damaged(seq) if row is None else to_message(row)
                size += text_bytes(message.body)
                if page and size > query.max_bytes:
                    break
                page.append(message)
        return page


@contextmanager
def one_moment(database: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is of one moment, whatever is being stored."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        # Nothing was written; and a commit would fail once more for a damage that was found.
        if database.in_transaction:
            database.execute("ROLLBACK")


def read_rows(database: sqlite3.Connection, conversation: int, seqs: range) -> Generator[Row | None]:
    """The row of each seq, in this order; None for one that is damaged or gone.

    :raises sqlite3.Error: the disk failed.
    """
    if not seqs:
        return
    done = 0
    with closing(_in_one_pass(database, conversation, seqs)) as rows:
        for row in rows:
            yield row
            done += 1
    for seq in seqs[done:]:
        yield _one(database, row_id(conversation, seq))


def _in_one_pass(database: sqlite3.Connection, conversation: int, seqs: range) -> Generator[Row]:
    """Rows from the first seq on, as far as nothing is wrong."""
    ends = sorted((row_id(conversation, seqs[0]), row_id(conversation, seqs[-1])))
    order = "ASC" if seqs.step > 0 else "DESC"
    try:
        # A statement that is left open would keep the log from being moved.
        with closing(database.execute(f"{_PASS} {order}", ends)) as cursor:
            for seq, raw in zip(seqs, cursor, strict=False):
                row = read_row(raw)
                if row is None or row[0] != row_id(conversation, seq):
                    return
                yield row
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise


def _one(database: sqlite3.Connection, id: int) -> Row | None:
    try:
        raw = database.execute(_ONE, (id,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None
    return None if raw is None else read_row(raw)

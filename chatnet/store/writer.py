"""The one place that changes the database: batches in, one transaction, their outcomes out.

Several batches that wait are one transaction and one sync. Rows are gathered and written table by table, a few hundred
messages at a time, so that the interpreter is handed over to the loop's thread often and never for each statement's
preparation.
"""

import sqlite3

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    DropChat,
    DropUser,
    Duplicate,
    Entry,
    Expire,
    Outcome,
    PutChat,
    PutMarks,
    PutMessage,
    PutRoom,
    PutUser,
    Stale,
)
from chatnet.model import Message
from chatnet.store.devices import Device, Devices
from chatnet.store.rows import CHATS, HEADS, INSERT_MESSAGE, MARKS, META, ROOMS, USERS, Row, Table, to_row
from chatnet.store.schema import MAX_SEQ, bounds, position, row_id
from chatnet.store.snapshot import NEXT_CONVERSATION, NEXT_USER

_MESSAGES_AT_ONCE = 256
_EXPIRED_AT_ONCE = 2000
"""Messages that one `Expire` forgets at most, so that it holds up nobody for long."""
_ANSWERED_MILLISECONDS = 7 * 24 * 3600 * 1000
"""How long a message that has expired is still known again when its device sends it again."""


class _Extent:
    """The seqs that a conversation holds: all from ``first`` to ``head``."""

    __slots__ = ("first", "head")

    def __init__(self, first: int, head: int) -> None:
        self.first = first
        self.head = head


class Writer:
    """Turns batches into transactions. Only the writer's thread calls it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._forget()

    def write(self, batches: list[Batch]) -> list[Committed]:
        """Store all of them in one transaction.

        :raises sqlite3.Error: nothing is stored, unless the error came from the commit itself.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            done = [self._take_batch(batch) for batch in batches]
            self._flush()
            self._database.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        self._devices.end()
        return done

    def _undo(self) -> None:
        """What was noted in memory is not so; it is read again when it is needed."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._forget()

    def _forget(self) -> None:
        self._devices = Devices(self._database)
        self._extents: dict[int, _Extent] = {}
        self._longer: dict[int, _Extent] = {}
        self._messages: list[Row] = []
        self._rows: dict[Table, dict[object, tuple[object, ...]]] = {}
        self._next: dict[str, int] = {}

    def _take_batch(self, batch: Batch) -> Committed:
        self._firsts: dict[int, int] = {}
        return Committed(batch, [self._take(entry) for entry in batch], self._firsts)

    # -- entries ----------------------------------------------------------------------------------------------

    def _take(self, entry: Entry) -> Outcome:
        match entry:
            case PutMessage():
                return self._put_message(entry)
            case CheckMessage():
                device = self._devices.get(entry.device)
                return self._answer(device, entry.n) if entry.n <= device.n else None
            case PutMarks():
                self._put_marks(entry)
            case PutUser():
                self._put(USERS, entry.id, entry.name, entry.display, int(entry.guest), entry.secret_hash)
                self._count(NEXT_USER, entry.id)
            case PutRoom():
                self._put(ROOMS, entry.id, entry.name, entry.owner, int(entry.archived))
                self._count(NEXT_CONVERSATION, entry.id)
            case PutChat():
                self._put(CHATS, entry.id, entry.low, entry.high)
                self._count(NEXT_CONVERSATION, entry.id)
            case Expire():
                self._expire(entry)
            case DropUser():
                self._drop_user(entry.id)
            case DropChat():
                self._drop_chat(entry.id)
            case _:
                raise TypeError(f"no store knows {entry!r}")
        return None

    def _put_message(self, entry: PutMessage) -> Outcome:
        device = self._devices.get(entry.device)
        if entry.n <= device.n:
            return self._answer(device, entry.n)
        extent = self._extents.get(entry.conversation) or self._load_extent(entry.conversation)
        seq = extent.head + 1
        if seq > MAX_SEQ:
            raise OverflowError(f"conversation {entry.conversation} is full")
        row = to_row(entry, seq, device.id, device.last)
        self._messages.append(row)
        extent.head = seq
        self._longer[entry.conversation] = extent
        self._devices.stored(entry.device, device, entry.n, row[0])
        if len(self._messages) >= _MESSAGES_AT_ONCE:
            self._flush_messages()
        return Message(
            seq, entry.time, entry.sender, entry.name, entry.display, entry.kind, entry.body, entry.reference
        )

    def _answer(self, device: Device, n: int) -> Duplicate | Stale:
        self._flush_messages()
        return self._devices.answer(device, n)

    def _load_extent(self, conversation: int) -> _Extent:
        raw = self._database.execute(HEADS.get, (conversation,)).fetchone()
        extent = self._extents[conversation] = _Extent(*((1, 0) if raw is None else HEADS.open(raw)[1:]))
        return extent

    def _put_marks(self, entry: PutMarks) -> None:
        """Marks only move forward."""
        key = (entry.user, entry.conversation)
        waiting = self._rows.get(MARKS, {}).get(key)
        raw = waiting or self._database.execute(MARKS.get, key).fetchone()
        _, _, delivered, read = (*key, 0, 0) if raw is None else MARKS.open(raw)
        row = MARKS.sealed(*key, max(delivered, entry.delivered), max(read, entry.read))
        self._rows.setdefault(MARKS, {})[key] = row

    def _put(self, table: Table, *values: object) -> None:
        self._rows.setdefault(table, {})[values[0]] = table.sealed(*values)

    def _count(self, key: str, id: int) -> None:
        """No id is given out twice, not even one whose owner is forgotten."""
        after = self._next.get(key)
        if after is None:
            raw = self._database.execute(META.get, (key,)).fetchone()
            after = 1 if raw is None else META.open(raw)[1]
        self._next[key] = max(after, id + 1)
        if self._next[key] != after:
            self._put(META, key, self._next[key])

    def _drop_user(self, id: int) -> None:
        self._flush()
        self._database.execute("DELETE FROM users WHERE id = ?", (id,))
        self._database.execute("DELETE FROM marks WHERE user = ?", (id,))

    def _expire(self, entry: Expire) -> None:
        extent = self._extents.get(entry.conversation) or self._load_extent(entry.conversation)
        oldest = row_id(entry.conversation, extent.first)
        end = min(oldest + _EXPIRED_AT_ONCE, row_id(entry.conversation, extent.head) + 1)
        self._flush()
        (kept,) = self._database.execute(
            "SELECT min(id) FROM messages WHERE id >= ? AND id < ? AND time >= ?", (oldest, end, entry.before)
        ).fetchone()
        end = end if kept is None else kept
        if end > oldest:
            self._devices.keep_answers(oldest - 1, end)
            self._database.execute("DELETE FROM messages WHERE id >= ? AND id < ?", (oldest, end))
            long_ago = (*bounds(entry.conversation), entry.before - _ANSWERED_MILLISECONDS)
            self._database.execute("DELETE FROM gone WHERE id > ? AND id < ? AND time < ?", long_ago)
            extent.first = self._firsts[entry.conversation] = position(end)[1]
            self._longer[entry.conversation] = extent

    def _drop_chat(self, id: int) -> None:
        self._flush()
        self._devices.keep_answers(*bounds(id))
        self._database.execute("DELETE FROM messages WHERE id > ? AND id < ?", bounds(id))
        self._database.execute("DELETE FROM heads WHERE conversation = ?", (id,))
        for users in self._database.execute("SELECT low, high FROM chats WHERE id = ?", (id,)).fetchall():
            self._database.executemany(
                "DELETE FROM marks WHERE user = ? AND conversation = ?", [(u, id) for u in users]
            )
        self._database.execute("DELETE FROM chats WHERE id = ?", (id,))
        self._extents.pop(id, None)

    # -- statements -------------------------------------------------------------------------------------------

    def _flush_messages(self) -> None:
        if self._messages:
            self._database.executemany(INSERT_MESSAGE, self._messages)
            self._messages.clear()

    def _flush(self) -> None:
        """Write all that is not written yet."""
        for table, rows in self._rows.items():
            self._database.executemany(table.put, list(rows.values()))
        self._rows.clear()
        self._flush_messages()
        if self._longer:
            heads = [HEADS.sealed(id, extent.first, extent.head) for id, extent in self._longer.items()]
            self._database.executemany(HEADS.put, heads)
            self._longer.clear()
        self._devices.flush()

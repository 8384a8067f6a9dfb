"""The one place that changes the database: batches in, one transaction, their outcomes out.

Several batches that wait are one transaction and one sync. Rows are gathered and written table by table in the order
of their keys, many with one statement: so neighbours on a page are written together, and the interpreter is handed over
to the loop's thread once for many rows.
"""

import sqlite3
from collections import defaultdict
from itertools import chain

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    DropBan,
    DropChat,
    DropInvitation,
    DropMember,
    DropShared,
    DropToken,
    DropUpload,
    DropUser,
    Duplicate,
    Entry,
    Expire,
    Outcome,
    PutDeed,
    PutFile,
    PutMarks,
    PutMember,
    PutMessage,
    Stale,
)
from chatnet.model import Message
from chatnet.store.devices import Device, Devices
from chatnet.store.records import NEXT_DEED, NUMBERED, Values, of_file, to_file, to_key, to_values
from chatnet.store.row_buffer import RowBuffer
from chatnet.store.rows import DEEDS, FILES, HEADS, INSERT_MESSAGES, MARKS, MEMBERS, UPLOADS, Table, to_row
from chatnet.store.schema import MAX_SEQ, bounds, position, row_id

_MESSAGES_AT_ONCE = 1024
"""That are gathered; so many take the interpreter for 2 ms."""
_EXPIRED_AT_ONCE = 2000
"""Messages that one `Expire` forgets at most, so that it holds up nobody for long."""
_ANSWERED_MILLISECONDS = 7 * 24 * 3600 * 1000
"""How long a message that has expired is still known again when its device sends it again."""
_OF_USER = [f"DELETE FROM {table} WHERE user = ?" for table in ("marks", "tokens", "members", "bans")]
_OF_CHAT = [f"DELETE FROM {table} WHERE conversation = ?" for table in ("files", "uploads")]
_WITH_FILES = "SELECT conversation FROM files UNION SELECT conversation FROM uploads"


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
        self._messages: defaultdict[int, list[object]] = defaultdict(list)
        """The columns of new messages, row after row, by conversation."""
        self._gathered = 0
        """How many messages these are."""
        self._rows = RowBuffer(self._database)
        self._place: int | None = None
        """Of the latest member of any room."""
        self._with_files: set[int] | None = None
        """The conversations that may have files or uploads. Most chats that are dropped have none; no index tells."""

    def _take_batch(self, batch: Batch) -> Committed:
        self._firsts: dict[int, int] = {}
        outcomes = [self._put_message(entry) if type(entry) is PutMessage else self._take(entry) for entry in batch]
        return Committed(batch, outcomes, self._firsts)

    # -- entries ----------------------------------------------------------------------------------------------

    def _take(self, entry: Entry) -> Outcome:
        match entry:
            case CheckMessage():
                device = self._devices.get(entry.device)
                return self._answer(device, entry.n) if entry.n <= device.n else None
            case PutMarks():
                self._put_marks(entry)
            case Expire():
                self._expire(entry)
            case DropUser():
                self._drop_user(entry.id)
            case DropChat():
                self._drop_chat(entry.id)
            case PutMember():
                self._put_member(entry)
            case PutDeed():
                self._put_deed(entry)
            case PutFile():
                self._put_file(entry)
            case DropToken() | DropInvitation() | DropMember() | DropBan() | DropUpload() | DropShared():
                self._rows.drop(*to_key(entry))
            case _:
                self._keep(*to_values(entry))
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
        self._messages[entry.conversation] += row
        extent.head = seq
        self._longer[entry.conversation] = extent
        self._devices.stored(entry.device, device, entry.n, row[0])
        if entry.marks_own:
            self._mark_own(entry, seq)
        if entry.file:
            self._share(entry, seq)
        self._gathered += 1
        if self._gathered >= _MESSAGES_AT_ONCE:
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

    def _mark_own(self, entry: PutMessage, seq: int) -> None:
        delivered, read = self._marks(entry.sender, entry.conversation)
        if read == seq - 1:
            self._set_marks(entry.sender, entry.conversation, max(delivered, seq), seq)

    def _put_marks(self, entry: PutMarks) -> None:
        """Marks only move forward."""
        delivered, read = self._marks(entry.user, entry.conversation)
        self._set_marks(entry.user, entry.conversation, max(delivered, entry.delivered), max(read, entry.read))

    def _marks(self, user: int, conversation: int) -> tuple[int, int]:
        found = self._rows.find(MARKS, user, conversation)
        return (0, 0) if found is None else found[2:]

    def _set_marks(self, user: int, conversation: int, delivered: int, read: int) -> None:
        self._rows.put(MARKS, user, conversation, delivered, read)

    def _keep(self, table: Table, values: Values) -> None:
        self._rows.put(table, *values)
        counter = NUMBERED.get(table)
        if counter is not None:
            self._rows.count(counter, values[0])
        if table in (UPLOADS, FILES) and self._with_files is not None:
            self._with_files.add(values[1])

    def _put_file(self, entry: PutFile) -> None:
        found = self._rows.find(FILES, entry.id)
        self._keep(FILES, of_file(entry, 0 if found is None else to_file(found).seq))

    def _share(self, entry: PutMessage, seq: int) -> None:
        """The file may be gone by now; and a message shares none of another conversation."""
        found = self._rows.find(FILES, entry.file)
        if found is not None:
            file = to_file(found).file
            if file.conversation == entry.conversation:
                self._rows.put(FILES, *of_file(file, seq))

    def _put_member(self, entry: PutMember) -> None:
        """Whoever is a member already keeps the place among those who came at the same time."""
        key = (entry.user, entry.conversation)
        found = self._rows.find(MEMBERS, *key)
        place = self._new_place() if found is None else found[-1]
        self._rows.put(MEMBERS, *key, int(entry.rank), entry.since, place)

    def _new_place(self) -> int:
        if self._place is None:
            (self._place,) = self._database.execute("SELECT coalesce(max(place), 0) FROM members").fetchone()
        self._place += 1
        return self._place

    def _put_deed(self, entry: PutDeed) -> None:
        id = self._rows.number(NEXT_DEED)
        about = (entry.time, entry.actor, entry.actor_name, int(entry.act))
        self._rows.put(DEEDS, id, *about, entry.subject, entry.conversation, entry.detail)
        self._rows.count(NEXT_DEED, id)

    def _drop_user(self, id: int) -> None:
        self._flush()
        for statement in _OF_USER:
            self._database.execute(statement, (id,))
        self._database.execute("DELETE FROM users WHERE id = ?", (id,))

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
        self._drop_files_of(id)

    def _drop_files_of(self, chat: int) -> None:
        """All is written by now."""
        if self._with_files is None:
            self._with_files = {id for (id,) in self._database.execute(_WITH_FILES)}
        if chat in self._with_files:
            for statement in _OF_CHAT:
                self._database.execute(statement, (chat,))

    # -- statements -------------------------------------------------------------------------------------------

    def _flush_messages(self) -> None:
        if self._messages:
            values = list(chain.from_iterable(map(self._messages.__getitem__, sorted(self._messages))))
            INSERT_MESSAGES.write(self._database, values)
            self._messages.clear()
            self._gathered = 0

    def _flush(self) -> None:
        """Write all that is not written yet."""
        self._rows.flush()
        self._flush_messages()
        if self._longer:
            values: list[object] = []
            for id, extent in self._longer.items():
                values += HEADS.sealed(id, extent.first, extent.head)
            HEADS.put_many.write(self._database, values)
            self._longer.clear()
        self._devices.flush()

"""The one place that changes the database: batches in, one transaction, their outcomes out.

Several batches that wait are one transaction and one sync. Each table is written by as few statements as possible,
because every statement's step hands the interpreter to the loop's thread and has to get it back.

Duplicates are found by the device alone. Its row has the last number and the last message's row, and each message
names the one before it of the same device: so the last 64 are found by 64 look-ups, however long the history is, and
no index is written for it.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    Committed,
    DropChat,
    DropUser,
    Duplicate,
    Entry,
    Outcome,
    PutChat,
    PutMarks,
    PutMessage,
    PutRoom,
    PutUser,
    Stale,
)
from chatnet.store.rows import COLUMN_COUNT, COLUMNS, Row, to_message, to_row
from chatnet.store.schema import position, row_id

REMEMBERED = 64
"""Messages of a device that can still be recognised; a client has at most 32 without an answer."""
_DEVICES = 50_000
"""Devices kept in memory; others are read again when they come back."""
_FORWARD_ONLY = (
    "ON CONFLICT DO UPDATE SET delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)"
)
_LARGEST_INSERT = 256
"""Rows in one statement."""


class Device:
    """What is known of one device: its last number, and the messages that led there."""

    __slots__ = ("changed", "id", "last", "n", "recent")

    def __init__(self, id: int, n: int, last: int) -> None:
        self.id = id
        self.n = n
        self.last = last
        self.recent: dict[int, Duplicate] = {}
        self.changed = False

    def remember(self, n: int, answer: Duplicate, row: int) -> None:
        """Note a message that is being stored."""
        self.n, self.last, self.changed = n, row, True
        self.recent[n] = answer
        if len(self.recent) > REMEMBERED:
            del self.recent[next(iter(self.recent))]


class _Changes:
    """The rows of one transaction."""

    def __init__(self) -> None:
        self.users: dict[int, tuple[object, ...]] = {}
        self.rooms: dict[int, tuple[object, ...]] = {}
        self.chats: dict[int, tuple[object, ...]] = {}
        self.marks: dict[tuple[int, int], tuple[int, int]] = {}
        self.messages: list[Row] = []
        self.devices: dict[bytes, Device] = {}
        self.dropped_users: list[int] = []
        self.dropped_chats: list[int] = []


class Writer:
    """Turns batches into transactions. Only the writer's thread calls it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._heads: dict[int, int] = {}
        self._devices: OrderedDict[bytes, Device] = OrderedDict()
        self._next_device = self._one("SELECT coalesce(max(id), 0) + 1 FROM devices")

    def write(self, batches: list[Batch]) -> list[Committed]:
        """Store all of them in one transaction.

        :raises sqlite3.Error: nothing is stored, unless the error came from the commit itself.
        """
        changes = _Changes()
        done = [Committed(batch, [self._take(entry, changes) for entry in batch]) for batch in batches]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._apply(changes)
            self._database.execute("COMMIT")
        except sqlite3.Error:
            self._forget()
            raise
        self._trim()
        return done

    # -- entries to rows --------------------------------------------------------------------------------------

    def _take(self, entry: Entry, changes: _Changes) -> Outcome:
        match entry:
            case PutMessage():
                return self._take_message(entry, changes)
            case CheckMessage():
                return self._answer(self._device(entry.device), entry.n)
            case PutUser():
                changes.users[entry.id] = (entry.id, entry.name, entry.display, entry.guest, entry.secret_hash)
            case PutRoom():
                changes.rooms[entry.id] = (entry.id, entry.name, entry.owner, entry.archived)
            case PutChat():
                changes.chats[entry.id] = (entry.id, entry.low, entry.high)
            case PutMarks():
                place = (entry.conversation, entry.user)
                delivered, read = changes.marks.get(place, (0, 0))
                changes.marks[place] = (max(delivered, entry.delivered), max(read, entry.read))
            case DropUser():
                changes.dropped_users.append(entry.id)
            case DropChat():
                changes.dropped_chats.append(entry.id)
            case _:
                raise TypeError(f"no store knows {entry!r}")
        return None

    def _take_message(self, entry: PutMessage, changes: _Changes) -> Outcome:
        device = self._device(entry.device)
        answer = self._answer(device, entry.n)
        if answer is not None:
            return answer
        seq = self._head(entry.conversation) + 1
        self._heads[entry.conversation] = seq
        row = to_row(entry, seq, device.id, device.last)
        device.remember(entry.n, Duplicate(entry.conversation, seq, entry.time), row[0])
        changes.messages.append(row)
        changes.devices[entry.device] = device
        return to_message(entry, seq)

    def _answer(self, device: Device, n: int) -> Duplicate | Stale | None:
        if n > device.n:
            return None
        return device.recent.get(n, Stale())

    # -- what is known ----------------------------------------------------------------------------------------

    def _head(self, conversation: int) -> int:
        head = self._heads.get(conversation)
        if head is None:
            low, high = row_id(conversation, 0), row_id(conversation + 1, 0)
            last = self._one("SELECT max(id) FROM messages WHERE id > ? AND id < ?", low, high)
            head = self._heads[conversation] = position(last)[1] if last else 0
        return head

    def _device(self, device: bytes) -> Device:
        known = self._devices.get(device)
        if known is None:
            known = self._devices[device] = self._load_device(device)
        else:
            self._devices.move_to_end(device)
        return known

    def _load_device(self, device: bytes) -> Device:
        found = self._database.execute("SELECT id, n, last FROM devices WHERE device = ?", (device,)).fetchone()
        if found is None:
            self._next_device += 1
            return Device(self._next_device - 1, 0, 0)
        known = Device(*found)
        known.recent = dict(reversed(list(self._trail(known))))
        return known

    def _trail(self, device: Device) -> Iterable[tuple[int, Duplicate]]:
        """The device's last messages, newest first."""
        row = device.last
        for _ in range(REMEMBERED):
            query = "SELECT n, time, previous FROM messages WHERE id = ? AND device = ?"
            found = self._database.execute(query, (row, device.id)).fetchone()
            if found is None:
                return
            yield found[0], Duplicate(*position(row), found[1])
            row = found[2]

    def _one(self, query: str, *values: int) -> int:
        found: int = self._database.execute(query, values).fetchone()[0]
        return found

    def _forget(self) -> None:
        """A transaction failed: what was noted in memory is not so. Read it again when it is needed."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._heads.clear()
        self._devices.clear()
        self._next_device = self._one("SELECT coalesce(max(id), 0) + 1 FROM devices")

    def _trim(self) -> None:
        while len(self._devices) > _DEVICES:
            self._devices.popitem(last=False)

    # -- rows to statements -----------------------------------------------------------------------------------

    def _apply(self, changes: _Changes) -> None:
        self._insert("REPLACE INTO users VALUES", 5, list(changes.users.values()))
        self._insert("REPLACE INTO rooms VALUES", 4, list(changes.rooms.values()))
        self._insert("REPLACE INTO chats VALUES", 3, list(changes.chats.values()))
        self._insert("INSERT INTO marks VALUES", 4, [(*p, *m) for p, m in changes.marks.items()], _FORWARD_ONLY)
        self._note_greatest("next_user", changes.users)
        self._note_greatest("next_conversation", changes.rooms | changes.chats)
        self._insert(f"INSERT INTO messages ({COLUMNS}) VALUES", COLUMN_COUNT, changes.messages)
        used = max((row[1] for row in changes.messages), default=0)
        devices = [(d.id, name, d.n, d.last, used) for name, d in changes.devices.items()]
        self._insert("REPLACE INTO devices VALUES", 5, devices)
        for id in changes.dropped_users:
            self._database.execute("DELETE FROM users WHERE id = ?", (id,))
            self._database.execute("DELETE FROM marks WHERE user = ?", (id,))
        for id in changes.dropped_chats:
            low, high = row_id(id, 0), row_id(id + 1, 0)
            self._database.execute("DELETE FROM messages WHERE id > ? AND id < ?", (low, high))
            self._database.execute("DELETE FROM marks WHERE conversation = ?", (id,))
            self._database.execute("DELETE FROM chats WHERE id = ?", (id,))

    def _insert(self, statement: str, columns: int, rows: Sequence[tuple[object, ...]], clause: str = "") -> None:
        """Write all rows by statements of 256, 128, ... 1 rows, so that few different ones have to be prepared."""
        place, size = 0, _LARGEST_INSERT
        one = f"({','.join('?' * columns)})"
        while place < len(rows):
            while size > len(rows) - place:
                size //= 2
            values = [value for row in rows[place : place + size] for value in row]
            self._database.execute(f"{statement} {','.join([one] * size)} {clause}", values)
            place += size

    def _note_greatest(self, key: str, put: dict[int, tuple[object, ...]]) -> None:
        """No id is given out twice, not even one whose owner is forgotten."""
        if put:
            self._database.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
                (key, max(put) + 1),
            )

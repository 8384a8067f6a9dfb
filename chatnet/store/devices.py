"""Who has sent what: a device's last number, and the way back to its last messages.

Whether a message is a duplicate is decided by its device alone. A device's row has its last number and the row of its
last message, and each message names the one before it of the same device. So the last 64 are found by 64 look-ups,
however long the history is, and no index over it is written. Of messages that are deleted, as much is kept as this
needs.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from chatnet.core.entries import Duplicate, Stale
from chatnet.store.failures import DamagedRow
from chatnet.store.rows import COLUMNS, DEVICES, GONE, read_row
from chatnet.store.schema import position

REMEMBERED = 64
"""Messages of a device that can still be recognised; a client has at most 32 without an answer."""
_CACHED = 50_000
"""Devices kept in memory; others are read again when they come back."""
_MAX_NUMBER = 2**63 - 1
_BEFORE = f"SELECT {DEVICES.columns} FROM devices WHERE device < ? ORDER BY device DESC LIMIT 1"
_AFTER = f"SELECT {DEVICES.columns} FROM devices WHERE device > ? ORDER BY device LIMIT 1"

_log = logging.getLogger(__name__)


class Device:
    """What is known of one device."""

    __slots__ = ("answers", "id", "last", "n")

    def __init__(self, id: int, n: int, last: int) -> None:
        self.id = id
        self.n = n
        """Its last number that was stored."""
        self.last = last
        """The row of that message."""
        self.answers: dict[int, Duplicate] | None = None
        """To its last messages, if they were looked up in this transaction."""


class Devices:
    """All devices, within the writer's transactions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known: dict[bytes, Device] = {}
        self._changed: dict[bytes, Device] = {}
        self._asked: list[Device] = []
        self._next_id: int | None = None

    def get(self, name: bytes) -> Device:
        """The device of this name, which may be new."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._load(name)
        return known

    def stored(self, name: bytes, device: Device, n: int, row: int) -> None:
        """A message of it is being stored in this row."""
        device.n, device.last, device.answers = n, row, None
        self._changed[name] = device

    def answer(self, device: Device, n: int) -> Duplicate | Stale:
        """What became of its message with a number up to its last; all of them must be in the database."""
        if device.answers is None:
            device.answers = dict(self._trail(device))
            self._asked.append(device)
        return device.answers.get(n, Stale())

    def flush(self) -> None:
        """Write what has changed."""
        if self._changed:
            values: list[object] = []
            for name, device in sorted(self._changed.items(), key=itemgetter(0)):
                values += DEVICES.sealed(name, device.id, device.n, device.last)
            DEVICES.put_many.write(self._database, values)
            self._changed.clear()

    def keep_answers(self, low: int, high: int) -> None:
        """The messages between these rows are about to be deleted; what a device may send again is still answered."""
        kept: Counter[int] = Counter()
        query = f"SELECT {COLUMNS} FROM messages WHERE id > ? AND id < ? ORDER BY id DESC"
        for raw in self._database.execute(query, (low, high)):
            row = read_row(raw)
            if row is not None and kept[row[8]] < REMEMBERED:
                kept[row[8]] += 1
                self._database.execute(GONE.put, GONE.sealed(row[0], row[1], row[8], row[9], row[10]))

    def find_break(self, id: int, n: int, last: int) -> int | None:
        """The row at which the way back from a device's last message is broken; None if it is whole."""
        row = last
        for _ in range(REMEMBERED):
            link = self._link(row)
            if link is None or link[0] != id or link[1] > n or (row == last and link[1] != n):
                return row
            n, row = link[1] - 1, link[3]
            if not row:
                return None
        return None

    def end(self) -> None:
        """The transaction is committed."""
        for device in self._asked:
            device.answers = None
        self._asked.clear()
        if len(self._known) > _CACHED:
            self._known.clear()

    def _load(self, name: bytes) -> Device:
        try:
            found = self._find(DEVICES.get, name)
            if found is None:
                # Where a damaged name hides a device, the search for its true name ends beside it.
                self._find(_BEFORE, name)
                self._find(_AFTER, name)
                return Device(self._new_id(), 0, 0)
            return Device(*found[1:])
        except DamagedRow as error:
            # Nobody knows what it has sent. To refuse all that it sends is loud, to store it twice would be silent.
            _log.error("%s in the database; nothing more is taken from device %s", error, name.hex())
            return Device(0, _MAX_NUMBER, 0)

    def _find(self, query: str, name: bytes) -> tuple[Any, ...] | None:
        raw = self._database.execute(query, (name,)).fetchone()
        return None if raw is None else DEVICES.open(raw)

    def _new_id(self) -> int:
        if self._next_id is None:
            (self._next_id,) = self._database.execute("SELECT coalesce(max(id), 0) + 1 FROM devices").fetchone()
        self._next_id += 1
        return self._next_id - 1

    def _trail(self, device: Device) -> Iterator[tuple[int, Duplicate]]:
        """The device's last messages, newest first."""
        row = device.last
        for _ in range(REMEMBERED):
            link = self._link(row)
            if link is None or link[0] != device.id:
                return
            _, n, time, previous = link
            yield n, Duplicate(*position(row), time)
            row = previous

    def _link(self, id: int) -> tuple[int, int, int, int] | None:
        """(device, n, time, previous) of a message, also of a deleted one; None if there is no sound one."""
        raw = self._database.execute(f"SELECT {COLUMNS} FROM messages WHERE id = ?", (id,)).fetchone()
        if raw is not None:
            row = read_row(raw)
            return None if row is None else (row[8], row[9], row[1], row[10])
        raw = self._database.execute(GONE.get, (id,)).fetchone()
        if raw is None:
            return None
        try:
            _, time, number, n, previous = GONE.open(raw)
        except DamagedRow:
            return None
        return number, n, time, previous

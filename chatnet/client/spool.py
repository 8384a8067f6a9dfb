"""An outbox on disk: what was typed while the server was away goes out when it is back, once, whoever crashes.

Each outbox is one small SQLite file in a private folder, with a device of its own, since the server knows a message
again by its device and number. One process at a time uses it and holds its lock. A second process of the same user
takes the next outbox in the folder; whoever comes later drains them all. So no message is ever sent by two processes,
and none waits for a process that is gone.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from chatnet.client.outbox import Draft, MemoryOutbox, Target, ToConversation, ToRoom, ToUser
from chatnet.errors import ConfigError, ErrorCode
from chatnet.model import DEVICE_ID_BYTES, DeviceId, FileId, Kind, Seq
from chatnet.net.folders import FolderLock, make_private_folder

_MOST_OUTBOXES = 64
_FILE_NAME = "outbox.db"
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS device (id BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS drafts (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        way TEXT NOT NULL,
        target NOT NULL,
        body TEXT NOT NULL,
        kind INTEGER NOT NULL,
        reference INTEGER NOT NULL,
        file INTEGER NOT NULL DEFAULT 0
    );
"""
_ADD_FILE = "ALTER TABLE drafts ADD COLUMN file INTEGER NOT NULL DEFAULT 0"
"""Of an outbox that is older than files."""
_WAYS: dict[str, type[ToUser] | type[ToRoom] | type[ToConversation]] = {
    "user": ToUser,
    "room": ToRoom,
    "conversation": ToConversation,
}


class DiskOutbox:
    """A `chatnet.client.outbox.Outbox` whose drafts are on disk before `add` returns.

    Numbers are never given out twice, not even those of drafts that are long answered.
    """

    def __init__(self, folder: Path) -> None:
        """Open, or make, the outbox in ``folder``.

        :raises ConfigError: DATA_IN_USE: another process has it; DATA_UNUSABLE: it cannot be opened.
        """
        make_private_folder(folder)
        self._folder = folder
        self._lock = FolderLock(folder)
        try:
            self._database = _open(folder / _FILE_NAME)
            self.device = _device(self._database)
            self._drafts = MemoryOutbox()
            self._load()
        except sqlite3.Error as error:
            self._lock.release()
            raise _unusable(folder, error) from error

    def close(self) -> None:
        """Let another process have it."""
        self._database.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _load(self) -> None:
        for row in self._database.execute("SELECT * FROM drafts ORDER BY n"):
            self._drafts.put(_draft(*row))

    # -- the outbox -------------------------------------------------------------------------------------------

    def add(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId = 0) -> Draft:
        """Keep a new draft; it is on the disk when this returns.

        :raises ConfigError: DATA_UNUSABLE: it cannot be kept.
        """
        way = next(way for way, type_ in _WAYS.items() if type(target) is type_)
        where = target.id if isinstance(target, ToConversation) else target.name
        cursor = self._execute(
            "INSERT INTO drafts (way, target, body, kind, reference, file) VALUES (?, ?, ?, ?, ?, ?)",
            (way, where, body, int(kind), reference, file),
        )
        assert cursor.lastrowid is not None
        draft = Draft(cursor.lastrowid, target, body, kind, reference, file)
        self._drafts.put(draft)
        return draft

    def after(self, n: int) -> Draft | None:
        """The first draft with a greater number than ``n``."""
        return self._drafts.after(n)

    def remove(self, n: int) -> Draft | None:
        """Forget a draft that is answered for good."""
        draft = self._drafts.remove(n)
        if draft is not None:
            self._execute("DELETE FROM drafts WHERE n = ?", (n,))
        return draft

    def _execute(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise _unusable(self._folder, error) from error

    def __iter__(self) -> Iterator[Draft]:
        return iter(self._drafts)

    def __len__(self) -> int:
        return len(self._drafts)


class Spool:
    """All outboxes of one user for one server: folders ``1``, ``2``, ... below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self) -> DiskOutbox:
        """The first outbox that no other process uses, made now if there is none.

        :raises ConfigError: DATA_IN_USE: too many processes; DATA_UNUSABLE.
        """
        make_private_folder(self._folder)
        for number in range(1, _MOST_OUTBOXES + 1):
            try:
                return DiskOutbox(self._folder / str(number))
            except ConfigError as error:
                if error.code != ErrorCode.DATA_IN_USE:
                    raise
        raise ConfigError(ErrorCode.DATA_IN_USE, f"all {_MOST_OUTBOXES} outboxes in {self._folder} are in use")

    def waiting(self) -> Iterator[DiskOutbox]:
        """Each outbox that has drafts and that no other process uses, one after the other. Close each."""
        for path in self._paths():
            try:
                outbox = DiskOutbox(path)
            except ConfigError as error:
                if error.code == ErrorCode.DATA_IN_USE:
                    continue
                raise
            if len(outbox):
                yield outbox
            else:
                outbox.close()

    def peek(self) -> list[Draft]:
        """All drafts, those of other processes too, without claiming anything."""
        drafts = []
        for path in self._paths():
            try:
                # Not "ro": what a process that was killed has left in the middle must be undone first.
                uri = f"{(path / _FILE_NAME).absolute().as_uri()}?mode=rw"
                with closing(sqlite3.connect(uri, uri=True)) as database:
                    rows = database.execute("SELECT * FROM drafts ORDER BY n").fetchall()
            except sqlite3.Error as error:
                raise _unusable(path, error) from error
            drafts += [_draft(*row) for row in rows]
        return drafts

    def _paths(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if path.name.isdecimal() and (path / _FILE_NAME).exists()]
        return sorted(found, key=lambda path: int(path.name))


def _open(path: Path) -> sqlite3.Connection:
    # SQLite makes its other files with the mode of this one.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = EXTRA")
    database.executescript(_SCHEMA)
    if "file" not in [column[1] for column in database.execute("PRAGMA table_info(drafts)")]:
        database.execute(_ADD_FILE)
    return database


def _draft(n: int, way: str, where: Any, body: str, kind: int, reference: Seq, file: FileId = 0) -> Draft:
    """A row of the table; an outbox that is only looked at may be older than files."""
    return Draft(n, _WAYS[way](where), body, Kind(kind), reference, file)


def _device(database: sqlite3.Connection) -> DeviceId:
    found = database.execute("SELECT id FROM device").fetchone()
    if found is None:
        found = (os.urandom(DEVICE_ID_BYTES),)
        database.execute("INSERT INTO device VALUES (?)", found)
    device: bytes = found[0]
    return device


def _unusable(folder: Path, error: Exception) -> ConfigError:
    return ConfigError(ErrorCode.DATA_UNUSABLE, f"cannot keep messages that are to be sent in {folder}: {error}")

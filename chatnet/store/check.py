"""Looks at all that is in a database and names what is damaged, in words that say whose message or name it is.

SQLite's own check sees the structure of the file, the digests see every bit of every row, and what the rows say of one
another shows what is missing as a whole. Nothing is changed, and a server may go on with the database meanwhile. The
contents of files are not in the database: `chatnet.store.file_list` says which there must be.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatnet.store.devices import REMEMBERED, Devices
from chatnet.store.failures import DamagedRow, DatabaseTooNew, StoreUnusable, explained, in_one_line, is_obstacle
from chatnet.store.migrations import OLD_ROOMS, OLD_USERS, WITH_ACCOUNTS, WITH_FILES, check_layout, recognise
from chatnet.store.opening import is_for_newer_sqlite, open_for_reading
from chatnet.store.reader import one_moment, read_rows
from chatnet.store.records import (
    NEXT_CONVERSATION,
    NEXT_DEED,
    NEXT_FILE,
    NEXT_TOKEN,
    NEXT_UPLOAD,
    NEXT_USER,
    SECRET,
    SERVER_ID,
)
from chatnet.store.rows import (
    BANS,
    CHATS,
    DEEDS,
    DEVICES,
    FILES,
    GONE,
    HEADS,
    INVITATIONS,
    MARKS,
    MEMBERS,
    META,
    ROOMS,
    TOKENS,
    UPLOADS,
    USERS,
    Table,
)
from chatnet.store.schema import MAX_SEQ, SEQ_BITS, position
from chatnet.store.search_check import check_index

_AT_ONCE = 1000
"""Messages; behind one that is damaged, so many at most are looked up one by one."""
_MOST_STRUCTURE_ERRORS = 1000
_STRAY = f"""
    SELECT messages.id FROM messages LEFT JOIN heads ON heads.conversation = messages.id >> {SEQ_BITS}
    WHERE heads.conversation IS NULL OR messages.id & {MAX_SEQ} NOT BETWEEN heads.first AND heads.head
"""
_TWICE = "SELECT min(id), max(id), n FROM messages GROUP BY device, n HAVING count(*) > 1"
_WITHOUT_DEVICE = "SELECT min(id) FROM messages WHERE device NOT IN (SELECT id FROM devices) GROUP BY device"
_SAME_NUMBER = "SELECT min(device) FROM devices GROUP BY id HAVING count(*) > 1"


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not what was stored."""

    where: str
    """``lobby#17``, ``user 5``, ``the file``."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def check(path: Path, *, alone: bool = False) -> Iterator[Damage]:
    """All that is damaged in the database at ``path``, as it is found; nothing if all is as it was stored.

    :param alone: this process has not opened the database in any other way; then the file's header is looked at, too.
    :raises StoreUnusable: it cannot be looked at: not there, not readable.
    :raises DatabaseTooNew: only a newer chatnet knows what should be in it.
    """
    with explained(path):
        if alone and is_for_newer_sqlite(path):
            yield Damage("the file", "its header says that it is for a newer SQLite")
    try:
        with closing(open_for_reading(path)) as database, one_moment(database):
            is_sound = True
            for damage in _Check(database).run():
                is_sound = False
                yield damage
            if is_sound:
                yield from _search_index(path)
    except (sqlite3.DatabaseError, UnicodeDecodeError, DatabaseTooNew) as error:
        if isinstance(error, DatabaseTooNew) or is_obstacle(error):
            with explained(path):
                raise
        yield Damage("the file", f"it cannot be read as a database ({in_one_line(str(error).encode())})")


def _search_index(path: Path) -> Iterator[Damage]:
    """A server makes it anew if its file is not there."""
    try:
        for what in check_index(path):
            yield Damage("the search index", f"{what}; the server makes it anew once its file, search.db, is removed")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_obstacle(error):
            raise
        yield Damage("the search index", f"it cannot be read ({in_one_line(str(error).encode())})")


@dataclass(slots=True)
class _Check:
    database: sqlite3.Connection
    names: dict[int, str] = field(default_factory=dict)
    """Of conversations."""
    firsts: dict[int, int] = field(default_factory=dict)
    """The oldest seq that each conversation keeps."""
    heads: dict[int, int] = field(default_factory=dict)
    """The newest."""
    has_accounts: bool = True
    """No: it was made by an older chatnet, and no server has brought it up to date yet."""
    has_files: bool = True
    """Likewise."""
    meta: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Iterator[Damage]:
        yield from self._structure()
        try:
            done = recognise(self.database)
            self.has_accounts, self.has_files = WITH_ACCOUNTS in done, WITH_FILES in done
            check_layout(self.database)
        except StoreUnusable as error:
            yield Damage("the file", error.message)
            return
        parts: tuple[Callable[[], Iterator[Damage]], ...] = (
            self._registers,
            self._powers,
            self._messages,
            self._files,
            self._strays,
            self._devices,
        )
        for part in parts:
            try:
                yield from part()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if is_obstacle(error):
                    raise
                yield Damage("the file", f"a part of it cannot be read ({in_one_line(str(error).encode())})")

    def _structure(self) -> Iterator[Damage]:
        for (text,) in self.database.execute(f"PRAGMA integrity_check({_MOST_STRUCTURE_ERRORS})"):
            if text != b"ok":
                yield Damage("the file", in_one_line(text))

    # -- users, rooms and what else the server knows at start ---------------------------------------------------

    def _registers(self) -> Iterator[Damage]:
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for table in (META, *((USERS, ROOMS) if self.has_accounts else (OLD_USERS, OLD_ROOMS)), CHATS):
            yield from self._rows(table, rows.setdefault(table.name, []))
        for table in (MARKS, GONE):
            yield from self._rows(table)
        users = {id: name for id, name, *_ in rows["users"]}
        self.names |= {id: name for id, name, *_ in rows["rooms"]}
        for id, low, high in rows["chats"]:
            self.names[id] = " & ".join(users.get(user, f"user {user}") for user in dict.fromkeys((low, high)))
        self.meta = dict(rows["meta"])
        for key in (SERVER_ID, SECRET) if self.has_accounts else (SERVER_ID,):
            if key not in self.meta:
                yield Damage(f"the server's own note {key}", "it is gone")
        yield from self._counter(NEXT_USER, users)
        yield from self._counter(NEXT_CONVERSATION, self.names)

    def _counter(self, key: str, ids: Collection[int]) -> Iterator[Damage]:
        if ids and self.meta.get(key, 0) <= max(ids):
            yield Damage(f"the server's own note {key}", "it is gone, or older than what was stored")

    def _powers(self) -> Iterator[Damage]:
        """Who may do what, and who did what."""
        if not self.has_accounts:
            return
        tokens: list[tuple[Any, ...]] = []
        yield from self._rows(TOKENS, tokens)
        yield from self._counter(NEXT_TOKEN, [id for id, *_ in tokens])
        for table in (INVITATIONS, MEMBERS, BANS, DEEDS):
            yield from self._rows(table)
        after = 1
        for (id,) in self.database.execute("SELECT id FROM deeds ORDER BY id"):
            yield from self._lost_lines(after, id)
            after = id + 1
        end = self.meta.get(NEXT_DEED, 1)
        yield from self._lost_lines(after, end)
        if end < after:
            yield Damage(f"the server's own note {NEXT_DEED}", "it is gone, or older than what was stored")

    def _lost_lines(self, start: int, end: int) -> Iterator[Damage]:
        if start < end:
            where = f"line {start}" + (f" to {end - 1}" if end - 1 > start else "")
            yield Damage(f"the audit log, {where}", "gone")

    def _rows(self, table: Table, sound: list[tuple[Any, ...]] | None = None) -> Iterator[Damage]:
        """Damaged rows; the others go to ``sound``."""
        for raw in self.database.execute(table.all):
            try:
                row = table.open(raw)
            except DamagedRow:
                yield Damage(table.describe(raw), "it is not what was stored")
            else:
                if sound is not None:
                    sound.append(row)

    # -- messages ---------------------------------------------------------------------------------------------

    def _messages(self) -> Iterator[Damage]:
        heads: list[tuple[Any, ...]] = []
        yield from self._rows(HEADS, heads)
        self.firsts = {conversation: first for conversation, first, _ in heads}
        self.heads = {conversation: head for conversation, _, head in heads}
        for conversation, first, head in heads:
            if conversation not in self.names:
                yield Damage(self._name(conversation), "there are messages, but no such room or personal chat")
            yield from self._conversation(conversation, first, head)

    def _conversation(self, conversation: int, first: int, head: int) -> Iterator[Damage]:
        """Runs of messages that are damaged or gone; and those of a device that are not in its order."""
        last: dict[int, int] = {}
        bad = 0
        for start in range(first, head + 1, _AT_ONCE):
            seqs = range(start, min(head, start + _AT_ONCE - 1) + 1)
            for seq, row in zip(seqs, read_rows(self.database, conversation, seqs), strict=True):
                if row is None:
                    bad = bad or seq
                    continue
                if bad:
                    yield self._lost(conversation, bad, seq - 1)
                    bad = 0
                device, n = row[8], row[9]
                if n <= last.get(device, 0):
                    yield Damage(self._message(row[0]), "it is not in the order in which its device sent it")
                last[device] = n
        if bad:
            yield self._lost(conversation, bad, head)

    def _lost(self, conversation: int, start: int, end: int) -> Damage:
        where = f"{self._name(conversation)}#{start}" + (f" to #{end}" if end > start else "")
        return Damage(where, "damaged or gone")

    def _strays(self) -> Iterator[Damage]:
        for (id,) in self.database.execute(_STRAY):
            yield Damage(self._message(id), "it is not one of the messages that its conversation has")
        for one, other, n in self.database.execute(_TWICE):
            yield Damage(
                self._message(other), f"it is the same message as {self._message(one)}: number {n} of its device"
            )
        for (id,) in self.database.execute(_WITHOUT_DEVICE):
            yield Damage(self._message(id), "the device that sent it is not known")

    # -- files ------------------------------------------------------------------------------------------------

    def _files(self) -> Iterator[Damage]:
        """A file of a message that has expired is none: it goes as soon as the server has noticed."""
        if not self.has_files:
            return
        for table, counter in ((UPLOADS, NEXT_UPLOAD), (FILES, NEXT_FILE)):
            rows: list[tuple[Any, ...]] = []
            yield from self._rows(table, rows)
            yield from self._counter(counter, [id for id, *_ in rows])
            for conversation in sorted({row[1] for row in rows} - self.names.keys()):
                yield Damage(self._name(conversation), f"there are {table.name}, but no such room or personal chat")
            if table is FILES:
                yield from self._shared_by_nothing(rows)

    def _shared_by_nothing(self, files: list[tuple[Any, ...]]) -> Iterator[Damage]:
        for id, conversation, seq, *_ in files:
            if seq > self.heads.get(conversation, 0):
                yield Damage(f"file {id}", f"there is no {self._name(conversation)}#{seq}, which shares it")

    # -- devices ----------------------------------------------------------------------------------------------

    def _devices(self) -> Iterator[Damage]:
        trails = Devices(self.database)
        for raw in self.database.execute(DEVICES.all):
            try:
                _, id, n, last = DEVICES.open(raw)
            except DamagedRow:
                yield Damage(DEVICES.describe(raw), "it is not what was stored")
                continue
            broken = trails.find_break(id, n, last)
            if broken is not None and not self._is_forgotten(broken):
                where = self._message(broken)
                yield Damage(
                    DEVICES.describe(raw),
                    f"its last {REMEMBERED} messages cannot be followed: {where} is not what was stored",
                )
        for (device,) in self.database.execute(_SAME_NUMBER):
            yield Damage(f"device {device.hex()}", "another device has the same number")

    def _is_forgotten(self, id: int) -> bool:
        """Was it deleted, perhaps so long ago that nothing is left of it?"""
        conversation, seq = position(id)
        return conversation not in self.firsts or seq < self.firsts[conversation]

    # -- names ------------------------------------------------------------------------------------------------

    def _name(self, conversation: int) -> str:
        return self.names.get(conversation, f"conversation {conversation}")

    def _message(self, id: int) -> str:
        conversation, seq = position(id)
        return f"{self._name(conversation)}#{seq}"

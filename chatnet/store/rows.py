"""Rows of the database, each with a digest that tells whether it is still what was written.

A digest covers every column and the row's own key, so that neither a flipped bit nor a row that turns up in another
one's place is ever shown as something that somebody said. 64 bits of BLAKE2b (RFC 7693).

Connections give text as bytes (``text_factory``), so that a row whose text is no UTF-8 any more is one damaged row, and
not an error for all that were read with it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec

from chatnet.core.entries import PutMessage
from chatnet.model import Kind, Message
from chatnet.store.failures import DamagedRow, in_one_line
from chatnet.store.many_rows import ManyRows
from chatnet.store.schema import position, row_id

Row = tuple[int, int, int, str, str, int, str, int, int, int, int, int]
"""A message, with the columns of `COLUMNS`."""
Raw = Sequence[Any]
"""A row as SQLite gives it: whatever is there, text as bytes."""

COLUMNS = "id, time, sender, name, display, kind, body, reference, device, n, previous, digest"
# What fails here ends the transaction anyway. By default SQLite would keep a copy of every page that a statement with
# many rows changes, in a file, to undo that statement alone.
_INSERT = f"INSERT OR ROLLBACK INTO messages ({COLUMNS}) VALUES ({', '.join('?' * 12)})"
INSERT_MESSAGES = ManyRows(_INSERT)
DAMAGED = "(this message is damaged in the server's database)"

_encode = msgspec.msgpack.Encoder().encode
_unhashed = blake2b(digest_size=8).copy
"""To copy a fresh one is twice as fast as to make it."""
_number = Struct(">q").unpack


def seal(columns: tuple[object, ...]) -> int:
    """The digest of these columns; a signed 64-bit number, as SQLite keeps them."""
    hash = _unhashed()
    hash.update(_encode(columns))
    number: int = _number(hash.digest())[0]
    return number


# -- messages -------------------------------------------------------------------------------------------------


def to_row(entry: PutMessage, seq: int, device: int, previous: int) -> Row:
    """The row of a message; ``device`` is the number of its device here, ``previous`` that device's last row."""
    columns = (
        row_id(entry.conversation, seq),
        entry.time,
        entry.sender,
        entry.name,
        entry.display,
        int(entry.kind),
        entry.body,
        entry.reference,
        device,
        entry.n,
        previous,
    )
    return (*columns, seal(columns))


def read_row(raw: Raw) -> Row | None:
    """A row as it was written; None if it is not."""
    id, time, sender, name, display, kind, body, reference, device, n, previous, digest = raw
    try:
        columns = (
            id,
            time,
            sender,
            str(name, "utf-8"),
            str(display, "utf-8"),
            kind,
            str(body, "utf-8"),
            reference,
            device,
            n,
            previous,
        )
    except (TypeError, UnicodeDecodeError):
        return None
    return (*columns, digest) if seal(columns) == digest else None


def to_message(row: Row) -> Message:
    """The message in a row, as clients are told it."""
    return Message(position(row[0])[1], row[1], row[2], row[3], row[4], Kind(row[5]), row[6], row[7])


def damaged(seq: int) -> Message:
    """What stands in the place of a message that cannot be read any more, or is gone: nothing that anybody said."""
    return Message(seq, 0, 0, "", "", Kind.SYSTEM, DAMAGED)


# -- all else -------------------------------------------------------------------------------------------------


class Table:
    """A table whose rows are sealed with their table's name as well.

    :param what: what a row is, for people.
    :param columns: all but the digest, the ``keys`` that name a row first.
    """

    def __init__(self, name: str, what: str, columns: str, *, keys: int = 1, texts: tuple[int, ...] = ()) -> None:
        names = columns.split()
        self.name = name
        self._what, self._keys, self._texts = what, keys, texts
        listed = self.columns = ", ".join([*names, "digest"])
        self.put = f"REPLACE INTO {name} ({listed}) VALUES ({', '.join('?' * (len(names) + 1))})"
        self.put_many = ManyRows(self.put)
        is_it = f"WHERE {' AND '.join(f'{key} = ?' for key in names[:keys])}"
        self.get = f"SELECT {listed} FROM {name} {is_it}"
        self.drop = f"DELETE FROM {name} {is_it}"
        self.all = f"SELECT {listed} FROM {name} ORDER BY {', '.join(names[:keys])}"

    def sealed(self, *values: object) -> tuple[object, ...]:
        """A row to put."""
        return (*values, seal((self.name, *values)))

    def key(self, values: tuple[object, ...]) -> tuple[object, ...]:
        """What names the row with these values."""
        return values[: self._keys]

    def open(self, raw: Raw) -> tuple[Any, ...]:
        """The values in a row.

        :raises DamagedRow: they are not what was put.
        """
        values = list(raw[:-1])
        try:
            for i in self._texts:
                values[i] = str(values[i], "utf-8")
        except (TypeError, UnicodeDecodeError):
            raise DamagedRow(f"{self.describe(raw)} is damaged") from None
        if seal((self.name, *values)) != raw[-1]:
            raise DamagedRow(f"{self.describe(raw)} is damaged")
        return tuple(values)

    def describe(self, raw: Raw) -> str:
        """Which row this is: ``user 17``."""
        keys = [self._readable(i, key) for i, key in enumerate(raw[: self._keys])]
        return f"{self._what} {', '.join(keys)}"

    def _readable(self, column: int, key: object) -> str:
        if not isinstance(key, bytes):
            return str(key)
        return key.decode("utf-8", "replace") if column in self._texts else key.hex()


def sound_rows(database: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """The values in each row, in the order of the keys.

    :raises DamagedRow: one of them is not what was put.
    """
    # A cursor that an error's traceback still knows would keep the file open.
    with closing(database.execute(table.all)) as rows:
        for raw in rows:
            yield table.open(raw)


def check_structure(database: sqlite3.Connection, table: Table) -> None:
    """A damaged page could hide rows, which no digest would tell.

    :raises DamagedRow: there is one.
    """
    (found,) = database.execute(f"PRAGMA quick_check({table.name})").fetchall()[0]
    if found != b"ok":
        raise DamagedRow(f"the table {table.name} is damaged ({in_one_line(found)})")


_VERIFIER = "salt iterations stored_key server_key"

META = Table("meta", "the server's own note", "key value", texts=(0,))
USERS = Table("users", "user", f"id name display role secret_hash {_VERIFIER} uid", texts=(1, 2))
ROOMS = Table("rooms", "room", "id name owner archived topic private", texts=(1, 4))
CHATS = Table("chats", "personal chat", "id low high")
HEADS = Table("heads", "the extent of conversation", "conversation first head")
MARKS = Table("marks", "the marks of user and conversation", "user conversation delivered read", keys=2)
TOKENS = Table("tokens", "token", "id user hash label scope made expires", texts=(3,))
INVITATIONS = Table("invitations", "invitation", f"name {_VERIFIER} uses expires role maker", texts=(0,))
MEMBERS = Table("members", "the membership of user and room", "user conversation rank since place", keys=2)
BANS = Table(
    "bans",
    "the ban or mute of user, room and act",
    "user conversation act until maker reason time",
    keys=3,
    texts=(5,),
)
DEEDS = Table(
    "deeds",
    "line of the audit log",
    "id time actor actor_name act subject conversation detail",
    texts=(3, 5, 7),
)
UPLOADS = Table("uploads", "upload", "id conversation user name size content since", texts=(3,))
FILES = Table(
    "files",
    "file",
    "id conversation seq name size content sender sender_name time fetched",
    texts=(3, 7),
)
DEVICES = Table("devices", "device", "device id n last")
GONE = Table("gone", "what is left of deleted message", "id time device n previous")

"""A message as a row of the database, with a digest that tells whether it is still what was written.

The digest covers every column and the row's own id, so that neither a flipped bit nor a row that turns up in another
one's place is ever shown as something that somebody said. 64 bits of BLAKE2b (RFC 7693).
"""

from hashlib import blake2b

import msgspec

from chatnet.core.entries import PutMessage
from chatnet.model import Kind, Message
from chatnet.store.schema import position, row_id

COLUMNS = "id, time, sender, name, display, kind, body, reference, device, n, previous, digest"
COLUMN_COUNT = 12
Row = tuple[int, int, int, str, str, int, str, int, int, int, int, int]

_encode = msgspec.msgpack.Encoder().encode
DAMAGED = "(this message is damaged in the server's database)"


def digest(columns: tuple[object, ...]) -> int:
    """Of all columns but the digest itself; a signed 64-bit number, as SQLite keeps them."""
    return int.from_bytes(blake2b(_encode(columns), digest_size=8).digest(), "big", signed=True)


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
    return (*columns, digest(columns))


def to_message(entry: PutMessage, seq: int) -> Message:
    """The message as clients are told it."""
    return Message(seq, entry.time, entry.sender, entry.name, entry.display, entry.kind, entry.body, entry.reference)


def is_sound(row: Row) -> bool:
    """Is this row what was written?"""
    return digest(row[:-1]) == row[-1]


def from_row(row: Row) -> Message:
    """The message in a row; a damaged one is never shown as if it had been said."""
    seq = position(row[0])[1]
    if not is_sound(row):
        return damaged(seq)
    return Message(seq, row[1], row[2], row[3], row[4], Kind(row[5]), row[6], row[7])


def damaged(seq: int) -> Message:
    """What stands in the place of a message that cannot be read any more."""
    return Message(seq, 0, 0, "", "", Kind.SYSTEM, DAMAGED)

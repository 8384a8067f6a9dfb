"""Compares the closed database with what all clients wrote down: the invariants I1 to I7 of docs/architecture.md.

The database is read with SQLite alone, not with the store that wrote it.
"""

import sqlite3
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from _crash_ledger import Ledger, Number, Place, Said
from _crash_people import Person

from chatnet.client.outbox import ToRoom, ToUser
from chatnet.client.spool import DiskOutbox
from chatnet.model import ConversationId, Kind, Message
from chatnet.store.opening import FILE_NAME
from chatnet.store.schema import position

_MESSAGES = """
    SELECT m.id, m.time, m.sender, m.name, m.display, m.kind, m.body, m.reference, d.device, m.n
    FROM messages m LEFT JOIN devices d ON d.id = m.device ORDER BY m.id
"""


class Row(NamedTuple):
    """One stored message."""

    number: Number
    message: Message


class Contents:
    """All that matters of a database."""

    def __init__(self, folder: Path) -> None:
        database = sqlite3.connect(f"{(folder / FILE_NAME).absolute().as_uri()}?mode=ro", uri=True)
        try:
            self.integrity: str = database.execute("PRAGMA integrity_check").fetchone()[0]
            self.rows: dict[Place, Row] = {}
            for id, time, sender, name, display, kind, body, reference, device, n in database.execute(_MESSAGES):
                conversation, seq = position(id)
                message = Message(seq, time, sender, name, display, Kind(kind), body, reference)
                self.rows[conversation, seq] = Row((device, n), message)
            self.heads: dict[ConversationId, tuple[int, int]] = {
                id: (first, head) for id, first, head in database.execute("SELECT conversation, first, head FROM heads")
            }
            users = dict(database.execute("SELECT id, name FROM users"))
            rooms = database.execute("SELECT id, name FROM rooms")
            chats = database.execute("SELECT id, low, high FROM chats")
            self.names: dict[ConversationId, object] = dict(rooms)
            """A room's name, or the names of the two in a personal chat."""
            self.names |= {id: frozenset((users[low], users[high])) for id, low, high in chats}
        finally:
            database.close()

    def of(self, conversation: ConversationId) -> list[tuple[int, Row]]:
        """(seq, row) of one conversation, in order."""
        return [(seq, row) for (id, seq), row in self.rows.items() if id == conversation]


def audit(folder: Path, ledger: Ledger, people: list[Person]) -> Contents:
    """Check everything; what is wrong goes to the ledger."""
    contents = Contents(folder)
    if contents.integrity != "ok":
        ledger.violate("database", contents.integrity)
    _check_promises(contents, ledger)
    _check_rows(contents, ledger)
    _check_heard(contents, ledger)
    _check_said(contents, ledger)
    for person in people:
        _check_person(person, ledger)
    return contents


def _check_promises(contents: Contents, ledger: Ledger) -> None:
    """I1: what was acked is where the ack said."""
    for number, place in ledger.acks.items():
        row, said = contents.rows.get(place), ledger.said[number]
        if row is None:
            ledger.violate("I1", f"{said.name}'s {number[1]} was acked as {place}, and is not stored")
        elif row.number != number or row.message.body != said.body:
            ledger.violate("I1", f"{said.name}'s {number[1]} was acked as {place}, where {row} is stored")


def _check_rows(contents: Contents, ledger: Ledger) -> None:
    """I2 to I4: no gaps, no message twice, and nobody's own messages in another order than they were said."""
    found: dict[Number, Place] = {}
    for place, row in contents.rows.items():
        if found.setdefault(row.number, place) != place:
            ledger.violate("I3", f"{row.message.name}'s {row.number[1]} is stored as {found[row.number]} and {place}")
    for id in contents.heads.keys() | {id for id, _ in contents.rows}:
        rows = contents.of(id)
        if [seq for seq, _ in rows] != list(range(1, len(rows) + 1)):
            ledger.violate("I2", f"conversation {id} has gaps")
        if contents.heads.get(id) != (1, len(rows)):
            ledger.violate("I2", f"conversation {id} has {len(rows)} messages and the extent {contents.heads.get(id)}")
        last: dict[bytes, int] = {}
        for seq, row in rows:
            device, n = row.number
            if n <= last.get(device, 0):
                ledger.violate("I4", f"{row.message.name}'s {n} follows its {last[device]} at {id}#{seq}")
            last[device] = n


def _check_heard(contents: Contents, ledger: Ledger) -> None:
    """I5 and I6: what anybody applied is stored, exactly so; and who was there missed nothing in front of it."""
    for place, message in ledger.heard.items():
        row = contents.rows.get(place)
        if row is None or row.message != message:
            ledger.violate("I5", f"{message.name}'s {message.body[:40]!r} was heard as {place}; stored is {row}")
    for id, pieces in ledger.pieces.items():
        said = (ledger.said.get(row.number) for _, row in contents.of(id))
        latest = list(accumulate((0.0 if it is None else it.at for it in said), max, initial=0.0))
        for piece in pieces:
            if latest[min(piece.first, len(latest)) - 1] > piece.online_at:
                ledger.violate("I6", f"{piece.who} was online, and heard {id} only from #{piece.first} on")


def _check_said(contents: Contents, ledger: Ledger) -> None:
    """Everything that anybody said is stored where it belongs, and nothing else is."""
    stored = {row.number: (id, row) for (id, _), row in contents.rows.items()}
    for number, said in ledger.said.items():
        if number not in stored:
            ledger.violate("I7", f"{said.name}'s {number[1]} ({said.body[:40]!r}) is not stored")
            continue
        id, row = stored[number]
        if (row.message.body, row.message.name) != (said.body, said.name):
            ledger.violate("I5", f"{said.name} said {said.body[:40]!r}; stored is {row.message}")
        if contents.names.get(id) != _destination(said):
            ledger.violate("I5", f"{said.name}'s {number[1]} for {said.target} went to {contents.names.get(id)}")
    for number in stored.keys() - ledger.said.keys():
        ledger.violate("I5", f"{stored[number]} is stored, and nobody said it")


def _destination(said: Said) -> object:
    match said.target:
        case ToRoom(name):
            return name
        case ToUser(name):
            return frozenset((said.name, name))
        case _:
            raise AssertionError("nobody says anything to a bare number")


def _check_person(person: Person, ledger: Ledger) -> None:
    """The end of I6, and I7: everybody has heard everything, and has nothing left to send."""
    label, expected = person.part.label, ledger.expected(person.part.name)
    for id in sorted(expected.keys() | person.applied.keys()):
        if expected.get(id) != person.applied.get(id):
            ledger.violate("I6", f"{label} has heard {id} up to {person.applied.get(id)}, not to {expected.get(id)}")
    waiting = person.unanswered
    if person.part.outbox is not None:
        with DiskOutbox(person.part.outbox) as outbox:
            waiting = len(outbox)
    if waiting:
        ledger.violate("I7", f"{label} has {waiting} messages left in its outbox")

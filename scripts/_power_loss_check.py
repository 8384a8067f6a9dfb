"""Starts the store on what a power loss may have left, and looks whether it kept what the server had promised."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from _power_loss_record import Book

from chatnet.core.entries import Snapshot
from chatnet.errors import ChatnetError
from chatnet.events import Ack, Event, Hello, Marked, Opened
from chatnet.store.check import check
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME, open_for_reading
from chatnet.store.schema import position

_ROWS = "SELECT m.id, d.device, m.n, m.body FROM messages m JOIN devices d ON d.id = m.device"
Place = tuple[int, int]
"""Conversation and seq."""


@dataclass(slots=True)
class Promises:
    """What clients were told."""

    server: bytes = b""
    acks: dict[Place, int] = field(default_factory=dict)
    """The device's number of the message that is there."""
    rooms: set[int] = field(default_factory=set)
    marks: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """By conversation and user."""

    def note(self, events: list[Event]) -> None:
        """Something more was told."""
        for event in events:
            match event:
                case Hello(server=server):
                    self.server = server
                case Ack(n=n, conversation=conversation, seq=seq):
                    self.acks[conversation, seq] = n
                case Opened(conversation=conversation) if conversation.room is not None:
                    self.rooms.add(conversation.id)
                case Marked(conversation=conversation, user=user, delivered=delivered, read=read):
                    self.marks[conversation, user] = (delivered, read)


def find_losses(folder: Path, promises: Promises, book: Book) -> list[str]:
    """Start on what is in the folder; all that is not as it was promised."""
    try:
        with closing(Database(folder)) as database:
            snapshot = database.snapshot
            losses = [f"damaged: {damage}" for damage in check(folder / FILE_NAME)]
    except (ChatnetError, sqlite3.Error) as error:
        return [f"it does not start: {error}"]
    with closing(open_for_reading(folder / FILE_NAME)) as reading:
        rows = {position(id): (device, n, body.decode()) for id, device, n, body in reading.execute(_ROWS)}
    gone = {book.dropped} - {saved.conversation.id for saved in snapshot.conversations}
    return losses + _messages(rows, promises, book, gone) + _others(snapshot, promises, gone)


def _messages(rows: dict[Place, tuple[bytes, int, str]], promises: Promises, book: Book, gone: set[int]) -> list[str]:
    losses = []
    for place, n in promises.acks.items():
        if place[0] not in gone and (place not in rows or rows[place][1] != n):
            losses.append(f"I1: message {n} was acked as {place}, where there is {rows.get(place)}")
    for place, (device, n, body) in rows.items():
        if book.said.get(device, {}).get(n) != (place[0], body):
            losses.append(f"{place} is not what message {n} said: {body!r}")
    return losses


def _others(snapshot: Snapshot, promises: Promises, gone: set[int]) -> list[str]:
    losses = []
    if promises.server and snapshot.server != promises.server:
        losses.append("the server has another id")
    there = {saved.conversation.id for saved in snapshot.conversations}
    losses += [f"room {id} was made, and is gone" for id in promises.rooms - there]
    kept = {(marks.conversation, marks.user): (marks.delivered, marks.read) for marks in snapshot.marks}
    for key, marks in promises.marks.items():
        if key[0] not in gone and any(now < then for now, then in zip(kept.get(key, (0, 0)), marks, strict=True)):
            losses.append(f"the marks {marks} of {key} are now {kept.get(key)}")
    return losses

"""A database with many messages: made by a server and its store, but without the network, which would take minutes."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from _lines import ROOM, Line, text
from _serving import serve

from chatnet.core.entries import PutMessage
from chatnet.model import ConversationId, Kind, UserId
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import Indexer

FOUNDER = "founder"
DEVICES = 64
_AT_ONCE = 4000
_TRANSACTIONS, _TOGETHER = 300, 100
_ANYBODY = 1
_FIRST_TIME = 1_700_000_000_000


def fill(folder: Path, count: int, *, rooms: int = 1, size: int = 128) -> list[ConversationId]:
    """Store so many messages of one user, from many devices by turns, and return the rooms that have them.

    The first is the room of all benchmarks.
    """
    with serve(folder) as serving, closing(Line(serving.port, FOUNDER)) as founder:
        ids = [founder.room(ROOM if i == 0 else f"room{i}") for i in range(rooms)]
        user = founder.user
    with closing(Database(folder)) as database:
        for start in range(0, count, _AT_ONCE):
            some = range(start, min(count, start + _AT_ONCE))
            database.write([[_message(i, user, ids, size) for i in some]])
            database.trim_log()
    return ids


def cost(folder: Path, rooms: Sequence[ConversationId], count: int, *, size: int = 128) -> float:
    """CPU seconds to store one more message where ``count`` were stored: the median of many transactions.

    The move of the log into the database is in the mean of all, since it comes once in many.
    """
    stored, moved = [], 0.0
    with closing(Database(folder)) as database:
        for start in range(count, count + _TRANSACTIONS * _TOGETHER, _TOGETHER):
            batch = [_message(i, _ANYBODY, rooms, size) for i in range(start, start + _TOGETHER)]
            began = time.thread_time()
            database.write([list(batch)])
            written = time.thread_time()
            database.trim_log()
            stored.append(written - began)
            moved += time.thread_time() - written
    return (median(stored) + moved / _TRANSACTIONS) / _TOGETHER


def _message(i: int, user: UserId, rooms: Sequence[ConversationId], size: int) -> PutMessage:
    """A text of the room's next number, as `_lines.Ledger` expects it."""
    conversation, body = rooms[i % len(rooms)], text(1 + i // len(rooms), size)
    device, n = bytes([i % DEVICES]) * 16, 1 + i // DEVICES
    return PutMessage(conversation, user, FOUNDER, "", Kind.TEXT, body, 0, _FIRST_TIME + i, device, n, None)


def index(folder: Path, rooms: Sequence[ConversationId]) -> None:
    """Bring the search index up to date, without the pauses that a server makes for the sake of its clients."""
    indexer = Indexer(folder / FILE_NAME)
    try:
        indexer.open(rooms)
        indexer.catch_up()
    finally:
        indexer.stop()


def file_bytes(path: Path) -> int:
    """Of a database and the log beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))

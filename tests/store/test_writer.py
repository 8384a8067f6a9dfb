"""One transaction of many messages, in many conversations and of many devices."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import Batch, Duplicate, Outcome, PutRoom, ReadMessages
from chatnet.model import Message
from chatnet.store.check import check
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import INSERT_MESSAGES
from chatnet.store.schema import row_id
from chatnet.store.writer import _MESSAGES_AT_ONCE
from chatnet.testing.store_model import post
from tests.store.places import scratch_folder

ABORT = 2
"""SQLite's OE_ABORT: what fails undoes its own statement, and nothing before it."""
ROOMS = range(1, 8)
COUNT = 2 * _MESSAGES_AT_ONCE + 300


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    with closing(Database(folder)) as database:
        database.write([[PutRoom(id, f"room{id}", 1, False) for id in ROOMS]])
        yield database


def device(i: int) -> bytes:
    return bytes([i % 100]) * 16


def talk() -> list[Batch]:
    """From 100 devices, each in room after room."""
    posts = [post(ROOMS[i * i % len(ROOMS)], 1 + i // 100, device=device(i), body=f"{i}") for i in range(COUNT)]
    return [list(posts[:1000]), list(posts[1000:])]


def seqs(outcomes: list[Outcome]) -> list[int]:
    assert all(isinstance(outcome, Message | Duplicate) for outcome in outcomes)
    return [outcome.seq for outcome in outcomes if isinstance(outcome, Message | Duplicate)]


def said(database: Database, room: int) -> list[str]:
    page = database.page(ReadMessages(room, COUNT, 1 << 30, after=0))
    assert [message.seq for message in page.messages] == list(range(1, len(page.messages) + 1))
    return [message.body for message in page.messages]


def test_a_large_transaction_keeps_the_order_of_every_conversation(folder: Path, database: Database) -> None:
    database.write(talk())
    for place, room in enumerate(ROOMS):
        assert said(database, room) == [f"{i}" for i in range(COUNT) if i * i % len(ROOMS) == place]
    assert list(check(folder / FILE_NAME)) == []


def test_what_is_sent_again_in_the_same_transaction_gets_the_same_answers(database: Database) -> None:
    first, second = database.write([*talk()])
    again = [entry for batch in talk() for entry in batch][-COUNT // 2 :]
    (third,) = database.write([again])
    assert seqs(third.outcomes) == seqs([*first.outcomes, *second.outcomes])[-COUNT // 2 :]
    new = post(1, 10**6, device=device(0), body="new")
    stored, repeated = database.write([[new, new, post(2, 10**6 + 1, device=device(0))], [new]])
    assert isinstance(stored.outcomes[0], Message)
    answer = Duplicate(1, stored.outcomes[0].seq, new.time)
    assert (stored.outcomes[1], repeated.outcomes) == (answer, [answer])


def test_if_one_message_cannot_be_stored_none_of_its_transaction_is(folder: Path, database: Database) -> None:
    row = database._writing.execute("SELECT * FROM messages").fetchone()
    assert row is None
    database._writing.execute(
        "INSERT INTO messages VALUES (?, 1, 1, '', '', 1, 'in the way', 0, 1, 1, 0, 0)", (row_id(3, 50),)
    )
    with pytest.raises(sqlite3.IntegrityError):
        database.write(talk())
    (rows,) = database._writing.execute("SELECT count(*) FROM messages").fetchone()
    assert rows == 1
    database._writing.execute("DELETE FROM messages")
    database.write(talk())
    assert sum(len(said(database, room)) for room in ROOMS) == COUNT
    assert list(check(folder / FILE_NAME)) == []


def test_no_page_is_copied_to_undo_one_statement_of_a_transaction(database: Database) -> None:
    for parameters, statement in INSERT_MESSAGES._statements:
        steps = database._writing.execute(f"EXPLAIN {statement}", [None] * parameters).fetchall()
        ends = [(opcode, action) for _, opcode, _, action, *_ in steps if opcode in (b"Halt", b"HaltIfNull")]
        assert len(ends) > 1
        assert ABORT not in [action for _, action in ends]

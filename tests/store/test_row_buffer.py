"""Rows are the same to whoever looks for them, whether they are written yet or not."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from chatnet.store.failures import DamagedRow
from chatnet.store.migrations import migrate
from chatnet.store.row_buffer import RowBuffer
from chatnet.store.rows import CHATS, MARKS, META, ROOMS

ROOM = (1, "ops", 1, 0, "ünsere", 0)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.text_factory = bytes
        migrate(database)
        yield database


def count(database: sqlite3.Connection, table: str) -> int:
    (rows,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert isinstance(rows, int)
    return rows


def test_a_row_is_found_before_it_is_written_and_after(database: sqlite3.Connection) -> None:
    buffer = RowBuffer(database)
    assert buffer.find(ROOMS, 1) is None
    buffer.put(ROOMS, *ROOM)
    assert (buffer.find(ROOMS, 1), count(database, "rooms")) == (ROOM, 0)
    buffer.flush()
    assert (buffer.find(ROOMS, 1), count(database, "rooms")) == (ROOM, 1)
    assert buffer.find(CHATS, 1) is None


def test_the_last_of_several_rows_with_a_key_counts(database: sqlite3.Connection) -> None:
    buffer = RowBuffer(database)
    buffer.put(MARKS, 1, 2, 3, 3)
    buffer.put(MARKS, 1, 3, 4, 4)
    buffer.put(MARKS, 1, 2, 5, 5)
    assert buffer.find(MARKS, 1, 2) == (1, 2, 5, 5)
    buffer.flush()
    buffer.put(MARKS, 1, 2, 6, 6)
    assert buffer.find(MARKS, 1, 2) == (1, 2, 6, 6)
    buffer.flush()
    assert (buffer.find(MARKS, 1, 2), buffer.find(MARKS, 1, 3)) == ((1, 2, 6, 6), (1, 3, 4, 4))


@pytest.mark.parametrize("is_written", [True, False])
def test_a_row_that_is_dropped_is_not_found(database: sqlite3.Connection, is_written: bool) -> None:
    buffer = RowBuffer(database)
    buffer.put(ROOMS, *ROOM)
    if is_written:
        buffer.flush()
    buffer.drop(ROOMS, (1,))
    assert buffer.find(ROOMS, 1) is None
    buffer.flush()
    assert count(database, "rooms") == 0


def test_ids_are_counted_for_the_next_one_too(database: sqlite3.Connection) -> None:
    buffer = RowBuffer(database)
    assert buffer.number("next_file") == 1
    buffer.count("next_file", 7)
    buffer.count("next_file", 3)
    assert buffer.number("next_file") == 8
    buffer.flush()
    assert RowBuffer(database).number("next_file") == 8
    assert RowBuffer(database).number("next_upload") == 1


def test_a_damaged_row_is_not_found_as_something_else(database: sqlite3.Connection) -> None:
    buffer = RowBuffer(database)
    buffer.put(META, "next_file", 7)
    buffer.flush()
    database.execute("UPDATE meta SET value = 8")
    with pytest.raises(DamagedRow, match="next_file"):
        buffer.number("next_file")

"""Any number of rows is written whole, in order, and in few executions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from chatnet.store.many_rows import ManyRows
from chatnet.store.rows import BANS, DEVICES, INSERT_MESSAGES, META, USERS

_LEAST_PARAMETERS = 999
"""That any SQLite takes."""
_INSERT = "INSERT INTO numbers (a, b) VALUES (?, ?)"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE TABLE numbers (place INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE, b)")
        yield database


def written(database: sqlite3.Connection) -> list[tuple[int, int]]:
    return database.execute("SELECT a, b FROM numbers ORDER BY place").fetchall()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 127, 128, 200])
def test_all_rows_are_written_in_their_order(database: sqlite3.Connection, count: int) -> None:
    rows = [(1000 - i, i) for i in range(count)]
    ManyRows(_INSERT).write(database, [value for row in rows for value in row])
    assert written(database) == rows


def test_few_executions_write_many_rows(database: sqlite3.Connection) -> None:
    executed: list[str] = []
    database.set_trace_callback(executed.append)
    ManyRows(_INSERT).write(database, list(range(2 * 1003)))
    assert len(executed) == 15 + 4  # 15 times 64, then 32, 8, 2 and 1


def test_a_row_with_a_key_that_is_there_fails_the_transaction(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO numbers (a, b) VALUES (70, 0)")
    database.execute("BEGIN")
    with pytest.raises(sqlite3.IntegrityError):
        ManyRows(_INSERT).write(database, [value for i in range(100) for value in (i, i)])
    database.execute("ROLLBACK")
    assert written(database) == [(70, 0)]


@pytest.mark.parametrize("rows", [INSERT_MESSAGES, BANS.put_many, DEVICES.put_many, META.put_many, USERS.put_many])
def test_no_statement_has_more_parameters_than_any_sqlite_takes(rows: ManyRows) -> None:
    assert max(parameters for parameters, _ in rows._statements) <= _LEAST_PARAMETERS

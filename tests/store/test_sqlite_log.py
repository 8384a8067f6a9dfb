"""The write-ahead log: moved into the database in time, whoever reads, and never the reason to wait."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatnet.core.entries import ReadMessages
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME, log_of, open_for_reading
from chatnet.testing.store_driver import Driver, seqs
from chatnet.testing.store_model import PREPARATION, post
from tests.store.places import opened, scratch_folder

LIMIT = 64 * 1024
TRANSACTION = 64 * 1024
"""More than any transaction here adds to the log."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


def log_size(folder: Path) -> int:
    return log_of(folder / FILE_NAME).stat().st_size


@contextmanager
def long_reader(folder: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who looks at the database as it is now, for a long time: a backup, say."""
    with closing(open_for_reading(folder / FILE_NAME)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        yield reader


def store(driver: Driver, first: int, count: int, folder: Path) -> int:
    """Store batches, one after the other, and return how long the log's file was at most."""
    longest = 0
    for n in range(first, first + 20 * count, 20):
        driver.put(*(post(1, i, body="x" * 100) for i in range(n, n + 20)))
        longest = max(longest, log_size(folder))
    return longest


def test_the_log_does_not_grow_under_constant_load(folder: Path) -> None:
    with opened(folder, LIMIT) as driver:
        driver.put(*PREPARATION)
        assert LIMIT / 2 < store(driver, 1, 200, folder) < LIMIT + TRANSACTION
        before = (folder / FILE_NAME).stat().st_size
        assert before > 4 * LIMIT, "what was in the log is in the database"


def test_the_log_does_not_grow_while_pages_are_read_all_the_time(folder: Path) -> None:
    with opened(folder, LIMIT) as driver:
        driver.put(*PREPARATION)
        store(driver, 1, 50, folder)
        longest, answered, n = 0, 0, 1001
        for _ in range(50):
            for _ in range(4):
                driver.store.read(ReadMessages(1, 1000, 1 << 20, after=0))
            driver.store.submit([post(1, i, body="x" * 100) for i in range(n, n + 20)])
            n += 20
            driver._woken.clear()
            answered += len(driver.store.completions())
            longest = max(longest, log_size(folder))
        driver.answers(250 - answered)
        assert longest < 2 * LIMIT + TRANSACTION
        assert seqs(driver.after(1, n - 3)) == [n - 2, n - 1]


def test_a_long_reader_is_not_waited_for_and_keeps_its_view(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.store.database._PATIENCE_MILLISECONDS", 1)
    with opened(folder, LIMIT) as driver:
        driver.put(*PREPARATION)
        store(driver, 1, 50, folder)
        with long_reader(folder) as reader:
            grown = store(driver, 1001, 50, folder)
            assert grown > 2 * LIMIT
            assert reader.execute("SELECT count(*) FROM messages").fetchone() == (1000,)
        store(driver, 2001, 50, folder)
        assert log_size(folder) <= 2 * LIMIT + TRANSACTION, "the room is given back once the reader has gone"
        assert seqs(driver.after(1, 2998)) == [2999, 3000]


def attempts(database: Database, first: int, count: int) -> int:
    """Store batches, and count how often the log is tried to be moved."""
    statements: list[str] = []
    database._writing.set_trace_callback(statements.append)
    for n in range(first, first + 20 * count, 20):
        database.write([[post(1, i, body="x" * 100) for i in range(n, n + 20)]])
        database.trim_log()
    database._writing.set_trace_callback(None)
    return sum("wal_checkpoint" in statement for statement in statements)


def test_there_is_one_checkpoint_for_each_length_of_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.store.database._PATIENCE_MILLISECONDS", 1)
    with closing(Database(folder, checkpoint_bytes=LIMIT)) as database:
        database.write([PREPARATION])
        usual = attempts(database, 1, 200)
        assert 10 < usual < 100
        with long_reader(folder):
            assert attempts(database, 4001, 200) < 2 * usual, "it is not tried again at every commit"
        assert attempts(database, 8001, 200) < 2 * usual


def test_readers_never_make_a_checkpoint(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1))
        before = log_size(folder), (folder / FILE_NAME).read_bytes()
        with closing(open_for_reading(folder / FILE_NAME)) as reader:
            reader.execute("SELECT count(*) FROM messages").fetchone()
            with pytest.raises(sqlite3.OperationalError):
                reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert (log_size(folder), (folder / FILE_NAME).read_bytes()) == before

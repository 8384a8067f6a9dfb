"""The layout of the file: made by migrations, and recognised again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.store import schema
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.schema import MAX_CONVERSATION, MAX_SEQ, bounds, check_layout, migrate, position, recognise, row_id


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        yield database


def content(database: sqlite3.Connection) -> list[str]:
    return list(database.iterdump())


def test_a_new_database_has_all_migrations_and_no_second_time(database: sqlite3.Connection) -> None:
    assert migrate(database) == [name for name, _ in schema.MIGRATIONS]
    check_layout(database)
    before = content(database)
    assert migrate(database) == []
    assert content(database) == before


def test_an_older_database_gets_what_it_lacks(database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    database.execute("INSERT INTO users VALUES (1, 'alice', '', 1, x'', 0)")
    later = ("0002-colours", "ALTER TABLE rooms ADD COLUMN colour TEXT; UPDATE users SET display = 'Alice'")
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, later])
    assert migrate(database) == ["0002-colours"]
    check_layout(database)
    assert database.execute("SELECT display FROM users").fetchall() == [("Alice",)]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    before = content(database)
    broken = ("0002-broken", "ALTER TABLE rooms ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1)")
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, broken])
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(database)
    database.execute("ROLLBACK")
    assert content(database) == before


def test_a_start_that_was_cut_off_is_gone_on_with(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY) WITHOUT ROWID")
    assert migrate(database) == [name for name, _ in schema.MIGRATIONS]
    check_layout(database)


def test_a_newer_database_is_refused_as_it_is(database: sqlite3.Connection) -> None:
    migrate(database)
    database.execute("INSERT INTO migrations VALUES ('9999-telepathy')")
    before = content(database)
    with pytest.raises(DatabaseTooNew, match="9999-telepathy"):
        migrate(database)
    assert content(database) == before


def test_another_programs_database_is_refused_as_it_is(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE recipes (name TEXT)")
    before = content(database)
    with pytest.raises(StoreUnusable, match="another program"):
        recognise(database)
    with pytest.raises(StoreUnusable, match="another program"):
        migrate(database)
    assert content(database) == before


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ALTER TABLE users RENAME COLUMN name TO nome", "users"),
        ("DROP TABLE devices", "devices"),
        ("CREATE TRIGGER helpful AFTER INSERT ON messages BEGIN DELETE FROM messages; END", "helpful"),
    ],
)
def test_a_layout_that_no_migration_makes_is_refused(database: sqlite3.Connection, change: str, name: str) -> None:
    migrate(database)
    database.execute(change)
    with pytest.raises(StoreUnusable, match=name):
        check_layout(database)


@given(st.integers(0, MAX_CONVERSATION), st.integers(0, MAX_SEQ))
def test_a_row_id_tells_conversation_and_seq(conversation: int, seq: int) -> None:
    id = row_id(conversation, seq)
    assert position(id) == (conversation, seq)
    assert 0 <= id < 2**63
    low, high = bounds(conversation)
    assert low <= id < high

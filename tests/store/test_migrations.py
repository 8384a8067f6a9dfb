"""The layout of the file: made by migrations, recognised again, and brought up to date with all that it holds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import (
    Duplicate,
    PutBan,
    PutChat,
    PutInvitation,
    PutMarks,
    PutMember,
    PutRoom,
    PutToken,
    PutUser,
    SavedConversation,
    SavedFile,
)
from chatnet.model import ITERATIONS, Act, Kind, Message, Rank, Role, Scope, Verifier
from chatnet.store import migrations
from chatnet.store.backup import backup
from chatnet.store.check import check
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.migrations import OLD_ROOMS, OLD_USERS, check_layout, migrate, recognise
from chatnet.store.opening import FILE_NAME
from chatnet.testing.store_driver import seqs
from chatnet.testing.store_files_model import file
from chatnet.testing.store_model import DEVICES, post
from tests.store.old_layout import SERVER, make_before_files, make_old, make_old_layout
from tests.store.places import by_hand, opened, scratch_folder


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.text_factory = bytes
        yield database


@pytest.fixture
def folder() -> Iterator[Path]:
    """With the database of a chatnet without accounts."""
    with scratch_folder() as folder:
        make_old(folder)
        yield folder


def colour(database: sqlite3.Connection) -> None:
    database.execute("ALTER TABLE rooms ADD COLUMN colour TEXT")
    database.execute("UPDATE users SET display = 'Alice'")


def fail(database: sqlite3.Connection) -> None:
    database.execute("ALTER TABLE rooms ADD COLUMN colour TEXT")
    database.execute("INSERT INTO nowhere VALUES (1)")


def content(database: sqlite3.Connection) -> list[str]:
    database.text_factory = str
    lines = list(database.iterdump())
    database.text_factory = bytes
    return lines


def test_a_new_database_has_all_migrations_and_no_second_time(database: sqlite3.Connection) -> None:
    assert migrate(database) == [name for name, _ in migrations.MIGRATIONS]
    check_layout(database)
    before = content(database)
    assert migrate(database) == []
    assert content(database) == before


def test_an_older_database_gets_what_it_lacks(database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    database.execute("INSERT INTO users VALUES (1, 'alice', '', 1, x'', x'', 0, x'', x'', -1, 0)")
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, ("9998-colours", colour)])
    check_layout(database)
    assert migrate(database) == ["9998-colours"]
    check_layout(database)
    assert database.execute("SELECT display FROM users").fetchall() == [(b"Alice",)]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    before = content(database)
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, ("9998-broken", fail)])
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(database)
    database.execute("ROLLBACK")
    assert content(database) == before


def test_a_start_that_was_cut_off_is_gone_on_with(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY) WITHOUT ROWID")
    assert migrate(database) == [name for name, _ in migrations.MIGRATIONS]
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
        ("DELETE FROM migrations WHERE name = '0002-accounts'", "bans"),
        ("DELETE FROM migrations WHERE name = '0003-files'", "files"),
        ("CREATE TRIGGER helpful AFTER INSERT ON messages BEGIN DELETE FROM messages; END", "helpful"),
    ],
)
def test_a_layout_that_no_migration_makes_is_refused(database: sqlite3.Connection, change: str, name: str) -> None:
    migrate(database)
    database.execute(change)
    with pytest.raises(StoreUnusable, match=name):
        check_layout(database)


def test_a_table_in_the_place_of_another_one_is_refused(database: sqlite3.Connection) -> None:
    migrate(database)
    database.execute("PRAGMA writable_schema = ON")
    database.execute(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'marks')"
        " WHERE name = 'bans'"
    )
    with pytest.raises(StoreUnusable, match="its table 'marks' has the place of another one"):
        check_layout(database)


# -- from before accounts ---------------------------------------------------------------------------------------


def test_old_rows_are_sealed_as_they_always_were() -> None:
    assert OLD_USERS.sealed(1, "alice", "Ünsal", 1, b"x" * 32)[-1] == 6964516671319171500
    assert OLD_ROOMS.sealed(2, "ops", 1, 1)[-1] == 249277017140489900


def test_an_old_database_becomes_todays_with_all_that_it_holds(folder: Path) -> None:
    with opened(folder) as driver:
        snapshot = driver.snapshot
        assert snapshot.users == [
            PutUser(1, "alice", "Ünsal", Role.GUEST, b"x" * 32),
            PutUser(2, "bob", "", Role.MEMBER, b""),
        ]
        assert snapshot.conversations == [
            SavedConversation(PutRoom(1, "lobby", 0, False), 1, 0),
            SavedConversation(PutRoom(2, "ops", 1, True), 1, 0),
            SavedConversation(PutChat(3, 1, 2), 1, 0),
        ]
        assert snapshot.marks == [PutMarks(1, 1, 5, 4)]
        assert (snapshot.server, len(snapshot.secret)) == (SERVER, 32)
        assert (snapshot.next_user, snapshot.next_conversation, snapshot.next_token) == (10_003, 10_004, 1)
        driver.put(post(1, 1))
    assert list(check(folder / FILE_NAME, alone=True)) == []
    with opened(folder) as driver:
        assert driver.snapshot.users == snapshot.users
        assert driver.snapshot.secret == snapshot.secret


def test_an_old_database_is_laid_out_as_a_new_one_afterwards(database: sqlite3.Connection) -> None:
    make_old_layout(database)
    assert migrate(database) == ["0002-accounts", "0003-files"]
    check_layout(database)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE users SET guest = 0 WHERE id = 1", "user 1 is damaged"),
        ("UPDATE rooms SET owner = 2 WHERE id = 2", "room 2 is damaged"),
    ],
)
def test_a_damaged_row_is_not_made_good_by_the_way(folder: Path, statement: str, what: str) -> None:
    with by_hand(folder) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(statement)
        before = list(database.iterdump())
    with pytest.raises(StoreUnusable, match=what), opened(folder):
        pass
    with by_hand(folder) as database:
        assert list(database.iterdump()) == before
    assert [str(damage) for damage in check(folder / FILE_NAME)] == [
        what.replace(" is damaged", ": it is not what was stored")
    ]


def test_a_damaged_page_of_an_old_database_is_not_left_behind(folder: Path) -> None:
    with by_hand(folder) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * size + 4)
        file.write(b"\1")
    with pytest.raises(StoreUnusable, match="the table users is damaged"), opened(folder):
        pass


def test_an_old_database_is_looked_at_and_copied_as_it_is(folder: Path) -> None:
    assert list(check(folder / FILE_NAME, alone=True)) == []
    assert backup(folder / FILE_NAME, folder / "copy.db") == []
    with by_hand(folder) as database:
        assert [name for (name,) in database.execute("SELECT name FROM migrations")] == ["0001-messages"]


# -- from before files ------------------------------------------------------------------------------------------


@pytest.fixture
def without_files() -> Iterator[Path]:
    """With the database of a chatnet that had accounts and no files."""
    with scratch_folder() as folder:
        make_before_files(folder)
        yield folder


def test_a_database_without_files_becomes_todays_with_all_that_it_holds(without_files: Path) -> None:
    verifier = Verifier(b"salt" * 4, ITERATIONS, b"k" * 32, b"K" * 32)
    with opened(without_files) as driver:
        snapshot = driver.snapshot
        assert snapshot.users == [
            PutUser(1, "alice", "Älice", Role.ADMIN, b"", verifier, 1000),
            PutUser(2, "bob", "", Role.GUEST, b"s" * 32),
        ]
        assert snapshot.conversations == [
            SavedConversation(PutRoom(1, "lobby", 0, False), 1, 3),
            SavedConversation(PutRoom(2, "ops", 1, False, "on call: alice", True), 1, 1),
            SavedConversation(PutChat(3, 1, 2), 1, 2),
        ]
        assert snapshot.marks == [PutMarks(3, 1, 1, 1), PutMarks(1, 2, 3, 2)]
        assert (snapshot.server, snapshot.secret) == (bytes(range(16)), bytes(range(32)))
        assert snapshot.tokens == [PutToken(1, 1, b"h" * 32, "laptop", Scope.ALL, 1000, 0)]
        assert snapshot.invitations == [PutInvitation("7KQM", verifier, 2, 1_800_000_000_000, Role.MEMBER, 1)]
        assert snapshot.members == [PutMember(2, 1, Rank.OWNER, 1000), PutMember(2, 2, Rank.MEMBER, 2000)]
        assert snapshot.bans == [PutBan(1, 2, Act.MUTE, 0, 1, "noise", 3000)]
        assert (snapshot.next_user, snapshot.next_conversation, snapshot.next_token) == (10_001, 10_001, 3)
        assert (snapshot.uploads, snapshot.files, snapshot.next_upload, snapshot.next_file) == ([], [], 1, 1)
        assert [(line.id, line.act) for line in driver.deeds()] == [(2, Act.MUTE), (1, Act.CREATE_TOKEN)]
        first = Message(1, 1_700_000_000_001, 1, "alice", "Älice", Kind.TEXT, "first")
        assert driver.after(1, 0)[0] == first
        assert [message.body for message in driver.after(1, 1)] == ["zweitens: ö 🙂", "'quoted'"]
        gone = Duplicate(4, 1, 1_700_000_000_004)
        assert driver.put(post(2, 1), post(4, 4), post(1, 6)) == [
            Duplicate(1, 1, first.time),
            gone,
            Message(4, 1000, 1, "user1", "", Kind.TEXT, "hello"),
        ]


def test_files_go_into_a_database_that_was_without_them(without_files: Path) -> None:
    with opened(without_files) as driver:
        assert seqs(driver.put(file(1), post(1, 6, file=1), file(2, 3), post(3, 3, device=DEVICES[1], file=2))) == [
            None,
            4,
            None,
            3,
        ]
    assert list(check(without_files / FILE_NAME, alone=True)) == []
    with opened(without_files) as driver:
        assert driver.snapshot.files == [SavedFile(file(1), 4), SavedFile(file(2, 3), 3)]
        assert driver.snapshot.next_file == 3


def test_a_database_without_files_is_laid_out_as_a_new_one_afterwards(without_files: Path) -> None:
    with by_hand(without_files) as database:
        database.text_factory = bytes
        assert migrate(database) == ["0003-files"]
        check_layout(database)


def test_a_database_without_files_is_looked_at_and_copied_as_it_is(without_files: Path) -> None:
    assert list(check(without_files / FILE_NAME, alone=True)) == []
    assert backup(without_files / FILE_NAME, without_files / "copy.db") == []
    with by_hand(without_files) as database:
        names = [name for (name,) in database.execute("SELECT name FROM migrations")]
    assert names == ["0001-messages", "0002-accounts"]

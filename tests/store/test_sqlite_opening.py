"""Opening the SQLite store: private files, its settings, and one clear line when it cannot be."""

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.errors import ChatnetError, ErrorCode
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.opening import FILE_NAME, log_of, open_for_reading
from chatnet.store.sqlite import SqliteStore
from chatnet.testing.store_driver import seqs
from chatnet.testing.store_model import PREPARATION, post
from tests.store.places import by_hand, fill, open_files, opened, scratch_folder

FILES = {FILE_NAME, f"{FILE_NAME}-shm", f"{FILE_NAME}-wal"}
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


# -- private files --------------------------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_its_files_are_private_whatever_the_umask(folder: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        with opened(folder) as driver:
            driver.put(*PREPARATION, post(1, 1))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
            assert modes.keys() >= FILES
            assert set(modes.values()) == {0o600}
    finally:
        os.umask(old)


@posix_only
def test_files_that_were_put_there_by_hand_become_private(folder: Path) -> None:
    fill(folder, 10)
    (folder / FILE_NAME).chmod(0o644)
    with opened(folder) as driver:
        driver.put(post(1, 100))
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


# -- settings -------------------------------------------------------------------------------------------------


def test_it_has_the_settings_on_which_acks_rest(folder: Path) -> None:
    with opened(folder) as driver:
        assert isinstance(driver.store, SqliteStore)
        assert driver.store._database is not None
        database = driver.store._database._writing
        settings = {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        assert settings == {"journal_mode": b"wal", "synchronous": 2}
        assert database.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_it_is_refused_where_the_settings_do_not_hold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.store.opening._WANTED", {"synchronous": 3})
    with pytest.raises(StoreUnusable, match="cannot be kept safely here: synchronous is 2, not 3"):
        SqliteStore(folder).load()


def test_a_reader_cannot_write(folder: Path) -> None:
    fill(folder, 10)
    with (
        closing(open_for_reading(folder / FILE_NAME)) as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        database.execute("DELETE FROM messages")


# -- after a crash --------------------------------------------------------------------------------------------


def killed(folder: Path, copy: Path) -> None:
    """Store something, and let ``copy`` be what a kill at that moment would leave."""
    with opened(folder) as driver:
        driver.put(*PREPARATION, post(1, 1))
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            shutil.copy(folder / name, copy / name)


def test_what_a_killed_server_left_is_in_the_database_before_anybody_sees_it(folder: Path) -> None:
    with scratch_folder() as copy:
        killed(folder, copy)
        assert log_of(copy / FILE_NAME).stat().st_size > 0
        with opened(copy) as driver:
            assert log_of(copy / FILE_NAME).stat().st_size == 0
            assert seqs(driver.after(1, 0)) == [1]


def test_somebody_who_reads_meanwhile_does_not_keep_it_from_starting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatnet.store.opening._START_PATIENCE", 0.05)
    with scratch_folder() as copy:
        killed(folder, copy)
        with closing(open_for_reading(copy / FILE_NAME)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM messages").fetchone()
            left = log_of(copy / FILE_NAME).stat().st_size
            with opened(copy) as driver:
                assert log_of(copy / FILE_NAME).stat().st_size > left, "a commit, whose sync makes all of it durable"
                assert seqs(driver.put(post(1, 2))) == [2]


# -- refusals -------------------------------------------------------------------------------------------------


def refusal(folder: Path) -> ChatnetError:
    """Why a store does not open; one line, and nothing left open."""
    store = SqliteStore(folder)
    before = open_files()
    with pytest.raises((StoreUnusable, DatabaseTooNew)) as caught:
        store.load()
    store.close()
    assert open_files() == before
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"cannot use the database {folder / FILE_NAME}: ")
    return caught.value


@pytest.mark.parametrize("content", [b"Dear diary, " * 1000, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused_as_it_is(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    error = refusal(folder)
    assert error.code == ErrorCode.DATA_UNUSABLE
    assert "no SQLite database" in error.message
    assert (folder / FILE_NAME).read_bytes() == content


def test_another_programs_database_is_refused_as_it_is(folder: Path) -> None:
    with by_hand(folder) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
    content = (folder / FILE_NAME).read_bytes()
    assert "another program" in refusal(folder).message
    assert (folder / FILE_NAME).read_bytes() == content


def test_a_newer_chatnets_database_is_refused_as_it_is(folder: Path) -> None:
    fill(folder, 10)
    with by_hand(folder) as database:
        database.execute("INSERT INTO migrations VALUES ('9999-telepathy')")
    content = (folder / FILE_NAME).read_bytes()
    error = refusal(folder)
    assert (type(error), error.code) == (DatabaseTooNew, ErrorCode.DATA_TOO_NEW)
    assert "newer chatnet" in error.message
    assert (folder / FILE_NAME).read_bytes() == content


def test_a_database_that_another_program_uses_alone_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnet.store.opening._START_PATIENCE", 0.05)
    fill(folder, 10)
    with by_hand(folder) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnusable, match="another program is using it"):
            SqliteStore(folder).load()


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    assert "no such file or directory" in refusal(folder / "nowhere").message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do everything")
def test_a_file_without_permission_is_refused(folder: Path) -> None:
    fill(folder, 10)
    folder.chmod(0o500)
    try:
        assert "cannot be opened or written to" in refusal(folder).message
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE users SET name = 'mallory' WHERE id = 1", "user 1 is damaged"),
        ("UPDATE rooms SET archived = 1 WHERE id = 2", "room 2 is damaged"),
        ("UPDATE chats SET low = 2 WHERE id = 3", "personal chat 3 is damaged"),
        ("UPDATE heads SET head = head + 1 WHERE conversation = 1", "the newest message of conversation 1, "),
        ("UPDATE heads SET first = 2 WHERE conversation = 1", "the extent of conversation 1 is damaged"),
        ("UPDATE marks SET read = 0 WHERE user = 1 AND conversation = 2", "the marks of user and conversation 1, 2"),
        ("UPDATE meta SET value = 1 WHERE key = 'next_user'", "the server's own note next_user is damaged"),
        ("DELETE FROM messages WHERE id = (SELECT max(id) FROM messages)", "the newest message of conversation 3, "),
        ("DROP TABLE gone", "its table 'gone' is not what chatnet made"),
        ("UPDATE users SET role = 2 WHERE id = 2", "user 2 is damaged"),
        ("UPDATE users SET stored_key = zeroblob(32) WHERE id = 1", "user 1 is damaged"),
        ("UPDATE rooms SET private = 1 WHERE id = 1", "room 1 is damaged"),
        ("UPDATE tokens SET expires = 0 WHERE id = 2", "token 2 is damaged"),
        ("UPDATE tokens SET hash = zeroblob(32) WHERE id = 1", "token 1 is damaged"),
        ("UPDATE invitations SET uses = 9", "invitation 7KQM is damaged"),
        ("UPDATE members SET rank = 3 WHERE user = 2", "the membership of user and room 2, 1 is damaged"),
        ("UPDATE bans SET until = 1 WHERE act = 1", "the ban or mute of user, room and act 2, 0, 1 is damaged"),
        ("UPDATE bans SET user = 3 WHERE act = 1", "the ban or mute of user, room and act 3, 0, 1 is damaged"),
        ("DELETE FROM deeds WHERE id = 3", "the newest line of the audit log is 2, not 3"),
        ("UPDATE deeds SET id = 9 WHERE id = 3", "the newest line of the audit log is 9, not 3"),
        ("UPDATE meta SET value = zeroblob(32) WHERE key = 'secret'", "the server's own note secret is damaged"),
    ],
)
def test_what_a_server_must_know_at_start_is_not_taken_damaged(folder: Path, statement: str, what: str) -> None:
    fill(folder, 50)
    with by_hand(folder) as database:
        database.execute(statement)
    error = refusal(folder)
    assert error.code == ErrorCode.DATA_UNUSABLE
    assert what in error.message


@pytest.mark.parametrize("table", ["users", "members", "bans", "tokens"])
def test_a_damaged_page_that_hides_rows_is_found_at_start(folder: Path, table: str) -> None:
    fill(folder, 50)
    with by_hand(folder) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * size + 4)
        assert file.read(1) == b"\2", "two of them"
        file.seek((page - 1) * size + 4)
        file.write(b"\1")
    error = refusal(folder)
    assert f"the table {table} is damaged" in error.message
    assert "chatnet admin check" in error.message

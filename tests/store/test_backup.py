"""A backup is one file, complete, private and of one moment, whatever is being stored."""

import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import Committed
from chatnet.model import Message
from chatnet.store.backup import backup
from chatnet.store.check import check
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.opening import FILE_NAME
from chatnet.store.schema import row_id
from chatnet.testing.store_driver import seqs
from chatnet.testing.store_model import PREPARATION, post
from tests.store.places import by_hand, fill, opened, scratch_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


def count(path: Path) -> int:
    """How many messages there are in a database."""
    with closing(sqlite3.connect(path)) as database:
        (messages,) = database.execute("SELECT count(*) FROM messages").fetchone()
        assert isinstance(messages, int)
        return messages


def test_a_server_goes_on_from_a_backup(folder: Path, elsewhere: Path) -> None:
    fill(folder, 50)
    with opened(folder) as driver:
        snapshot, messages = driver.snapshot, driver.after(1, 0)
        assert backup(folder / FILE_NAME, elsewhere / FILE_NAME) == []
        driver.put(post(1, 1000))
    with opened(elsewhere) as driver:
        assert driver.snapshot.users == snapshot.users
        assert driver.snapshot.conversations == snapshot.conversations
        assert (driver.snapshot.server, driver.snapshot.secret) == (snapshot.server, snapshot.secret)
        assert (driver.snapshot.tokens, driver.snapshot.bans) == (snapshot.tokens, snapshot.bans)
        assert driver.snapshot.tokens
        assert driver.after(1, 0) == messages
        assert seqs(driver.put(post(1, 1000))) == [messages[-1].seq + 1]


def test_a_backup_is_one_private_file(folder: Path, elsewhere: Path) -> None:
    fill(folder, 50)
    with opened(folder):
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert [file.name for file in elsewhere.iterdir()] == ["copy.db"]
    assert stat.S_IMODE((elsewhere / "copy.db").stat().st_mode) & 0o077 == 0
    assert list(check(elsewhere / "copy.db")) == []
    assert [file.name for file in elsewhere.iterdir()] == ["copy.db"], "nor does looking at it leave anything"


def test_a_backup_is_of_one_moment_under_load(folder: Path, elsewhere: Path) -> None:
    acked: list[int] = []
    with opened(folder, checkpoint_bytes=64 * 1024) as driver:
        driver.put(*PREPARATION)
        stop = threading.Event()
        ready = threading.Event()

        def load() -> None:
            n = 0
            while not stop.is_set() or n < 2000:
                driver.store.submit([post(1, i, body="x" * 100) for i in range(n + 1, n + 21)])
                (done,) = driver.answers(1)
                assert isinstance(done, Committed)
                acked.extend(message.seq for message in done.outcomes if isinstance(message, Message))
                n += 20
                if n >= 1000:
                    ready.set()

        thread = threading.Thread(target=load)
        thread.start()
        try:
            assert ready.wait(30)
            for i in range(5):
                before = len(acked)
                assert backup(folder / FILE_NAME, elsewhere / f"{i}.db") == []
                kept = count(elsewhere / f"{i}.db")
                assert before <= kept <= len(acked) + 20
                assert kept % 20 == 0, "no batch is there in part"
        finally:
            stop.set()
            thread.join()


def test_nothing_is_overwritten(folder: Path, elsewhere: Path) -> None:
    fill(folder, 10)
    (elsewhere / "copy.db").write_text("something dear")
    with pytest.raises(FileExistsError):
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert (elsewhere / "copy.db").read_text() == "something dear"
    (elsewhere / "other.db.part").write_text("something else")
    with pytest.raises(FileExistsError):
        backup(folder / FILE_NAME, elsewhere / "other.db")
    assert {file.name for file in elsewhere.iterdir()} == {"copy.db", "other.db.part"}


def test_of_a_backup_that_cannot_be_made_nothing_is_left(folder: Path, elsewhere: Path) -> None:
    with pytest.raises(StoreUnusable, match="no such file"):
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    (folder / FILE_NAME).write_bytes(b"Dear diary" * 1000)
    with pytest.raises(StoreUnusable, match="no SQLite database"):
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert list(elsewhere.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        backup(folder / FILE_NAME, elsewhere / "nowhere" / "copy.db")


WRITE_VERSION, SCHEMA_FORMAT = 18, 47
"""Places in the header of the file: https://sqlite.org/fileformat.html, 1.3."""


@pytest.mark.parametrize("place", [0, WRITE_VERSION, WRITE_VERSION + 1, 20, SCHEMA_FORMAT])
def test_a_damaged_header_is_the_databases_fault_and_not_the_copys(folder: Path, elsewhere: Path, place: int) -> None:
    fill(folder, 10)
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek(place)
        file.write(b"\x06")
    with pytest.raises(StoreUnusable) as caught:
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert caught.value.message.startswith(f"cannot use the database {folder / FILE_NAME}: it")
    assert str(elsewhere) not in caught.value.message
    assert list(elsewhere.iterdir()) == []


def test_a_header_for_a_newer_sqlite_is_named(folder: Path, elsewhere: Path) -> None:
    fill(folder, 10)
    with (folder / FILE_NAME).open("r+b") as file:
        file.seek(WRITE_VERSION)
        file.write(b"\x06")
    with pytest.raises(StoreUnusable, match="its header says that it is for a newer SQLite"):
        backup(folder / FILE_NAME, elsewhere / "copy.db")


def test_a_database_of_a_newer_chatnet_is_refused_by_its_own_name(folder: Path, elsewhere: Path) -> None:
    fill(folder, 10)
    with by_hand(folder) as database:
        database.execute("INSERT INTO migrations VALUES ('9999-telepathy')")
    with pytest.raises(DatabaseTooNew, match=f"cannot use the database {folder / FILE_NAME}: .*9999-telepathy"):
        backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this sort")
def test_a_disk_that_takes_no_more_is_the_copys_fault(folder: Path, elsewhere: Path) -> None:
    import resource

    fill(folder, 500)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Enough for the index of the log, which SQLite makes beside the database.
    resource.setrlimit(resource.RLIMIT_FSIZE, (40 * 1024, old[1]))
    try:
        with pytest.raises(OSError, match=r"No space|Input/output") as caught:
            backup(folder / FILE_NAME, elsewhere / "copy.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert caught.value.filename == str(elsewhere / "copy.db")
    assert list(elsewhere.iterdir()) == []


def test_a_damaged_database_is_copied_and_its_damage_named(folder: Path, elsewhere: Path) -> None:
    fill(folder, 50)
    with by_hand(folder) as database:
        database.execute("UPDATE messages SET body = 'never said' WHERE id = ?", (row_id(1, 5),))
    damages = backup(folder / FILE_NAME, elsewhere / "copy.db")
    assert "room1#5: damaged or gone" in [str(damage) for damage in damages]
    assert (elsewhere / "copy.db").stat().st_size > 0

"""The checker names what is wrong with the list of files, and whoever asks for the list gets what is sound of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.core.entries import DropChat, DropShared, DropUpload, Expire
from chatnet.store.check import check
from chatnet.store.failures import DatabaseTooNew, StoreUnusable
from chatnet.store.file_list import files_of
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import FILES
from chatnet.testing.store_files_model import file, upload
from chatnet.testing.store_model import DEVICES, PREPARATION, post
from tests.store.places import by_hand, opened, scratch_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A closed database: files and uploads in room1 and in a chat; file 3 is shared by no message."""
    with scratch_folder() as folder:
        with opened(folder) as driver:
            driver.put(*PREPARATION, file(1), file(2, 3), file(3), upload(1), upload(2, 3))
            driver.put(post(1, 1, file=1), post(3, 1, device=DEVICES[1], file=2))
        yield folder


def named(folder: Path) -> list[str]:
    return [str(damage) for damage in check(folder / FILE_NAME, alone=True)]


def change(folder: Path, statement: str, *values: object) -> None:
    with by_hand(folder) as database:
        assert database.execute(statement, values).rowcount > 0


def test_sound_files_are_no_damage(folder: Path) -> None:
    assert named(folder) == []


def test_nor_are_files_that_were_dropped_or_whose_messages_have_expired(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(DropShared(3), DropUpload(1), DropChat(3), Expire(1, 2000))
    assert named(folder) == []
    with opened(folder) as driver:
        assert [(kept.file.id, kept.seq) for kept in driver.snapshot.files] == [(1, 1)]


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE files SET seq = 2 WHERE id = 3", "file 3"),
        ("UPDATE files SET seq = 0 WHERE id = 1", "file 1"),
        ("UPDATE files SET conversation = 2 WHERE id = 1", "file 1"),
        ("UPDATE files SET name = 'invoice.exe' WHERE id = 2", "file 2"),
        ("UPDATE files SET name = CAST(x'ff' AS TEXT) WHERE id = 2", "file 2"),
        ("UPDATE files SET size = size + 1 WHERE id = 2", "file 2"),
        ("UPDATE files SET content = zeroblob(32) WHERE id = 2", "file 2"),
        ("UPDATE files SET sender_name = 'mallory' WHERE id = 2", "file 2"),
        ("UPDATE files SET id = 4 WHERE id = 3", "file 4"),
        ("UPDATE uploads SET user = 2 WHERE id = 1", "upload 1"),
        ("UPDATE uploads SET content = zeroblob(32) WHERE id = 2", "upload 2"),
        ("UPDATE uploads SET since = 0 WHERE id = 2", "upload 2"),
    ],
)
def test_a_damaged_row_is_named_and_no_server_starts_with_it(folder: Path, statement: str, where: str) -> None:
    change(folder, statement)
    assert named(folder) == [f"{where}: it is not what was stored"]
    with pytest.raises(StoreUnusable, match=f"{where} is damaged"), opened(folder):
        pass


@pytest.mark.parametrize("key", ["next_file", "next_upload"])
def test_an_id_that_could_be_given_out_again_is_named(folder: Path, key: str) -> None:
    change(folder, "DELETE FROM meta WHERE key = ?", key)
    assert named(folder) == [f"the server's own note {key}: it is gone, or older than what was stored"]


def test_a_file_of_a_message_that_is_not_there_is_named(folder: Path) -> None:
    with by_hand(folder) as database:
        row = database.execute("SELECT * FROM files WHERE id = 3").fetchone()
        database.execute(FILES.put, FILES.sealed(*row[:2], 2, *row[3:-1]))
    assert named(folder) == ["file 3: there is no room1#2, which shares it"]


def test_files_without_a_room_are_named(folder: Path) -> None:
    change(folder, "DELETE FROM rooms WHERE id = 1")
    assert named(folder) == [
        "conversation 1: there are messages, but no such room or personal chat",
        "conversation 1: there are uploads, but no such room or personal chat",
        "conversation 1: there are files, but no such room or personal chat",
    ]


# -- the list ---------------------------------------------------------------------------------------------------


def test_the_list_has_all_files(folder: Path) -> None:
    assert files_of(folder / FILE_NAME) == [file(1), file(2, 3), file(3)]
    with opened(folder) as driver:
        driver.put(DropShared(1))
        assert files_of(folder / FILE_NAME) == [file(2, 3), file(3)], "of a database in use, too"


def test_the_list_has_no_damaged_files(folder: Path) -> None:
    change(folder, "UPDATE files SET size = 0 WHERE id = 2")
    assert files_of(folder / FILE_NAME) == [file(1), file(3)]


def test_what_has_no_list_says_so(folder: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"nowhere\.db: there is no such file"):
        files_of(folder / "nowhere.db")
    change(folder, "INSERT INTO migrations VALUES ('9999-telepathy')")
    with pytest.raises(DatabaseTooNew, match="9999-telepathy"):
        files_of(folder / FILE_NAME)

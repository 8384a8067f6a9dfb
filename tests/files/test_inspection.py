"""What is wrong with a content is seen without changing it."""

from pathlib import Path

import pytest

from chatnet.files.content import path_of
from chatnet.files.inspection import GONE, Inspector
from chatnet.files.store import DiskFileStore
from chatnet.testing.file_driver import FileDriver, digest, some_bytes

CONTENT = some_bytes(3000)
NAME = digest(CONTENT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file store that is closed, with one content."""
    folder = tmp_path / "files"
    driver = FileDriver(DiskFileStore(folder, reserve=0))
    driver.upload(1, CONTENT)
    driver.store.close()
    return folder


def fault(folder: Path, *, deep: bool, name: bytes = NAME, size: int = len(CONTENT)) -> str:
    return Inspector(folder, deep=deep).fault(name, size)


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_content_has_no_fault(folder: Path, deep: bool) -> None:
    assert fault(folder, deep=deep) == ""


@pytest.mark.parametrize("deep", [False, True])
def test_a_content_that_is_gone_or_has_another_size_is_seen(folder: Path, deep: bool) -> None:
    assert fault(folder, deep=deep, name=b"x" * 32) == GONE
    with (folder / path_of(NAME)).open("r+b") as file:
        file.truncate(2999)
    assert fault(folder, deep=deep) == "its content has 2999 bytes, not 3000"


def test_a_changed_content_is_seen_by_whoever_reads_it(folder: Path) -> None:
    changed = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    (folder / path_of(NAME)).write_bytes(changed)
    assert fault(folder, deep=False) == ""
    assert fault(folder, deep=True) == (
        f"its content is damaged: its SHA-256 is {digest(changed).hex()}, not {NAME.hex()}"
    )


def test_a_content_is_read_once_for_all_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = Inspector(folder, deep=True)
    assert inspector.fault(NAME, len(CONTENT)) == ""
    monkeypatch.setattr("chatnet.files.inspection.pieces", None)
    assert inspector.fault(NAME, len(CONTENT)) == ""


@pytest.mark.parametrize("deep", [False, True])
def test_a_content_that_cannot_be_read_is_seen(folder: Path, deep: bool) -> None:
    place = folder / path_of(NAME)
    place.unlink()
    place.parent.rmdir()
    place.parent.write_bytes(b"not a folder")
    assert fault(folder, deep=deep) == "its content cannot be read (not a directory)"


def test_of_a_folder_that_is_not_there_everything_is_gone(tmp_path: Path) -> None:
    assert fault(tmp_path / "nowhere", deep=True) == GONE
    assert list(tmp_path.iterdir()) == []

"""Contents that are copied elsewhere are whole, and what they are copied from is never touched."""

import errno
import os
from pathlib import Path

import pytest

from chatnet.errors import ConfigError, ErrorCode
from chatnet.files import copies
from chatnet.files.content import path_of
from chatnet.files.copies import ContentCopies
from chatnet.files.disk import RealDisk
from chatnet.files.inspection import GONE
from chatnet.files.store import DiskFileStore
from chatnet.testing.file_driver import FileDriver, digest, some_bytes

CONTENTS = [some_bytes(size) for size in (0, 1, 1_200_000, 5000)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "files"
    driver = FileDriver(DiskFileStore(folder, reserve=0))
    for part, content in enumerate(CONTENTS):
        driver.upload(part, content)
    driver.store.close()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)


def take(source: Path, target: Path, content: bytes) -> str:
    with ContentCopies(source, target) as contents:
        fault = contents.take(digest(content), len(content))
        contents.sync()
    return fault


def take_all(source: Path, target: Path) -> int:
    """How many were new."""
    with ContentCopies(source, target) as contents:
        for content in CONTENTS:
            assert contents.take(digest(content), len(content)) == ""
        contents.sync()
        return contents.copied


def place(folder: Path, content: bytes) -> Path:
    return folder / path_of(digest(content))


def damage(folder: Path, content: bytes) -> bytes:
    changed = bytes([content[0] ^ 1]) + content[1:]
    place(folder, content).write_bytes(changed)
    return changed


def check_copies(target: Path) -> None:
    for content in CONTENTS:
        assert place(target, content).read_bytes() == content
    for found, folders, files in os.walk(target):
        for name in [*folders, *files]:
            assert (Path(found) / name).stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in target.iterdir()) == ["content", "lock"]


def test_on_one_file_system_copies_are_links(source: Path, target: Path) -> None:
    assert take_all(source, target) == len(CONTENTS)
    check_copies(target)
    for content in CONTENTS:
        assert place(target, content).samefile(place(source, content))


@pytest.mark.usefixtures("without_links")
def test_elsewhere_they_are_files_of_their_own(source: Path, target: Path) -> None:
    assert take_all(source, target) == len(CONTENTS)
    check_copies(target)
    for content in CONTENTS:
        assert not place(target, content).samefile(place(source, content))


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_file_store_goes_on_with_them(
    source: Path, target: Path, is_linked: bool, request: pytest.FixtureRequest
) -> None:
    if not is_linked:
        request.getfixturevalue("without_links")
    take_all(source, target)
    driver = FileDriver(DiskFileStore(target, reserve=0))
    assert [driver.read(digest(content), 100_000) for content in CONTENTS] == CONTENTS
    driver.store.close()


@pytest.mark.usefixtures("without_links")
def test_what_is_there_is_not_copied_again(source: Path, target: Path) -> None:
    take_all(source, target)
    before = [place(target, content).stat() for content in CONTENTS]
    assert take_all(source, target) == 0
    assert [place(target, content).stat() for content in CONTENTS] == before


def test_what_has_another_size_is_replaced_and_not_written_into(source: Path, target: Path) -> None:
    take_all(source, target)
    dear = target.with_name("dear")
    dear.write_bytes(b"somebody else's")
    place(target, CONTENTS[3]).unlink()
    place(target, CONTENTS[3]).hardlink_to(dear)
    assert take(source, target, CONTENTS[3]) == ""
    check_copies(target)
    assert dear.read_bytes() == b"somebody else's"


def test_what_a_copy_that_was_cut_off_has_left_is_not_written_into(source: Path, target: Path) -> None:
    target.mkdir()
    (target / "copy.part").hardlink_to(place(source, CONTENTS[2]))
    take_all(source, target)
    check_copies(target)
    assert place(source, CONTENTS[2]).read_bytes() == CONTENTS[2]


@pytest.mark.usefixtures("without_links")
def test_a_damaged_content_is_named_and_not_copied(source: Path, target: Path) -> None:
    changed = damage(source, CONTENTS[3])
    assert take(source, target, CONTENTS[3]) == (
        f"its content is damaged: its SHA-256 is {digest(changed).hex()}, not {digest(CONTENTS[3]).hex()}"
    )
    assert not place(target, CONTENTS[3]).exists()
    assert not (target / "copy.part").exists()


def test_a_content_that_is_gone_or_has_another_size_is_named(source: Path, target: Path) -> None:
    place(source, CONTENTS[3]).write_bytes(b"short")
    assert take(source, target, CONTENTS[3]) == "its content has 5 bytes, not 5000"
    place(source, CONTENTS[3]).unlink()
    assert take(source, target, CONTENTS[3]) == GONE


def test_a_content_that_goes_in_this_moment_is_gone(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(path: Path, _: Path) -> None:
        path.unlink()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "link", link)
    assert take(source, target, CONTENTS[3]) == GONE
    assert not (target / "copy.part").exists()


@pytest.mark.usefixtures("without_links")
def test_a_disk_that_does_not_give_a_content_is_the_sources(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("chatnet.files.disk._RealFile.read", fail)
    assert take(source, target, CONTENTS[3]) == "its content cannot be read (input/output error)"
    assert not place(target, CONTENTS[3]).exists()


@pytest.mark.usefixtures("without_links")
def test_a_disk_that_takes_no_more_is_the_targets_and_nothing_is_there_in_part(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(copies, "sync_file", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        take(source, target, CONTENTS[3])
    assert caught.value.filename == str(target)
    assert not place(target, CONTENTS[3]).exists()
    assert not (target / "copy.part").exists()


def test_a_folder_that_cannot_be_made_is_named(source: Path, tmp_path: Path) -> None:
    for nowhere in (tmp_path / "no" / "folder", source.parent / "files" / path_of(digest(CONTENTS[0]))):
        with pytest.raises(OSError, match=r"No such file|Not a directory") as caught:
            ContentCopies(source, nowhere)
        assert caught.value.filename == str(nowhere)


def test_two_do_not_copy_into_one_folder_at_a_time(source: Path, target: Path) -> None:
    with ContentCopies(source, target), pytest.raises(ConfigError, match=f"copies files into {target}") as caught:
        ContentCopies(source, target)
    assert caught.value.code == ErrorCode.DATA_IN_USE
    assert take_all(source, target) == len(CONTENTS)


def test_every_folder_with_something_new_is_synced(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(RealDisk, "sync_folder", lambda _, path: synced.append(path))
    take_all(source, target)
    assert {"", "content", *(str(Path(path_of(digest(content))).parent) for content in CONTENTS)} <= set(synced)

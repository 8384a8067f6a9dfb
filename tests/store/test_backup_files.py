"""A backup has the content of every file that it lists, whatever is uploaded and removed meanwhile."""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from chatnet.core.entries import DropShared, PutFile
from chatnet.files.content import path_of
from chatnet.files.copies import ContentCopies
from chatnet.files.store import DiskFileStore
from chatnet.store.backup import backup
from chatnet.store.check import check
from chatnet.store.file_list import files_of
from chatnet.store.opening import FILE_NAME
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from chatnet.testing.store_driver import Driver
from chatnet.testing.store_files_model import file, upload
from chatnet.testing.store_model import PREPARATION, post
from tests.store.places import by_hand, opened, scratch_folder

ALIVE = 20
"""Files that are there at any moment, under load."""
POOL = [some_bytes(200 + 37 * i) for i in range(30)]
"""Contents; some are those of several files at a time, and many come again."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


class Taker:
    """Takes contents, or not, and notes which."""

    def __init__(self, faults: dict[bytes, str] | None = None, copy: Path | None = None) -> None:
        self.taken: list[bytes] = []
        self.is_synced = False
        self._faults = faults or {}
        self._copy = copy

    def take(self, digest: bytes, size: int) -> str:
        del size
        self.taken.append(digest)
        return self._faults.get(digest, "")

    def sync(self) -> None:
        self.is_synced = True
        assert self._copy is None or self._copy.stat().st_size == 0, "nothing is there under its name before"


def fill(folder: Path) -> None:
    with opened(folder) as driver:
        driver.put(*PREPARATION, upload(3), *(file(id, digest=bytes([id]) * 32) for id in (1, 2, 3)))
        driver.put(post(1, 1, file=2))


def test_the_content_of_every_file_is_taken_before_the_backup_is_there(folder: Path) -> None:
    fill(folder)
    taker = Taker(copy=folder / "copy.db")
    assert backup(folder / FILE_NAME, folder / "copy.db", taker) == []
    assert taker.taken == [bytes([id]) * 32 for id in (1, 2, 3)]
    assert taker.is_synced


def test_without_a_place_for_contents_files_are_only_listed(folder: Path) -> None:
    fill(folder)
    assert backup(folder / FILE_NAME, folder / "copy.db") == []
    assert [found.id for found in files_of(folder / "copy.db")] == [1, 2, 3]


def test_a_content_that_is_not_there_though_its_file_is_is_damage(folder: Path) -> None:
    fill(folder)
    damages = backup(folder / FILE_NAME, folder / "copy.db", Taker({b"\2" * 32: "its content is gone"}))
    assert [str(damage) for damage in damages] == ["file 2 (picture 2.jpeg): its content is gone"]
    assert [found.id for found in files_of(folder / "copy.db")] == [1, 2, 3]


def test_a_file_that_is_removed_meanwhile_is_not_in_the_backup(folder: Path) -> None:
    fill(folder)
    with opened(folder) as driver:

        class Remover(Taker):
            def take(self, digest: bytes, size: int) -> str:
                driver.put(DropShared(2))
                return super().take(digest, size)

        faults = {b"\2" * 32: "its content is gone", b"\3" * 32: "its content is gone"}
        damages = backup(folder / FILE_NAME, folder / "copy.db", Remover(faults))
    assert [damage.where for damage in damages] == ["file 3 (picture 3.jpeg)"]
    assert list(check(folder / "copy.db")) == []
    with scratch_folder() as elsewhere:
        shutil.copy(folder / "copy.db", elsewhere / FILE_NAME)
        with opened(elsewhere) as again:
            assert [kept.file.id for kept in again.snapshot.files] == [1, 3]
            assert (again.snapshot.next_file, again.snapshot.next_upload) == (4, 4)
            assert len(again.after(1, 0)) == 1, "the message stays"


def test_a_place_that_takes_no_more_leaves_no_backup(folder: Path) -> None:
    fill(folder)

    class Full(Taker):
        def take(self, digest: bytes, size: int) -> str:
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        backup(folder / FILE_NAME, folder / "copy.db", Full())
    assert not [path for path in folder.iterdir() if path.name.startswith("copy.db")]


def test_of_a_damaged_list_as_much_is_copied_as_can_be_read(folder: Path) -> None:
    fill(folder)
    with by_hand(folder) as database:
        database.execute("UPDATE files SET name = 'never sent' WHERE id = 2")
    taker = Taker()
    damages = backup(folder / FILE_NAME, folder / "copy.db", taker)
    assert [str(damage) for damage in damages] == ["file 2: it is not what was stored"]
    assert taker.taken == [b"\1" * 32, b"\3" * 32]
    with by_hand(folder) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'files'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (folder / FILE_NAME).open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\7")
    taker = Taker()
    damages = backup(folder / FILE_NAME, folder / "second.db", taker)
    assert str(damages[-1]) == "the file: it cannot be said which files there are; no content of any was copied"
    assert taker.taken == []


# -- under load -------------------------------------------------------------------------------------------------


class Load:
    """Uploads and removes files as fast as it can, as a server does: the content comes first, and goes last."""

    def __init__(self, folder: Path) -> None:
        self.removed = threading.Semaphore(0)
        """Released for each file that was removed."""
        self.stop = threading.Event()
        self._folder = folder
        self._thread = threading.Thread(target=self._run)
        self._alive: list[PutFile] = []
        self._holds: Counter[bytes] = Counter()
        self.failure: BaseException | None = None

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as failure:
            self.failure = failure

    def _work(self) -> None:
        chance = Random(1)
        files = FileDriver(DiskFileStore(self._folder / "files", reserve=0))
        with opened(self._folder, checkpoint_bytes=64 * 1024) as driver:
            driver.put(*PREPARATION)
            id = 0
            while not self.stop.is_set():
                id += 1
                self._add(id, driver, files, chance.choice(POOL))
                if len(self._alive) > ALIVE:
                    self._remove(driver, files, self._alive.pop(chance.randrange(ALIVE)))
        files.store.close()

    def _add(self, id: int, driver: Driver, files: FileDriver, content: bytes) -> None:
        name = digest(content)
        if not self._holds[name]:
            files.upload(id, content)
        self._holds[name] += 1
        new = PutFile(id, 1, f"file {id}", len(content), name, 1, "user1", 1000)
        driver.put(new, post(1, id, file=id))
        self._alive.append(new)

    def _remove(self, driver: Driver, files: FileDriver, old: PutFile) -> None:
        driver.put(DropShared(old.id))
        self._holds[old.digest] -= 1
        if not self._holds[old.digest]:
            files.drop(old.digest)
        self.removed.release()


class Slow:
    """Copies contents, but lets many files be removed between the copy of the database and the first of them."""

    def __init__(self, contents: ContentCopies, load: Load) -> None:
        self._contents = contents
        self._load = load
        self._has_waited = False
        self.faults = 0

    def take(self, digest: bytes, size: int) -> str:
        if not self._has_waited:
            self._has_waited = True
            while self._load.removed.acquire(blocking=False):
                pass
            for _ in range(10):
                assert self._load.removed.acquire(timeout=30)
        fault = self._contents.take(digest, size)
        self.faults += bool(fault)
        return fault

    def sync(self) -> None:
        self._contents.sync()


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_backup_under_load_has_the_content_of_every_file(
    folder: Path, is_linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_linked:

        def refuse(*_: object) -> None:
            raise OSError("no links here")

        monkeypatch.setattr(os, "link", refuse)
    copies, faults = folder / "copies", 0
    with Load(folder) as load:
        for _ in range(2 * ALIVE):
            assert load.removed.acquire(timeout=30)
        for i in range(5):
            with ContentCopies(folder / "files", copies) as contents:
                slow = Slow(contents, load)
                assert backup(folder / FILE_NAME, folder / f"{i}.db", slow) == []
            faults += slow.faults
            listed = files_of(folder / f"{i}.db")
            assert len(listed) >= ALIVE - 10 - slow.faults
            for found in listed:
                assert digest((copies / path_of(found.digest)).read_bytes()) == found.digest
    assert faults, "some were removed while they were copied"
    with scratch_folder() as restored:
        shutil.copytree(copies, restored / "files")
        shutil.copy(folder / "4.db", restored / FILE_NAME)
        files = FileDriver(DiskFileStore(restored / "files", reserve=0))
        with opened(restored) as driver:
            assert driver.snapshot.files
            for kept in driver.snapshot.files:
                assert digest(files.read(kept.file.digest)) == kept.file.digest
        files.store.close()

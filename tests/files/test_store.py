"""The file store on disk: its thread, its folder, and what it leaves when it is killed."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chatnet.core.file_jobs import ClosePart, Collect, Collected, FileJob, OpenPart, PartClosed, ReadFile, WritePart
from chatnet.errors import ConfigError, ErrorCode
from chatnet.files import disk, store
from chatnet.files.parts import Pace
from chatnet.files.store import DiskFileStore
from chatnet.testing.file_driver import PATIENCE, FileDriver, digest, some_bytes

CONTENT = some_bytes(300_000)
NAME = digest(CONTENT)
PACE = Pace(mark=10_000, sync=50_000, read=8_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "files"


def new(folder: Path) -> FileDriver:
    return FileDriver(DiskFileStore(folder, reserve=0, pace=PACE))


def test_nobody_else_can_look_into_it(folder: Path) -> None:
    driver = new(folder)
    driver.upload(1, CONTENT)
    driver.open(2, some_bytes(10))
    driver.store.close()
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            assert (Path(place) / name).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o777 == 0o700


def test_each_piece_is_written_out_long_before_a_sync_asks_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, int]] = []
    monkeypatch.setattr(disk, "write_out", lambda _, offset, length: written.append((offset, length)))
    driver = FileDriver(DiskFileStore(folder, reserve=0, pace=Pace(mark=10_000, start=20_000, sync=70_000)))
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 95_000)
    assert written == [(0, 20_000), (20_000, 20_000), (40_000, 20_000), (70_000, 20_000)]
    written.clear()
    driver.close(1)
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 95_000, 120_000)
    assert written == [(95_000, 20_000)]
    driver.store.close()


def test_a_folder_that_others_can_enter_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    with pytest.raises(ConfigError) as caught:
        DiskFileStore(folder, reserve=0).load()
    assert caught.value.code == ErrorCode.DATA_UNUSABLE


def test_a_folder_in_which_nothing_can_be_made_is_named(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "parts").symlink_to("nowhere")
    (folder / "content").mkdir()
    store = DiskFileStore(folder, reserve=0)
    with pytest.raises(ConfigError, match=f"cannot keep files in {folder}"):
        store.load()
    store.close()


def test_it_can_be_closed_before_it_was_loaded_and_twice(folder: Path) -> None:
    before = threading.active_count()
    store = DiskFileStore(folder, reserve=0)
    store.close()
    store.load()
    store.close()
    store.close()
    assert threading.active_count() == before


def test_what_was_submitted_is_done_before_it_closes(folder: Path) -> None:
    driver = new(folder)
    driver.store.submit(OpenPart(1, len(CONTENT), NAME))
    for at in range(0, 290_000, 1000):
        driver.store.submit(WritePart(1, at, CONTENT[at : at + 1000]))
    driver.store.close()
    assert len(driver.store.completions()) == 291
    driver = new(folder)
    assert driver.open(1, CONTENT) == 290_000
    driver.store.close()


def test_the_loop_never_waits_while_the_disk_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = new(folder)
    driver.upload(1, CONTENT)
    may_go_on, is_waiting = threading.Event(), threading.Event()
    read = disk._RealFile.read

    def slow(self: disk._RealFile, offset: int, length: int) -> bytes:
        is_waiting.set()
        assert may_go_on.wait(PATIENCE)
        return read(self, offset, length)

    monkeypatch.setattr(disk._RealFile, "read", slow)
    for at in range(10):
        driver.store.submit(ReadFile(NAME, at, 1))
    assert is_waiting.wait(PATIENCE)
    assert driver.store.completions() == []
    driver.store.submit(ReadFile(NAME, 10, 1))
    assert driver.store.completions() == []
    may_go_on.set()
    driver.store.close()
    assert len(driver.store.completions()) == 11


def test_an_answer_is_told_before_what_comes_behind_it_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_TELL_SECONDS", 0.0)
    driver = new(folder)
    driver.upload(1, CONTENT)
    may_go_on = threading.Event()

    def slow(self: disk._RealFile, offset: int, length: int) -> bytes:
        assert may_go_on.wait(PATIENCE)
        return b"x"

    monkeypatch.setattr(disk._RealFile, "read", slow)
    driver._woken.clear()
    driver.store.submit(ClosePart(7))
    driver.store.submit(ReadFile(NAME, 0, 1))
    assert driver._woken.wait(PATIENCE)
    assert [type(answer) for answer in driver.store.completions()] == [PartClosed]
    may_go_on.set()
    driver.store.close()


def test_the_loop_is_not_woken_for_each_of_many_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_TELL_SECONDS", PATIENCE)
    driver = new(folder)
    driver.upload(1, CONTENT)
    wakeups: list[int] = []
    may_go_on = threading.Event()
    driver.store.bind(lambda: wakeups.append(len(driver.store.completions())))
    read = disk._RealFile.read

    def slow(self: disk._RealFile, offset: int, length: int) -> bytes:
        assert may_go_on.wait(PATIENCE)
        return read(self, offset, length)

    monkeypatch.setattr(disk._RealFile, "read", slow)
    for at in range(100):
        driver.store.submit(ReadFile(NAME, at, 1))
    may_go_on.set()
    driver.store.close()
    assert sum(wakeups) == 100
    assert len(wakeups) <= 2, "when all are done, and at the end"


def test_a_mistake_in_the_worker_reaches_the_loop(folder: Path) -> None:
    driver = new(folder)
    driver.store.submit(FileJob())
    assert driver._woken.wait(PATIENCE)
    with pytest.raises(AssertionError, match="no such job"):
        driver.store.completions()
    driver.store.close()


def test_a_mistake_that_nobody_has_heard_of_is_told_at_the_end(folder: Path) -> None:
    driver = new(folder)
    driver.open(1, CONTENT)
    driver.store.submit(FileJob())
    with pytest.raises(AssertionError, match="no such job"):
        driver.store.close()
    driver.store.close()
    driver = new(folder)
    assert driver.open(1, CONTENT) == 0
    driver.store.close()


def test_a_name_that_is_no_digest_is_left_where_it_is(folder: Path) -> None:
    driver = new(folder)
    driver.upload(1, CONTENT)
    foreign = folder / "content" / "ab" / "README"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("from the admin")
    assert driver.ask(Collected, Collect(frozenset(), {})).dropped == 1
    driver.store.close()
    assert foreign.exists()


# -- real ends ------------------------------------------------------------------------------------------------

_UPLOADER = """
import sys
from pathlib import Path
from chatnet.core.file_jobs import OpenPart, PartOpened, PartWritten, WritePart
from tests.files.test_store import CONTENT, NAME, new
driver = new(Path(sys.argv[1]))
at = driver.open(1, CONTENT)
print(at, flush=True)
while at < len(CONTENT):
    print(driver.ask(PartWritten, WritePart(1, at, CONTENT[at : at + 1000])).durable, flush=True)
    at += 1000
driver.finish(1)
print("finished", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("lines", [1, 2, 57, 200, 301, 302])
def test_a_process_that_is_killed_loses_nothing_that_was_durable(folder: Path, lines: int) -> None:
    folder.parent.mkdir()
    command = [sys.executable, "-c", _UPLOADER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
    driver = new(folder)
    if said[-1] == "finished":
        assert driver.read(NAME) == CONTENT
    else:
        assert driver.open(1, CONTENT) >= max(int(said[-1]), (lines - 1) * 1000 - PACE.mark)
    driver.upload(1, CONTENT)
    assert driver.read(NAME) == CONTENT
    assert driver.ask(Collected, Collect(frozenset(), {NAME: len(CONTENT)})).dropped == 0
    driver.store.close()


def test_a_file_system_that_is_full_is_told_apart_from_one_that_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = new(folder)
    driver.open(1, CONTENT)

    def full(self: disk._RealFile, offset: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(disk._RealFile, "write", full)
        assert driver.failure(WritePart(1, 0, CONTENT[:1000])).code == ErrorCode.STORE_FULL
    driver.upload(1, CONTENT)
    driver.store.close()

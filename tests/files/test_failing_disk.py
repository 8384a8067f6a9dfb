"""A disk that is full or fails: every job has a clear answer, and what is kept is right."""

import errno
import os

import pytest

from chatnet.core.file_jobs import (
    FileFailed,
    FinishPart,
    OpenPart,
    PartFinished,
    PartOpened,
    PartWritten,
    ReadFile,
    WritePart,
)
from chatnet.core.limits import MIB
from chatnet.errors import ErrorCode
from chatnet.files.parts import Pace
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk

PACE = Pace(mark=700, start=600, sync=2000, free=900, read=300)
CONTENT = some_bytes(5000)
NAME = digest(CONTENT)


def new(disk: MemoryDisk, reserve: int = 0) -> FileDriver:
    return FileDriver(SteppedFileStore(disk, reserve=reserve, pace=PACE))


def failing(disk: MemoryDisk, operation: str, number: int = errno.EIO, *, times: int = 1) -> None:
    """Let the next operations of this sort fail."""
    left = [times]

    def fails(what: str, _: int) -> None:
        if what == operation and left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))

    disk.fails = fails


# -- no room --------------------------------------------------------------------------------------------------


def test_a_file_for_which_there_is_no_room_is_refused_before_its_first_byte() -> None:
    disk = MemoryDisk(room=6000)
    driver = new(disk, reserve=2000)
    failure = driver.failure(OpenPart(1, 5000, NAME))
    assert failure.code == ErrorCode.STORE_FULL
    assert failure.reason == "4.9 KiB are to come, and the server's disk has room for 3.9 KiB just now"
    assert failure.retry_after > 0
    assert disk.contents() == {}
    assert disk.open_files == 0
    disk.room = 8000
    driver.upload(1, CONTENT)


def test_room_that_was_promised_to_one_is_not_promised_to_another() -> None:
    disk = MemoryDisk(room=12_000)
    driver = new(disk)
    driver.open(1, CONTENT)
    driver.open(2, some_bytes(5000, 2))
    assert driver.failure(OpenPart(3, 5000, NAME)).code == ErrorCode.STORE_FULL
    driver.close(2)
    driver.open(3, CONTENT)
    driver.store.close()


def test_what_came_already_needs_no_room_any_more() -> None:
    disk = MemoryDisk(room=6000)
    driver = new(disk)
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 4000)
    driver.close(1)
    assert driver.open(1, CONTENT) == 4000
    driver.store.close()


@pytest.mark.parametrize("leaves_some", [False, True])
def test_a_disk_that_fills_up_meanwhile_stops_the_upload_which_goes_on_later(leaves_some: bool) -> None:
    disk = MemoryDisk(room=100_000)
    driver = new(disk, reserve=100 if leaves_some else 0)
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 3000)
    disk.room = 100_000 - disk.free() + 700
    failure = driver.failure(WritePart(1, 3000, CONTENT[3000:4000]))
    assert failure.code == ErrorCode.STORE_FULL
    assert failure.retry_after > 0
    assert disk.open_files == 0
    assert driver.failure(WritePart(1, 4000, CONTENT[4000:])).code == ErrorCode.BAD_REQUEST
    disk.room = 100_000
    assert 2000 <= driver.open(1, CONTENT) <= 3000
    driver.upload(1, CONTENT)
    assert driver.read(NAME) == CONTENT


def test_what_others_fill_is_left_alone_but_for_what_is_written_between_two_looks() -> None:
    disk, content = MemoryDisk(room=64 * MIB), some_bytes(16 * MIB)
    driver = FileDriver(SteppedFileStore(disk, reserve=20 * MIB))
    driver.open(1, content)
    driver.write(1, content, 0, MIB, chunk=MIB)
    disk.room -= disk.free() - 20 * MIB  # others have taken all but the reserve
    written = MIB
    while isinstance(driver.answers(WritePart(1, written, content[written : written + MIB]))[0], PartWritten):
        written += MIB
    assert written <= 8 * MIB
    assert disk.free() >= 12 * MIB
    driver.store.close()


# -- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", ["open", "write", "write_out", "sync", "truncate", "rename", "sync_folder", "make_folder"]
)
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_an_error_in_any_step_is_an_answer_and_the_upload_goes_on_behind_it(operation: str, number: int) -> None:
    disk = MemoryDisk()
    driver = new(disk)
    failing(disk, operation, number)
    codes = []
    at: int | None = None
    for _ in range(100):
        if at is None:
            answer = driver.answers(OpenPart(1, len(CONTENT), NAME))[0]
        elif at < len(CONTENT):
            answer = driver.answers(WritePart(1, at, CONTENT[at : at + 500]))[0]
            at += 500
        else:
            answer = driver.answers(FinishPart(1))[0]
        if isinstance(answer, FileFailed):
            codes.append(answer.code)
            at = None
        elif isinstance(answer, PartOpened):
            at = answer.offset
        elif isinstance(answer, PartFinished):
            break
    assert codes == [ErrorCode.STORE_FULL if number == errno.ENOSPC else ErrorCode.STORE_FAILING]
    assert driver.read(NAME) == CONTENT
    driver.store.close()
    assert disk.open_files == 0


@pytest.mark.parametrize("operation", ["sync", "write_out"])
def test_what_a_failed_sync_was_about_is_sent_again(operation: str) -> None:
    """The system says it once; the next sync succeeds, and the bytes have still never reached the disk."""
    disk = MemoryDisk()
    driver = new(disk)
    driver.open(1, CONTENT)
    assert driver.write(1, CONTENT, 0, 2500, chunk=500) == 2000
    driver.write(1, CONTENT, 2500, 3500, chunk=500)
    failing(disk, operation)
    assert driver.failure(WritePart(1, 3500, CONTENT[3500:4500])).code == ErrorCode.STORE_FAILING
    assert driver.open(1, CONTENT) == 2000
    driver.upload(1, CONTENT)
    assert driver.read(NAME) == CONTENT


def test_after_two_failed_syncs_still_only_what_was_durable_counts() -> None:
    disk = MemoryDisk()
    driver = new(disk)
    driver.open(1, CONTENT)
    driver.write(1, CONTENT, 0, 3500, chunk=500)
    failing(disk, "sync", times=2)
    assert driver.failure(WritePart(1, 3500, CONTENT[3500:4000])).code == ErrorCode.STORE_FAILING
    assert driver.failure(OpenPart(1, 5000, NAME)).code == ErrorCode.STORE_FAILING
    assert driver.open(1, CONTENT) == 2000


def test_a_file_that_cannot_be_read_is_a_failure_of_the_disk_and_no_missing_file() -> None:
    disk = MemoryDisk()
    driver = new(disk)
    driver.upload(1, CONTENT)
    failing(disk, "read")
    failure = driver.failure(ReadFile(NAME, 0, 100))
    assert failure.code == ErrorCode.STORE_FAILING
    assert "input/output error" in failure.reason
    assert driver.read(NAME) == CONTENT


def test_files_that_are_read_are_not_all_kept_open() -> None:
    disk = MemoryDisk()
    driver = new(disk)
    for part in range(100):
        driver.read(driver.upload(part, some_bytes(10, part)))
    assert disk.open_files <= 32
    driver.store.close()
    assert disk.open_files == 0

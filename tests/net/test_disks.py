"""Reading and writing at a place in a file, and having the disk take it, here and on a system without such calls."""

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.net import disks
from chatnet.net.disks import read_at, write_at, write_out


@pytest.fixture(params=["", "minimal"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", request.param)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_what_was_written_at_a_place_is_read_there(file: int) -> None:
    assert write_at(file, memoryview(b"lo, bob"), 3) == 7
    assert write_at(file, memoryview(b"hel"), 0) == 3
    assert read_at(file, 5, 0) == b"hello"
    assert read_at(file, 100, 7) == b"bob"
    assert read_at(file, 1, 10) == b""


def test_what_was_written_out_is_there(file: int) -> None:
    write_at(file, memoryview(b"hello"), 0)
    write_out(file, 0, 5)
    os.fsync(file)
    assert read_at(file, 5, 0) == b"hello"


def test_what_cannot_be_written_out_leaves_it_to_the_sync() -> None:
    reading, writing = os.pipe()
    try:
        write_out(writing, 0, 1)
        with pytest.raises(OSError, match="Invalid argument"):
            os.fsync(writing)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_failure_of_the_disk_is_told(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(disks, "is_minimal", lambda: False)
    monkeypatch.setattr(disks, "_sync_file_range", lambda: fails)
    with pytest.raises(OSError, match="Input/output error"):
        write_out(file, 0, 1)


def test_a_closed_file_fails(file: int) -> None:
    gone = os.dup(file)
    os.close(gone)
    with pytest.raises(OSError, match="Bad file descriptor"):
        read_at(gone, 1, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_at(gone, memoryview(b"x"), 0)

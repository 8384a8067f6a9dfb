"""The disk that loses what was not synced."""

import errno
import os
from random import Random

import pytest

from chatnet.testing.memory_disk import MemoryDisk, Stopped

SEEDS = [Random(seed) for seed in range(50)]


def disk_with(content: bytes = b"synced") -> MemoryDisk:
    disk = MemoryDisk()
    disk.make_folder("a")
    file = disk.open("a/file", create=True)
    file.write(0, content)
    file.sync()
    disk.sync_folder("a")
    return disk


def test_what_is_synced_survives_and_what_is_not_may() -> None:
    disk = disk_with()
    file = disk.open("a/file")
    file.write(6, b"?" * 1024)
    assert disk.after_kill().contents() == {"a/file": b"synced" + b"?" * 1024}
    left = {disk.after_power_cut(rng).contents()["a/file"] for rng in SEEDS}
    assert all(content.startswith(b"synced") for content in left)
    assert {b"synced", b"synced" + b"?" * 1024, b"synced" + b"?" * 512, b"synced" + bytes(512) + b"?" * 512} <= left


def test_names_survive_in_their_order() -> None:
    disk = disk_with()
    disk.open("a/1", create=True)
    disk.open("a/2", create=True)
    disk.rename("a/file", "a/renamed")
    left = {tuple(disk.after_power_cut(rng).names("a")) for rng in SEEDS}
    assert left == {("file",), ("1", "file"), ("1", "2", "file"), ("1", "2", "renamed")}
    disk.sync_folder("a")
    assert {tuple(disk.after_power_cut(rng).names("a")) for rng in SEEDS} == {("1", "2", "renamed")}


def test_a_removed_file_may_come_back() -> None:
    disk = disk_with()
    disk.remove("a/file")
    assert {tuple(disk.after_power_cut(rng).contents()) for rng in SEEDS} == {(), ("a/file",)}


def test_it_stops_at_an_operation_and_stays_stopped() -> None:
    disk = disk_with()
    disk.stop_at, disk.torn = disk.operations + 1, 0.5
    file = disk.open("a/file")
    with pytest.raises(Stopped):
        file.write(6, b"abcd")
    with pytest.raises(Stopped):
        disk.open("a/file")
    assert disk.after_kill().contents() == {"a/file": b"syncedab"}


def test_it_fills_up() -> None:
    disk = disk_with()
    disk.room = 8
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        disk.open("a/file").write(4, b"abcdef")
    assert disk.contents() == {"a/file": b"syncabcd"}
    assert disk.free() == 0

"""A disk in memory that fails, fills up, and loses what was not synced, at exactly the moment that a test wants.

What a power cut leaves, beside what was synced:

- of each file any of the writes since its last sync, each as a whole, in pieces of 512 bytes, or not at all; where a
  later one is there and an earlier one is not, there are zeros or what was there before;
- of the changes of names, those up to some moment: file systems that keep a journal of them (ext4, XFS, Btrfs, APFS,
  NTFS) keep them in order. `sync_folder` makes durable all of its folder, and so all that came before.
"""

import errno
import os
from collections.abc import Callable
from random import Random

_SECTOR = 512


class Stopped(BaseException):
    """The process was killed, or the power cut, at this operation. Nothing of the process can catch it."""


class _Inode:
    def __init__(self) -> None:
        self.now = bytearray()
        self.synced = b""
        self.since: list[tuple[int, bytes | None]] = []
        """Writes as (offset, data), and truncations as (size, None), since the last sync."""

    def apply(self, offset: int, data: bytes | None) -> None:
        if data is None:
            _truncate(self.now, offset)
        else:
            _write(self.now, offset, data)
        self.since.append((offset, data))

    def after_power_cut(self, rng: Random) -> "_Inode":
        left = bytearray(self.synced)
        for offset, data in self.since:
            if data is None:
                if rng.random() < 0.5:
                    _truncate(left, offset)
            elif rng.random() < 0.6:
                for at in range(0, len(data), _SECTOR):
                    if rng.random() < 0.8:
                        _write(left, offset + at, data[at : at + _SECTOR])
        inode = _Inode()
        inode.now, inode.synced = left, bytes(left)
        return inode


class _MemoryFile:
    """A `chatnet.files.disk.DiskFile`."""

    def __init__(self, disk: "MemoryDisk", inode: _Inode) -> None:
        self._disk = disk
        self._inode = inode
        disk.open_files += 1
        self._is_open = True

    def size(self) -> int:
        return len(self._inode.now)

    def read(self, offset: int, length: int) -> bytes:
        self._disk.step("read")
        return bytes(self._inode.now[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        torn = self._disk.step("write", torn=True)
        room = self._disk.free() + max(0, len(self._inode.now) - offset)
        taken = min(len(data), room) if torn is None else int(len(data) * torn)
        self._inode.apply(offset, data[:taken])
        if torn is not None:
            raise Stopped("write")
        if taken < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def truncate(self, size: int) -> None:
        self._disk.step("truncate")
        self._inode.apply(size, None)

    def write_out(self, offset: int, length: int) -> None:
        """Any of it may survive, and so it may without this; but the disk may fail."""
        del offset, length
        self._disk.step("write_out")

    def sync(self) -> None:
        self._disk.step("sync")
        self._inode.synced = bytes(self._inode.now)
        self._inode.since.clear()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._disk.open_files -= 1


Names = dict[str, _Inode]


class MemoryDisk:
    """A `chatnet.files.disk.Disk`.

    ``stop_at``: the number of the operation, from 0, at which the process ends; a write may be half done then, if
    ``torn`` says what share of it. ``fails(operation, number)`` raises the error that an operation is to have.
    """

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.operations = 0
        self.open_files = 0
        self.stop_at: int | None = None
        self.torn = 1.0
        self.fails: Callable[[str, int], None] = lambda *_: None
        self._names: Names = {}
        self._history: list[tuple[str, Names]] = [("", {})]
        """All names after each change since the oldest that is not durable, with the folder that it was in."""
        self._folders = {""}

    # -- what befalls it --------------------------------------------------------------------------------------

    def step(self, operation: str, *, torn: bool = False) -> float | None:
        """One operation is about to be done; returns the share of it after which the process ends, if it can.

        :raises Stopped: the process ends in front of it.
        :raises OSError: as the test wants it.
        """
        number, self.operations = self.operations, self.operations + 1
        if self.stop_at is not None and number >= self.stop_at:
            if torn and number == self.stop_at:
                return self.torn
            raise Stopped(operation)
        self.fails(operation, number)
        return None

    def after_kill(self) -> "MemoryDisk":
        """What the next process finds, if only this one has ended."""
        return self._successor(self._names, lambda inode: inode)

    def after_power_cut(self, rng: Random) -> "MemoryDisk":
        """What the next process finds, if the power was cut."""
        names = rng.choice(self._history)[1]
        fates: dict[int, _Inode] = {}

        def fate(inode: _Inode) -> _Inode:
            if id(inode) not in fates:
                fates[id(inode)] = inode.after_power_cut(rng)
            return fates[id(inode)]

        return self._successor(names, fate)

    def _successor(self, names: Names, fate: Callable[[_Inode], _Inode]) -> "MemoryDisk":
        disk = MemoryDisk(self.room)
        disk._names = {path: fate(inode) for path, inode in names.items()}
        disk._history = (
            [("", dict(disk._names))]
            if names is not self._names
            else [(folder, {path: fate(inode) for path, inode in then.items()}) for folder, then in self._history]
        )
        disk._folders = set(self._folders)
        return disk

    def contents(self) -> dict[str, bytes]:
        """All files, for a test to look at."""
        return {path: bytes(inode.now) for path, inode in self._names.items()}

    def damage(self, path: str, offset: int) -> None:
        """Change a byte."""
        self._names[path].now[offset] ^= 0xFF

    # -- the disk ---------------------------------------------------------------------------------------------

    def free(self) -> int:
        return max(0, self.room - sum(len(inode.now) for inode in self._names.values()))

    def names(self, folder: str) -> list[str]:
        start = folder + "/" if folder else ""
        known = [*self._names, *self._folders]
        return sorted({path[len(start) :].split("/")[0] for path in known if path.startswith(start) and path != start})

    def size(self, path: str) -> int | None:
        inode = self._names.get(path)
        return None if inode is None else len(inode.now)

    def make_folder(self, path: str) -> bool:
        self.step("make_folder")
        is_new = path not in self._folders
        self._folders.add(path)
        return is_new

    def open(self, path: str, *, create: bool = False) -> _MemoryFile:
        self.step("open")
        if path not in self._names:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            self._names[path] = _Inode()
            self._changed(path)
        return _MemoryFile(self, self._names[path])

    def rename(self, source: str, target: str) -> None:
        self.step("rename")
        self._names[target] = self._names.pop(source)
        self._changed(source)
        self._changed(target)

    def remove(self, path: str) -> bool:
        self.step("remove")
        if self._names.pop(path, None) is None:
            return False
        self._changed(path)
        return True

    def sync_folder(self, path: str) -> None:
        self.step("sync_folder")
        for i in reversed(range(len(self._history))):
            if self._history[i][0] == path:
                del self._history[:i]
                break

    def _changed(self, path: str) -> None:
        self._history.append((path.rpartition("/")[0], dict(self._names)))


def _truncate(content: bytearray, size: int) -> None:
    del content[size:]
    content += bytes(size - len(content))


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content += bytes(offset - len(content))
    content[offset : offset + len(data)] = data

"""The disk under the file store: the few operations that it is made of, so that tests can stop it at each of them.

Paths are relative, with ``/``. What was written survives a power cut once `DiskFile.sync` has returned, a file's name
or its disappearance once `sync_folder` has returned for the folder that it is in.
"""

import errno
import os
import shutil
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Protocol

from chatnet.net.disks import read_at, write_at, write_out
from chatnet.net.folders import sync_folder
from chatnet.net.platform import sync_file

_MODE = 0o600


class DiskFile(Protocol):
    """An open file. All methods raise OSError."""

    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from there on, fewer at the end of the file."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """All of it; after an error perhaps some."""
        ...

    def truncate(self, size: int) -> None: ...

    def write_out(self, offset: int, length: int) -> None:
        """Have the disk take what was written there. Only `sync` promises anything."""
        ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class Disk(Protocol):
    """A folder and what is in it. All methods raise OSError."""

    def free(self) -> int:
        """Bytes that can still be written."""
        ...

    def names(self, folder: str) -> list[str]:
        """What is in a folder, in any order; nothing, if there is no such folder."""
        ...

    def size(self, path: str) -> int | None:
        """The length of a file, None if it is not there."""
        ...

    def make_folder(self, path: str) -> bool:
        """Make a folder, if it is not there. Was it made?"""
        ...

    def open(self, path: str, *, create: bool = False) -> DiskFile:
        """Open a file for reading and, with ``create``, for writing; it is made if it is not there."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Put a file in another place, also over one that is there."""
        ...

    def remove(self, path: str) -> bool:
        """Remove a file. Was it there?"""
        ...

    def sync_folder(self, path: str) -> None: ...


class _RealFile:
    def __init__(self, file: FileIO) -> None:
        self._file = file

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        return read_at(self._file.fileno(), length, offset)

    def write(self, offset: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            taken = write_at(self._file.fileno(), left, offset)
            if not taken:
                raise OSError(errno.EIO, "the disk took nothing")
            left = left[taken:]
            offset += taken

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def write_out(self, offset: int, length: int) -> None:
        write_out(self._file.fileno(), offset, length)

    def sync(self) -> None:
        sync_file(self._file.fileno())

    def close(self) -> None:
        # Some file systems tell of a failed write only here. Of what matters, `sync` has told before.
        with suppress(OSError):
            self._file.close()


class RealDisk:
    """A `Disk` in a folder that is there, and that nobody else can enter."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def free(self) -> int:
        return shutil.disk_usage(self._root).free

    def names(self, folder: str) -> list[str]:
        try:
            return os.listdir(self._root / folder)
        except FileNotFoundError:
            return []

    def size(self, path: str) -> int | None:
        try:
            return os.stat(self._root / path).st_size
        except FileNotFoundError:
            return None

    def make_folder(self, path: str) -> bool:
        try:
            os.mkdir(self._root / path, 0o700)
        except FileExistsError:
            if not os.path.isdir(self._root / path):
                raise
            return False
        return True

    def open(self, path: str, *, create: bool = False) -> DiskFile:
        place = self._root / path
        return _RealFile(FileIO(place, "r+", opener=_create) if create else FileIO(place, "r"))

    def rename(self, source: str, target: str) -> None:
        os.replace(self._root / source, self._root / target)

    def remove(self, path: str) -> bool:
        with suppress(FileNotFoundError):
            os.unlink(self._root / path)
            return True
        return False

    def sync_folder(self, path: str) -> None:
        sync_folder(self._root / path)


def _create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, _MODE)

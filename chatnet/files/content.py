"""The files that are complete: each under the SHA-256 of its content, in 256 folders, and never changed again."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress

from chatnet.core.file_jobs import Digest
from chatnet.files import parts, removing
from chatnet.files.disk import Disk, DiskFile

FOLDER = "content"
_OPEN_FILES = 32
"""Kept open, of those that were read last."""


class Content:
    """All complete files. All methods raise OSError, which is FileNotFoundError where a file is not there."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._readers: OrderedDict[Digest, DiskFile] = OrderedDict()

    def size(self, digest: Digest) -> int | None:
        """A file's length, None if it is not there."""
        return self._disk.size(path_of(digest))

    def adopt(self, source: str, digest: Digest) -> None:
        """Take a file that is verified and durable, under its old name. `make_durable` comes next.

        One that is there already has the same content; if it is damaged by now, this one mends it.
        """
        if self._disk.make_folder(folder_of(digest)):
            self._disk.sync_folder(FOLDER)
        self._forget(digest)
        self._disk.rename(source, path_of(digest))

    def make_durable(self, digest: Digest) -> None:
        """See to it that a file is still there after a power cut."""
        self._disk.sync_folder(folder_of(digest))

    def open(self, digest: Digest) -> DiskFile:
        """A file to read; the caller closes it."""
        return self._disk.open(path_of(digest))

    def read(self, digest: Digest, offset: int, length: int) -> bytes:
        """A piece of a file. It is kept open, for the next piece."""
        file = self._readers.pop(digest, None) or self.open(digest)
        self._readers[digest] = file
        if len(self._readers) > _OPEN_FILES:
            self._readers.popitem(last=False)[1].close()
        return file.read(offset, length)

    def take_away(self, digest: Digest, piece: int) -> list[str]:
        """A file is not there any more; returns what is left to be freed. Who is reading it gets no more of it."""
        self._forget(digest)
        return removing.take_away(self._disk, path_of(digest), parts.FOLDER, piece)

    def all(self) -> Iterator[Digest]:
        """All files."""
        for folder in self._disk.names(FOLDER):
            for name in self._disk.names(f"{FOLDER}/{folder}"):
                with suppress(ValueError):  # nothing of ours
                    yield bytes.fromhex(name)

    def close(self) -> None:
        """Let go of all files."""
        while self._readers:
            self._readers.popitem()[1].close()

    def _forget(self, digest: Digest) -> None:
        reader = self._readers.pop(digest, None)
        if reader is not None:
            reader.close()


def folder_of(digest: Digest) -> str:
    """The folder that a file is in."""
    return f"{FOLDER}/{digest[:1].hex()}"


def path_of(digest: Digest) -> str:
    """Where a file is."""
    return f"{folder_of(digest)}/{digest.hex()}"

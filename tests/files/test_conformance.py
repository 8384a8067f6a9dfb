"""The file stores keep their contract."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatnet.files.parts import Pace
from chatnet.files.store import DiskFileStore
from chatnet.net.ports import FileStore
from chatnet.testing.file_conformance import FileStoreConformance
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk

_SMALL = Pace(mark=700, sync=2000, free=900, read=300)


class TestDiskFileStore(FileStoreConformance):
    @pytest.fixture(autouse=True)
    def _folders(self) -> Iterator[None]:
        with ExitStack() as self._stack:
            yield

    def make_store(self) -> FileStore:
        memory = Path("/dev/shm")
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None))
        self._folder = Path(folder) / "files"
        return DiskFileStore(self._folder, reserve=0, pace=_SMALL)

    def reopen(self, store: FileStore) -> FileStore:
        store.close()
        return DiskFileStore(self._folder, reserve=0, pace=_SMALL)


class TestSteppedFileStore(FileStoreConformance):
    def make_store(self) -> FileStore:
        self._disk = MemoryDisk()
        return SteppedFileStore(self._disk, pace=_SMALL)

    def reopen(self, store: FileStore) -> FileStore:
        store.close()
        assert self._disk.open_files == 0
        self._disk = self._disk.after_kill()
        return SteppedFileStore(self._disk, pace=_SMALL)

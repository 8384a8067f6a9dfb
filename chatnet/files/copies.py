"""Copies contents into another folder, also while a server keeps them: for backups.

The folder is laid out as a file store's own, so that it can take its place. As a content never changes, and its name is
its SHA-256, one such folder serves any number of backups: what is there already is not copied again. On one file system
a copy is a hard link, which takes no room and no time; elsewhere it is verified on the way, synced, and only then put
under its name. A file that is there is never written into: it may be the server's own.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from chatnet.core.file_jobs import Digest
from chatnet.errors import ConfigError, ErrorCode
from chatnet.files import content
from chatnet.files.content import Content
from chatnet.files.disk import RealDisk
from chatnet.files.inspection import GONE, digest_fault, pieces, size_fault, unreadable
from chatnet.net.folders import lock_file, sync_folder
from chatnet.net.platform import sync_file

_DRAFT, _LOCK = "copy.part", "lock"


class _Unreadable(Exception):
    """The source cannot be read."""

    def __init__(self, cause: OSError) -> None:
        self.cause = cause


class ContentCopies:
    """Copies contents from a file store's folder to the folder ``target``, which is made if it is not there.

    All methods raise OSError with ``target`` as its file name if that cannot be written.
    """

    def __init__(self, source: Path, target: Path) -> None:
        """:raises ConfigError: DATA_IN_USE: somebody else copies into it at this moment."""
        self.copied = 0
        """Contents that were not there before."""
        self._source_root, self._root = source, target
        self._source, self._disk = Content(RealDisk(source)), RealDisk(target)
        self._target = Content(self._disk)
        self._changed: set[str] = set()
        """Folders to sync."""
        with self._writing():
            with suppress(FileExistsError):
                target.mkdir(0o700)
                sync_folder(target.absolute().parent)
            self._lock = open(target / _LOCK, "ab", opener=_open_private)  # noqa: SIM115
            try:
                self._prepare()
            except BaseException:
                self._lock.close()
                raise

    def _prepare(self) -> None:
        if not lock_file(self._lock.fileno()):
            raise ConfigError(
                ErrorCode.DATA_IN_USE, f"another backup copies files into {self._root}; wait until that is done"
            )
        self._disk.make_folder(content.FOLDER)
        self._disk.remove(_DRAFT)  # left by a copy that was cut off

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Let somebody else use the folder."""
        self._lock.close()

    def take(self, digest: Digest, size: int) -> str:
        """Copy a content. Returns what is wrong with it, empty for nothing; then it is not copied."""
        try:
            fault = size_fault(self._source, digest, size)
        except OSError as error:
            return unreadable(error)
        if fault:
            return fault
        with self._writing():
            return "" if self._target.size(digest) == size else self._add(digest)

    def sync(self) -> None:
        """Make durable what was copied."""
        with self._writing():
            for folder in ("", content.FOLDER, *self._changed):
                self._disk.sync_folder(folder)
        self._changed.clear()

    def _add(self, digest: Digest) -> str:
        self._disk.make_folder(content.folder_of(digest))
        fault = "" if self._link(digest) else self._copy(digest)
        if not fault:
            self.copied += 1
            self._changed.add(content.folder_of(digest))
        return fault

    def _link(self, digest: Digest) -> bool:
        """False where it must be copied: another file system, one without links, or something else of that name."""
        path = content.path_of(digest)
        try:
            os.link(self._source_root / path, self._root / path)
        except OSError:
            return False
        return True

    def _copy(self, digest: Digest) -> str:
        try:
            fault = digest_fault(digest, self._write_draft(pieces(self._source, digest)))
            if not fault:
                self._disk.rename(_DRAFT, content.path_of(digest))
            return fault
        except _Unreadable as no:
            return GONE if isinstance(no.cause, FileNotFoundError) else unreadable(no.cause)
        finally:
            self._disk.remove(_DRAFT)

    def _write_draft(self, source: Iterable[bytes]) -> Digest:
        """Copy a content, durably, under another name; returns its SHA-256."""
        found = hashlib.sha256()
        with open(self._root / _DRAFT, "xb", opener=_open_private) as draft:
            for data in _told_apart(source):
                found.update(data)
                draft.write(data)
            draft.flush()
            sync_file(draft.fileno())
        return found.digest()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._root)) from error


def _told_apart(source: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from source
    except OSError as error:
        raise _Unreadable(error) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

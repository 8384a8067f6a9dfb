"""A file that is being received: ``NAME.xxxxxxxx.part`` until it is complete and verified, then ``NAME``.

The eight digits are those of the file's digest. So the same command finds what an earlier one has left, and goes on
behind it; and the ``.part`` of another program, or of another file with this name, is nobody's to write to.

Nothing is written but to a plain file that only this user's name leads to and that no other process writes to. Nothing
that is there is ever replaced, be it a link to nowhere. So whatever waits in the folder, the bytes land in it, under a
name of their own.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from chatnet.client.files import PIECE_BYTES, LocalFileError, Pieces, cannot_write, write_all
from chatnet.client.safe_names import numbered, safe_name
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.net.folders import lock_file, sync_folder
from chatnet.net.platform import can_rename_open_files, rename_new, sync_file
from chatnet.quantities import show_size

SYNC_BYTES = 8 << 20
"""Written in one go before the disk is waited for: so no wait is long, not even the last one."""
_MOST_NAMES = 1000
_DIGITS = 8
_FLAGS = os.O_RDWR | os.O_CREAT | sum(getattr(os, f, 0) for f in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
"""Not to follow a link, and not to wait for whoever is at the other end of a pipe."""


class PartialFile:
    """What has come of a file so far: its first ``offset`` bytes. Finish or close it."""

    def __init__(self, folder: Path, name: str, size: int, digest: bytes, *, is_exact: bool) -> None:
        """Open what an earlier try has left, or begin; `catch_up` comes next. For use by `open_partial`."""
        self.offset = 0
        self._folder = folder
        self._name = name if is_exact else safe_name(name)
        self._is_exact = is_exact
        self._size = size
        self._digest = digest
        self._hash = hashlib.sha256()
        self._synced = 0
        if is_exact and os.path.lexists(folder / name):
            raise self._taken()
        self._file, self.path = self._claim()

    # -- opening ----------------------------------------------------------------------------------------------

    def _claim(self) -> tuple[FileIO, Path]:
        """Open the first file with a fitting name that is there for nobody else."""
        for name in _names(f"{self._name}.{self._digest.hex()[:_DIGITS]}"):
            path = self._folder / f"{name}.part"
            file = _open(path)
            if file is not None:
                return file, path
        raise LocalFileError(ErrorCode.CANNOT_CREATE, f"too many files like {path} are in the way")

    def catch_up(self) -> Pieces[None]:
        """Read through what there is, and see whether there is room for the rest."""
        try:
            if os.fstat(self._file.fileno()).st_size > self._size:
                self._file.truncate(0)
            while data := self._file.read(PIECE_BYTES):
                self._hash.update(data)
                self.offset += len(data)
                yield self.offset
            self._synced = self.offset
            self._check_room()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _check_room(self) -> None:
        # Here, since it takes longer to load than a short command to send its text.
        import shutil

        wanted, room = self._size - self.offset, shutil.disk_usage(self._folder).free
        if wanted > room:
            if not self.offset:
                self.path.unlink()
            raise LocalFileError(
                ErrorCode.DISK_FULL,
                f"{self._name} needs {show_size(wanted)}; the disk of {self._folder} has room for {show_size(room)}\n"
                "Make room, then repeat the command.",
            )

    # -- bytes ------------------------------------------------------------------------------------------------

    def write(self, offset: int, data: bytes) -> None:
        """Add bytes at the end.

        :raises ProtocolError: BAD_FRAME: they belong elsewhere.
        :raises LocalFileError: DISK_FULL, CANNOT_CREATE; what was written stays, for the next try.
        """
        if offset != self.offset or offset + len(data) > self._size:
            what = f"bytes from {offset} on, where those from {self.offset} to {self._size} are missing"
            raise ProtocolError(ErrorCode.BAD_FRAME, f"the server sent {what}")
        try:
            write_all(self._file, data)
            self._hash.update(data)
            self.offset += len(data)
            if self.offset - self._synced >= SYNC_BYTES:
                self._sync()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _sync(self) -> None:
        try:
            sync_file(self._file.fileno())
        except OSError:
            # A system reports this once, and would call lost bytes durable the next time.
            with suppress(OSError):
                self._file.truncate(self._synced)
            raise
        self._synced = self.offset

    def finish(self) -> Path:
        """All is there: verify it, make it durable, and give it its name. Where it is.

        :raises LocalFileError: BAD_DIGEST: it is something else, and is removed; CANNOT_CREATE: it stays as it is.
        """
        assert self.offset == self._size
        if self._hash.digest() != self._digest:
            self.discard()
            raise LocalFileError(
                ErrorCode.BAD_DIGEST,
                f"{self._name} is damaged: its SHA-256 is {self._hash.hexdigest()}, not {self._digest.hex()}\n"
                "It is removed; repeat the command to get it again.",
            )
        try:
            self._sync()
            if not can_rename_open_files():
                self._file.close()
            path = self._publish()
            sync_folder(self._folder)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            self._file.close()
        return path

    def _publish(self) -> Path:
        for name in [self._name] if self._is_exact else _names(self._name):
            path = self._folder / name
            with suppress(FileExistsError):
                rename_new(str(self.path), str(path))
                return path
        raise self._taken()

    def close(self) -> None:
        """Leave what is there to the next try."""
        self._file.close()

    def discard(self) -> None:
        """Remove what is there."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _taken(self) -> LocalFileError:
        path = self._folder / self._name
        return LocalFileError(ErrorCode.CANNOT_CREATE, f"{path} is there already\nChoose another name with -o.")


def open_partial(folder: Path, name: str, size: int, digest: bytes, *, is_exact: bool = False) -> Pieces[PartialFile]:
    """Open what an earlier try has left, and read it through, or begin; it is closed if that ends early.

    :param name: what others call the file; with ``is_exact``, what it is to be called here, and nothing else.
    :raises LocalFileError: CANNOT_CREATE, DISK_FULL.
    """
    partial = PartialFile(folder, name, size, digest, is_exact=is_exact)
    try:
        yield from partial.catch_up()
    except BaseException:
        partial.close()
        raise
    return partial


def _names(name: str) -> Iterator[str]:
    yield name
    for number in range(2, _MOST_NAMES):
        yield numbered(name, number)


def _open(path: Path) -> FileIO | None:
    """A file of one's own to write to, with its lock; None if something else is in the way.

    :raises LocalFileError: CANNOT_CREATE: there can be no file.
    """
    if path.is_symlink():
        return None  # where a system cannot be told not to follow it
    try:
        # Who else may read it is for the umask to say, as of all that a user saves.
        file = FileIO(os.open(path, _FLAGS, 0o666), "r+")
    except OSError as error:
        if os.path.lexists(path):
            return None
        raise cannot_write(path, error) from error
    try:
        is_ours = _is_ours(file, path)
    except BaseException:
        file.close()
        raise
    if is_ours:
        return file
    file.close()
    return None


def _is_ours(file: FileIO, path: Path) -> bool:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return False  # the other name of such a file may be that of anything
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return False
    # Who had the lock until now may have finished the file meanwhile, and given it its name.
    return lock_file(file.fileno()) and path.exists() and os.path.samestat(found, path.lstat())

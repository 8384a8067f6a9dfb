"""Files that are to be sent: opened once, hashed once, and then read piece by piece from wherever the server wants.

What comes out of a pipe is written to a file first: it could not be read a second time, and a connection may break.

Whatever may take long is a generator that yields after each piece of up to 1 MiB, so that something else can be done
between two pieces.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, BinaryIO, Self, TypeVar

from chatnet.auth.possession import Answer, Ranges, are_askable
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError
from chatnet.net.folders import make_private_folder
from chatnet.net.platform import is_full
from chatnet.quantities import show_size

T = TypeVar("T")
PIECE_BYTES = 1 << 20
Progress = Callable[[int], None]
"""Called with the number of bytes that are done."""
Pieces = Generator[int, None, T]
"""Yields the number of bytes that are done, and returns what comes of it."""


def tell_nobody(done: int) -> None:
    """No progress is shown."""
    del done


class LocalFileError(ChatnetError):
    """A file on one's own disk that cannot be read, or cannot be made."""


class Source:
    """A content to send: ``size`` bytes with the SHA-256 ``digest``. Close it at the end."""

    def __init__(self, file: IO[bytes], name: str, size: int, digest: bytes) -> None:
        """``file`` is the source's own from now on."""
        self.name = name
        self.size = size
        self.digest = digest
        self._file = file
        self._state = _state(file)

    def read(self, offset: int, length: int) -> bytes:
        """A piece, shorter only at the end.

        :raises LocalFileError: FILE_CHANGED: it is not what it was when it was hashed; CANNOT_READ.
        """
        wanted = max(0, min(length, self.size - offset))
        try:
            if _state(self._file) != self._state:
                raise self._changed()
            self._file.seek(offset)
            data = self._file.read(wanted)
        except OSError as error:
            raise _unreadable(self.name, error) from error
        if len(data) < wanted:
            raise self._changed()
        return data

    def prove(self, nonce: bytes, ranges: Ranges) -> Pieces[bytes]:
        """Show that one has the content.

        :raises ProtocolError: BAD_FRAME: no server would ask for that.
        :raises LocalFileError: as `read`.
        """
        if not are_askable(ranges, self.size):
            raise ProtocolError(ErrorCode.BAD_FRAME, "the server asks for pieces that the file does not have")
        answer, done = Answer(nonce, ranges), 0
        for start, length in ranges:
            for at in range(start, start + length, PIECE_BYTES):
                data = self.read(at, min(PIECE_BYTES, start + length - at))
                answer.add(data)
                done += len(data)
                yield done
        return answer.digest()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _changed(self) -> LocalFileError:
        message = f"{self.name} was changed while it was being sent\nSend it again when nobody writes to it."
        return LocalFileError(ErrorCode.FILE_CHANGED, message)


def open_source(path: Path, tell: Progress = tell_nobody) -> Source:
    """Open and hash a file, in one go.

    :raises LocalFileError: CANNOT_READ; FILE_CHANGED: somebody is writing to it.
    """
    return whole(hash_source(path), tell)


def hash_source(path: Path) -> Pieces[Source]:
    """Open and hash a file, piece by piece; it is closed if that ends early. Raises what `open_source` does."""
    file: IO[bytes] | None = None
    try:
        _check_kind(path)
        file = path.open("rb", buffering=0)
        before = _state(file)
        digest = yield from _hash(file)
        source = Source(file, path.name, before[0], digest)
        if _state(file) != before:
            raise source._changed()
    except BaseException as error:
        if file is not None:
            file.close()
        if isinstance(error, OSError):
            raise _unreadable(str(path), error) from error
        raise
    return source


def _check_kind(path: Path) -> None:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        hint = f"tar c {path.name} | chatnet send --file - --name {path.name}.tar ..."
        raise LocalFileError(ErrorCode.CANNOT_READ, f"{path} is a folder\nPack it:  {hint}")
    if not stat.S_ISREG(mode):
        hint = f"chatnet send --file - --name NAME ... < {path}"
        raise LocalFileError(ErrorCode.CANNOT_READ, f"{path} is not a plain file\nIf it ends:  {hint}")


def whole(pieces: Pieces[T], tell: Progress = tell_nobody) -> T:
    """Do all of it at once."""
    while True:
        try:
            done = next(pieces)
        except StopIteration as end:
            value: T = end.value
            return value
        tell(done)


def spool(stream: BinaryIO, name: str, folder: Path, most: int, tell: Progress = tell_nobody) -> Source:
    """Take all of a stream whose length nobody knows, into a file in a private folder that goes away by itself.

    :raises LocalFileError: QUOTA: it has more than ``most`` bytes; DISK_FULL; CANNOT_READ; CANNOT_CREATE.
    :raises ConfigError: the folder cannot be had.
    """
    make_private_folder(folder)
    try:
        # Here, since it takes longer to load than a short command to send its text.
        import tempfile

        file = tempfile.TemporaryFile(dir=folder, prefix="spool-", buffering=0)  # noqa: SIM115
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        size, digest = _copy(stream, file, name, folder, most, tell)
        return Source(file, name, size, digest)
    except BaseException:
        file.close()
        raise


def _copy(stream: BinaryIO, file: IO[bytes], name: str, folder: Path, most: int, tell: Progress) -> tuple[int, bytes]:
    running, size = hashlib.sha256(), 0
    while data := _next(stream, name):
        size += len(data)
        if size > most:
            message = f"{name} has more than {show_size(most)}, which is the limit for one file"
            raise LocalFileError(ErrorCode.QUOTA, message)
        running.update(data)
        try:
            write_all(file, data)
        except OSError as error:
            raise cannot_write(folder, error) from error
        tell(size)
    return size, running.digest()


def _next(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(PIECE_BYTES)
    except OSError as error:
        raise _unreadable(name, error) from error


def _hash(file: IO[bytes]) -> Pieces[bytes]:
    running, done = hashlib.sha256(), 0
    while data := file.read(PIECE_BYTES):
        running.update(data)
        done += len(data)
        yield done
    return running.digest()


def _state(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write all of it to an unbuffered file.

    :raises OSError: some of it may be written.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def cannot_write(path: Path, error: OSError) -> LocalFileError:
    """What to say of an error while something is written."""
    full = is_full(error)
    code = ErrorCode.DISK_FULL if full else ErrorCode.CANNOT_CREATE
    why = "the disk is full\nMake room, then repeat the command" if full else (error.strerror or str(error)).lower()
    return LocalFileError(code, f"cannot write {path}: {why}")


def _unreadable(name: str, error: OSError) -> LocalFileError:
    return LocalFileError(ErrorCode.CANNOT_READ, f"cannot read {name}: {(error.strerror or str(error)).lower()}")

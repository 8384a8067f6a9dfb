"""One upload under way: its bytes, and how far they can be trusted.

Beside the bytes is a list of *marks*: an offset, and the SHA-256 of all bytes up to there. A mark is added for each MiB
that came. Whoever opens the part again reads it through and compares: it goes on behind the last mark that is right. So
nothing has to be written in a certain order, and what a power cut has left of the last seconds, whole, in pieces or as
zeros, is never taken for what was sent. Reading it is needed anyway: the state of a running hash cannot be stored.

Now and then both files are synced; what was there then is *durable*, and the uploader need not send it again whatever
happens. Before that each piece is written out as it comes, and waited for: what is queued for the disk is waited for by
all others who sync something on it, and so by every message.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from chatnet.core.file_jobs import Digest, PartId
from chatnet.core.limits import KIB, MIB
from chatnet.files import removing
from chatnet.files.disk import Disk, DiskFile

FOLDER = "parts"
_BYTES, _MARKS = ".part", ".marks"
_MARK = struct.Struct(">Q32s")


@dataclass(frozen=True, slots=True)
class Pace:
    """After how many bytes something is done."""

    mark: int = 1 * MIB
    """A mark is added."""
    start: int = 128 * KIB
    """They are written out."""
    sync: int = 8 * MIB
    """What came is made durable."""
    free: int = 4 * MIB
    """Of a file that is removed, so much is freed before others have their turn."""
    read: int = 256 * KIB
    """Others have their turn, while something long is read."""


class OutOfOrder(Exception):
    """Bytes that do not begin where those before them ended, or go over the end."""


class Part:
    """An open part. All methods raise OSError; then all that is left to do is `abandon`."""

    def __init__(self, disk: Disk, id: PartId, size: int, digest: Digest, pace: Pace) -> None:
        self.size = size
        self.end = 0
        """Bytes that came."""
        self.durable = 0
        """Bytes that survive a power cut."""
        self.is_suspect = False
        """Has a sync failed? What was not durable before may seem to be there, and never reach the disk: systems report
        such a failure once, and take what was to be written for written then."""
        self._disk = disk
        self._id = id
        self.digest = digest
        self._pace = pace
        self._hash = hashlib.sha256()
        self._marks = self._marked = 0
        self._written = 0
        """The bytes up to there are written out."""
        self._is_listed = False
        """Are the names of its files durable?"""
        self._bytes_file: DiskFile | None = None
        self._marks_file: DiskFile | None = None

    # -- files ------------------------------------------------------------------------------------------------

    @property
    def _bytes(self) -> DiskFile:
        assert self._bytes_file is not None
        return self._bytes_file

    @property
    def _notes(self) -> DiskFile:
        assert self._marks_file is not None
        return self._marks_file

    def open(self, most: int) -> Iterator[None]:
        """Find out what is there, of which at most the first ``most`` bytes are taken to be durable. Yields between
        two steps of a long work."""
        self._bytes_file = self._disk.open(path_of(self._id), create=True)
        self._marks_file = self._disk.open(_marks_path(self._id), create=True)
        yield from self._read_through(_read_marks(self._notes), min(most, self.size, self._bytes.size()))
        # The bytes behind it are written over; a mark of them may not be mistaken for one of those.
        self._notes.truncate(self._marks * _MARK.size)
        self._written = self.end
        if self.end:
            self.sync()

    def _read_through(self, marks: list[tuple[int, Digest]], most: int) -> Iterator[None]:
        running, at = self._hash.copy(), 0
        for offset, digest in marks:
            if not at < offset <= most:
                return
            while at < offset:
                data = self._bytes.read(at, min(self._pace.read, offset - at))
                if not data:
                    return
                running.update(data)
                at += len(data)
                yield
            if running.digest() != digest:
                return
            self._hash, self.end = running.copy(), offset
            self._marked, self._marks = offset, self._marks + 1

    def abandon(self) -> None:
        """Let go of the files as they are."""
        files = (self._bytes_file, self._marks_file)
        self._bytes_file = self._marks_file = None
        for file in files:
            if file is not None:
                file.close()

    # -- bytes ------------------------------------------------------------------------------------------------

    def write(self, offset: int, data: bytes) -> None:
        """Add bytes at the end.

        :raises OutOfOrder: that is not where they belong.
        """
        if offset != self.end or offset + len(data) > self.size:
            raise OutOfOrder(f"bytes for {offset} to {offset + len(data)} came at {self.end} of {self.size}")
        self._bytes.write(offset, data)
        self._hash.update(data)
        self.end += len(data)
        if self.end - self._marked >= self._pace.mark:
            self._mark()
        if self.end - self._written >= self._pace.start:
            self.is_suspect = True
            self._bytes.write_out(self._written, self.end - self._written)
            self.is_suspect = False
            self._written = self.end
        if self.end - self.durable >= self._pace.sync:
            self.sync()

    def _mark(self) -> None:
        self._notes.write(self._marks * _MARK.size, _MARK.pack(self.end, self._hash.digest()))
        self._marks, self._marked = self._marks + 1, self.end

    def sync(self) -> None:
        """Make durable what came."""
        if self._marked < self.end:
            self._mark()
        self.is_suspect = True
        self._bytes.sync()
        self._notes.sync()
        if not self._is_listed:
            self._disk.sync_folder(FOLDER)
            self._is_listed = True
        self.is_suspect = False
        self.durable = self._written = self.end

    def found(self) -> Digest:
        """The SHA-256 of what came."""
        return self._hash.digest()

    def seal(self) -> None:
        """All bytes are there and are right: make them durable, with a mark that says so."""
        assert self.end == self.size
        assert self.found() == self.digest
        if not self.size:
            self._mark()
        self.sync()
        self.abandon()


def path_of(id: PartId) -> str:
    """Where the bytes of a part are."""
    return f"{FOLDER}/{id:016x}{_BYTES}"


def _marks_path(id: PartId) -> str:
    return f"{FOLDER}/{id:016x}{_MARKS}"


def _read_marks(file: DiskFile) -> list[tuple[int, Digest]]:
    noted = file.read(0, file.size())
    return list(_MARK.iter_unpack(noted[: len(noted) // _MARK.size * _MARK.size]))


def was_sealed(disk: Disk, id: PartId, size: int, digest: Digest) -> bool:
    """Did this part come to be a file before? Its bytes are gone from here then, and the last mark says what it was."""
    if disk.size(path_of(id)) is not None or disk.size(_marks_path(id)) is None:
        return False
    file = disk.open(_marks_path(id))
    try:
        return _read_marks(file)[-1:] == [(size, digest)]
    finally:
        file.close()


def take_away(disk: Disk, id: PartId, piece: int) -> list[str]:
    """A part is not there any more; returns what is left to be freed. The bytes go first: marks alone are harmless."""
    gone = removing.take_away(disk, path_of(id), FOLDER, piece)
    disk.remove(_marks_path(id))
    return gone


def all_parts(disk: Disk) -> set[PartId]:
    """The parts of which anything is there."""
    stems = {name.partition(".")[0] for name in disk.names(FOLDER) if name.endswith((_BYTES, _MARKS))}
    return {int(stem, 16) for stem in stems}

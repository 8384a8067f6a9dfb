"""Carries out the jobs of a file store, one step after the other, in whatever thread it is called.

The rule kept here: a file is under its final name only when all of it is verified and synced, and the part's own marks
stay until the core says that the reference to the file is durable as well. So whatever moment a crash comes, an upload
goes on, or is finished again, and nothing of it is sent twice.
"""

import errno
from collections.abc import Generator, Iterator

from chatnet.auth.possession import Answer
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    Collected,
    Digest,
    DropFile,
    DropPart,
    Dropped,
    FileAnswer,
    FileFailed,
    FileJob,
    FileProved,
    FileRead,
    FinishPart,
    OpenPart,
    PartClosed,
    PartFinished,
    PartId,
    PartOpened,
    PartWritten,
    ProveFile,
    ReadFile,
    WritePart,
)
from chatnet.core.limits import MIB
from chatnet.errors import ErrorCode
from chatnet.files import content, parts
from chatnet.files.content import Content
from chatnet.files.disk import Disk
from chatnet.files.parts import OutOfOrder, Pace, Part
from chatnet.files.removing import all_gone, free
from chatnet.net.platform import is_full
from chatnet.quantities import show_size

RETRY_SECONDS = 30.0
"""After a full or failing disk."""
_LOOK_BYTES = 8 * MIB
"""Written without another look at how much of the disk is free."""
Steps = Generator[None, None, FileAnswer]
"""A job that is being done: it yields where others may have their turn, and returns its answer."""


class _Refused(Exception):
    """A job cannot be done; ``args`` are those of a `FileFailed` behind the job."""


class Vault:
    """All parts and files on one disk. ``reserve``: bytes of the disk that are left alone."""

    def __init__(self, disk: Disk, *, reserve: int, pace: Pace | None = None) -> None:
        self._disk = disk
        self._reserve = reserve
        self._pace = pace if pace is not None else Pace()
        self._room = 0
        """Bytes that may be written before the next look."""
        self._content = Content(disk)
        self._parts: dict[PartId, Part] = {}
        self._sealed: dict[PartId, Digest] = {}
        """Parts that have become files, and are not dropped yet."""
        self._safe: dict[PartId, int] = {}
        """Parts of which a sync has failed, with the bytes that were durable before."""

    def prepare(self) -> None:
        """Make the folders.

        :raises OSError: that cannot be done.
        """
        for folder in (parts.FOLDER, content.FOLDER):
            self._disk.make_folder(folder)
        self._disk.sync_folder("")

    def close(self) -> None:
        """Make durable what came, and let go of everything.

        :raises OSError: of the first part with which that failed; all is let go of nevertheless.
        """
        failure: OSError | None = None
        while self._parts:
            part = self._parts.popitem()[1]
            try:
                part.sync()
            except OSError as error:
                failure = failure or error
            finally:
                part.abandon()
        self._content.close()
        if failure is not None:
            raise failure

    def run(self, job: FileJob) -> Steps:
        """Do a job, in steps."""
        try:
            return (yield from self._do(job))
        except _Refused as no:
            return FileFailed(job, *no.args)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and isinstance(job, ReadFile | ProveFile):
                return FileFailed(job, ErrorCode.NO_SUCH_FILE, "there is no such file")
            return self._failed(job, error)

    def _do(self, job: FileJob) -> Steps:
        match job:
            case WritePart():
                return self._write(job)
            case ReadFile():
                return self._read(job)
            case OpenPart():
                return (yield from self._open(job))
            case ClosePart():
                return self._close(job)
            case FinishPart():
                return (yield from self._finish(job))
            case DropPart():
                return (yield from self._drop_part(job))
            case ProveFile():
                return (yield from self._prove(job))
            case DropFile():
                yield from self._free(self._content.take_away(job.digest, self._pace.free))
                return Dropped(job)
            case Collect():
                return (yield from self._collect(job))
            case _:
                raise AssertionError(f"no such job: {job}")

    def _failed(self, job: FileJob, error: OSError) -> FileFailed:
        if isinstance(job, OpenPart | WritePart | ClosePart | FinishPart):
            self._let_go(job.part)
        if is_full(error):
            return FileFailed(job, ErrorCode.STORE_FULL, "the server's disk is full", RETRY_SECONDS)
        reason = f"the server's disk failed: {(error.strerror or str(error)).lower()}"
        return FileFailed(job, ErrorCode.STORE_FAILING, reason, RETRY_SECONDS)

    # -- parts ------------------------------------------------------------------------------------------------

    def _open(self, job: OpenPart) -> Generator[None, None, PartOpened]:
        part = self._parts.get(job.part)
        if part is not None:
            part.sync()
        elif (
            parts.was_sealed(self._disk, job.part, job.size, job.digest) and self._content.size(job.digest) == job.size
        ):
            self._sealed[job.part] = job.digest
            return PartOpened(job, job.size)
        else:
            part = self._parts[job.part] = Part(self._disk, job.part, job.size, job.digest, self._pace)
            yield from part.open(self._safe.get(job.part, job.size))
            self._safe.pop(job.part, None)
            self._check_room(job, part)
        return PartOpened(job, part.end)

    def _check_room(self, job: OpenPart, part: Part) -> None:
        promised = sum(other.size - other.end for other in self._parts.values() if other is not part)
        room = max(0, self._disk.free() - self._reserve - promised)
        wanted = part.size - part.end
        if wanted <= room:
            return
        self._let_go(job.part)
        if not part.end:
            self._remove_part(job.part)
        raise _Refused(
            ErrorCode.STORE_FULL,
            f"{show_size(wanted)} are to come, and the server's disk has room for {show_size(room)} just now",
            RETRY_SECONDS,
        )

    def _write(self, job: WritePart) -> PartWritten:
        part = self._part(job.part)
        self._take_room(len(job.data))
        try:
            part.write(job.offset, job.data)
        except OutOfOrder as error:
            self._let_go(job.part)
            raise _Refused(ErrorCode.BAD_REQUEST, str(error)) from error
        return PartWritten(job, part.durable)

    def _take_room(self, size: int) -> None:
        if size > self._room:
            self._room = min(_LOOK_BYTES, self._disk.free() - self._reserve)
        if size > self._room:
            raise OSError(errno.ENOSPC, "what is left is reserved")
        self._room -= size

    def _close(self, job: ClosePart) -> PartClosed:
        part = self._parts.get(job.part)
        if part is None:
            return PartClosed(job, 0)
        part.sync()
        self._let_go(job.part)
        return PartClosed(job, part.end)

    def _finish(self, job: FinishPart) -> Generator[None, None, PartFinished]:
        digest = self._sealed.get(job.part) or (yield from self._seal(job.part))
        self._content.make_durable(digest)
        self._disk.sync_folder(parts.FOLDER)
        self._sealed[job.part] = digest
        return PartFinished(job)

    def _seal(self, id: PartId) -> Generator[None, None, Digest]:
        part = self._part(id)
        if part.end != part.size:
            raise _Refused(ErrorCode.BAD_REQUEST, f"only {part.end} of {part.size} bytes have come")
        found = part.found()
        if found != part.digest:
            self._let_go(id)
            yield from self._free(self._remove_part(id))
            reason = f"what came has the SHA-256 {found.hex()}; announced was {part.digest.hex()}"
            raise _Refused(ErrorCode.BAD_DIGEST, reason)
        part.seal()
        self._let_go(id)
        self._content.adopt(parts.path_of(id), found)
        return found

    def _drop_part(self, job: DropPart) -> Generator[None, None, Dropped]:
        self._let_go(job.part)
        gone = self._remove_part(job.part)
        self._safe.pop(job.part, None)
        self._sealed.pop(job.part, None)
        yield from self._free(gone)
        return Dropped(job)

    def _remove_part(self, id: PartId) -> list[str]:
        return parts.take_away(self._disk, id, self._pace.free)

    def _free(self, gone: list[str]) -> Iterator[None]:
        return free(self._disk, gone, self._pace.free)

    def _part(self, id: PartId) -> Part:
        if id not in self._parts:
            raise _Refused(ErrorCode.BAD_REQUEST, "this upload is not open")
        return self._parts[id]

    def _let_go(self, id: PartId) -> None:
        part = self._parts.pop(id, None)
        if part is not None:
            if part.is_suspect:
                self._safe[id] = max(part.durable, self._safe.get(id, 0))
            part.abandon()

    # -- files ------------------------------------------------------------------------------------------------

    def _read(self, job: ReadFile) -> FileRead:
        data = self._content.read(job.digest, job.offset, job.length)
        if not data and job.length and job.offset > (self._content.size(job.digest) or 0):
            raise OSError(errno.EIO, "a file is shorter than it was")
        return FileRead(job, data)

    def _prove(self, job: ProveFile) -> Generator[None, None, FileProved]:
        made = Answer(job.nonce, job.ranges)
        file = self._content.open(job.digest)
        try:
            for offset, length in job.ranges:
                at, end = offset, offset + length
                while at < end:
                    data = file.read(at, min(self._pace.read, end - at))
                    if not data:
                        raise OSError(errno.EIO, "a file is shorter than it was")
                    made.add(data)
                    at += len(data)
                    yield
        finally:
            file.close()
        return FileProved(job, made.digest())

    def _collect(self, job: Collect) -> Generator[None, None, Collected]:
        lost = parts.all_parts(self._disk) - job.parts - self._parts.keys()
        for id in lost:
            self._remove_part(id)
        orphans = [digest for digest in self._content.all() if digest not in job.files and digest not in job.coming]
        for digest in orphans:
            self._content.take_away(digest, self._pace.free)
        missing = tuple(digest for digest, size in job.files.items() if self._content.size(digest) != size)
        # Only now may others have their turn, who may bring again what was taken away.
        yield from self._free(all_gone(self._disk, parts.FOLDER))
        return Collected(job, len(lost) + len(orphans), missing)

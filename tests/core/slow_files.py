"""A file store that does nothing until it is told to: the rules of `chatnet.core.file_jobs`, as plainly as can be.

It keeps everything in memory, and all that has come is durable. What the core must not ask is an assertion here.
"""

import hashlib
from collections import deque

from chatnet.auth import possession
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    Collected,
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
    PartOpened,
    PartWritten,
    ProveFile,
    ReadFile,
    WritePart,
)
from chatnet.errors import ErrorCode

RETRY_AFTER = 30.0
_OF_PARTS = OpenPart | WritePart | ClosePart | FinishPart | DropPart


class SlowFiles:
    """Parts and files, and what waits to be done."""

    def __init__(self) -> None:
        self.waiting: deque[FileJob] = deque()
        self.files: dict[bytes, bytes] = {}
        self.parts: dict[int, bytearray] = {}
        self.sealed: dict[int, bytes] = {}
        """Parts that have become files, and are not dropped yet."""
        self.announced: dict[int, tuple[int, bytes]] = {}
        """Size and digest of each part that was ever opened."""
        self._open: set[int] = set()
        self._told_open: set[int] = set()
        """Parts that the core may write to, as far as it has been told."""

    def submit(self, job: FileJob) -> None:
        """Keep a job waiting."""
        match job:
            case WritePart(part=part) | FinishPart(part=part):
                assert part in self._told_open, f"{job} for a part that was not opened"
            case OpenPart(part=part, size=size, digest=digest):
                announced = self.announced.setdefault(part, (size, digest))
                assert announced == (size, digest), "two uploads with one number"
        if isinstance(job, _OF_PARTS) and not isinstance(job, WritePart):
            self._told_open.discard(job.part)
        self.waiting.append(job)

    def next(self, *, fails: bool = False) -> FileAnswer:
        """Do the oldest job, or fail as a full disk does."""
        job = self.waiting.popleft()
        answer = self._full(job) if fails else self._do(job)
        if isinstance(answer, PartOpened):
            self._told_open.add(answer.job.part)
        elif isinstance(answer, FileFailed) and isinstance(job, _OF_PARTS):
            self._told_open.discard(job.part)
        return answer

    def restarted(self) -> "SlowFiles":
        """The same after a crash: what has come is there, and nothing is open."""
        again = SlowFiles()
        again.files, again.parts, again.sealed, again.announced = self.files, self.parts, self.sealed, self.announced
        return again

    # -- jobs -------------------------------------------------------------------------------------------------

    def _full(self, job: FileJob) -> FileFailed:
        if isinstance(job, _OF_PARTS):
            self._open.discard(job.part)
        return FileFailed(job, ErrorCode.STORE_FULL, "the server's disk is full", RETRY_AFTER)

    def _do(self, job: FileJob) -> FileAnswer:
        match job:
            case OpenPart():
                return self._do_open(job)
            case WritePart():
                return self._write(job)
            case ClosePart():
                is_open = job.part in self._open
                self._open.discard(job.part)
                return PartClosed(job, len(self.parts[job.part]) if is_open else 0)
            case FinishPart():
                return self._finish(job)
            case DropPart():
                self.parts.pop(job.part, None)
                self.sealed.pop(job.part, None)
                self._open.discard(job.part)
                return Dropped(job)
            case ReadFile():
                content = self.files.get(job.digest)
                return _gone(job) if content is None else FileRead(job, content[job.offset :][: job.length])
            case ProveFile():
                content = self.files.get(job.digest)
                return _gone(job) if content is None else FileProved(job, prove(job.nonce, job.ranges, content))
            case DropFile():
                self.files.pop(job.digest, None)
                return Dropped(job)
            case Collect():
                return self._collect(job)
        raise AssertionError(f"no such job: {job}")

    def _do_open(self, job: OpenPart) -> PartOpened:
        if self.sealed.get(job.part) in self.files:
            return PartOpened(job, job.size)
        self.sealed.pop(job.part, None)
        self._open.add(job.part)
        return PartOpened(job, len(self.parts.setdefault(job.part, bytearray())))

    def _write(self, job: WritePart) -> FileAnswer:
        if job.part not in self._open:
            return FileFailed(job, ErrorCode.BAD_REQUEST, "this upload is not open")
        part = self.parts[job.part]
        assert len(part) == job.offset, "bytes out of order"
        part += job.data
        assert len(part) <= self.announced[job.part][0], "more than was announced"
        return PartWritten(job, len(part))

    def _finish(self, job: FinishPart) -> FileAnswer:
        if job.part in self.sealed:
            return PartFinished(job)
        if job.part not in self._open:
            return FileFailed(job, ErrorCode.BAD_REQUEST, "this upload is not open")
        self._open.discard(job.part)
        content = bytes(self.parts.pop(job.part))
        size, announced = self.announced[job.part]
        assert len(content) == size, "finished too early"
        if sha256(content) != announced:
            reason = f"what came has the SHA-256 {sha256(content).hex()}; announced was {announced.hex()}"
            return FileFailed(job, ErrorCode.BAD_DIGEST, reason)
        self.files[announced] = content
        self.sealed[job.part] = announced
        return PartFinished(job)

    def _collect(self, job: Collect) -> Collected:
        orphans = [part for part in {*self.parts, *self.sealed} if part not in job.parts]
        for part in orphans:
            self.parts.pop(part, None)
            self.sealed.pop(part, None)
        strays = [digest for digest in self.files if digest not in job.files and digest not in job.coming]
        for digest in strays:
            del self.files[digest]
        kept = {digest: len(content) for digest, content in self.files.items()}
        missing = tuple(digest for digest, size in job.files.items() if kept.get(digest) != size)
        return Collected(job, len(orphans) + len(strays), missing)


def prove(nonce: bytes, pieces: tuple[tuple[int, int], ...], content: bytes) -> bytes:
    """What somebody says who has this content."""
    return possession.answer(nonce, pieces, (content[offset : offset + length] for offset, length in pieces))


def sha256(content: bytes) -> bytes:
    """A content's name."""
    return hashlib.sha256(content).digest()


def _gone(job: FileJob) -> FileFailed:
    return FileFailed(job, ErrorCode.NO_SUCH_FILE, "there is no such file")

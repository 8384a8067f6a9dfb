"""What the suite for file stores stands on: something that asks a store and waits, and uploads as a client would."""

import hashlib
import threading
from random import Random
from typing import TypeVar

from chatnet.core.file_jobs import (
    ClosePart,
    DropFile,
    DropPart,
    FileAnswer,
    FileFailed,
    FileJob,
    FileRead,
    FinishPart,
    OpenPart,
    PartClosed,
    PartFinished,
    PartOpened,
    PartWritten,
    ReadFile,
    WritePart,
)
from chatnet.net.ports import FileStore

PATIENCE = 10.0
"""Seconds for which a test waits for an answer."""
A = TypeVar("A")


class FileDriver:
    """Asks a file store and waits for its answers, which may come from another thread."""

    def __init__(self, store: FileStore) -> None:
        self.store = store
        store.load()
        self._woken = threading.Event()
        store.bind(self._woken.set)

    def answers(self, *jobs: FileJob) -> list[FileAnswer]:
        """Submit jobs, and give all their answers in the order in which they came."""
        for job in jobs:
            self.store.submit(job)
        answers: list[FileAnswer] = []
        while True:
            self._woken.clear()
            answers += self.store.completions()
            if len(answers) >= len(jobs):
                assert len(answers) == len(jobs)
                return answers
            assert self._woken.wait(PATIENCE), f"{len(answers)} of {len(jobs)} answers, and no wakeup"

    def ask(self, expected: type[A], job: FileJob) -> A:
        """The answer to a job, which must be of this sort."""
        (answer,) = self.answers(job)
        assert isinstance(answer, expected), getattr(answer, "reason", answer)
        return answer

    def failure(self, job: FileJob) -> FileFailed:
        """Why a job fails, as it must."""
        return self.ask(FileFailed, job)

    # -- uploads ----------------------------------------------------------------------------------------------

    def open(self, part: int, content: bytes) -> int:
        """Begin or go on with an upload; where."""
        return self.ask(PartOpened, OpenPart(part, len(content), digest(content))).offset

    def write(self, part: int, content: bytes, start: int = 0, end: int | None = None, chunk: int = 1000) -> int:
        """Upload a stretch of a content; what is durable then."""
        durable = 0
        end = len(content) if end is None else end
        for at in range(start, end, chunk):
            durable = self.ask(PartWritten, WritePart(part, at, content[at : min(at + chunk, end)])).durable
        return durable

    def close(self, part: int) -> int:
        """Interrupt an upload; how much of it is durable."""
        return self.ask(PartClosed, ClosePart(part)).offset

    def finish(self, part: int) -> None:
        """All was sent."""
        self.ask(PartFinished, FinishPart(part))

    def upload(self, part: int, content: bytes) -> bytes:
        """Upload a content, from where an earlier try ended; its digest."""
        self.write(part, content, self.open(part, content))
        self.finish(part)
        self.answers(DropPart(part))
        return digest(content)

    # -- files ------------------------------------------------------------------------------------------------

    def read(self, digest: bytes, piece: int = 700) -> bytes:
        """A whole file, piece by piece."""
        content = b""
        while data := self.ask(FileRead, ReadFile(digest, len(content), piece)).data:
            content += data
        return content

    def drop(self, digest: bytes) -> None:
        """Nobody needs a file any more."""
        self.answers(DropFile(digest))


def digest(content: bytes) -> bytes:
    """A content's name."""
    return hashlib.sha256(content).digest()


def some_bytes(size: int, seed: int = 0) -> bytes:
    """A content like no other."""
    return Random(f"{size} {seed}").randbytes(size)

"""What the core asks a file store to do, and what a file store answers.

The store's whole contract is in these few records and in the `FileStore` port:

- A *file* is content; its name is the SHA-256 of it. It is there as a whole, verified and durable, or not at all. Who
  refers to it is for the core to know: the store counts nothing, and drops what it is told to drop.
- A *part* is an upload under way, under a number that the core gives it and never gives again. Its bytes come in order.
- Every job is answered exactly once: those of one part in the order of submission, and so those of one file. An
  `OpenPart`, a `ProveFile` and what is asked of the same part meanwhile may be overtaken by other parts' jobs.
- After a failure a part is closed, and all jobs for it fail until it is opened again, as they do before it is opened
  for the first time. What is kept of it is as much as the next `PartOpened` says: never less than was durable before.
- `PartOpened`, `PartWritten` and `PartClosed` tell what is durable: that much of the part survives a power cut.
"""

import msgspec

from chatnet.model import Natural

PartId = Natural
Digest = bytes
"""32 bytes: SHA-256."""


class FileJob(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all that a file store can be asked."""

    token: object = None
    """The asker's own note; handed back with the job."""


class OpenPart(FileJob, frozen=True):
    """Begin an upload, or go on with one. Answer: `PartOpened`.

    What the store has is read again and compared with what was noted of it, so it may take long.
    STORE_FULL if there is no room for all of it, beside what the others still need.
    """

    part: PartId
    size: int
    digest: Digest


class WritePart(FileJob, frozen=True):
    """Add bytes to a part, at its end. Answer: `PartWritten`."""

    part: PartId
    offset: int
    data: bytes


class ClosePart(FileJob, frozen=True):
    """Nobody goes on with a part for now: make durable what is there. Answer: `PartClosed`, also if it is not open."""

    part: PartId


class FinishPart(FileJob, frozen=True):
    """All bytes are there: verify them, and make them a file. Answer: `PartFinished`.

    BAD_DIGEST if it is another content than was announced; nothing is left of it then. Asked again after a restart, it
    is answered again, until the part is dropped.
    """

    part: PartId


class DropPart(FileJob, frozen=True):
    """Forget all of a part, finished or not; its file stays. Answer: `Dropped`, also if there is no such part."""

    part: PartId


class ReadFile(FileJob, frozen=True):
    """Read a piece of a file. Answer: `FileRead`; NO_SUCH_FILE.

    A piece that reaches over the file's end is shorter; STORE_FAILING if the file itself is too short for its start.
    """

    digest: Digest
    offset: int
    length: int


class ProveFile(FileJob, frozen=True):
    """What does somebody have to say who has this file? Answer: `FileProved`; NO_SUCH_FILE.

    The question is that of `chatnet.auth.possession`.
    """

    digest: Digest
    nonce: bytes
    ranges: tuple[tuple[int, int], ...]
    """(offset, length) of each piece."""


class DropFile(FileJob, frozen=True):
    """Nobody refers to a file any more. Answer: `Dropped`, also if there is no such file."""

    digest: Digest


class Collect(FileJob, frozen=True):
    """Drop all parts and files that are not among these. Answer: `Collected`. The first job after a start.

    Whatever a crash has left behind goes with it: the store cannot know what nobody refers to.
    """

    parts: frozenset[PartId]
    files: dict[Digest, int]
    """Those that somebody refers to, with their sizes."""
    coming: frozenset[Digest] = frozenset()
    """Those that nobody refers to yet, as they are being uploaded: kept where they are there, and missed nowhere."""


class PartOpened(msgspec.Struct, frozen=True):
    """Go on with byte ``offset``, all before it is durable; there is nothing left to send where it is the size."""

    job: OpenPart
    offset: int


class PartWritten(msgspec.Struct, frozen=True):
    """The bytes are taken; the first ``durable`` bytes of the part survive a power cut."""

    job: WritePart
    durable: int


class PartClosed(msgspec.Struct, frozen=True):
    """All that came is durable, up to ``offset``; 0 if the part was not open."""

    job: ClosePart
    offset: int


class PartFinished(msgspec.Struct, frozen=True):
    """The file is there, verified and durable. Drop the part once the reference to the file is durable as well."""

    job: FinishPart


class Dropped(msgspec.Struct, frozen=True):
    """It is gone."""

    job: DropPart | DropFile


class FileRead(msgspec.Struct, frozen=True):
    """A piece of a file; empty at its end."""

    job: ReadFile
    data: bytes


class FileProved(msgspec.Struct, frozen=True):
    """What `chatnet.auth.possession.answer` gives for the file."""

    job: ProveFile
    proof: bytes


class Collected(msgspec.Struct, frozen=True):
    """The orphans are gone."""

    job: Collect
    dropped: int
    """Parts and files that nobody referred to."""
    missing: tuple[Digest, ...]
    """Files that somebody refers to, and that are not there or have another size."""


class FileFailed(msgspec.Struct, frozen=True):
    """A job that could not be done."""

    job: FileJob
    code: str
    reason: str
    retry_after: float = 0.0
    """Seconds after which asking again makes sense; 0 where it would not help."""


FileAnswer = (
    PartOpened | PartWritten | PartClosed | PartFinished | Dropped | FileRead | FileProved | Collected | FileFailed
)

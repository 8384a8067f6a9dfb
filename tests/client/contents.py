"""Files in memory, for sessions that send and fetch them."""

import hashlib

from chatnet.client.files import LocalFileError
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.model import CHUNK_BYTES, SharedFile
from chatnet.testing.file_driver import some_bytes

BIG = some_bytes(10 * CHUNK_BYTES + 100)
"""More than two windows."""
SMALL = some_bytes(1000)


class Held:
    """A `chatnet.client.uploads.Content`."""

    def __init__(self, content: bytes = BIG) -> None:
        self.content = content
        self.failure: LocalFileError | None = None
        """Raised by the next read."""

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    def read(self, offset: int, length: int) -> bytes:
        if self.failure is not None:
            raise self.failure
        return self.content[offset : offset + length]


class Kept:
    """A `chatnet.client.downloads.Sink`; an earlier try has left ``content``."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.failure: LocalFileError | None = None
        """Raised by the next write."""

    @property
    def offset(self) -> int:
        return len(self.content)

    def write(self, offset: int, data: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        if offset != len(self.content):
            raise ProtocolError(ErrorCode.BAD_FRAME, f"{offset} is not {len(self.content)}")
        self.content += data


def shared(content: bytes = BIG, id: int = 55, conversation: int = 5, seq: int = 0) -> SharedFile:
    """What a server says of a file with this content."""
    digest = hashlib.sha256(content).digest()
    return SharedFile(id, conversation, seq, "trip.mkv", len(content), digest, 7, "alice", 1_700_000_000_000)

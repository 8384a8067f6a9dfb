"""Looks at the contents that a server keeps, also while it runs: is each there, as long as it was, and still the same?

Nothing is changed. What is said of a content goes on with "its content".
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from chatnet.core.file_jobs import Digest
from chatnet.core.limits import MIB
from chatnet.files.content import Content
from chatnet.files.disk import RealDisk

GONE = "its content is gone"


class Inspector:
    """Looks at the contents in a file store's folder. ``deep``: read each of them as a whole."""

    def __init__(self, folder: Path, *, deep: bool = False) -> None:
        self._content = Content(RealDisk(folder))
        self._deep = deep
        self._faults: dict[Digest, str] = {}
        """Of those that were read; one content may be that of many files."""

    def fault(self, digest: Digest, size: int) -> str:
        """What is wrong with a content; empty for nothing."""
        try:
            return size_fault(self._content, digest, size) or (self._read(digest) if self._deep else "")
        except OSError as error:
            return unreadable(error)

    def _read(self, digest: Digest) -> str:
        if digest not in self._faults:
            found = hashlib.sha256()
            for data in pieces(self._content, digest):
                found.update(data)
            self._faults[digest] = digest_fault(digest, found.digest())
        return self._faults[digest]


def pieces(content: Content, digest: Digest) -> Iterator[bytes]:
    """A content from its start to its end, a MiB at a time.

    :raises OSError: it cannot be read.
    """
    file = content.open(digest)
    try:
        at = 0
        while data := file.read(at, MIB):
            yield data
            at += len(data)
    finally:
        file.close()


def size_fault(content: Content, digest: Digest, size: int) -> str:
    """Is a content not there, or not as long as it should be? Empty if it is.

    :raises OSError: the disk failed.
    """
    found = content.size(digest)
    if found is None:
        return GONE
    return "" if found == size else f"its content has {found} bytes, not {size}"


def digest_fault(digest: Digest, found: Digest) -> str:
    """Is a content another one than it was? Empty if it is not."""
    return "" if found == digest else f"its content is damaged: its SHA-256 is {found.hex()}, not {digest.hex()}"


def unreadable(error: OSError) -> str:
    """A content that the disk does not give."""
    return f"its content cannot be read ({(error.strerror or str(error)).lower()})"

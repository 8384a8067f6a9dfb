"""Files on their way, in both directions."""

from typing import Annotated

import msgspec

from chatnet.events.base import Delay, Event
from chatnet.model import CHUNK_BYTES, ConversationId, Digest, FileId, Piece, Seq, SharedFile, Size, TransferId


class UploadReady(Event, frozen=True, tag=60):
    """A reply to `StartUpload` and `ProveUpload`: the bytes are wanted, from ``offset`` on."""

    id: int
    upload: TransferId
    offset: Size
    """All before it is on the server's disk, for good."""
    until: Size
    """All bytes before this may be sent; `Credit` brings more."""


class ProofWanted(Event, frozen=True, tag=61):
    """A reply to `StartUpload`: the content is here already. Whoever shows that he has it need not send it."""

    id: int
    upload: TransferId
    nonce: Digest
    pieces: list[Piece]
    """What the proof is made of; `chatnet.auth.possession` says how, and what a client need not answer."""


class Uploaded(Event, frozen=True, tag=62):
    """The last reply of an upload: the file is there, verified and for good. A `Post` shares it."""

    id: int
    file: SharedFile


class Credit(Event, frozen=True, tag=63):
    """More of an upload is wanted: all bytes before ``until`` may be sent."""

    upload: TransferId
    until: Size
    durable: Size
    """All before it is on the server's disk, for good."""


class DownloadReady(Event, frozen=True, tag=64):
    """The reply to `StartDownload`."""

    id: int
    download: TransferId
    file: SharedFile


class FileChunk(Event, frozen=True, tag=65):
    """The next bytes of a download. It waits for all that is not part of a file."""

    download: TransferId
    offset: Size
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=CHUNK_BYTES)]


class TransferEnded(Event, frozen=True, tag=66):
    """The server ends a transfer: no room on its disk, no access any more, a file removed, an upload taken over.

    What there is of an upload is kept.
    """

    transfer: TransferId
    code: str
    reason: str
    retry_after: Delay = 0.0
    """Seconds after which to start it again; 0 where that would not help."""


class FilePage(Event, frozen=True, tag=67):
    """Some files, the newest first; ``next`` is a cursor as in the other pages."""

    id: int
    files: list[SharedFile]
    next: int = 0


class FileRemoved(Event, frozen=True, tag=68):
    """A file that was shared in a conversation is gone; the message that shared it stays, without it."""

    conversation: ConversationId
    file: FileId
    seq: Seq

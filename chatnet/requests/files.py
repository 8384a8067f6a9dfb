"""Files: an upload makes a file, a `Post` of the kind FILE shares it, and whoever may read that may download it.

Chunks and credit have no reply and are not counted as requests: the window bounds them.
"""

from typing import Annotated

import msgspec

from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, ConversationId, Digest, FileId, Natural, Size, TransferId
from chatnet.requests.base import Request


class StartUpload(Request, frozen=True, tag=60):
    """Announce a file for a conversation. Reply: `UploadReady`, `ProofWanted` or `Uploaded`.

    The same once more, over another connection or by another process, goes on with what is there.
    """

    id: Natural
    conversation: ConversationId
    name: str
    """At most 255 bytes of UTF-8, no control characters. A file of another name is another file."""
    size: Size
    digest: Digest


class ProveUpload(Request, frozen=True, tag=61):
    """The answer to `ProofWanted`. Reply: `Uploaded`, or `UploadReady` if it is wrong: then the bytes must come."""

    id: Natural
    upload: TransferId
    proof: Annotated[bytes, msgspec.Meta(max_length=32)]
    """32 bytes; empty to send the bytes instead."""


class SendChunk(Request, frozen=True, tag=62):
    """The next bytes of an upload. No reply; `Credit` follows as they are taken."""

    upload: TransferId
    offset: Size
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=CHUNK_BYTES)]


class FinishUpload(Request, frozen=True, tag=63):
    """All bytes were sent. Reply: `Uploaded`; `Refused` with BAD_DIGEST if they are not what was announced."""

    id: Natural
    upload: TransferId


class StopTransfer(Request, frozen=True, tag=64):
    """Stop an upload or a download. Reply: `Done`. What there is of an upload is kept, or dropped with ``forget``."""

    id: Natural
    transfer: TransferId
    forget: bool = False


class StartDownload(Request, frozen=True, tag=65):
    """Fetch a file from byte ``offset`` on. Reply: `DownloadReady`; then `FileChunk`, as far as ``until``."""

    id: Natural
    file: FileId
    offset: Size = 0
    until: Size = WINDOW_BYTES
    """All bytes before this may come: at most a window more than ``offset``. `GrantCredit` lets more come."""


class GrantCredit(Request, frozen=True, tag=66):
    """More of a download may come: all bytes before ``until``. No reply."""

    download: TransferId
    until: Size


class ListFiles(Request, frozen=True, tag=67):
    """The files that were shared in a conversation, the newest first. Reply: `FilePage`."""

    id: Natural
    conversation: ConversationId = 0
    """0 for all that one may read."""
    cursor: Natural = 0


class RemoveFile(Request, frozen=True, tag=68):
    """Remove a file; for its sender, the room's owner and moderators, and admins.

    Reply: `Done`; a `FileRemoved` follows to all who are concerned.
    """

    id: Natural
    file: FileId

"""Files, uploads and downloads as plain objects that hang together. Only the parts of the core that deal with files
change them, only on the loop's thread.

A *content* is what the file store keeps; a *file* is somebody's name for it in one conversation, and has a row in the
message store. The file store counts nothing: whoever needs a content holds it here, and it is dropped with the last
hold.
"""

from collections import deque
from enum import Enum, auto

from chatnet.auth.possession import Ranges
from chatnet.core.entries import Handle, PutFile, PutUpload, UploadId
from chatnet.model import ConversationId, Digest, FileId, Seq, SharedFile, TransferId, UserId

Key = tuple[UserId, ConversationId, str, Digest, int]
"""By which an upload is found again: whose, where, name, digest, size."""
_Chunk = tuple["Download", int, bytes]
"""Of which download, from which byte on."""


class Content:
    """Some bytes, whoever refers to them."""

    __slots__ = ("digest", "holds", "is_lost", "rows", "size")

    def __init__(self, digest: Digest, size: int) -> None:
        self.digest = digest
        self.size = size
        """As the files of it say; before there is one, as somebody has announced it."""
        self.holds = 0
        """Files, uploads from their first moment on, and downloads. 0 only for a moment: then it is dropped."""
        self.rows = 0
        """How many of these are files: if there is one, the file store has it."""
        self.is_lost = False
        """Has the file store lost it?"""


class FileState:
    """A file of a conversation."""

    __slots__ = ("content", "file", "is_going", "is_gone", "is_posting")

    def __init__(self, file: SharedFile, content: Content) -> None:
        self.file = file
        """As everybody sees it now."""
        self.content = content
        self.is_posting = False
        """Does a post of it wait for the store?"""
        self.is_going = False
        """Does its removal wait for the store?"""
        self.is_gone = False
        """Is it no file any more? Downloads of it end with their next chunk."""

    def entry(self) -> PutFile:
        """The file as the store keeps it."""
        f = self.file
        return PutFile(f.id, f.conversation, f.name, f.size, f.digest, f.sender, f.sender_name, f.time, f.fetched)


class Shelf:
    """What one conversation has of files; there is none where it would be empty."""

    __slots__ = ("posted", "unposted", "uploads")

    def __init__(self) -> None:
        self.posted: dict[Seq, FileState] = {}
        """By the message that shares it."""
        self.unposted: dict[FileId, FileState] = {}
        self.uploads: dict[UploadId, Upload] = {}

    @property
    def is_empty(self) -> bool:
        """Is it of no use?"""
        return not (self.posted or self.unposted or self.uploads)


class Transfer:
    """What uploads and downloads share: a session that they belong to, and their number in it."""

    __slots__ = ("number", "session")

    def __init__(self) -> None:
        self.session: Handle | None = None
        self.number: TransferId = 0


class Step(Enum):
    """How far an upload has got. In those of the first group it waits for an answer, whoever sends it."""

    STORING = auto()
    """For the row that says that it is under way."""
    OPENING = auto()
    PROVING = auto()
    """For what a client has to say that has the content."""
    CLOSING = auto()
    FINISHING = auto()
    SAVING = auto()
    """For the row that makes it a file."""

    ASKED = auto()
    """The client is to prove that it has the content."""
    RECEIVING = auto()
    """The part is open, and the bytes come."""
    PAUSED = auto()
    """Nothing is under way, and nobody sends it."""


class Upload(Transfer):
    """An upload. It outlives sessions: whoever of its user announces the same goes on with it."""

    __slots__ = (
        "content",
        "durable",
        "is_forgotten",
        "key",
        "nonce",
        "pieces",
        "proof",
        "request",
        "row",
        "step",
        "taken",
        "until",
        "was_opened",
    )

    def __init__(self, row: PutUpload, content: Content, step: Step) -> None:
        super().__init__()
        self.key: Key = (row.user, row.conversation, row.name, row.digest, row.size)
        self.row = row
        self.content = content
        self.step = step
        self.request: int | None = None
        """The request that waits for a reply."""
        self.was_opened = step is Step.PAUSED
        """May there be a part of it in the file store?"""
        self.taken = 0
        """The next byte that may come."""
        self.until = 0
        """All bytes before this may come."""
        self.durable = 0
        """All bytes before this survive a power cut."""
        self.nonce = b""
        self.pieces: Ranges = ()
        """The question, while it is PROVING or ASKED."""
        self.proof = b""
        """The answer to it, which never leaves the core."""
        self.is_forgotten = False
        """Is it dropped while its file is just being stored?"""


class Download(Transfer):
    """A download. It ends with its session."""

    __slots__ = ("file", "is_over", "lane", "next", "told", "until")

    def __init__(self, file: FileState, lane: "Lane", offset: int, until: int) -> None:
        super().__init__()
        self.file = file
        self.lane = lane
        self.next = offset
        """The next byte to be read."""
        self.told = offset
        """The next byte to be handed to the network."""
        self.until = until
        """All bytes before this may be sent."""
        self.is_over = False


class Lane:
    """The transfers of one session."""

    __slots__ = ("handle", "last", "open", "reading", "ready", "unsent")

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.last: TransferId = 0
        """The last number that was given out."""
        self.open: dict[TransferId, Transfer] = {}
        """Downloads take turns in the order that they have here."""
        self.reading = 0
        """Reads that the file store has not answered."""
        self.ready: deque[_Chunk] = deque()
        """Chunks that wait until the one before them is sent."""
        self.unsent: tuple[Download, int] | None = None
        """The chunk that the network has: of which download, and where it ends."""

    @property
    def ahead(self) -> int:
        """Chunks that are read, or about to be, and not sent."""
        return self.reading + len(self.ready) + (self.unsent is not None)

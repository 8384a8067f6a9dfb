"""A file on its way to the server.

    begin -> (Open) -> StartUpload -+-> UploadReady -> SendChunk... -> FinishUpload -+-> Uploaded
                                    +-> ProofWanted -> ProveUpload -> one of both ---+

The same `StartUpload` once more is answered by where to go on. So after a lost connection, a killed process or a server
that was started again the way is the same, and no byte is sent that the server has on its disk.
"""

from enum import Enum
from typing import Protocol

from chatnet.auth.possession import Ranges, are_askable
from chatnet.client.files import LocalFileError
from chatnet.client.outbox import Target, ToConversation
from chatnet.client.sender import open_request
from chatnet.client.transfer import Transfer, Ways
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Credit, Event, Opened, ProofWanted, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, ConversationId, SharedFile
from chatnet.requests import FinishUpload, ProveUpload, SendChunk, StartUpload


class Content(Protocol):
    """What is uploaded; such as a `chatnet.client.files.Source`."""

    @property
    def size(self) -> int: ...

    @property
    def digest(self) -> bytes: ...

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes.

        :raises LocalFileError: they are not to be had; FILE_CHANGED: they are not what the digest stands for.
        """
        ...


class Stage(Enum):
    """How far an upload has got over this connection."""

    IDLE = "idle"
    ASKED = "asked"
    PROVING = "proving"
    SENDING = "sending"
    FINISHING = "finishing"


class Question:
    """What the server wants to be shown: the hash of `chatnet.auth.possession` over these ranges."""

    def __init__(self, wanted: ProofWanted) -> None:
        self.nonce = wanted.nonce
        self.ranges: Ranges = tuple((piece.offset, piece.length) for piece in wanted.pieces)


class Upload(Transfer):
    """Its ``content`` is read while the next bytes are asked for, at most 60 KiB at a time."""

    def __init__(self, content: Content, target: Target, name: str, ways: Ways) -> None:
        super().__init__(ways)
        self.stage = Stage.IDLE
        self.sent = 0
        """All before it has gone out, over this connection or an earlier one."""
        self.durable = 0
        """All before it is on the server's disk."""
        self.question: Question | None = None
        """What is to be answered by `prove`."""
        self.file: SharedFile | None = None
        """What it has become; set when it is complete."""
        self._content = content
        self._target = target
        self._name = name
        self._conversation: ConversationId | None = None
        self._until = 0
        """All before it may be sent."""

    # -- the beginning ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.stage = Stage.ASKED
        if self._conversation is None:
            self._conversation = self._find()
        if self._conversation is None:
            self._ask(lambda id: open_request(id, self._target), self._opened)
        else:
            self._announce(self._conversation)

    def _find(self) -> ConversationId | None:
        target = self._target
        return target.id if isinstance(target, ToConversation) else self._ways.find(target)

    def _opened(self, reply: Event) -> None:
        if not isinstance(reply, Opened):
            raise _unexpected("Open")
        self._conversation = reply.conversation.id
        self._announce(self._conversation)

    def _announce(self, conversation: ConversationId) -> None:
        size, digest = self._content.size, self._content.digest
        self._ask(lambda id: StartUpload(id, conversation, self._name, size, digest), self._replied)

    def _replied(self, reply: Event) -> None:
        match reply:
            case UploadReady():
                self._ready(reply)
            case ProofWanted():
                self.id = reply.upload
                self._asked_for_proof(Question(reply))
            case Uploaded(file=file) if self._is_this(file):
                self.file = file
                self.is_complete = True
                self._end()
            case _:
                raise _unexpected("an upload")

    def _is_this(self, file: SharedFile) -> bool:
        """Is it what was announced? To share anything else would be to say what nobody meant, or elsewhere."""
        announced = self._conversation, self._content.size, self._content.digest
        return (file.conversation, file.size, file.digest) == announced

    # -- possession -------------------------------------------------------------------------------------------

    def _asked_for_proof(self, question: Question) -> None:
        self.stage, self.question = Stage.PROVING, question
        if not are_askable(question.ranges, self._content.size):
            self.prove(question, b"")  # nothing is read for that; the bytes themselves tell as much

    def prove(self, question: Question, proof: bytes) -> None:
        """Answer what the server has asked, unless that was over an earlier connection."""
        if self.question is not question:
            return
        self.question = None
        upload = self.id
        self._ask(lambda id: ProveUpload(id, upload, proof), self._replied)

    # -- bytes ------------------------------------------------------------------------------------------------

    def _ready(self, ready: UploadReady) -> None:
        if ready.offset > self._content.size:
            raise ProtocolError(ErrorCode.BAD_FRAME, "the server has more of an upload than there is")
        self.id, self.stage = ready.upload, Stage.SENDING
        self.sent = self.durable = ready.offset
        self._until = ready.until
        self._finish_if_sent()

    def credit(self, event: Credit) -> None:
        """More may be sent."""
        self._got_through()
        self._until = max(self._until, event.until)
        self.durable = max(self.durable, min(event.durable, self.sent))

    @property
    def has_chunk(self) -> bool:
        """May bytes be sent now?"""
        return self.stage is Stage.SENDING and self.sent < min(self._until, self._content.size)

    def next_chunk(self) -> SendChunk | None:
        """Read and send the next bytes, if there are any; what else the upload sends comes behind them."""
        length = min(CHUNK_BYTES, self._until - self.sent, self._content.size - self.sent)
        try:
            data = self._content.read(self.sent, length)
        except LocalFileError as error:
            self._fail(error, forget=error.code == ErrorCode.FILE_CHANGED)
            return None
        chunk = SendChunk(self.id, self.sent, data)
        self.sent += length
        self.moved += length
        self._finish_if_sent()
        return chunk

    def _finish_if_sent(self) -> None:
        if self.sent == self._content.size:
            self.stage = Stage.FINISHING
            upload = self.id
            self._ask(lambda id: FinishUpload(id, upload), self._replied)

    # -- endings ----------------------------------------------------------------------------------------------

    def _end(self) -> None:
        super()._end()
        self.stage, self.question = Stage.IDLE, None

    def forget(self) -> None:
        """It is another server: look for the conversation by its name once more."""
        super().forget()
        self._conversation = None
        if isinstance(self._target, ToConversation):
            self._fail(Refused(ErrorCode.NO_SUCH_CONVERSATION, "the server has lost this conversation"))


def _unexpected(what: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_FRAME, f"the server's answer to {what} is none of those that it can be")

"""Uploads as the clients see them: announced, proven or sent, finished, and found again after whatever came between.

Rules kept here: all that may be refused is refused before the first byte; an upload belongs to one session at a time,
the last that has announced it; and whoever waits for a reply gets one. What an upload waits for, and what happens then,
is in `chatnet.core.upload_steps`.
"""

import unicodedata

from chatnet.clock import Now
from chatnet.core.effects import FileWork, Reply
from chatnet.core.entities import ChatState, RoomState, Session
from chatnet.core.file_entities import Step, Upload
from chatnet.core.file_jobs import WritePart
from chatnet.core.lanes import Lanes
from chatnet.core.policy import check_post, text_bytes
from chatnet.core.questions import Questions
from chatnet.core.shelves import Shelves
from chatnet.core.state import State
from chatnet.core.upload_rows import UploadRows
from chatnet.core.upload_steps import UploadSteps
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Uploaded
from chatnet.model import TransferId
from chatnet.requests import FinishUpload, Post, ProveUpload, SendChunk, StartUpload

NAME_BYTES = 255
SMALL_BYTES = 4096
"""A frame that moves less than this costs about as much as one that moves a lot, so it is rationed as a request."""


class Uploads:
    """Takes what clients ask about uploads."""

    def __init__(
        self,
        state: State,
        shelves: Shelves,
        lanes: Lanes,
        rows: UploadRows,
        steps: UploadSteps,
        questions: Questions,
    ) -> None:
        self._state = state
        self._shelves = shelves
        self._lanes = lanes
        self._rows = rows
        self._steps = steps
        self._questions = questions

    # -- the beginning ----------------------------------------------------------------------------------------

    def start(self, session: Session, request: StartUpload, now: Now) -> None:
        """Begin an upload, or go on with it; or say that it is done already.

        :raises Refused: BAD_NAME; what a post there would be refused with; QUOTA, TOO_MANY_TRANSFERS.
        """
        user = session.user
        assert user is not None
        _check_name(request.name)
        conversation = self._check_place(session, request)
        key = (user.user.id, conversation.id, request.name, request.digest, request.size)
        made = self._shelves.find_unposted(key)
        if made is not None:
            self._state.out.append(Reply(session.handle, Uploaded(request.id, made.file)))
            return
        upload = self._rows.by_key.get(key)
        self._lanes.check(session, upload)
        if upload is None:
            upload = self._rows.create(user, conversation, request, now)
            self._attach(session, upload, request.id)
        else:
            self._steps.end(upload, ErrorCode.REPLACED, "this upload goes on elsewhere")
            self._attach(session, upload, request.id)
            self._rows.go_on(upload, now)
            self._steps.resume(upload, now)

    def _check_place(self, session: Session, request: StartUpload) -> RoomState | ChatState:
        """Where the file is to be shared; the session may post there."""
        conversation = self._state.conversations.get(request.conversation)
        refusal = check_post(session, conversation, Post(1, request.conversation, ""))
        if refusal is not None:
            raise Refused(*refusal)
        assert conversation is not None
        return conversation

    def _attach(self, session: Session, upload: Upload, request: int) -> None:
        self._lanes.open(session, upload)
        upload.request = request

    def prove(self, session: Session, request: ProveUpload, now: Now) -> None:
        """Take a proof; whoever has none sends the bytes.

        :raises Refused: BAD_REQUEST.
        """
        upload = self._find(session, request.upload)
        if upload.step is not Step.ASKED:
            raise Refused(ErrorCode.BAD_REQUEST, "no proof is wanted for this upload")
        upload.request = request.id
        if request.proof == upload.proof and not upload.content.is_lost:
            self._questions.answered(upload.row.user)
            self._steps.save(upload, now)
        else:
            self._steps.open(upload)

    # -- the bytes --------------------------------------------------------------------------------------------

    def chunk(self, session: Session, request: SendChunk) -> bool:
        """Take some bytes. Is it a frame that is worth its cost, and need not be rationed?

        :raises ProtocolError: they are not the next that were asked for.
        """
        upload = self._lanes.find(session, request.upload)
        if upload is None:
            return False  # it was under way when the upload ended
        end = request.offset + len(request.data)
        if not isinstance(upload, Upload) or upload.step is not Step.RECEIVING:
            raise ProtocolError(ErrorCode.BAD_REQUEST, "bytes for a transfer that wants none")
        if request.offset != upload.taken or end > upload.until:
            wanted = f"bytes {upload.taken} to {upload.until} of this upload were wanted"
            raise ProtocolError(ErrorCode.BAD_REQUEST, f"{wanted}; {request.offset} to {end} came")
        upload.taken = end
        self._state.out.append(FileWork(WritePart(upload.row.id, request.offset, request.data)))
        return len(request.data) >= SMALL_BYTES or end == upload.row.size

    def finish(self, session: Session, request: FinishUpload, now: Now) -> None:
        """All bytes were sent.

        :raises Refused: BAD_REQUEST: they were not.
        """
        del now
        upload = self._find(session, request.upload)
        if upload.step is not Step.RECEIVING or upload.taken != upload.row.size:
            raise Refused(ErrorCode.BAD_REQUEST, f"{upload.taken} of {upload.row.size} bytes have come")
        upload.request = request.id
        self._steps.finish(upload)

    def _find(self, session: Session, number: TransferId) -> Upload:
        try:
            upload = self._lanes.find(session, number)
        except ProtocolError as error:
            raise Refused(error.code, error.message) from error
        if not isinstance(upload, Upload):
            raise Refused(ErrorCode.BAD_REQUEST, "this is no upload, or it has ended")
        return upload

    # -- the end ----------------------------------------------------------------------------------------------

    def stop(self, upload: Upload, *, forget: bool, now: Now) -> None:
        """The client wants no more of it."""
        if upload.request is not None:
            self._steps.end(upload, ErrorCode.BAD_REQUEST, "you have stopped this upload")
        self._steps.detach(upload)
        if forget:
            self._rows.drop(upload)
        else:
            self._steps.pause(upload, now)

    def leave(self, upload: Upload, now: Now) -> None:
        """Its session is gone."""
        self._steps.detach(upload)
        self._steps.pause(upload, now)

    def drop_all(self, uploads: list[Upload], code: ErrorCode, reason: str) -> None:
        """Nothing can come of these any more."""
        for upload in uploads:
            self._steps.end(upload, code, reason)
            self._rows.drop(upload)


def _check_name(name: str) -> None:
    """A name is the sender's own word: no path, and nothing that a client may trust; but it is one that can be shown.

    :raises Refused: BAD_NAME.
    """
    if not 0 < text_bytes(name) <= NAME_BYTES:
        raise Refused(ErrorCode.BAD_NAME, f"a file's name has 1 to {NAME_BYTES} bytes of UTF-8")
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise Refused(ErrorCode.BAD_NAME, "a file's name has no control characters")

"""Everything about files, put together: what clients ask, what the stores answer, and what ends with something else.

The rules are in the parts: rows and contents in `chatnet.core.shelves`, lists and removal in `sharing`, uploads in
`uploads`, `upload_steps` and `upload_rows`, downloads in `downloads`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from chatnet.clock import Now
from chatnet.core.audit import Audit
from chatnet.core.downloads import Downloads
from chatnet.core.effects import FileWork, Reply
from chatnet.core.entities import ChatState, Session
from chatnet.core.entries import DropShared, DropUpload, Entry, Failed, PutFile, PutUpload, Snapshot
from chatnet.core.file_entities import Download, Upload
from chatnet.core.file_jobs import (
    Collect,
    Collected,
    FileAnswer,
    FileFailed,
    FileProved,
    FileRead,
    PartClosed,
    PartFinished,
    PartOpened,
    PartWritten,
    ReadFile,
)
from chatnet.core.lanes import Lanes
from chatnet.core.pending import Pending
from chatnet.core.questions import Questions
from chatnet.core.sharing import Sharing
from chatnet.core.shelves import NO_FILES, Shelves
from chatnet.core.state import State
from chatnet.core.upload_rows import UploadRows
from chatnet.core.upload_steps import UploadSteps
from chatnet.core.uploads import Uploads
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Done
from chatnet.model import ConversationId, UserId
from chatnet.requests import (
    FinishUpload,
    GrantCredit,
    ListFiles,
    ProveUpload,
    RemoveFile,
    Request,
    SendChunk,
    StartDownload,
    StartUpload,
    StopTransfer,
)

LOOK_SECONDS = 60.0
"""How often it is looked for what has been there for too long; that need not be to the second."""
Handler = Callable[[Session, Any, Now], None]


class Transfers:
    """All about files."""

    def __init__(
        self,
        state: State,
        shelves: Shelves,
        pending: Pending,
        audit: Audit,
        snapshot: Snapshot,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._state = state
        self._shelves = shelves
        self._lanes = lanes = Lanes(state)
        self._questions = questions = Questions()
        self._rows = rows = UploadRows(state, shelves, lanes, snapshot)
        self._steps = steps = UploadSteps(state, shelves, lanes, rows, questions, entropy)
        self._uploads = Uploads(state, shelves, lanes, rows, steps, questions)
        self._downloads = Downloads(state, shelves, lanes)
        self._sharing = Sharing(state, shelves, pending, audit)
        self._next_look = 0.0
        if shelves.with_files:
            self._collect()

    def _collect(self) -> None:
        """The first job of all: what a crash has left behind goes. A part that was just made a file needs its content,
        though there is no row of the file yet; so what uploads hold is kept as well."""
        parts = frozenset(self._rows.all)
        contents = self._shelves.contents.values()
        files = {content.digest: content.size for content in contents if content.rows}
        coming = frozenset(content.digest for content in contents if not content.rows)
        self._state.out.append(FileWork(Collect(parts, files, coming)))

    @property
    def under_way(self) -> int:
        """How many uploads and downloads somebody waits for."""
        return len(self._lanes.active)

    # -- what clients ask -------------------------------------------------------------------------------------

    def handlers(self) -> dict[type[Request], Handler]:
        """Who takes which request."""
        handlers: dict[type[Request], Handler] = {
            StartUpload: self._uploads.start,
            ProveUpload: self._uploads.prove,
            FinishUpload: self._uploads.finish,
            StopTransfer: self._stop,
            StartDownload: lambda s, r, _: self._downloads.start(s, r),
            ListFiles: lambda s, r, _: self._sharing.list(s, r),
            RemoveFile: self._sharing.remove,
        }
        return handlers if self._shelves.with_files else dict.fromkeys(handlers, _refuse)

    def move(self, session: Session, request: SendChunk | GrantCredit) -> bool:
        """Bytes of an upload, or credit for a download. False if it is to be rationed as any other request.

        :raises ProtocolError: BAD_REQUEST: nobody has asked for it.
        """
        if type(request) is SendChunk:
            return self._uploads.chunk(session, request)
        assert type(request) is GrantCredit
        return self._downloads.grant(session, request)

    def _stop(self, session: Session, request: StopTransfer, now: Now) -> None:
        """End a transfer; one that has ended already is no mistake."""
        try:
            transfer = self._lanes.find(session, request.transfer)
        except ProtocolError as error:
            raise Refused(error.code, error.message) from error
        if isinstance(transfer, Upload):
            self._uploads.stop(transfer, forget=request.forget, now=now)
        elif isinstance(transfer, Download):
            self._downloads.stop(transfer)
        self._state.out.append(Reply(session.handle, Done(request.id)))

    # -- what the file store and the network say --------------------------------------------------------------

    def filed(self, answer: FileAnswer, now: Now) -> None:
        """The file store has done a job, or could not."""
        match answer:
            case PartWritten():
                self._steps.written(answer, now)
            case FileRead():
                self._downloads.read(answer)
            case PartOpened():
                self._steps.opened(answer, now)
            case PartClosed():
                self._steps.closed(answer.job.part, now)
            case PartFinished():
                self._steps.finished(answer, now)
            case FileProved():
                self._steps.proved(answer)
            case Collected():
                self._shelves.lose(answer.missing)
            case FileFailed(job=ReadFile()):
                self._downloads.failed(answer)
            case FileFailed():
                # What could not be dropped or collected is looked for again at the next start.
                self._steps.failed(answer, now)

    def sent(self, session: Session) -> None:
        """The network has handed the session's last `Bulk` to the transport."""
        self._downloads.sent(session)

    # -- what the store says ----------------------------------------------------------------------------------

    def committed(self, entry: Entry, now: Now) -> None:
        """An entry is stored."""
        match entry:
            case PutUpload():
                self._steps.row_stored(entry, now)
            case DropUpload():
                self._rows.row_dropped(entry)
            case PutFile():
                self._steps.file_stored(entry)
            case DropShared():
                self._shelves.row_dropped(entry)

    def failed(self, entry: Entry, failure: Failed) -> None:
        """An entry could not be stored."""
        match entry:
            case PutUpload():
                self._steps.row_not_stored(entry, failure)
            case DropUpload():
                self._rows.row_not_dropped(entry)
            case PutFile():
                self._steps.file_not_stored(entry, failure)
            case DropShared():
                self._shelves.row_not_dropped(entry)

    def expired(self, conversations: Iterable[ConversationId]) -> None:
        """The store has forgotten the oldest messages of these."""
        for id in conversations:
            if id in self._state.conversations:
                self._shelves.expire(self._state.conversations[id])

    # -- what ends with something else ------------------------------------------------------------------------

    def leave(self, session: Session, now: Now) -> None:
        """A session is gone: its uploads wait for another, its downloads are over."""
        lane = session.lane
        for transfer in list(lane.open.values()) if lane is not None else ():
            if isinstance(transfer, Upload):
                self._uploads.leave(transfer, now)
            elif isinstance(transfer, Download):
                self._downloads.stop(transfer)

    def forget(self, user: UserId) -> None:
        """A user is gone for good: its uploads too, and what it has not posted; what it has shared stays."""
        self._questions.forget(user)
        if self._shelves.quotas.has_any(user):
            self._uploads.drop_all(self._rows.of_user(user), ErrorCode.NO_SUCH_USER, "its user is gone")
            self._shelves.forget(user)

    def drop_conversation(self, chat: ChatState) -> None:
        """A personal chat is gone for good, with all that was shared in it."""
        if chat.shelf is not None:
            uploads = list(chat.shelf.uploads.values())
            self._uploads.drop_all(uploads, ErrorCode.NO_SUCH_CONVERSATION, "the other one has been away for too long")
            self._shelves.drop_conversation(chat)

    def tick(self, now: Now) -> None:
        """About a second has passed."""
        self._downloads.tick()
        if now.monotonic >= self._next_look:
            self._next_look = now.monotonic + LOOK_SECONDS
            self._rows.look_at(now)
            self._shelves.look_at(now)


def _refuse(session: Session, request: Request, now: Now) -> None:
    del session, request, now
    raise Refused(ErrorCode.UNSUPPORTED, NO_FILES)

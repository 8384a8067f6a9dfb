"""What an upload waits for, and what happens then: row, part or proof, bytes, file, row.

Rules kept here: an upload waits for one answer at a time, but for those to its bytes, and is told to the client as soon
as it comes, whichever session it belongs to by then; the file store gets no bytes before it has opened the part; and
nothing is promised that is not durable.
"""

from collections.abc import Callable

from chatnet.auth.possession import NONCE_BYTES, ask_for
from chatnet.clock import Now
from chatnet.core.effects import FileWork, Reply
from chatnet.core.entries import DropUpload, Failed, PutFile, PutUpload, UploadId
from chatnet.core.file_entities import Step, Upload
from chatnet.core.file_jobs import (
    ClosePart,
    FileFailed,
    FileJob,
    FileProved,
    FinishPart,
    OpenPart,
    PartFinished,
    PartOpened,
    PartWritten,
    ProveFile,
    WritePart,
)
from chatnet.core.lanes import Lanes
from chatnet.core.policy import may_read, no_access
from chatnet.core.questions import Questions
from chatnet.core.saving import save_referred
from chatnet.core.shelves import Shelves
from chatnet.core.state import State
from chatnet.core.upload_rows import UploadRows
from chatnet.errors import ErrorCode
from chatnet.events import Credit, Event, ProofWanted, TransferEnded, Uploaded, UploadReady
from chatnet.events import Refused as RefusedEvent
from chatnet.model import WINDOW_BYTES, FileId, Piece


class UploadSteps:
    """Moves uploads on."""

    def __init__(
        self,
        state: State,
        shelves: Shelves,
        lanes: Lanes,
        rows: UploadRows,
        questions: Questions,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._state = state
        self._shelves = shelves
        self._lanes = lanes
        self._rows = rows
        self._questions = questions
        self._entropy = entropy
        self._saving: dict[FileId, Upload] = {}
        """Uploads whose files are being stored."""

    # -- sessions ---------------------------------------------------------------------------------------------

    def end(self, upload: Upload, code: str, reason: str, retry_after: float = 0.0) -> None:
        """An upload is no longer that of its session, if it has one; who waits for a reply is refused."""
        if upload.session is not None:
            event: Event = TransferEnded(upload.number, code, reason, retry_after)
            if upload.request is not None:
                event = RefusedEvent(upload.request, code, reason, retry_after)
            self._state.out.append(Reply(upload.session, event))
            self.detach(upload)

    def detach(self, upload: Upload) -> None:
        """An upload is no longer that of its session, which need not be told."""
        self._lanes.close(upload)
        upload.request = None

    def _answer(self, upload: Upload, event: Event) -> None:
        """Reply to the request that waits."""
        self._state.out.append(Reply(upload.session, event))
        upload.request = None

    def resume(self, upload: Upload, now: Now) -> None:
        """Another session goes on with an upload; if something is under way already, that is waited for."""
        if upload.step is Step.RECEIVING:
            self.open(upload)
        elif upload.step in (Step.PAUSED, Step.ASKED):
            self._begin(upload, now)

    def pause(self, upload: Upload, now: Now) -> None:
        """Nobody sends an upload any more; what is under way comes to its end."""
        self._rows.touch(upload, now)
        if upload.step is Step.RECEIVING:
            upload.step = Step.CLOSING
            self._work(ClosePart(upload.row.id))
        elif upload.step is Step.ASKED:
            self._rest(upload)

    def _rest(self, upload: Upload) -> None:
        upload.step = Step.PAUSED
        upload.pieces = ()
        self._lanes.active.discard(upload)

    def _work(self, job: FileJob) -> None:
        self._state.out.append(FileWork(job))

    def _at(self, id: object, *steps: Step) -> Upload | None:
        """The upload that an answer is for, if it still waits for it."""
        upload = self._rows.all.get(id) if isinstance(id, int) else None
        return upload if upload is not None and upload.step in steps else None

    # -- the beginning ----------------------------------------------------------------------------------------

    def _begin(self, upload: Upload, now: Now) -> None:
        """Ask for a proof, where the content is here already; else for the bytes."""
        if upload.session is None:
            self._rest(upload)
            return
        row, content = upload.row, upload.content
        is_here = content.rows and not content.is_lost and content.size == row.size
        if is_here and self._questions.ask(row.user, now):
            upload.step = Step.PROVING
            upload.nonce, upload.pieces = self._entropy(NONCE_BYTES), ask_for(row.size, self._entropy)
            self._work(ProveFile(row.digest, upload.nonce, upload.pieces, token=row.id))
        else:
            self.open(upload)

    def open(self, upload: Upload) -> None:
        """The bytes must come."""
        upload.step, upload.pieces = Step.OPENING, ()
        self._work(OpenPart(upload.row.id, upload.row.size, upload.row.digest))

    def row_stored(self, entry: PutUpload, now: Now) -> None:
        """The store has the row of an upload that began, or was told that it goes on."""
        upload = self._at(entry.id, Step.STORING)
        if upload is not None:
            self._begin(upload, now)

    def row_not_stored(self, entry: PutUpload, failure: Failed) -> None:
        """The store could not."""
        upload = self._at(entry.id, Step.STORING)
        if upload is not None:
            self.end(upload, failure.code, failure.reason, failure.retry_after)
            self._rows.row_not_stored(upload)

    def proved(self, answer: FileProved) -> None:
        """The file store knows what a client has to say that has the content."""
        upload = self._at(answer.job.token, Step.PROVING)
        if upload is None:
            return
        if upload.session is None or upload.request is None:
            self._rest(upload)
            return
        upload.step, upload.proof = Step.ASKED, answer.proof
        pieces = [Piece(*piece) for piece in upload.pieces]
        self._answer(upload, ProofWanted(upload.request, upload.number, upload.nonce, pieces))

    def opened(self, answer: PartOpened, now: Now) -> None:
        """The file store is ready for the bytes."""
        upload = self._at(answer.job.part, Step.OPENING)
        if upload is None:
            return
        upload.step, upload.was_opened = Step.RECEIVING, True
        upload.taken = upload.durable = answer.offset
        upload.until = min(upload.row.size, answer.offset + WINDOW_BYTES)
        if upload.session is None or upload.request is None:
            self.pause(upload, now)
        else:
            self._answer(upload, UploadReady(upload.request, upload.number, answer.offset, upload.until))

    # -- the bytes --------------------------------------------------------------------------------------------

    def written(self, answer: PartWritten, now: Now) -> None:
        """Some bytes are taken: more may come, once half of the window is used."""
        upload = self._at(answer.job.part, Step.RECEIVING)
        if upload is None:
            return
        upload.durable = answer.durable
        until = min(upload.row.size, answer.job.offset + len(answer.job.data) + WINDOW_BYTES)
        is_due = until == upload.row.size or until - upload.until >= WINDOW_BYTES // 2
        if until <= upload.until or not is_due:
            return
        conversation = self._state.conversations[upload.row.conversation]
        if may_read(upload.row.user, conversation):
            upload.until = until
            self._state.out.append(Reply(upload.session, Credit(upload.number, until, upload.durable)))
        else:
            self.end(upload, *no_access(upload.row.user, conversation))
            self.pause(upload, now)

    def closed(self, part: UploadId, now: Now) -> None:
        """The part is closed; somebody may have come meanwhile to go on with it."""
        upload = self._at(part, Step.CLOSING)
        if upload is not None:
            self._begin(upload, now)

    # -- the end ----------------------------------------------------------------------------------------------

    def finish(self, upload: Upload) -> None:
        """All bytes are there."""
        upload.step = Step.FINISHING
        self._work(FinishPart(upload.row.id))

    def finished(self, answer: PartFinished, now: Now) -> None:
        """The content is verified and durable."""
        upload = self._at(answer.job.part, Step.FINISHING)
        if upload is not None:
            upload.content.is_lost = False
            self.save(upload, now)

    def save(self, upload: Upload, now: Now) -> None:
        """Somebody has sent all of the content, or shown that it has it: make it a file, also if nobody waits."""
        row, user = upload.row, self._state.users[upload.row.user]
        upload.step = Step.SAVING
        save_referred(self._state, user, self._state.conversations[row.conversation])
        id, sender = self._shelves.next_file(), user.user
        entry = PutFile(id, row.conversation, row.name, row.size, row.digest, sender.id, sender.name, now.wall)
        self._saving[id] = upload
        self._state.out += [entry, DropUpload(row.id)]

    def file_stored(self, entry: PutFile) -> None:
        """The store has the row of a new file, or was told how often one was fetched."""
        upload = self._saving.pop(entry.id, None)
        if upload is None:
            return
        if upload.is_forgotten:
            self._shelves.discard(entry)
            return
        file = self._shelves.add(entry)
        if upload.request is not None:
            self._answer(upload, Uploaded(upload.request, file.file))
        self.detach(upload)
        self._rows.take_away(upload)

    def file_not_stored(self, entry: PutFile, failure: Failed) -> None:
        """The store could not."""
        upload = self._saving.pop(entry.id, None)
        if upload is not None and not upload.is_forgotten:
            self.end(upload, failure.code, failure.reason, failure.retry_after)
            self._rest(upload)

    # -- failures of the file store ---------------------------------------------------------------------------

    def failed(self, answer: FileFailed, now: Now) -> None:
        """The file store could not do something; of a part, nothing more before it is opened again."""
        match answer.job:
            case OpenPart(part=part):
                self._give_up(self._at(part, Step.OPENING), answer)
            case WritePart(part=part):
                self._give_up(self._at(part, Step.RECEIVING, Step.FINISHING), answer)
            case FinishPart(part=part):
                self._give_up(self._at(part, Step.FINISHING), answer)
            case ClosePart(part=part):
                self.closed(part, now)
            case ProveFile():
                self._cannot_prove(answer.job, answer)

    def _give_up(self, upload: Upload | None, answer: FileFailed) -> None:
        """The client may announce it again; unless there is nothing of it to go on with."""
        if upload is None:
            return
        self.end(upload, answer.code, answer.reason, answer.retry_after)
        if answer.code == ErrorCode.BAD_DIGEST or not upload.was_opened:
            self._rows.drop(upload)
        else:
            self._rest(upload)

    def _cannot_prove(self, job: ProveFile, answer: FileFailed) -> None:
        if answer.code == ErrorCode.NO_SUCH_FILE:
            self._shelves.lose([job.digest])
        upload = self._at(job.token, Step.PROVING)
        if upload is None:
            return
        if upload.session is None:
            self._rest(upload)
        else:
            self.open(upload)

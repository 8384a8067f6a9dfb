"""Reads along what is said about files on one connection, at the server's end, and holds it to the rules.

Nobody is told of a file before it is stored, nor of one that is not for him; no byte is asked for again that was said
to be durable; every byte that goes out is the right one, was asked for, and goes to somebody who may read it.
"""

from collections.abc import Callable

from chatnet.core.entries import UploadId
from chatnet.errors import ErrorCode
from chatnet.events import (
    Credit,
    DownloadReady,
    Event,
    FileChunk,
    FilePage,
    FileRemoved,
    ProofWanted,
    TransferEnded,
    Uploaded,
    UploadReady,
)
from chatnet.events import Refused as RefusedEvent
from chatnet.model import ConversationId, DeviceId, SharedFile, TransferId, UserId
from chatnet.requests import (
    FinishUpload,
    GrantCredit,
    ProveUpload,
    RemoveFile,
    Request,
    SendChunk,
    StartDownload,
    StartUpload,
)
from chatnet.testing.simulation.file_ledger import FileEvent, FileLedger, Key, is_told_right
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Violation

OF_UPLOADS = (StartUpload, ProveUpload, FinishUpload)
"""Who ends its own side of a connection cannot send the rest of a file, and is owed no answer to these."""


class _Down:
    def __init__(self, file: SharedFile, next: int, until: int) -> None:
        self.file = file
        self.next = next
        self.until = until
        self.has_ended = False
        self.late = 0
        """Chunks that went out after the download had ended, or the file was gone: one may have been waiting."""


class FileTap:
    """One connection, of the user and the device that these tell."""

    def __init__(self, name: str, ledger: Ledger, user: Callable[[], UserId], device: Callable[[], DeviceId]) -> None:
        self.name = name
        self._ledger = ledger
        self._files: FileLedger = ledger.files
        self._user, self._device = user, device
        self._known: dict[int, tuple[UploadId, int]] = {}
        """Of requests to begin an upload: which one there was, and what was said to be durable of it."""
        self._keys: dict[TransferId, Key] = {}
        self._ups: dict[TransferId, tuple[UploadId, int]] = {}
        """Uploads, and where each has begun over this connection."""
        self._downs: dict[TransferId, _Down] = {}
        self._told: dict[int, bool] = {}
        """Of requests to begin a download: was the file known to be there?"""

    def _violation(self, rule: str, what: str) -> Violation:
        return Violation(rule, f"{self.name} {what}")

    # -- from the client --------------------------------------------------------------------------------------

    def heard(self, request: Request) -> None:
        """The server has read this."""
        match request:
            case StartUpload():
                id = self._files.latest.get(self._key(request), 0)
                is_kept = id in self._files.uploads and id not in self._files.refuted
                self._known[request.id] = (id, self._files.durable.get(id, 0) if is_kept else 0)
            case SendChunk(transfer, offset):
                id, start = self._ups.get(transfer, (0, 0))
                if offset < start:
                    raise self._violation(
                        "F3", f"sends byte {offset} of the upload {id}; all before {start} is durable"
                    )
            case FinishUpload(upload=transfer) if (
                transfer in self._ups and self._keys[transfer][2] in self._files.fakes
            ):
                self._files.refuted.add(self._ups[transfer][0])
            case StartDownload(id, file):
                known = self._files.files.get(file)
                self._told[id] = known is not None and known.seq > 0 and known.is_told
            case GrantCredit(transfer, until) if transfer in self._downs:
                self._downs[transfer].until = max(self._downs[transfer].until, until)
            case RemoveFile(file=file):
                known = self._files.files.get(file)
                if known is not None:
                    known.is_asked_away = True

    def _key(self, request: StartUpload) -> Key:
        return (self._user(), request.conversation, request.name, request.digest, request.size)

    # -- from the server --------------------------------------------------------------------------------------

    def told(self, event: Event) -> None:
        """The server says what nobody has asked for."""
        match event:
            case Credit(upload=transfer, durable=durable):
                self._credit(transfer, durable)
            case FileChunk():
                self._chunk(event)
            case FileRemoved(conversation, id, seq):
                file = self._files.gone.get(id)
                if file is None or file.entry.conversation != conversation or file.seq != seq:
                    raise self._violation("F1", f"was told that the file {id} is removed; it is stored")
                self._check_access("is told of a removal", conversation)
            case TransferEnded(transfer, ErrorCode.REPLACED):
                self._files.events[FileEvent.TAKEN_OVER] += 1
                self._ended(transfer)
            case TransferEnded(transfer):
                self._ended(transfer)

    def _ended(self, transfer: TransferId) -> None:
        self._ups.pop(transfer, None)
        if transfer in self._downs:
            self._downs[transfer].has_ended = True

    def _credit(self, transfer: TransferId, durable: int) -> None:
        id, start = self._ups.get(transfer, (0, 0))
        if not id:
            return
        if durable < start:
            raise self._violation("F3", f"was told that {durable} bytes of {id} are durable, after {start}")
        self._files.durable[id] = max(durable, self._files.durable.get(id, 0))

    def _chunk(self, chunk: FileChunk) -> None:
        down = self._downs.get(chunk.download)
        if down is None:
            raise self._violation("protocol", f"was sent bytes of the transfer {chunk.download}, which is none")
        file, end = down.file, chunk.offset + len(chunk.data)
        self._check_access("is sent a file", file.conversation)
        if chunk.offset != down.next or end > down.until:
            raise self._violation("F2", f"was sent {chunk.offset} to {end} of {file.id}, not {down.next} on")
        if self._files.contents[file.digest][chunk.offset : end] != chunk.data:
            raise self._violation("F2", f"was sent other bytes at {chunk.offset} of {file.id}")
        down.next = end
        down.late += down.has_ended or file.id in self._files.gone
        if down.late > 1:
            raise self._violation("F7", f"is sent the file {file.id}, which it may not have any more")

    def replied(self, request: Request, reply: Event) -> None:
        """The server answers."""
        match request, reply:
            case StartUpload(), UploadReady(upload=transfer):
                self._keys[transfer] = self._key(request)
                self._ready(request.id, transfer, reply.offset)
            case StartUpload(), ProofWanted(upload=transfer):
                self._keys[transfer] = self._key(request)
            case ProveUpload(), UploadReady(upload=transfer):
                if request.proof:
                    self._files.events[FileEvent.PROOF_REFUSED] += 1
                self._ready(0, transfer, reply.offset)
            case _, Uploaded(file=file):
                if isinstance(request, ProveUpload):
                    self._files.events[FileEvent.PROOF_PASSED] += 1
                self._uploaded(file)
            case FinishUpload(), RefusedEvent(code=ErrorCode.BAD_DIGEST):
                self._files.events[FileEvent.FAKE_REFUSED] += 1
            case StartDownload(), DownloadReady():
                self._download(request, reply)
            case StartDownload(), RefusedEvent(code=ErrorCode.NO_SUCH_FILE):
                self._denied(request)
            case _, FilePage(files=files):
                for file in files:
                    self._check_file("lists", file)
                    if not file.seq:
                        raise self._violation("F7", f"is shown the file {file.id}, which nobody has posted")

    def _ready(self, request: int, transfer: TransferId, offset: int) -> None:
        """``request``: which has begun the upload, 0 if that was long ago."""
        latest = self._files.latest.get(self._keys[transfer])
        if latest is None:
            raise self._violation("F4", "is asked for bytes of an upload that is not stored")
        known, durable = self._known.pop(request, (latest, 0))
        if known == latest and offset < durable:
            raise self._violation("F3", f"is asked for byte {offset} of {latest}; {durable} were durable")
        self._ups[transfer] = (latest, offset)
        self._files.durable[latest] = max(offset, self._files.durable.get(latest, 0))
        if offset:
            self._files.events[FileEvent.UPLOAD_RESUMED] += 1

    def _uploaded(self, file: SharedFile) -> None:
        self._check_file("is told of", file)
        if self._files.people[self._device()] not in self._files.owners[file.digest]:
            raise self._violation("possession", f"has the file {file.id} of a content that it never had")
        if file.sender != self._user():
            raise self._violation("possession", f"is told that its upload is the file {file.id} of somebody else")
        self._files.events[FileEvent.UPLOADED] += 1

    def _download(self, request: StartDownload, reply: DownloadReady) -> None:
        self._check_file("may fetch", reply.file)
        if request.file != reply.file.id:
            raise self._violation("F2", f"asked for the file {request.file}, and gets {reply.file.id}")
        self._downs[reply.download] = _Down(reply.file, request.offset, request.until)
        if request.offset:
            self._files.events[FileEvent.DOWNLOAD_RESUMED] += 1

    def _denied(self, request: StartDownload) -> None:
        self._files.events[FileEvent.DENIED] += 1
        if not self._told.pop(request.id, False) or not self._ledger.has_file(request.file):
            return
        if self._ledger.may_read(self._user(), self._files.files[request.file].entry.conversation):
            raise self._violation("F1", f"is refused the file {request.file}, which is there")

    def _check_file(self, what: str, file: SharedFile) -> None:
        """Is it stored, and something for this user?"""
        stored = self._files.ever(file.id)
        if stored is None or not is_told_right(file, stored):
            raise self._violation("F1", f"{what} {file}, which is not stored")
        self._check_access(what, file.conversation)

    def _check_access(self, what: str, conversation: ConversationId) -> None:
        if not self._ledger.may_read(self._user(), conversation):
            raise self._violation("F7", f"{what} of {conversation}, which it may not read")

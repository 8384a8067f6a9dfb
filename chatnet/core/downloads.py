"""Downloads: pieces of files go out as fast as a client takes them, and never further than it has asked for.

Rules kept here: before each piece it is asked again whether the user may read it, when it is read and when it goes out,
so that whoever may not any more gets at most the one piece that the network has already; and a session never has more
than two pieces in memory, whatever its files' sizes, so that a slow reader costs next to nothing.
"""

from chatnet.core.effects import Bulk, FileWork, Reply
from chatnet.core.entities import Session
from chatnet.core.file_entities import Download, Lane
from chatnet.core.file_jobs import FileFailed, FileRead, ReadFile
from chatnet.core.lanes import Lanes
from chatnet.core.shelves import LOST, Shelves
from chatnet.core.state import State
from chatnet.core.uploads import SMALL_BYTES
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import DownloadReady, FileChunk, TransferEnded
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES
from chatnet.requests import GrantCredit, StartDownload

_AHEAD = 2
"""One piece with the network, and one more at hand for when that is sent."""


class Downloads:
    """Takes what clients ask about downloads, and moves them on."""

    def __init__(self, state: State, shelves: Shelves, lanes: Lanes) -> None:
        self._state = state
        self._shelves = shelves
        self._lanes = lanes

    # -- what clients ask -------------------------------------------------------------------------------------

    def start(self, session: Session, request: StartDownload) -> None:
        """Begin a download.

        :raises Refused: NO_SUCH_FILE, BANNED, BAD_REQUEST, TOO_MANY_TRANSFERS.
        """
        assert session.user is not None
        file = self._shelves.find(session.user.user.id, request.file)
        size = file.file.size
        if request.offset > size:
            raise Refused(ErrorCode.BAD_REQUEST, f"the file has only {size} bytes")
        if request.until > request.offset + WINDOW_BYTES:
            raise Refused(ErrorCode.BAD_REQUEST, f"at most {WINDOW_BYTES} bytes may be on their way")
        self._lanes.check(session)
        download = Download(file, self._lanes.lane(session), request.offset, min(request.until, size))
        self._lanes.open(session, download)
        self._shelves.hold(file.content.digest, size)
        self._state.out.append(Reply(session.handle, DownloadReady(request.id, download.number, file.file)))
        if request.offset == size:
            self._complete(download, is_fetched=not size)
        self._pump(session)

    def grant(self, session: Session, request: GrantCredit) -> bool:
        """More may come. Is it a frame that is worth its cost, and need not be rationed?

        :raises ProtocolError: more than may be on its way.
        """
        download = self._lanes.find(session, request.download)
        if download is None:
            return False  # it was under way when the download ended
        if not isinstance(download, Download):
            raise ProtocolError(ErrorCode.BAD_REQUEST, "credit for an upload")
        if request.until > download.told + WINDOW_BYTES:
            raise ProtocolError(ErrorCode.BAD_REQUEST, f"at most {WINDOW_BYTES} bytes may be on their way")
        before, size = download.until, download.file.file.size
        download.until = min(max(before, request.until), size)
        self._pump(session)
        return download.until - before >= SMALL_BYTES or before < download.until == size

    def stop(self, download: Download) -> None:
        """The client, or nobody any more, wants it."""
        download.is_over = True
        self._lanes.close(download)
        self._lanes.active.discard(download)
        self._shelves.release(download.file.content)

    # -- what the file store and the network say --------------------------------------------------------------

    def read(self, answer: FileRead) -> None:
        """A piece of a file is at hand."""
        download, job = answer.job.token, answer.job
        assert isinstance(download, Download)
        download.lane.reading -= 1
        if not download.is_over:
            if len(answer.data) == job.length:
                download.lane.ready.append((download, job.offset, answer.data))
            else:
                self._lost(download)
        self._go_on(download.lane)

    def failed(self, answer: FileFailed) -> None:
        """A piece of a file could not be read."""
        download = answer.job.token
        assert isinstance(download, Download)
        download.lane.reading -= 1
        if download.is_over:
            pass
        elif answer.code == ErrorCode.NO_SUCH_FILE:
            self._lost(download)
        else:
            self._end(download, answer.code, answer.reason, answer.retry_after)
        self._go_on(download.lane)

    def sent(self, session: Session) -> None:
        """The network has sent the piece that it had."""
        lane = session.lane
        if lane is None or lane.unsent is None:
            return
        (download, end), lane.unsent = lane.unsent, None
        if end == download.file.file.size and not download.is_over:
            self._complete(download, is_fetched=True)
        self._pump(session)

    def tick(self) -> None:
        """End the downloads that wait for credit, while their files must not be read any more."""
        for download in [transfer for transfer in self._lanes.active if isinstance(transfer, Download)]:
            if download.told < download.file.file.size:
                self._check(download)

    # -- steps ------------------------------------------------------------------------------------------------

    def _go_on(self, lane: Lane) -> None:
        session = self._state.sessions.get(lane.handle)
        if session is not None and session.lane is lane:
            self._pump(session)

    def _pump(self, session: Session) -> None:
        """Hand a piece to the network if it has none, and read on."""
        lane = self._lanes.lane(session)
        while lane.unsent is None and lane.ready:
            self._send(lane, *lane.ready.popleft())
        while lane.ahead < _AHEAD and (download := self._next(lane)) is not None:
            self._read(lane, download)

    def _send(self, lane: Lane, download: Download, offset: int, data: bytes) -> None:
        if not download.is_over and self._check(download):
            download.told = offset + len(data)
            lane.unsent = download, download.told
            self._state.out.append(Bulk(lane.handle, FileChunk(download.number, offset, data)))

    def _next(self, lane: Lane) -> Download | None:
        """Whose turn it is."""
        for download in list(lane.open.values()):
            if isinstance(download, Download) and download.next < download.until and self._check(download):
                lane.open[download.number] = lane.open.pop(download.number)
                return download
        return None

    def _read(self, lane: Lane, download: Download) -> None:
        length = min(CHUNK_BYTES, download.until - download.next)
        job = ReadFile(download.file.file.digest, download.next, length, token=download)
        self._state.out.append(FileWork(job))
        download.next += length
        lane.reading += 1

    def _check(self, download: Download) -> bool:
        """May this user still read it? If not, the download ends."""
        session = self._state.sessions[download.session]
        assert session.user is not None
        refusal = self._shelves.refuse(session.user.user.id, download.file)
        if refusal is not None:
            self._end(download, *refusal)
        return refusal is None

    def _complete(self, download: Download, *, is_fetched: bool) -> None:
        """All of it is sent. Whoever asks for nothing but the end has been counted before."""
        self.stop(download)
        if is_fetched:
            self._shelves.fetched(download.file)

    def _lost(self, download: Download) -> None:
        self._shelves.lose([download.file.file.digest])
        self._end(download, ErrorCode.NO_SUCH_FILE, LOST)

    def _end(self, download: Download, code: str, reason: str, retry_after: float = 0.0) -> None:
        ended = TransferEnded(download.number, code, reason, retry_after)
        self._state.out.append(Reply(download.session, ended))
        self.stop(download)

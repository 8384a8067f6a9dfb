"""The uploads and downloads of a session: which is meant by what the server says, and whose turn it is to send."""

from chatnet.client.connection import check
from chatnet.client.downloads import Download
from chatnet.client.outbox import Target, ToConversation
from chatnet.client.sender import open_request
from chatnet.client.transfer import Transfer, Ways
from chatnet.client.uploads import Content, Upload
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Credit, FileChunk, TransferEnded
from chatnet.model import FileId, TransferId
from chatnet.requests import SendChunk, StartDownload, StartUpload

FEATURE = "files"
"""What a server that keeps files says in its `Hello`."""


class Transfers:
    """Those that are not over, across all connections. Their owners look at what becomes of them."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._moving: list[Transfer] = []
        """The uploads among them in the order of their turns to send."""
        self._are_possible: bool | None = None
        """Does the server keep files? None while there is none."""

    # -- the application --------------------------------------------------------------------------------------

    def upload(self, content: Content, target: Target, name: str) -> Upload:
        """Send a file, now or once there is a connection. Once it is complete, a post of its ``file`` shares it.

        :raises Refused: no server could read it; nothing is sent.
        """
        check(StartUpload(1, 0, name, content.size, content.digest))
        if not isinstance(target, ToConversation):
            check(open_request(1, target))
        upload = Upload(content, target, name, self._ways)
        self._add(upload)
        return upload

    def download(self, file: FileId) -> Download:
        """Fetch a file, now or once there is a connection; say where to as soon as its ``file`` is known.

        :raises Refused: no server could read it; nothing is sent.
        """
        check(StartDownload(1, file))
        download = Download(file, self._ways)
        self._add(download)
        return download

    def check_support(self) -> None:
        """Look whether the server, if there is one now, keeps files. Others cannot read requests about them.

        :raises Refused: UNSUPPORTED.
        """
        if self._are_possible is False:
            raise Refused(ErrorCode.UNSUPPORTED, "this server keeps no files")

    def _add(self, transfer: Transfer) -> None:
        self._tidy()
        self._moving.append(transfer)
        self._start(transfer)

    def _start(self, transfer: Transfer) -> None:
        try:
            self.check_support()
        except Refused as refused:
            transfer.failure = refused
        if self._are_possible:
            transfer.start()

    # -- the connection ---------------------------------------------------------------------------------------

    @property
    def next_tick(self) -> float | None:
        """When `tick` is due."""
        if not self._are_possible:
            return None
        dues = (transfer.held_until for transfer in self._moving if not transfer.is_over)
        return min((due for due in dues if due is not None), default=None)

    def start(self, *, are_possible: bool) -> None:
        """Logged in: all go on, if the server keeps files."""
        self._are_possible = are_possible
        self._tidy()
        for transfer in list(self._moving):
            self._start(transfer)

    def tick(self, now: float) -> None:
        """Time has passed: what was held begins again."""
        for transfer in self._moving if self._are_possible else []:
            if transfer.held_until is not None and now >= transfer.held_until:
                transfer.start()

    def connection_lost(self) -> None:
        """Nothing moves until there is another connection."""
        self._are_possible = None
        for transfer in self._moving:
            transfer.connection_lost()

    def forget(self) -> None:
        """It is another server: ids mean nothing there."""
        self._tidy()
        for transfer in self._moving:
            transfer.forget()

    def _tidy(self) -> None:
        self._moving = [transfer for transfer in self._moving if not transfer.is_over]

    # -- what the server says ---------------------------------------------------------------------------------

    def credit(self, event: Credit) -> None:
        """More of an upload may be sent. What is over has no number any more."""
        upload = self._find(event.upload)
        if isinstance(upload, Upload):
            upload.credit(event)

    def chunk(self, event: FileChunk) -> None:
        """Bytes of a download have come; those of one that is over were under way when it was stopped."""
        download = self._find(event.download)
        if isinstance(download, Download):
            download.chunk(event)

    def ended(self, event: TransferEnded) -> None:
        """The server has ended one."""
        transfer = self._find(event.transfer)
        if transfer is not None:
            transfer.ended(event)

    def _find(self, id: TransferId) -> Transfer | None:
        return next((transfer for transfer in self._moving if transfer.id == id), None) if id else None

    # -- sending ----------------------------------------------------------------------------------------------

    @property
    def has_chunk(self) -> bool:
        """May bytes of a file be sent now?"""
        return any(isinstance(transfer, Upload) and transfer.has_chunk for transfer in self._moving)

    def next_chunk(self) -> SendChunk | None:
        """The next bytes of the upload whose turn it is."""
        for transfer in list(self._moving):
            if isinstance(transfer, Upload) and transfer.has_chunk:
                self._moving.remove(transfer)
                self._moving.append(transfer)
                chunk = transfer.next_chunk()
                if chunk is not None:
                    return chunk
        return None

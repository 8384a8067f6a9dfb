"""A file on its way from the server.

First it is asked what the file is, without any of its bytes: only then it is known what an earlier try has left of it.
From then on every beginning asks for the bytes behind those that are there.

    begin -> StartDownload -> DownloadReady -> (receive_into) -> FileChunk..., GrantCredit... -> complete
"""

from typing import Protocol

from chatnet.client.files import LocalFileError
from chatnet.client.transfer import Transfer, Ways
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import DownloadReady, Event, FileChunk
from chatnet.model import WINDOW_BYTES, FileId, SharedFile
from chatnet.requests import GrantCredit, StartDownload


class Sink(Protocol):
    """Where the bytes go; such as a `chatnet.client.partial.PartialFile`."""

    @property
    def offset(self) -> int:
        """All before it is there."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Take the next bytes.

        :raises LocalFileError: they cannot be kept.
        :raises ProtocolError: they are not the next ones.
        """
        ...


class Download(Transfer):
    """Its bytes go into a sink as they come. Verifying them is left to whoever has the sink."""

    def __init__(self, file: FileId, ways: Ways) -> None:
        super().__init__(ways)
        self.file: SharedFile | None = None
        """What it is, once the server has said so."""
        self._file = file
        self._sink: Sink | None = None
        self._start = 0
        """The first byte that was asked for over this connection."""
        self._until = 0
        """All before it may come."""

    @property
    def received(self) -> int:
        """All before it is there."""
        return 0 if self._sink is None else self._sink.offset

    # -- the beginning ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._start, self._until = self.received, self._window()
        self._ask(lambda id: StartDownload(id, self._file, self._start, self._until), self._ready)

    def _window(self) -> int:
        """The byte before which all may come now: none as long as nobody knows where to."""
        if self._sink is None or self.file is None:
            return 0
        return min(self._sink.offset + WINDOW_BYTES, self.file.size)

    def _ready(self, reply: Event) -> None:
        if not isinstance(reply, DownloadReady) or reply.file.id != self._file:
            raise ProtocolError(ErrorCode.BAD_FRAME, "the server's answer to StartDownload is none that it can be")
        self.id, known = reply.download, self.file
        if known is not None and (known.size, known.digest) != (reply.file.size, reply.file.digest):
            self._fail(self._lost())
            return
        self.file = reply.file
        self._flow()

    def receive_into(self, sink: Sink) -> None:
        """It is known where the bytes go to, and that is the rest of this file: have them come."""
        assert self.file is not None
        self._sink = sink
        if sink.offset == self.file.size:
            self.is_complete = True
            self._end_there()
        else:
            self._flow()

    def _flow(self) -> None:
        """Have the bytes come, once both sides know where from and where to."""
        if self._sink is None or not self.id:
            return
        if self._sink.offset != self._start:
            self._end_there()
            self._begin()
            return
        if self._until < self._window():
            self._grant()

    # -- bytes ------------------------------------------------------------------------------------------------

    def chunk(self, event: FileChunk) -> None:
        """The next bytes."""
        if self._sink is None:
            raise ProtocolError(ErrorCode.BAD_FRAME, "the server sends bytes of a file that nobody has asked for")
        try:
            self._sink.write(event.offset, event.data)
        except LocalFileError as error:
            self._fail(error)
            return
        self.moved += len(event.data)
        self._got_through()
        self._go_on(self._sink.offset)

    def _go_on(self, offset: int) -> None:
        assert self.file is not None
        if offset == self.file.size:
            self.is_complete = True
            self._end()  # the server knows
        elif self._until < self.file.size and self._until - offset <= WINDOW_BYTES // 2:
            self._grant()

    def _grant(self) -> None:
        self._until = self._window()
        self._ways.send(GrantCredit(self.id, self._until))

    # -- endings ----------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """It is another server: what has this number there is something else."""
        super().forget()
        self._fail(self._lost())

    def _lost(self) -> Refused:
        return Refused(ErrorCode.NO_SUCH_FILE, f"the server has lost the file {self._file}")

"""What passes by of one transfer: every piece of it, both ways, and which rules it breaks.

Rules: pieces come in order, without a gap, from where the server or the client said that they go on. Nothing before
what the server has told to be durable is sent to it again, also by another connection and to another server process.
Of a download no more comes again than can have been on its way when the connection was lost.
"""

from dataclasses import dataclass, field

from chatnet.errors import ProtocolError
from chatnet.events import Credit, DownloadReady, Event, FileChunk, UploadReady
from chatnet.model import WINDOW_BYTES
from chatnet.requests import AnyRequest, SendChunk, StartDownload
from chatnet.wire.codec import decode_event, decode_request
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader


@dataclass
class TransferLedger:
    """What is known of the transfer, over all connections."""

    slack: int
    """Bytes that a connection holds at most beside the window: those of a download that may be lost with it."""
    durable: int = 0
    """The server has told that so much of the upload is."""
    sent: int = 0
    """Bytes of pieces that passed, in either direction."""
    again: int = 0
    """Of these, bytes that had passed before."""
    reached: int = 0
    """The end of the farthest piece."""
    violations: list[str] = field(default_factory=list)

    def piece(self, start: int, data: bytes, expected: int | None) -> int:
        """A piece has passed; returns where the next one has to start."""
        if start != expected:
            self.violations.append(f"order: a piece of byte {start}, where {expected} was next")
        end = start + len(data)
        self.sent += len(data)
        self.again += max(0, min(end, self.reached) - start)
        self.reached = max(self.reached, end)
        return end

    def tell_durable(self, size: int) -> None:
        """The server says so."""
        self.durable = max(self.durable, size)

    def go_on(self, offset: int) -> None:
        """The server wants the upload from here on."""
        if offset < self.durable:
            self.violations.append(f"durable: byte {offset} is wanted again, but {self.durable} were durable")
        self.tell_durable(offset)

    def fetch_from(self, offset: int) -> None:
        """The client wants the download from here on."""
        if offset < self.reached - WINDOW_BYTES - self.slack:
            self.violations.append(f"resume: byte {offset} is fetched again, where {self.reached} had passed")


class Ear:
    """Listens to one connection. What cannot be understood is a violation."""

    def __init__(self, ledger: TransferLedger) -> None:
        self._ledger = ledger
        self._up, self._down = FrameReader(MAX_PAYLOAD), FrameReader(MAX_PAYLOAD)
        self._preface = b""
        self._next_up: int | None = None
        self._next_down: int | None = None
        self._asked: dict[int, int] = {}
        """Where downloads shall start, by the id of their request."""

    def hear_client(self, data: bytes) -> None:
        """The client has sent this."""
        wanted = len(PREFACE) - len(self._preface)
        self._preface += data[:wanted]
        self._up.receive(data[wanted:])
        while (payload := self._up.next_frame()) is not None:
            try:
                self._request(decode_request(payload))
            except ProtocolError as error:
                self._ledger.violations.append(f"protocol: {error}")

    def hear_server(self, data: bytes) -> None:
        """The server has sent this."""
        self._down.receive(data)
        while (payload := self._down.next_frame()) is not None:
            event = decode_event(payload)
            if event is not None:
                self._event(event)

    def _request(self, request: AnyRequest) -> None:
        match request:
            case SendChunk():
                self._next_up = self._ledger.piece(request.offset, request.data, self._next_up)
            case StartDownload():
                self._ledger.fetch_from(request.offset)
                self._asked[request.id] = request.offset

    def _event(self, event: Event) -> None:
        match event:
            case UploadReady():
                self._ledger.go_on(event.offset)
                self._next_up = event.offset
            case Credit():
                self._ledger.tell_durable(event.durable)
            case DownloadReady():
                self._next_down = self._asked[event.id]
            case FileChunk():
                self._next_down = self._ledger.piece(event.offset, event.data, self._next_down)

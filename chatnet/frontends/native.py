"""The native protocol at the server: a preface, then frames of msgpack (docs/protocol.md).

The rule kept here: once the other side has broken the protocol, nothing that it sends is kept or looked at. The
connection ends with a last word that it can read: a `Closing` frame, or a plain HTTP answer where a browser or a
health check has come to the wrong port.
"""

from collections.abc import Callable
from typing import Final

from chatnet.errors import ProtocolError
from chatnet.events import Closing, Event
from chatnet.requests import Request
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import PREFACE, FrameReader, is_http, read_preface

# A compiler looks up such a name once, and that of an import each time.
_decode_request: Final = decode_request
_encode: Final = encode
_HTTP_TEXT = b"This is a chatnet server, not a web server. Talk to it with a chatnet client.\n"
_HTTP_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Connection: close\r\n"
    b"\r\n"
    b"%b"
) % (len(_HTTP_TEXT), _HTTP_TEXT)


class NativeFrontend:
    """One connection of the native protocol; see `chatnet.net.ports.Frontend`.

    The limits are bytes of a frame's payload, for a stranger and for a session that has logged in.
    """

    __slots__ = ("_failure", "_limit_after", "_opening", "_reader")

    def __init__(self, limit_before: int, limit_after: int) -> None:
        self._limit_after = limit_after
        self._reader = FrameReader(limit_before)
        self._opening: bytes | None = b""
        """What has come of the preface; None once a good one is there."""
        self._failure: tuple[str, str, bool] | None = None
        """The code and the message of what was wrong, and whether it is HTTP that was spoken."""

    @property
    def encode(self) -> Callable[[Event], bytes]:
        """The same for all: an event is encoded once for all peers that speak this dialect."""
        return _encode

    @property
    def ready(self) -> bool:
        """Has a good preface come? Stays true whatever comes after it."""
        return self._opening is None

    def receive(self, data: bytes) -> None:
        """Take what arrived. Never raises."""
        if self._failure is not None:
            return
        if self._opening is None:
            self._reader.receive(data)
        else:
            self._open(self._opening + data)

    def next_request(self) -> Request | None:
        """The next whole request, or None if more bytes are needed.

        :raises ProtocolError: what `read_preface`, `FrameReader.next_frame` or `decode_request` found; every later
            call raises the same.
        """
        if self._failure is not None:
            code, message, _ = self._failure
            raise ProtocolError(code, message)
        try:
            payload = self._reader.next_frame()
            return None if payload is None else _decode_request(payload)
        except ProtocolError as error:
            self._fail(error)
            raise

    def admit(self) -> None:
        """Frames may now be as big as the protocol allows."""
        self._reader.limit = self._limit_after

    def farewell(self, code: str, reason: str, retry_after: float) -> bytes:
        """The last words: a `Closing` frame, or an HTTP response to an HTTP request."""
        if self._failure is not None and self._failure[2]:
            return _HTTP_REFUSAL
        return encode(Closing(code, reason, retry_after))

    def _open(self, opening: bytes) -> None:
        self._opening = b""
        try:
            is_whole = read_preface(opening)
        except ProtocolError as error:
            self._fail(error, is_http(opening))
            return
        if is_whole:
            self._opening = None
            self._reader.receive(opening[len(PREFACE) :])
        else:
            self._opening = opening

    def _fail(self, error: ProtocolError, spoke_http: bool = False) -> None:
        # Not the error itself: it holds on to its traceback, and so to what was read.
        self._failure = (error.code, error.message, spoke_http)
        self._reader = FrameReader(0)

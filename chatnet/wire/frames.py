"""The native protocol's outer shell: the preface, and frames cut out of a stream of bytes.

    preface (client only)   4 bytes "CHAT", 1 byte version
    frame   (both ways)     4 bytes length of the payload, unsigned and big-endian; then the payload

The rule kept here: a length is judged before anything is set aside for it, and whatever the other side sends, at
most one frame and what was just read are in memory. Nothing here knows who is client and who is server.
"""

import struct
from typing import Final

from chatnet.errors import ErrorCode, ProtocolError

MAGIC = b"CHAT"
VERSION = 1
PREFACE = MAGIC + bytes([VERSION])
"""What a client sends first."""

MAX_PAYLOAD: Final = 64 * 1024
"""Bytes of the biggest payload that either side may ever send."""

_LENGTH = struct.Struct(">I")
HEADER_BYTES: Final = 4
pack_header: Final = _LENGTH.pack
"""The four bytes in front of a payload of so many bytes."""
FEW_BYTES: Final = 512
SHORT_HEADERS: Final = [pack_header(length) for length in range(FEW_BYTES)]
"""The same by length, for most frames: to look it up costs a fraction of making it."""
_unpack_length: Final = _LENGTH.unpack_from

# RFC 9110 section 9, PATCH from RFC 5789, and the start of HTTP/2 from RFC 9113 section 3.4.
_HTTP_STARTS = (
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"PATCH ",
    b"PRI * HTTP/2",
)


def read_preface(data: bytes) -> bool:
    """Do the first bytes of a connection open the native protocol?

    True for a good preface, whatever follows it; False while more bytes are needed to tell.
    :raises ProtocolError: BAD_MAGIC or BAD_VERSION; which of them does not depend on how much has arrived so far.
    """
    if data.startswith(PREFACE):
        return True
    if data.startswith(MAGIC) and len(data) > len(MAGIC):
        theirs = data[len(MAGIC)]
        raise ProtocolError(
            ErrorCode.BAD_VERSION, f"version {VERSION} of the protocol is spoken here, not version {theirs}"
        )
    if any(start.startswith(data) for start in (PREFACE, *_HTTP_STARTS)):
        return False
    spoken = "HTTP" if is_http(data) else "something else"
    raise ProtocolError(ErrorCode.BAD_MAGIC, f"chatnet's own protocol is spoken here, not {spoken}")


def is_http(data: bytes) -> bool:
    """Is this how an HTTP request starts? By its method, which is case-sensitive (RFC 9110 section 9.1)."""
    return data.startswith(_HTTP_STARTS)


class FrameReader:
    """Cuts payloads out of bytes that arrive in pieces of any size.

    Take everything that `next_frame` has before the next `receive`: then no more is held than one unfinished frame.
    The usual piece holds whole frames, and is kept as it came; pieces are only joined where a frame spans them, so
    that the work grows with the number of bytes, however small the pieces are.
    """

    __slots__ = ("_at", "_held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Bytes of the biggest payload taken; may be changed between frames."""
        self._held: bytes | bytearray = b""
        self._at = 0

    @property
    def buffered(self) -> int:
        """Bytes that have arrived and were not handed out."""
        return len(self._held) - self._at

    def receive(self, data: bytes) -> None:
        """Take what arrived."""
        held = self._held
        if not held:
            self._held = data
        elif self._at == 0 and len(data) < len(held):
            # A copy of all for each small piece would be quadratic; a bytearray grows in place.
            if not isinstance(held, bytearray):
                self._held = held = bytearray(held)
            held += data
        else:
            self._held = b"".join((held[self._at :], data))
            self._at = 0

    def next_frame(self) -> bytes | None:
        """The next whole payload, or None if more bytes are needed. An empty payload is not None.

        :raises ProtocolError: FRAME_TOO_BIG, as soon as its length is there; nothing can be read after it.
        """
        held, at = self._held, self._at
        if not held:
            return None
        start, size = at + HEADER_BYTES, len(held)
        if size >= start:
            length: int = _unpack_length(held, at)[0]
            if length > self.limit:
                raise ProtocolError(
                    ErrorCode.FRAME_TOO_BIG, f"a frame of {length} bytes, where at most {self.limit} are allowed"
                )
            end = start + length
            if size >= end:
                whole = held if type(held) is bytes else bytes(held)
                if size > end:
                    self._held, self._at = whole, end
                else:
                    self._held, self._at = b"", 0
                return whole[start:end]
        if at:
            # Not to hold a whole read for the sake of the few bytes at its end.
            self._held, self._at = held[at:], 0
        return None

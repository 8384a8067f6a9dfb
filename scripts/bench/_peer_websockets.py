"""A small broadcasting server over the Python library ``websockets``, where it is installed beside chatnet.

Source: RFC 6455.
"""

import sys
from base64 import b64encode
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from _peer import Dialogue, Peer, expect
from _serving import CannotMeasure

_SERVER = Path(__file__).resolve().with_name("_websockets_server.py")
_ASK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


class Websockets(Peer):
    """A library, not a server: what a few lines over it cost."""

    name = "websockets"
    program = "websockets"
    tuned = "broadcast(), no compression, no pings"

    def command(self, folder: Path, port: int) -> list[str]:
        del folder
        self.find()
        return [sys.executable, str(_SERVER), str(port)]

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        del is_first
        key = b64encode(b"%016d" % client)
        yield from expect(_ASK + b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % key, b"\r\n\r\n")
        yield from expect(_frame(b"room%d" % room), b"joined")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client, room
        return _frame(text)

    def version(self) -> str:
        return f"{version('websockets')}, Python {sys.version.split()[0]}"

    @classmethod
    def find(cls) -> str:
        try:
            version(cls.program)
        except PackageNotFoundError:
            raise CannotMeasure(f"{cls.name} is not measured: {sys.executable} has no such package") from None
        return sys.executable


def _frame(data: bytes) -> bytes:
    """A client masks what it sends (section 5.3); a mask of zeros leaves it as it is."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    return b"\x81" + size + bytes(4) + data

"""chatnet itself, as anybody starts it: with messages in memory, on disk, and over TLS.

A message's own number is eight digits that are read as one unsigned integer: that grows as the digits do, which is all
that the protocol asks of it. So one template makes all messages, as for the other servers.
"""

import hashlib
import sys
from collections.abc import Generator
from pathlib import Path

from _hearing import NUMBER
from _peer import Dialogue, Peer, first_line, user_name, write

from chatnet.events import Event, Hello, Joined, Opened, Refused, Welcome
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES
from chatnet.requests import Alive, CreateRoom, Join, Login, Post
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

_CONFIG = """[limits]
post_burst = 1e9
posts_per_second = 1e9
text_burst = 1e9
text_per_second = 1e9
request_burst = 1e9
requests_per_second = 1e9
strangers = 10000
wasted_connections_per_place = 1000000
rooms_per_guest = 100000
farewell_seconds = 0.5
"""
_MODEL_NUMBER = 1 << 56
"""Takes eight bytes in msgpack, as eight digits do."""
_MODEL_CONVERSATION = 1 << 30


class Chatnet(Peer):
    """Messages in memory only."""

    name = "chatnet, memory"
    unanswered = 32
    tuned = "rates and counts lifted"
    scheme = "chatnet+tcp"

    def __init__(self) -> None:
        self._rooms: dict[int, int] = {}
        self._others: dict[int, int] = {}

    def command(self, folder: Path, port: int) -> list[str]:
        config = write(folder, "chatnet.toml", _CONFIG)
        bind = f"{self.scheme}://127.0.0.1:{port}"
        serve = [sys.executable, "-m", "chatnet", "serve", "--bind", bind, "--config", config]
        return [*serve, *self.history(folder)]

    def history(self, folder: Path) -> list[str]:
        """The options that say where messages are kept."""
        del folder
        return ["--history", "none"]

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        """A guest of its own; the first of a room makes it, and the others ask until it is there."""
        name = user_name(client).decode()
        secret = hashlib.blake2b(user_name(client), digest_size=SECRET_BYTES).digest()
        device = hashlib.blake2b(user_name(client), digest_size=DEVICE_ID_BYTES).digest()
        frames = FrameReader(MAX_PAYLOAD)
        first = PREFACE + encode(Login(1, name, secret, device))
        if is_first:
            first += encode(CreateRoom(2, f"room{room}"))
        join = encode(Join(3, f"room{room}"))
        sending = first + join
        while True:
            event = yield from _next(frames, sending)
            sending = b""
            match event:
                case Joined():
                    self._rooms[room] = event.room.id
                    self._others[client] = event.room.members
                    return
                case Refused(id=3):
                    sending = join
                case Hello() | Welcome() | Opened() | None:
                    pass
                case _:
                    raise ValueError(f"a login was answered with {event!r}")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client
        model = encode(Post(_MODEL_NUMBER, _MODEL_CONVERSATION, text.decode()))
        conversation = self._rooms[room].to_bytes(4)
        return model.replace(_MODEL_NUMBER.to_bytes(8), NUMBER, 1).replace(
            _MODEL_CONVERSATION.to_bytes(4), conversation, 1
        )

    def alive(self) -> bytes:
        return encode(Alive())

    def to_be_told_of(self, client: int, size: int) -> int:
        """Of those who come later."""
        return size - self._others[client]

    def version(self) -> str:
        return f"{first_line([sys.executable, '-m', 'chatnet', '--version'])}, Python {sys.version.split()[0]}"

    @classmethod
    def find(cls) -> str:
        return sys.executable


class ChatnetDurable(Chatnet):
    """Every message is on disk before anybody hears of it."""

    name = "chatnet, durable"

    def history(self, folder: Path) -> list[str]:
        return ["--data", str(folder / "data")]


class ChatnetTls(Chatnet):
    """Messages in memory, everything encrypted."""

    name = "chatnet, TLS"
    scheme = "chatnet"
    encrypted = True


class ChatnetDurableTls(ChatnetDurable):
    """Messages on disk, everything encrypted."""

    name = "chatnet, durable, TLS"
    scheme = "chatnet"
    encrypted = True


def _next(frames: FrameReader, sending: bytes) -> Generator[bytes, bytes, Event | None]:
    """The next event; None for one that this version does not know."""
    if not sending and (payload := frames.next_frame()) is not None:
        return decode_event(payload)
    frames.receive((yield sending))
    while (payload := frames.next_frame()) is None:
        frames.receive((yield b""))
    return decode_event(payload)

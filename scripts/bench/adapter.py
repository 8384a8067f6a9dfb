"""chatnet for a load generator that compares chat servers: how to start it, how to log in, how to say something.

The generator gives its own directory as ``adapters`` and asks for one class per configuration:

    python3 peers.py --adapter scripts/bench/adapter.py:Chatnet --adapter scripts/bench/adapter.py:ChatnetDurable ...

Rates and counts are lifted, everything else is as shipped. A message's own number is eight digits, read as one unsigned
integer: that grows as the digits do, which is all that the protocol asks of it.
"""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from adapters import Peer  # type: ignore[import-not-found]

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = _ROOT / ".venv" / "bin" / "python"
_COMPILED = _ROOT / "build" / "compiled"
_PREFACE = b"CHAT\x01"
_LOGIN, _PING, _POST, _JOIN, _CREATE = 1, 2, 4, 6, 8
_PONG, _JOINED = b"\x92\x0c", b"\x95\x0f"
_SEQUENCE = b"@SEQ@@@@"
_LIFTED = """[limits]
post_burst = 1e9
posts_per_second = 1e9
text_burst = 1e9
text_per_second = 1e9
request_burst = 1e9
requests_per_second = 1e9
strangers = 10000
wasted_connections_per_place = 1000000
farewell_seconds = 0.5
"""


def _natural(value: int) -> bytes:
    """Msgpack's unsigned 32-bit form, which any reader takes."""
    return b"\xce" + value.to_bytes(4)


def _text(value: bytes) -> bytes:
    return b"\xd9" + bytes([len(value)]) + value


def _frame(tag: int, *fields: bytes) -> bytes:
    payload = bytes([0x90 + 1 + len(fields), tag]) + b"".join(fields)
    return len(payload).to_bytes(4) + payload


class _Noted(socket.socket):
    """Keeps what comes until the login is over: it tells the id of the room."""

    note: bytes | None = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(size, flags)
        if self.note is not None:
            self.note += data
        return data


class Chatnet(Peer):  # type: ignore[misc]
    """chatnet with messages in memory only."""

    name = "chatnet"
    echo = True
    login_concurrency = 64
    tuned = "rates lifted"

    def command(self, port: int, dir: str) -> list[str]:
        """A fresh server."""
        self._sockets: list[_Noted] = []
        self._ids: dict[int, int] = {}
        config = self.write(dir, "chatnet.toml", _LIFTED)
        bind = f"chatnet+tcp://127.0.0.1:{port}"
        return [*self.program(), "serve", "--bind", bind, "--config", config, *self.history(dir)]

    def program(self) -> list[str]:
        """How ``chatnet`` is run."""
        return [str(_PYTHON), "-m", "chatnet"]

    def history(self, dir: str) -> list[str]:
        """The options that say where messages are kept."""
        del dir
        return ["--history", "none"]

    def new_socket(self) -> socket.socket:
        """The generator makes them in the order of its clients."""
        made = _Noted()
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(made)
        return made

    def login(self, i: int) -> Iterator[tuple[bytes, bytes]]:
        """A guest of its own; the first of a room makes it, and the others ask until it is there."""
        mine = self._sockets[i]
        room = b"room%d" % self.room(i)
        secret, device = hashlib.sha256(b"%d" % i).digest(), b"device%010d" % i
        first = _PREFACE + _frame(_LOGIN, _natural(1), _text(b"user%d" % i), _bytes(secret), _bytes(device))
        if i % self.room_size == 0:
            first += _frame(_CREATE, _natural(2), _text(room))
        joined = _JOINED + b"\x03"
        while True:
            first += _frame(_JOIN, b"\x03", _text(room)) + _frame(_PING, _natural(4))
            yield first, _PONG + b"\x04"
            assert mine.note is not None
            found = mine.note.find(joined)
            if found >= 0:
                self._ids[self.room(i)] = _room_id(mine.note[found + len(joined) :])
                mine.note = None
                return
            first = b""

    def message_template(self, i: int, payload: bytes) -> bytes:
        """One post of a client to its room."""
        number = b"\xcf" + _SEQUENCE
        return _frame(_POST, number, _natural(self._ids[self.room(i)]), _text(payload))

    def version(self) -> str:
        """As ``chatnet --version`` says it."""
        done = subprocess.run([*self.program(), "--version"], capture_output=True, text=True, check=True)
        return f"{done.stdout.strip()}, Python {sys.version.split()[0]}"


class ChatnetDurable(Chatnet):
    """chatnet with every message on disk before anybody hears of it."""

    name = "chatnet-durable"

    def history(self, dir: str) -> list[str]:
        """A data folder of its own."""
        return ["--data", str(Path(dir) / "data")]


class ChatnetCompiled(Chatnet):
    """The same with the hot modules compiled: the copy that ``scripts/compile`` makes."""

    name = "chatnet-compiled"
    tuned = "rates lifted, hot modules compiled"

    def program(self) -> list[str]:
        """`env` becomes the server, and -P keeps the current folder's chatnet from being taken instead."""
        if not any(_COMPILED.glob("chatnet__mypyc.*")):
            raise FileNotFoundError(f"there is no compiled chatnet in {_COMPILED}; make it with scripts/compile")
        path = ":".join(map(str, (_COMPILED, _COMPILED / "cli", _COMPILED / "gui")))
        return ["env", f"PYTHONPATH={path}", str(_PYTHON), "-P", "-m", "chatnet"]


class ChatnetCompiledDurable(ChatnetCompiled, ChatnetDurable):
    """Compiled, and with every message on disk before anybody hears of it."""

    name = "chatnet-compiled-durable"


def _bytes(value: bytes) -> bytes:
    return b"\xc4" + bytes([len(value)]) + value


def _room_id(record: bytes) -> int:
    """The first field of a room, which is an array."""
    assert record[0] & 0xF0 == 0x90
    match record[1]:
        case 0xCC:
            return record[2]
        case 0xCD:
            return int.from_bytes(record[2:4])
        case small if small < 0x80:
            return small
        case other:
            raise ValueError(f"not an id: {other:#x}")

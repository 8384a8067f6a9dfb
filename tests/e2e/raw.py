"""A connection that says whatever a test wants, to a server that must stay calm."""

import os
import socket
import struct
import time
from types import TracebackType
from typing import Self

import msgspec

from chatnet.address import Address
from chatnet.events import AnyEvent, Closing, Hello, Welcome
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES
from chatnet.requests import Login, Request
from tests.e2e.processes import DEADLINE

PREFACE = b"CHAT\x01"
_LENGTH = struct.Struct(">I")
_decoder: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)


def frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def request(value: Request) -> bytes:
    return frame(msgspec.msgpack.encode(value))


def login(name: str) -> Login:
    return Login(1, name, os.urandom(SECRET_BYTES), os.urandom(DEVICE_ID_BYTES))


class Raw:
    """A TCP connection. Every wait ends, at the latest with the test's deadline."""

    def __init__(self, address: Address, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(DEADLINE)
        self._socket.connect((address.host, address.port))
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def event(self) -> AnyEvent:
        """The next event."""
        while len(self._received) < _LENGTH.size or len(self._received) < self._frame_end():
            data = self._socket.recv(65536)
            assert data, f"the connection has ended after {self._received!r}"
            self._received += data
        end = self._frame_end()
        payload, self._received = self._received[_LENGTH.size : end], self._received[end:]
        return _decoder.decode(payload)

    def _frame_end(self) -> int:
        return _LENGTH.size + int(_LENGTH.unpack_from(self._received)[0])

    def log_in(self, name: str) -> Welcome:
        """Do all that it takes to be somebody."""
        self.send(PREFACE)
        assert isinstance(self.event(), Hello)
        self.send(request(login(name)))
        welcome = self.event()
        assert isinstance(welcome, Welcome)
        return welcome

    def last_word(self) -> str:
        """Skip events up to `Closing`, and return its code; the connection must then end."""
        while not isinstance(event := self.event(), Closing):
            pass
        assert self.rest() == b""
        return event.code

    def rest(self) -> bytes:
        """All that still comes until the connection ends, by an end or by a reset."""
        end = time.monotonic() + DEADLINE
        data, self._received = self._received, b""
        while time.monotonic() < end:
            try:
                more = self._socket.recv(65536)
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more
        raise AssertionError(f"the connection goes on and on: {data[:100]!r}")

"""A connection that says whatever a test wants, to a server that must stay calm."""

import os
import socket
import ssl
import struct
import time
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from chatnet.address import TLS, UNIX, Address
from chatnet.events import AnyEvent, Closing, Event, Hello, Welcome
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES
from chatnet.requests import Login, Request
from tests.e2e.processes import DEADLINE

PREFACE = b"CHAT\x01"
_LENGTH = struct.Struct(">I")
_decoder: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)
E = TypeVar("E", bound=Event)


def frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def request(value: Request) -> bytes:
    return frame(msgspec.msgpack.encode(value))


def login(name: str) -> Login:
    return Login(1, name, os.urandom(SECRET_BYTES), os.urandom(DEVICE_ID_BYTES))


def trusting() -> ssl.SSLContext:
    """For a TLS client that believes everybody, as only a test may."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Raw:
    """A connection. Every wait ends, at the latest with the test's deadline."""

    def __init__(self, address: Address, receive_buffer: int | None = None, *, is_plain: bool = False) -> None:
        """``is_plain``: say nothing of TLS, not even where it is expected.

        :raises OSError: there is no connection, or no TLS on it.
        """
        self.socket = socket.socket(socket.AF_UNIX if address.scheme == UNIX else socket.AF_INET)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(address.path if address.scheme == UNIX else (address.host, address.port))
            if address.scheme != UNIX:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.scheme == TLS and not is_plain:
                self.socket = trusting().wrap_socket(self.socket)
        except BaseException:
            self.socket.close()
            raise
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def event(self) -> AnyEvent:
        """The next event."""
        while len(self._received) < _LENGTH.size or len(self._received) < self._frame_end():
            data = self.socket.recv(65536)
            assert data, f"the connection has ended after {self._received!r}"
            self._received += data
        end = self._frame_end()
        payload, self._received = self._received[_LENGTH.size : end], self._received[end:]
        return _decoder.decode(payload)

    def answer(self, kind: type[E]) -> E:
        """The next event, which must be of this kind."""
        event = self.event()
        assert isinstance(event, kind), event
        return event

    def greet(self) -> None:
        """Say what protocol this is, and hear what the server says to that."""
        self.send(PREFACE)
        self.answer(Hello)

    def _frame_end(self) -> int:
        return _LENGTH.size + int(_LENGTH.unpack_from(self._received)[0])

    def log_in(self, name: str) -> Welcome:
        """Do all that it takes to be somebody."""
        self.greet()
        self.send(request(login(name)))
        return self.answer(Welcome)

    def closing(self) -> Closing:
        """Skip events up to `Closing`; the connection must then end."""
        while not isinstance(event := self.event(), Closing):
            pass
        assert self.rest() == b""
        return event

    def last_word(self) -> str:
        """Skip events up to `Closing`, and return its code; the connection must then end."""
        return self.closing().code

    def rest(self) -> bytes:
        """All that still comes until the connection ends, by an end or by a reset."""
        end = time.monotonic() + DEADLINE
        data, self._received = self._received, b""
        while time.monotonic() < end:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more
        raise AssertionError(f"the connection goes on and on: {data[:100]!r}")

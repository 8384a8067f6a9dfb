"""Connections for those who mean harm: by hand, from many addresses, over every way in.

Each wait ends, at the latest with PATIENCE_SECONDS: a server that neither answers nor hangs up is what is looked for.
"""

import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

from chatnet.address import TLS, UNIX, Address
from chatnet.events import Closing, Event, Hello, Welcome
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES
from chatnet.requests import Login, Request
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

PATIENCE_SECONDS = 30.0
_PER_PLACE = 50
"""Connections from one address: fewer than the server lets come to nothing in a minute."""
_RETRY_SECONDS = 0.01
_RECEIVE_BYTES = 1 << 16
E = TypeVar("E", bound=Event)


class Wrong(Exception):
    """The server did what it must not; the message says what."""


@dataclass(frozen=True)
class Target:
    """A server, and each way in."""

    addresses: tuple[Address, ...]
    pid: int

    def of(self, *schemes: str) -> list[Address]:
        """Its addresses of these schemes."""
        return [address for address in self.addresses if address.scheme in schemes]


def places() -> Iterator[str]:
    """Addresses of this machine to come from, each so often that the server goes on listening to it."""
    for number in count(1):
        for _ in range(_PER_PLACE):
            yield f"127.{1 + (number >> 16 & 127)}.{number >> 8 & 255}.{number & 255}"


def trusting() -> ssl.SSLContext:
    """Believes everybody: what is tested here is what the server believes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TRUSTING = trusting()


def open_socket(address: Address, place: str = "") -> socket.socket:
    """A connected socket, without any TLS; ``place`` is the address that it comes from.

    :raises OSError: there is no connection.
    """
    sock = socket.socket(socket.AF_UNIX if address.scheme == UNIX else socket.AF_INET)
    try:
        sock.settimeout(PATIENCE_SECONDS)
        if address.scheme == UNIX:
            _connect_unix(sock, address.path)
            return sock
        if place:
            # Linux chooses the port when it knows where to, so that an address has more than one connection per port.
            sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
            sock.bind((place, 0))
        sock.connect((address.host, address.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_unix(sock: socket.socket, path: str) -> None:
    """Where TCP would wait for a place in the backlog, a unix socket fails at once."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return sock.connect(path)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(_RETRY_SECONDS)


def login(name: str) -> Login:
    """A guest, the same one whenever it has this name."""
    secret = blake2b(name.encode(), digest_size=SECRET_BYTES).digest()
    return Login(1, name, secret, os.urandom(DEVICE_ID_BYTES))


class Line:
    """A connection that says whatever it is told to."""

    def __init__(self, address: Address, place: str = "", *, is_plain: bool = False) -> None:
        """``is_plain``: without TLS, even where it is expected.

        :raises OSError: there is no connection, or no TLS on it.
        """
        self.socket = open_socket(address, place)
        if address.scheme == TLS and not is_plain:
            self.socket = _TRUSTING.wrap_socket(self.socket)
        self._frames = FrameReader(MAX_PAYLOAD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send anything.

        :raises OSError: nobody takes it.
        """
        self.socket.sendall(data)

    def event(self) -> Event | None:
        """The next event that this version knows; None at the end of the connection, however it came.

        :raises Wrong: neither comes.
        """
        while True:
            payload = self._frames.next_frame()
            if payload is not None:
                event = decode_event(payload)
                if event is not None:
                    return event
                continue
            data = self._receive()
            if not data:
                return None
            self._frames.receive(data)

    def rest(self) -> bytes:
        """All bytes that still come, to the end of the connection.

        :raises Wrong: it goes on and on.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        data = b""
        while more := self._receive():
            data += more
            if time.monotonic() > end:
                raise Wrong(f"the connection goes on and on: {data[:60]!r}")
        return data

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(_RECEIVE_BYTES)
        except TimeoutError:
            raise Wrong(f"the server said nothing for {PATIENCE_SECONDS:.0f} s, and did not hang up") from None
        except OSError:  # a reset, also in the middle of TLS
            return b""

    def expect(self, kind: type[E]) -> E:
        """The next event of this kind; those before it are for nobody.

        :raises Wrong: the connection ends before that.
        """
        while (event := self.event()) is not None:
            if isinstance(event, kind):
                return event
            if isinstance(event, Closing):
                raise Wrong(f"no {kind.__name__}, but {event}")
        raise Wrong(f"no {kind.__name__}, but the end of the connection")

    def ask(self, request: Request, kind: type[E]) -> E:
        """Send a request and wait for an answer of this kind.

        :raises Wrong: there is none.
        """
        self.send(encode(request))
        return self.expect(kind)

    def greet(self) -> Hello:
        """Say what protocol this is."""
        self.send(PREFACE)
        return self.expect(Hello)

    def log_in(self, name: str) -> Welcome:
        """Be a guest."""
        self.greet()
        return self.ask(login(name), Welcome)

    def last_word(self) -> str:
        """The code of the `Closing` that comes, and then the end; empty for an end without a word.

        :raises Wrong: it does not end.
        """
        while (event := self.event()) is not None:
            if isinstance(event, Closing):
                self.rest()
                return event.code
        return ""

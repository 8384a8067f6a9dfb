"""A link with a session, and a server side that a test plays over a real socket pair."""

import socket
import time
from contextlib import suppress

from chatnet.address import Address
from chatnet.client.link import Link
from chatnet.client.news import Online
from chatnet.client.session import ClientSession
from chatnet.events import Event, Hello, Welcome
from chatnet.net.ports import Listener
from chatnet.requests import Login
from chatnet.transports import registry
from chatnet.transports.stream import StreamTransport
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.client.script import IDENTITY, ME, SERVER
from tests.client.servers import PATIENCE

PAIR = Address("test+pair", "pair")


class Watched(StreamTransport):
    """A transport that counts how often it was told to favour latency."""

    favoured = 0

    def favour_latency(self) -> None:
        self.favoured += 1
        super().favour_latency()


class Rig:
    """A link, and the other end of its connection. ``features``: of the server."""

    def __init__(self, *features: str) -> None:
        self._features = list(features)
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.theirs.settimeout(PATIENCE)
        registry.register(PAIR.scheme, no_listener, self._connect)
        self.session = ClientSession("alice", IDENTITY, random=lambda: 0.5, live=False)
        self.link = Link(self.session)
        self._reader = FrameReader(MAX_PAYLOAD)

    def _connect(self, address: Address, timeout: float) -> Watched:
        del timeout
        self.transport = Watched(self.ours, str(address), True)
        return self.transport

    def log_in(self) -> None:
        self.link.connect(PAIR, PATIENCE)
        self.step()
        assert self.theirs.recv(len(PREFACE)) == PREFACE
        self.says(Hello(SERVER, "", self._features))
        self.step()
        login = self.hears()
        assert isinstance(login, Login)
        self.says(Welcome(login.id, ME, 1, "none", 0))
        self.step()
        assert self.session.news() == [Online(ME, resumed=False)]

    def step(self, seconds: float = 0.0) -> None:
        self.link.step(time.monotonic() + seconds)

    def says(self, *events: Event) -> None:
        self.theirs.sendall(b"".join(map(encode, events)))

    def hears(self) -> object:
        """The next request."""
        while (payload := self._reader.next_frame()) is None:
            self._reader.receive(self.theirs.recv(65536))
        return decode_request(payload)

    def heard(self) -> list[object]:
        """All requests that have come so far."""
        self.theirs.setblocking(False)
        with suppress(BlockingIOError):
            while data := self.theirs.recv(65536):
                self._reader.receive(data)
        self.theirs.settimeout(PATIENCE)
        found: list[object] = []
        while (payload := self._reader.next_frame()) is not None:
            found.append(decode_request(payload))
        return found

    def close(self) -> None:
        self.link.close()
        self.ours.close()
        self.theirs.close()


def no_listener(address: Address) -> Listener:
    raise AssertionError(f"nobody listens at {address}")

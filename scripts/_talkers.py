"""Clients that say as much as they can and keep book of it: what each has sent, and what the server has answered.

They speak the protocol by hand, over blocking sockets in one thread, so that a test decides what is sent when, and what
is sent again.
"""

import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from select import select
from typing import TypeVar

from chatnet.events import Ack, Event, Nack, Refused, Welcome
from chatnet.requests import Login, Post, Request
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

PATIENCE_SECONDS = 30.0
E = TypeVar("E", bound=Event)


class Lost(Exception):
    """The connection is over, or the server says nothing."""


@dataclass
class Talker:
    """One guest with one device."""

    name: str
    n: int = 0
    """The device's last number."""
    said: dict[int, Post] = field(default_factory=dict)
    acks: dict[int, Ack] = field(default_factory=dict)
    nacks: dict[int, Nack] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=deque)
    """All that came and is no answer to a post."""
    outstanding: int = 0
    """Posts that were sent over this connection and have no answer yet."""

    def __post_init__(self) -> None:
        self.device = blake2b(self.name.encode(), digest_size=16).digest()
        self._socket: socket.socket | None = None
        self._id = 0

    def connect(self, port: int) -> None:
        """Log in."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = FrameReader(MAX_PAYLOAD)
        self.outstanding = 0
        self._socket.sendall(PREFACE)
        secret = blake2b(b"secret" + self.name.encode(), digest_size=32).digest()
        self.ask(lambda id: Login(id, self.name, secret, self.device), Welcome)

    def close(self) -> None:
        """Go away at once."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def fileno(self) -> int:
        assert self._socket is not None
        return self._socket.fileno()

    def send(self, *requests: Request) -> None:
        """Send requests, in one go.

        :raises Lost: there is nobody who takes them.
        """
        assert self._socket is not None
        self.outstanding += sum(isinstance(request, Post) for request in requests)
        try:
            self._socket.sendall(b"".join(map(encode, requests)))
        except OSError as error:
            raise Lost(str(error)) from error

    def receive(self) -> None:
        """Take what comes next; waits for it.

        :raises Lost: nothing more comes.
        """
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 18)
        except OSError as error:
            raise Lost(str(error)) from error
        if not data:
            raise Lost("the server has closed the connection")
        self._frames.receive(data)
        while (payload := self._frames.next_frame()) is not None:
            event = decode_event(payload)
            if isinstance(event, Ack):
                self.outstanding -= 1
                self.acks[event.n] = event
            elif isinstance(event, Nack):
                self.outstanding -= 1
                self.nacks[event.n] = event
            elif event is not None:
                self.events.append(event)

    def ask(self, make: Callable[[int], Request], kind: type[E]) -> E:
        """Ask for something and wait for the reply.

        :raises Lost: there is none, or it is no.
        """
        self._id += 1
        self.send(make(self._id))
        while True:
            while self.events:
                event = self.events.popleft()
                if isinstance(event, kind) and getattr(event, "id", None) == self._id:
                    return event
                if isinstance(event, Refused):
                    raise Lost(f"refused: {event.reason}")
            self.receive()

    # -- posts ------------------------------------------------------------------------------------------------

    def post(self, conversation: int, body: str) -> Post:
        """A new message, noted as said; to be sent by `send`."""
        self.n += 1
        post = self.said[self.n] = Post(self.n, conversation, body)
        return post

    @property
    def unanswered(self) -> list[Post]:
        """What was said and never answered, or only with a passing no."""
        return [
            post
            for n, post in self.said.items()
            if n not in self.acks and (n not in self.nacks or self.nacks[n].retry_after > 0)
        ]


def wait_for_acks(talkers: list[Talker]) -> None:
    """Take what comes for anybody until all that was said has an ack.

    :raises Lost: something has none.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting := [talker for talker in talkers if len(talker.acks) < len(talker.said)]:
        ready = select(waiting, [], [], 1.0)[0]
        for talker in ready:
            talker.receive()
        if time.monotonic() > deadline:
            raise Lost(f"{len(waiting)} wait in vain for acks, {waiting[0].name} for {waiting[0].unanswered[:1]}")

"""The two ends of what is said under load: who says it and who hears it, and the count of all that went wrong.

Every text begins with its device's number, and what follows is known from that. So whoever hears it can tell whether
anything is lost, comes twice, out of order or damaged, without having been told what was said.
"""

import os
import random
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from typing import TypeVar

from _hostile_lines import trusting

from chatnet.events import Ack, Deliver, Event, Joined, Opened, Refused, Welcome
from chatnet.model import ConversationId, Message, UserId
from chatnet.requests import CreateRoom, Join, Login, Open, Post, Request
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

ROOM = "bench"
TEXTS = 64
"""Different ones, but for the number."""
PATIENCE_SECONDS = 60.0
_RECEIVE_BYTES = 1 << 18
_MOST_RECORDS = 16
_VOCABULARY = 5000
E = TypeVar("E", bound=Event)
_TRUSTING = trusting()


class Lost(Exception):
    """The connection is over, or the server says nothing."""


class Denied(Lost):
    """The server says no; the message is its code."""


@cache
def fillings(size: int) -> list[str]:
    """Words as often as people use them, the n-th one in proportion to 1/n (Zipf's law)."""
    dice = random.Random(1)
    words = ["".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(_VOCABULARY)]
    weights = [1 / (i + 1) for i in range(_VOCABULARY)]
    return [" ".join(dice.choices(words, weights, k=size))[:size].strip().ljust(size, "x") for _ in range(TEXTS)]


def text(n: int, size: int) -> str:
    """What a device says under this number, in so many bytes."""
    return f"{n} {fillings(size)[n % TEXTS]}"[:size]


class Line:
    """A guest with a new device, logged in."""

    def __init__(self, port: int, name: str, *, encrypted: bool = False, receive_buffer: int = 0) -> None:
        """``receive_buffer`` bounds what the system takes for it while it does not read; 0 for the system's own."""
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if encrypted:
            self._socket = _TRUSTING.wrap_socket(self._socket)
        self._frames = FrameReader(MAX_PAYLOAD)
        self._asked = 0
        self._socket.sendall(PREFACE)
        secret = blake2b(name.encode(), digest_size=32).digest()
        self.user: UserId = self.ask(lambda id: Login(id, name, secret, os.urandom(16)), Welcome).user.id

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        """Go away."""
        self._socket.close()

    def send(self, *requests: Request) -> None:
        """Send requests in one go.

        :raises OSError: the connection is over.
        """
        self._socket.sendall(b"".join(map(encode, requests)))

    def receive(self) -> list[Event]:
        """What comes next; waits for it.

        :raises Lost: nothing more comes.
        """
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise Lost("the server has closed the connection")
        events: list[Event] = []
        self._frames.receive(data)
        if isinstance(self._socket, ssl.SSLSocket):
            self._receive_records(self._socket)
        while (payload := self._frames.next_frame()) is not None:
            event = decode_event(payload)
            if event is not None:
                events.append(event)
        return events

    def _receive_records(self, tls: ssl.SSLSocket) -> None:
        """All that has come, as plain text is read too: TLS gives one record at a time, and of what it has decrypted
        already no selector knows.
        """
        tls.settimeout(0)
        with suppress(ssl.SSLWantReadError):
            for _ in range(_MOST_RECORDS):
                self._frames.receive(tls.recv(_RECEIVE_BYTES))
            while tls.pending():
                self._frames.receive(tls.recv(_RECEIVE_BYTES))
        tls.settimeout(PATIENCE_SECONDS)

    def ask(self, make: Callable[[int], Request], kind: type[E]) -> E:
        """Ask for something and wait for the reply.

        :raises Lost: there is none.
        :raises Denied: it is no.
        """
        self._asked += 1
        self.send(make(self._asked))
        return self.wait_for(kind)

    def wait_for(self, kind: type[E]) -> E:
        """The next event of a kind; what comes before it, and with it, is for nobody.

        :raises Lost: there is none.
        :raises Denied: something was refused.
        """
        while True:
            for event in self.receive():
                if isinstance(event, kind):
                    return event
                if isinstance(event, Refused):
                    raise Denied(event.code)

    def room(self, name: str = ROOM) -> ConversationId:
        """A room, that in which all is said if no other is named; made if it is not there."""
        while True:
            with suppress(Denied):
                return self.ask(lambda id: CreateRoom(id, name), Opened).conversation.id
            # While somebody else's is on its way to the disk, there is neither room for another nor that one.
            with suppress(Denied):
                return self.ask(lambda id: Open(id, room=name), Opened).conversation.id


class Sender(Line):
    """Keeps some messages unanswered, and notes how long each was."""

    def __init__(self, port: int, name: str, in_flight: int, size: int, *, encrypted: bool = False) -> None:
        super().__init__(port, name, encrypted=encrypted)
        self.conversation = self.room()
        self.n = self.acked = 0
        self.stamps = [0.0]
        """When each was sent, by its number."""
        self.since = float("inf")
        """Those that were sent before this are not noted."""
        self.times: list[float] = []
        self.faults: Counter[str] = Counter()
        self._in_flight, self._size = in_flight, size

    @property
    def room_left(self) -> int:
        """How many more it may have unanswered."""
        return self._in_flight - (self.n - self.acked)

    def say(self, count: int, now: float) -> None:
        """Send so many new messages in one go."""
        posts = [Post(n, self.conversation, text(n, self._size)) for n in range(self.n + 1, self.n + 1 + count)]
        self.n += count
        self.stamps += [now] * count
        self.send(*posts)

    def take(self, events: Sequence[Event], now: float) -> None:
        """Count the answers."""
        for event in events:
            if type(event) is not Ack:
                self.faults[f"answered with {event!r}"] += 1
                continue
            if event.n != self.acked + 1:
                self.faults["acks out of order"] += 1
            self.acked = event.n
            start = self.stamps[event.n]
            if start >= self.since:
                self.times.append(now - start)


class Ledger:
    """What was heard in one room, from its first message on or from some later one."""

    def __init__(self, head: int, size: int) -> None:
        self.head = head
        self.last: dict[UserId, int] = {}
        """The last number of each who spoke."""
        self.faults: Counter[str] = Counter()
        self._size = size

    def note(self, message: Message) -> int:
        """Its number; 0 for what is none of ours, or comes again."""
        if message.seq <= self.head:
            self.faults["heard twice"] += 1
            return 0
        if message.seq > self.head + 1:
            self.faults["lost"] += message.seq - self.head - 1
        self.head = message.seq
        number = message.body.partition(" ")[0]
        if not number.isdigit():
            return 0
        n = int(number)
        if n != self.last.get(message.sender, 0) + 1:
            self.faults["out of order"] += 1
        self.last[message.sender] = n
        if message.body != text(n, self._size):
            self.faults["damaged"] += 1
        return n


class Listener(Line):
    """Hears all that is said in the room, and notes how long it took."""

    def __init__(
        self,
        port: int,
        name: str,
        size: int,
        *,
        after: int | None = None,
        encrypted: bool = False,
        receive_buffer: int = 0,
    ) -> None:
        super().__init__(port, name, encrypted=encrypted, receive_buffer=receive_buffer)
        self.conversation = self.room()
        self._early: list[Event] = []
        head = self._join(after)
        self.ledger = Ledger(head if after is None else after, size)
        self.times: list[float] = []
        self.since = float("inf")
        self.take(self._early, {}, 0.0)

    def _join(self, after: int | None) -> int:
        """The head of the room; what is delivered behind the reply is kept for `take`."""
        self.send(Join(1 << 30, ROOM, after))
        while True:
            events = self.receive()
            for i, event in enumerate(events):
                if isinstance(event, Joined):
                    self._early = events[i + 1 :]
                    return event.head
                if isinstance(event, Refused):
                    raise Denied(event.code)

    def take(self, events: Sequence[Event], senders: dict[UserId, Sender], now: float) -> None:
        """Count what was delivered; ``senders`` know when it was sent."""
        for event in events:
            if type(event) is not Deliver:
                continue
            for message in event.messages:
                n = self.ledger.note(message)
                sender = senders.get(message.sender) if n else None
                if sender is not None and sender.stamps[n] >= self.since:
                    self.times.append(now - sender.stamps[n])

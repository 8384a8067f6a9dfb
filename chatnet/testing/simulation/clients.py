"""Clients of a simulation: real sessions over a bad network, and what each of them must hear.

A client here does what `chatnet.client.link` does for a session, step by step and in virtual time, and like any
program it stalls, stops reading, ends, and starts again. It checks its own news: every message applied is the stored
one, in order and once; every post ends as it must.
"""

from dataclasses import dataclass
from random import Random

from chatnet.address import Address
from chatnet.client.connection import Make
from chatnet.client.identity import Identity
from chatnet.client.news import (
    Answer,
    ChatStarted,
    HistoryLost,
    Incoming,
    Missed,
    News,
    Offline,
    Online,
    PostRefused,
    RoomLost,
    Stored,
)
from chatnet.client.outbox import Target, ToConversation, ToRoom
from chatnet.client.session import ClientSession, Phase
from chatnet.errors import ErrorCode, Unreachable
from chatnet.events import Joined
from chatnet.model import LOBBY, ConversationId, Kind, Seq, UserId
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.audit import AuditedStore
from chatnet.testing.simulation.network import SimulatedNetwork
from chatnet.testing.simulation.trace import Trace, Violation
from chatnet.transports.memory import MemoryTransport

READ_BYTES = 64 * 1024
EXPECTED_LOSSES = (
    ErrorCode.UNREACHABLE,
    ErrorCode.NO_ANSWER,
    ErrorCode.TIMED_OUT,
    ErrorCode.AUTH_TIMEOUT,
    ErrorCode.TOO_SLOW,
    ErrorCode.SERVER_FULL,
    ErrorCode.SHUTTING_DOWN,
    ErrorCode.TOO_MANY_SESSIONS,
)
"""Why a client that keeps the rules may lose a connection."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A post, and the codes with which it may be refused."""

    target: Target
    body: str
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all clients of a world share."""

    rng: Random
    clock: VirtualClock
    network: SimulatedNetwork
    address: Address
    store: AuditedStore
    trace: Trace


class SimulatedClient:
    """One process of one guest, who has no other if it ``is_only_one``; ``start`` makes a new one, on a new device."""

    def __init__(self, label: str, name: str, secret: bytes, around: Surroundings, *, is_only_one: bool) -> None:
        self.label = label
        self.name = name
        self.is_only_one = is_only_one
        self._secret = secret
        self._around = around
        self.transport: MemoryTransport | None = None
        self.unsent = bytearray()
        self.frozen_until = self.deaf_until = 0.0
        """Until when the process does nothing, or reads nothing."""
        self._process = 0
        self.start()

    def start(self) -> None:
        """Be a new process that knows nothing of the one before."""
        around = self._around
        self._drop()
        self._process += 1
        self.identity = Identity(self._secret, around.rng.randbytes(16))
        self.session = ClientSession(self.name, self.identity, random=around.rng.random, answer_seconds=5.0)
        self.user: UserId = 0
        self.posts: dict[int, Posted] = {}
        """Without an answer."""
        self.applied: dict[ConversationId, Seq] = {}
        """The last message that was applied in each conversation that it follows."""
        self.rooms: dict[ConversationId, str] = {}
        """Those of them that are rooms, with their names."""
        self.joins: dict[int, Seq | None] = {}
        """After which message each `join` without an answer is to start."""
        self._parted: dict[ConversationId, int] = {}
        """The number of the last `part` of each room: joins with smaller ones no longer count."""
        self.questions: set[int] = set()
        """Requests without an answer."""
        self._heads: dict[ConversationId, Seq] | None = None
        """Where each personal chat was when it first was sure to miss nothing."""
        self._has_ended = False
        self._next_connect = around.clock.now().monotonic

    @property
    def _now(self) -> float:
        return self._around.clock.now().monotonic

    def _trace(self, what: str) -> None:
        self._around.trace.add(f"{self.label}.{self._process}", what)

    # -- moving bytes -----------------------------------------------------------------------------------------

    @property
    def due(self) -> float | None:
        """When it has something to do, even if nothing arrives."""
        wanted = self._next_connect if self.transport is None else self.session.next_tick
        return None if wanted is None else max(wanted, self.frozen_until)

    @property
    def _can_send(self) -> bool:
        return bool(self.unsent) and not self._has_ended

    @property
    def is_ready(self) -> bool:
        """Has it something to do now?"""
        if self._now < self.frozen_until:
            return False
        due, transport = self.due, self.transport
        readable = transport is not None and transport.incoming.is_readable and self._now >= self.deaf_until
        writable = transport is not None and self._can_send and transport.outgoing.is_writable
        return readable or writable or (due is not None and due <= self._now)

    @property
    def is_busy(self) -> bool:
        """Is anything on its way to it or from it, or does it wait for an answer?"""
        if self.transport is None or not self.session.is_online or self.unsent:
            return True
        waits = self.posts or self.joins or self.questions
        return bool(waits) or self.transport.incoming.has_unread or self.transport.outgoing.has_unread

    def step(self) -> None:
        """Do what is to be done now: connect, or send, read and send again."""
        if self._now < self.frozen_until:
            return
        if self.transport is None:
            if self._now >= self._next_connect and self.session.phase is not Phase.STOPPED:
                self._connect()
            return
        self._send()
        if self._now >= self.deaf_until:
            self._receive()
        self.session.tick(self._now)
        self._send()
        if self.session.wants_close:
            self._end(None)
        self.hear()

    def _connect(self) -> None:
        try:
            self.transport = self._around.network.connect(self._around.address)
        except Unreachable as error:
            self._lost(error)
        else:
            self._trace("connects")
            self.session.connection_made(self._now)
            self._send()

    def _send(self) -> None:
        self.unsent += self.session.data_to_send()
        if self.transport is None or not self._can_send:
            return
        try:
            taken = self.transport.send(bytes(self.unsent))
        except OSError as error:
            self._receive()
            self._end(error)
            return
        del self.unsent[:taken]

    def _receive(self) -> None:
        rng = self._around.rng
        while self.transport is not None and not self.session.wants_close:
            limit = READ_BYTES if rng.random() < 0.8 else rng.randint(1, 64)
            try:
                data = self.transport.receive(limit)
            except OSError as error:
                self._end(error)
                return
            if not data:
                if data is not None:
                    self._end(None)
                return
            self.session.receive(data, self._now)
            if rng.random() < 0.2:
                return

    def _end(self, error: OSError | None) -> None:
        if self.transport is not None:
            self._end_of_connection(None if error is None else Unreachable(ErrorCode.UNREACHABLE, str(error)))

    def _end_of_connection(self, error: Unreachable | None) -> None:
        self._drop()
        self._lost(error)

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.close()
        self.transport = None
        self.unsent = bytearray()
        self._has_ended = False

    def _lost(self, error: Unreachable | None) -> None:
        retry_at = self.session.connection_lost(self._now, error)
        if retry_at is None:
            raise Violation("client", f"{self.label} gives up: {self.session.failure}")
        self._next_connect = retry_at
        self.hear()

    # -- misbehaving ------------------------------------------------------------------------------------------

    def vanish(self) -> None:
        """Close the connection without a word; the session connects again by itself."""
        if self.transport is not None:
            self._trace("vanishes")
            self._end(None)

    def go_dark(self, *, notices: bool) -> None:
        """Be cut off without a word to either side; the client ``notices``, or has to find out as the server does."""
        if self.transport is None:
            return
        self._trace("goes dark")
        self._around.network.cut(self.transport)
        if notices:
            self.transport = None
            self._end_of_connection(None)

    def end(self) -> None:
        """End one's own side, and wait for the server to end its own."""
        if self.transport is not None and not self._has_ended:
            self._trace("ends its side")
            self._has_ended = True
            self.transport.end()

    # -- the application --------------------------------------------------------------------------------------

    def post(self, target: Target, body: str, kind: Kind, reference: Seq, refusals: tuple[str, ...]) -> None:
        """Say something, which may be refused with these codes."""
        n = self.session.post(target, body, kind, reference)
        self.posts[n] = Posted(target, body, refusals)
        self._trace(f"posts {n}: {len(body.encode())} bytes to {target}")

    def join(self, room: str, after: Seq | None) -> None:
        """Be in a room."""
        self._trace(f"joins {room} after {after}")
        self.joins[self.session.join(room, after)] = after
        self.hear()

    def part(self, room: ConversationId) -> None:
        """Leave a room."""
        self._trace(f"parts {room}")
        self.applied.pop(room, None)
        self.rooms.pop(room, None)
        self._parted[room] = self.session.part(room)
        self.questions.add(self._parted[room])
        self.hear()

    @property
    def known_rooms(self) -> list[str]:
        """The names of the rooms that it has heard of."""
        conversations = self.session.cache.conversations.values()
        return [c.room.name for c in conversations if c.room is not None] or [LOBBY]

    @property
    def own_rooms(self) -> list[ConversationId]:
        """Those of them that are its own."""
        rooms = [conversation.room for conversation in self.session.cache.conversations.values()]
        return [room.id for room in rooms if room is not None and room.owner == self.session.cache.me.id]

    def ask(self, make: Make) -> None:
        """Send a request."""
        self._trace(f"asks {make(0)}")
        self.questions.add(self.session.request(make))
        self.hear()

    # -- news -------------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take all news, and check them; and what is to be sent because of them."""
        self.unsent += self.session.data_to_send()
        for news in self.session.news():
            self._trace(_summary(news))
            self._heard(news)

    def _heard(self, news: News) -> None:
        match news:
            case Online(user=user):
                if self.user not in (0, user.id):
                    raise Violation("client", f"{self.label} has become another user: {user}")
                self.user = user.id
                if self._heads is None:
                    self._heads = {id: self._around.store.head(id) for id in self._around.store.chats}
            case Offline(code=code, reason=reason) if code not in EXPECTED_LOSSES:
                raise Violation("client", f"{self.label} lost its connection: {code}: {reason}")
            case Incoming():
                self._incoming(news)
            case Missed(conversation, first, last):
                expected = self.applied.get(conversation.id, first - 1) + 1
                if last >= self._around.store.first(conversation.id) or first != expected:
                    raise Violation("I6", f"{self.label} misses {conversation.id}#{first}-{last}, which are kept")
                self.applied[conversation.id] = last
            case Stored(n, conversation, seq):
                self._stored(n, conversation, seq)
            case PostRefused(n, code, reason):
                self._refused(n, code, reason)
            case Answer(id, reply):
                self._answered(id, reply)
            case ChatStarted(conversation):
                self.applied.setdefault(conversation.id, 0)
            case HistoryLost() | RoomLost():
                raise Violation("I6", f"{self.label} has lost its place: {news}")

    def _incoming(self, news: Incoming) -> None:
        id, message = news.conversation.id, news.message
        if self._around.store.message(id, message.seq) != message:
            raise Violation("I5", f"{self.label} applied {id}#{message.seq}, which is not stored")
        expected = self.applied[id] if id in self.applied else self._start_of(id, message.seq)
        if message.seq != expected + 1:
            raise Violation("I6", f"{self.label} applied {id}#{message.seq} after {expected}")
        self.applied[id] = message.seq

    def _start_of(self, id: ConversationId, seq: Seq) -> Seq:
        """What comes before the first message of a conversation without a place yet: only chats can be such."""
        if id not in self._around.store.chats:
            raise Violation("I6", f"{self.label} applied a message of the room {id} without being in it")
        return seq - 1 if self._heads is None else min(seq - 1, self.must_have(id))

    def must_have(self, chat: ConversationId) -> Seq:
        """After which message it must have heard everything of a personal chat."""
        return 0 if self._heads is None else self._heads.get(chat, 0)

    def _stored(self, n: int, conversation: ConversationId, seq: Seq) -> None:
        post, store = self.posts.pop(n), self._around.store
        message = store.message(conversation, seq)
        if store.places.get((self.identity.device, n)) != (conversation, seq) or message is None:
            raise Violation("I1", f"{self.label}'s post {n} is not at {conversation}#{seq}")
        if message.body != post.body:
            raise Violation("I1", f"{self.label}'s post {n} was stored with another text")
        match post.target:
            case ToConversation(id):
                is_there = conversation == id
            case ToRoom(name):
                is_there = store.rooms.get(conversation) == name
            case _:
                is_there = self.session.cache.me.id in store.chats.get(conversation, ())
        if not is_there:
            raise Violation("I1", f"{self.label}'s post {n} to {post.target} went to {conversation}")

    def _refused(self, n: int, code: str, reason: str) -> None:
        post, key = self.posts.pop(n), (self.identity.device, n)
        if key in self._around.store.places or not (code in post.refusals or code == ErrorCode.STALE):
            raise Violation("I7", f"{self.label}'s post {n} was refused: {code}: {reason}")
        self._around.store.refused.add(key)

    def _answered(self, number: int, reply: object) -> None:
        self.questions.discard(number)
        after = self.joins.pop(number, None)
        if isinstance(reply, Joined) and number > self._parted.get(reply.room.id, 0):
            self.rooms[reply.room.id] = reply.room.name
            self.applied.setdefault(reply.room.id, reply.head if after is None else after)


def _summary(news: News) -> str:
    """The news in a few words."""
    match news:
        case Incoming(conversation, message):
            return f"applies {conversation.id}#{message.seq}"
        case Missed(conversation, first, last):
            return f"misses {conversation.id}#{first}-{last}"
        case Stored(n, conversation, seq):
            return f"has {n} stored as {conversation}#{seq}"
        case _:
            return str(news)

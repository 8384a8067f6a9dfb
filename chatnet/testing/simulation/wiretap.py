"""Reads along at the server's end of each connection, and holds what the server says to the protocol.

At this place it can be seen whether anything leaves the server before it is stored; a client would see it too late.
Rules: nothing is told of a message before it is stored, nor to anybody whom it does not concern; a conversation's
messages come in order and without gaps; an ack follows its message; every request has one answer.
"""

from collections.abc import Callable, Iterable

from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import (
    Ack,
    AreYouThere,
    Closing,
    ConversationPage,
    Deliver,
    Done,
    Event,
    FileChunk,
    Following,
    Hello,
    HistoryPage,
    Joined,
    Marked,
    Nack,
    Opened,
    Started,
    Truncated,
    Welcome,
)
from chatnet.model import Conversation, ConversationId, DeviceId, Message, Seq, SessionId, UserId
from chatnet.requests import Alive, Follow, GrantCredit, Join, Login, Mark, Part, Post, Request, SendChunk
from chatnet.testing.simulation.file_tap import OF_UPLOADS, FileTap
from chatnet.testing.simulation.ledger import Ledger, Position
from chatnet.testing.simulation.trace import Trace, Violation
from chatnet.wire.codec import decode_event, decode_request
from chatnet.wire.frames import HEADER_BYTES, MAX_PAYLOAD, PREFACE, FrameReader

TAG_AT = HEADER_BYTES + 1
"""Where a frame has its tag: behind its length and the head of an array."""
_FILE_CHUNK = FileChunk.__struct_config__.tag
EXPECTED_ENDS = (
    ErrorCode.TOO_SLOW,
    ErrorCode.TIMED_OUT,
    ErrorCode.AUTH_TIMEOUT,
    ErrorCode.SERVER_FULL,
    ErrorCode.REPLACED,
    ErrorCode.SHUTTING_DOWN,
)
"""Why a server may close the connection of a client that keeps the rules."""


class Turn:
    """To which connections a server has written messages in this turn of its loop."""

    def __init__(self) -> None:
        self.served: set[Wiretap] = set()
        self.bytes = 0
        """Read and written on all connections, in all turns."""

    def begin(self) -> None:
        """A new turn."""
        self.served.clear()


class Wiretap:
    """One connection. ``sessions`` tells which sessions a user has at this moment."""

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        trace: Trace,
        limits: Limits,
        sessions: Callable[[UserId], Iterable[SessionId]],
        turn: Turn,
    ) -> None:
        self.name = name
        self.is_open = True
        self.deliveries = self.acks = 0
        self.unanswered: dict[int, None] = {}
        """Posts without an answer."""
        self.asked: dict[int, Request] = {}
        """Requests without a reply."""
        self._ledger, self._trace, self._limits, self._sessions = ledger, trace, limits, sessions
        self._turn = turn
        self._in, self._out = FrameReader(MAX_PAYLOAD), FrameReader(MAX_PAYLOAD)
        self._preface = b""
        self._is_greeted = self._is_dismissed = self._is_blocked = False
        self._was_slow = False
        """Has there been so much to send that the server may have kept messages back?"""
        self._device: DeviceId = b""
        self._user: UserId = 0
        self._is_live = False
        """Does it hear all personal chats, whether it followed them or not?"""
        self._floor: dict[tuple[UserId, ConversationId], Position] = {}
        """How far everybody is known to be, so that nothing else can be said any more."""
        self._cursors: dict[ConversationId, Seq] = {}
        """The last message that was sent of each conversation that is followed."""
        self._resend_from: int | None = None
        self._ended_at: float | None = None
        self._files = FileTap(name, ledger, lambda: self._user, lambda: self._device)

    # -- from the client --------------------------------------------------------------------------------------

    def heard(self, data: bytes) -> None:
        """The server has read this."""
        self._turn.bytes += len(data)
        wanted = len(PREFACE) - len(self._preface)
        self._preface += data[:wanted]
        self._in.receive(data[wanted:])
        while (payload := self._in.next_frame()) is not None:
            request = decode_request(payload)
            if isinstance(request, Post):
                self._posted(request.n)
            elif not isinstance(request, Alive | SendChunk | GrantCredit):
                self.asked[request.id] = request
            self._files.heard(request)
            if isinstance(request, Login):
                self._floor = dict(self._ledger.marks)

    def _posted(self, n: int) -> None:
        if self._resend_from is not None and n > self._resend_from:
            return
        self._resend_from = None
        self.unanswered[n] = None

    def ended(self) -> None:
        """The server has read that the client has ended its side."""
        if self._ended_at is None:
            self._ended_at = self._trace.now

    @property
    def begun(self) -> bytes:
        """The start of a frame whose end the server has yet to write."""
        return bytes(self._out._held[self._out._at :])

    # -- from the server --------------------------------------------------------------------------------------

    def said(self, data: bytes, taken: int) -> None:
        """The server has tried to write this, and so many bytes of it were taken."""
        self._turn.bytes += taken
        self._is_blocked = taken < len(data)
        most = self._limits.output_soft
        self._was_slow = self._was_slow or (len(data) > most and self._without_files(data) > most)
        self._out.receive(data[:taken])
        try:
            while (payload := self._out.next_frame()) is not None:
                self._told(decode_event(payload))
        except ProtocolError as error:
            raise Violation("protocol", f"{self.name} was sent what nobody can read: {error}") from error

    def _without_files(self, data: bytes) -> int:
        """How many of these bytes are about to be written of anything but files."""
        begun = self.begun
        data, at, size = begun + data, 0, 0
        while at < len(data):
            end = at + HEADER_BYTES + int.from_bytes(data[at : at + HEADER_BYTES])
            if len(data) <= at + TAG_AT or data[at + TAG_AT] != _FILE_CHUNK:
                size += min(end, len(data)) - max(at, len(begun))
            at = end
        return size

    def check_settled(self) -> None:
        """Once quiet: if it is open, has everything that was asked been answered?"""
        if self.is_open and (self.unanswered or self.asked):
            raise Violation("I7", f"{self.name} has no answers to {list(self.unanswered)} and {list(self.asked)}")

    def closed(self, *, is_broken: bool) -> None:
        """The server has closed the connection; before that, who ended its side gets the answers, if it reads them."""
        self.is_open = False
        if is_broken or self._is_dismissed or self._is_blocked or self._ended_at is None:
            return
        if self._trace.now >= self._ended_at + self._limits.farewell_seconds:
            return
        asked = [id for id, request in self.asked.items() if not isinstance(request, OF_UPLOADS)]
        if self.unanswered or asked:
            left = f"{list(self.unanswered)} and {asked}"
            raise Violation("half close", f"{self.name} ended its side, and has no answers to {left}")

    def _told(self, event: Event | None) -> None:
        if event is None:
            raise Violation("protocol", f"{self.name} was sent an unknown event")
        self._trace.add(self.name, f"<- {_summary(event)}")
        if isinstance(event, Hello) == self._is_greeted and not isinstance(event, Closing):
            raise Violation("protocol", f"{self.name} was sent {event}, where a Hello comes first and once")
        self._is_greeted = True
        self._files.told(event)
        match event:
            case Deliver():
                self._delivered(event)
            case Ack():
                self._acked(event)
            case Nack():
                self._nacked(event)
            case Truncated(id, first):
                self._truncated(id, first)
            case Started(conversation):
                if self._cursors.get(conversation.id) or conversation.head:
                    raise Violation("protocol", f"{self.name} was told that {conversation.id} begins, late")
                self._cursors[conversation.id] = 0
                self._check_view(conversation)
            case Marked(id, user, delivered, read):
                self._ledger.told_marks(user, id, (delivered, read))
                self._check_marks(id, user, (delivered, read))
            case Closing(code, reason) if code not in EXPECTED_ENDS:
                raise Violation("protocol", f"the server closes {self.name}: {code}: {reason}")
            case Closing():
                self._is_dismissed = True
            case _ if hasattr(event, "id"):
                self._replied(event, event.id)

    def _see(self, conversation: ConversationId, messages: list[Message]) -> None:
        """These messages leave the server."""
        chat = self._ledger.chats.get(conversation)
        if chat is not None and self._user not in chat:
            raise Violation("privacy", f"{self.name} was sent messages of the chat {conversation}")
        for i, message in enumerate(messages):
            if message.seq != messages[0].seq + i:
                raise Violation("I6", f"{self.name} was sent {conversation} with a gap before {message.seq}")
            self._ledger.check_message(self.name, conversation, message)

    def _delivered(self, event: Deliver) -> None:
        id, messages = event.conversation, event.messages
        cursor = self._cursor(id)
        self._see(id, messages)
        self.deliveries += len(messages)
        self._turn.served.add(self)
        if not messages or messages[0].seq != (messages[0].seq if cursor is None else cursor + 1):
            raise Violation("I6", f"{self.name} was sent {_summary(event)} after {cursor}")
        self._cursors[id] = messages[-1].seq

    def _truncated(self, id: ConversationId, first: Seq) -> None:
        cursor, kept = self._cursor(id), self._ledger.first(id)
        if first > kept or (cursor is not None and first <= cursor + 1):
            raise Violation("I6", f"{self.name} has {id} up to {cursor}; it is kept from {kept}, not {first}")
        self._cursors[id] = first - 1

    def _cursor(self, id: ConversationId) -> Seq | None:
        """How far it was sent a conversation that it follows; None where it has been live from the start."""
        if id not in self._cursors and not (self._is_live and id in self._ledger.chats):
            raise Violation("privacy", f"{self.name} was sent messages of {id}, which it does not follow")
        return self._cursors.get(id)

    def _acked(self, ack: Ack) -> None:
        key = (self._device, ack.n)
        if self._ledger.places.get(key) != (ack.conversation, ack.seq):
            raise Violation("I1", f"{self.name} was told {ack}, but it is at {self._ledger.places.get(key)}")
        self._answered(ack.n)
        self.acks += 1
        is_new = key not in self._ledger.repeated and not self._was_slow
        if is_new and self._cursors.get(ack.conversation) == ack.seq - 1:
            raise Violation("order", f"{self.name} got the ack of {ack.conversation}#{ack.seq} before the message")

    def _nacked(self, nack: Nack) -> None:
        self._answered(nack.n)
        if nack.retry_after > 0:
            self._resend_from = nack.n
            self.unanswered = {n: None for n in self.unanswered if n < nack.n}
            return
        key = (self._device, nack.n)
        if key in self._ledger.places or (nack.code == ErrorCode.STALE and key not in self._ledger.checked):
            raise Violation("I7", f"{self.name}'s message {nack.n} is refused with {nack.code}; it sent all in order")

    def _answered(self, n: int) -> None:
        if n not in self.unanswered:
            raise Violation("protocol", f"{self.name} got an answer to {n}, but {list(self.unanswered)} are unanswered")
        del self.unanswered[n]

    def _replied(self, reply: Event, id: int) -> None:
        request = self.asked.pop(id, None)
        if request is not None:
            self._files.replied(request, reply)
        match request, reply:
            case None, _:
                raise Violation("protocol", f"{self.name} was sent {_summary(reply)}, which answers nothing")
            case Login(), Welcome(user=user):
                self._device, self._user, self._is_live = request.device, user.id, request.live
                self._ledger.holds(user.id, request.secret)
                if request.replaces and request.replaces in self._sessions(user.id):
                    raise Violation("replaced", f"{self.name} is in, and the session {request.replaces} still there")
            case Join(after=after) | Follow(after=after), Joined() | Following():
                id = reply.room.id if isinstance(reply, Joined) else reply.conversation
                self._knows_head(id, reply.head)
                self._cursors[id] = reply.head if after is None else min(after, reply.head)
            case Part(conversation=id), Done():
                self._cursors.pop(id, None)
            case Mark(conversation=id), Done():
                self._ledger.told_marks(self._user, id, (request.delivered, request.read))
            case _, Opened(conversation=conversation):
                if not self._ledger.knows(conversation.id):
                    raise Violation("I5", f"{self.name} was told of {conversation.id}, which is not stored")
                self._knows_head(conversation.id, conversation.head)
                self._check_view(conversation)
            case _, ConversationPage(conversations=conversations):
                for conversation in conversations:
                    self._check_view(conversation)
            case _, HistoryPage(conversation=id, messages=messages, head=head):
                self._knows_head(id, head)
                self._see(id, messages)

    def _check_view(self, view: Conversation) -> None:
        self._check_marks(view.id, self._user, (view.delivered, view.read))
        if view.peer is not None:
            self._check_marks(view.id, view.peer.id, (view.peer_delivered, view.peer_read))

    def _check_marks(self, id: ConversationId, user: UserId, position: Position) -> None:
        """Marks only move forward, whatever becomes of the server meanwhile."""
        before = self._floor.get((user, id), (0, 0))
        if position[0] < before[0] or position[1] < before[1]:
            raise Violation("marks", f"{self.name} was told that user {user} is at {position} of {id}, after {before}")
        self._floor[user, id] = position

    def _knows_head(self, id: ConversationId, head: Seq) -> None:
        if head > self._ledger.head(id):
            raise Violation("I5", f"{self.name} was told of {id}#{head}; only {self._ledger.head(id)} are stored")


def _summary(event: Event) -> str:
    """The event in a few words."""
    match event:
        case Hello() | AreYouThere():
            return type(event).__name__
        case FileChunk(download, offset, data):
            return f"FileChunk {download}: {offset}-{offset + len(data)}"
        case Deliver(id, messages) | HistoryPage(conversation=id, messages=messages):
            seqs = f"#{messages[0].seq}-{messages[-1].seq}" if messages else "#-"
            return f"{type(event).__name__} {id}{seqs}"
        case _:
            return str(event)

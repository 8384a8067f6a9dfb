"""The application of a simulated client: it asks things of its session, and knows what it must hear.

Rules: every message applied is the stored one, in order and once, from where it came in and with nothing left out that
is still kept; every post ends as stored, where it was meant to go, or refused for a reason that it gave.
"""

from collections import deque
from collections.abc import Callable

from chatnet.client.connection import Make
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
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode
from chatnet.events import Joined
from chatnet.model import LOBBY, Conversation, ConversationId, DeviceId, FileId, Kind, Seq, User, UserId
from chatnet.testing.simulation.kills import ClientStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.profile import Kept, Memory, Posted
from chatnet.testing.simulation.trace import Trace, Violation

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


class Application:
    """On top of one session, of the process ``label`` and of this device, for as long as the process lives."""

    def __init__(
        self, label: str, device: DeviceId, kept: Kept, ledger: Ledger, trace: Trace, at: Callable[[ClientStep], None]
    ) -> None:
        self.label = label
        self.kept = kept
        self._device = device
        self._ledger = ledger
        self._trace = trace
        self._at = at
        self._session: ClientSession
        self._waiting: deque[News] = deque()
        """News that it has not taken."""
        self.answers: dict[int, Stored | PostRefused] = {}
        """To all posts."""
        self._taken: Incoming | None = None
        """The message that it is busy with."""
        self.user: UserId = 0
        self._has_been_online = False
        self.joins: dict[int, Seq | None] = {}
        """After which message each `join` without an answer is to start."""
        self.returning: dict[str, Seq] = {name: kept.applied[id] for id, name in kept.rooms.items()}
        """Rooms of the process before, where it has yet to go on."""
        self._parted: dict[ConversationId, int] = {}
        """The number of the last `part` of each room: joins with smaller ones no longer count."""
        self.questions: set[int] = set()
        """Requests without an answer."""
        self._heads: dict[ConversationId, Seq] | None = None if kept.memory is Memory.NONE else {}
        """Where each personal chat was when it first was sure to miss nothing; empty: it must have all of them."""

    def attach(self, session: ClientSession) -> None:
        """This is its session."""
        self._session = session

    @property
    def posts(self) -> dict[int, Posted]:
        """Without an answer."""
        return self.kept.posts

    @property
    def applied(self) -> dict[ConversationId, Seq]:
        """The last message that was applied in each conversation that it follows."""
        return self.kept.applied

    @property
    def rooms(self) -> dict[ConversationId, str]:
        """Those of them that are rooms, with their names."""
        return self.kept.rooms

    def chat_start(self, chat: Conversation) -> Seq:
        """After which message this process is to hear a personal chat."""
        applied = self.applied.get(chat.id, 0)
        if self.kept.memory is Memory.CURSORS:
            return applied
        start = max(chat.read, chat.delivered)
        if self._has_been_online:
            return start  # which nobody uses: a chat that is found now has begun since
        reached = self.kept.reached.get(chat.id, 0)
        for seq in range(reached + 1, start + 1):
            message = self._ledger.message(chat.id, seq)
            if message is None or message.sender != self._session.cache.me.id:
                raise Violation("I6", f"{self.label} has applied {chat.id} up to {reached}; its marks say {start}")
        self.applied[chat.id] = start
        return start

    def _note(self, what: str) -> None:
        self._trace.add(self.label, what)

    # -- asking -----------------------------------------------------------------------------------------------

    def post(
        self, target: Target, body: str, kind: Kind, reference: Seq, refusals: tuple[str, ...], file: FileId = 0
    ) -> int:
        """Say something, which may be refused with these codes. Its number is returned."""
        self.kept.writing = Posted(target, body, refusals)
        n = self._session.post(target, body, kind, reference, file)
        self.kept.keep(n)
        self._note(f"posts {n}: {len(body.encode())} bytes to {target}")
        return n

    def join(self, room: str, after: Seq | None) -> None:
        """Be in a room."""
        after = self.returning.get(room, after)
        self._note(f"joins {room} after {after}")
        self.joins[self._session.join(room, after)] = after
        self.hear()

    def part(self, room: ConversationId) -> None:
        """Leave a room."""
        self._note(f"parts {room}")
        self.applied.pop(room, None)
        self.returning.pop(self.rooms.pop(room, ""), None)
        self._parted[room] = self._session.part(room)
        self.questions.add(self._parted[room])
        self.hear()

    @property
    def is_waiting(self) -> bool:
        """Is anything unanswered?"""
        return bool(self.posts or self.joins or self.questions or self.returning)

    @property
    def known_rooms(self) -> list[str]:
        """The names of the rooms that it has heard of."""
        conversations = self._session.cache.conversations.values()
        return [c.room.name for c in conversations if c.room is not None] or [LOBBY]

    @property
    def own_rooms(self) -> list[ConversationId]:
        """Those of them that are its own."""
        rooms = [conversation.room for conversation in self._session.cache.conversations.values()]
        return [room.id for room in rooms if room is not None and room.owner == self._session.cache.me.id]

    def ask(self, make: Make) -> None:
        """Send a request."""
        self._note(f"asks {make(0)}")
        self.questions.add(self._session.request(make))
        self.hear()

    # -- news -------------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take all news, and check them."""
        self._waiting += self._session.news()
        while self._waiting:
            news = self._waiting.popleft()
            self._note(_summary(news))
            self._heard(news)
            self._at(ClientStep.APPLIED)
            self._finish()

    def _finish(self) -> None:
        """It comes back for more, and so is done with what it got last; as in `chatnet.client.client.Client`."""
        taken, self._taken = self._taken, None
        if taken is not None:
            self._session.delivered(taken)

    def autopsy(self) -> None:
        """The process has ended. What it had in its memory of its outbox, it need not find there again."""
        for news in (*self._waiting, *self._session.news()):
            if isinstance(news, Stored | PostRefused):
                self._heard(news)

    def _heard(self, news: News) -> None:
        if isinstance(news, Stored | PostRefused):
            self.answers[news.n] = news
        match news:
            case Online(user=user):
                self._online(user)
            case Offline(code=code, reason=reason) if code not in EXPECTED_LOSSES:
                raise Violation("client", f"{self.label} lost its connection: {code}: {reason}")
            case Incoming():
                self._incoming(news)
            case Missed(conversation, first, last):
                self._missed(conversation.id, first, last)
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

    def _online(self, user: User) -> None:
        if self.user not in (0, user.id) and self.user in self._ledger.users:
            raise Violation("identity", f"{self.label} has become another user: {user}")
        self.user, self._has_been_online = user.id, True
        for room, after in self.returning.items():
            self.joins[self._session.join(room, after)] = after
        if self._heads is None:
            self._heads = {id: self._ledger.head(id) for id in self._ledger.chats}

    def _missed(self, id: ConversationId, first: Seq, last: Seq) -> None:
        if last >= self._ledger.first(id) or first != self.applied.get(id, first - 1) + 1:
            raise Violation("I6", f"{self.label} misses {id}#{first}-{last}; {self._ledger.first(id)} is kept")
        self._has_applied(id, last)

    def _has_applied(self, id: ConversationId, seq: Seq) -> None:
        self.applied[id] = seq
        self.kept.reached[id] = max(seq, self.kept.reached.get(id, 0))

    def _incoming(self, news: Incoming) -> None:
        id, message = news.conversation.id, news.message
        self._ledger.check_message(self.label, id, message)
        expected = self.applied[id] if id in self.applied else self._start_of(id, message.seq)
        if message.seq != expected + 1:
            raise Violation("I6", f"{self.label} applied {id}#{message.seq} after {expected}")
        self._has_applied(id, message.seq)
        self._taken = news

    def _start_of(self, id: ConversationId, seq: Seq) -> Seq:
        """What comes before the first message of a conversation without a place yet: only chats can be such."""
        if id not in self._ledger.chats:
            raise Violation("I6", f"{self.label} applied a message of the room {id} without being in it")
        return seq - 1 if self._heads is None else min(seq - 1, self.must_have(id))

    def must_have(self, chat: ConversationId) -> Seq:
        """After which message it must have heard everything of a personal chat."""
        return 0 if self._heads is None else self._heads.get(chat, 0)

    def _stored(self, n: int, conversation: ConversationId, seq: Seq) -> None:
        post, ledger = self.posts.pop(n), self._ledger
        message = ledger.message(conversation, seq)
        if ledger.places.get((self._device, n)) != (conversation, seq) or message is None:
            raise Violation("I1", f"{self.label}'s post {n} is not at {conversation}#{seq}")
        if message.body != post.body:
            raise Violation("I1", f"{self.label}'s post {n} was stored with another text")
        match post.target:
            case ToConversation(id):
                is_there = conversation == id
            case ToRoom(name):
                is_there = ledger.name_of(conversation) == name
            case _:
                is_there = self._session.cache.me.id in ledger.chats.get(conversation, ())
        if not is_there:
            raise Violation("I1", f"{self.label}'s post {n} to {post.target} went to {conversation}")

    def _refused(self, n: int, code: str, reason: str) -> None:
        post, key = self.posts.pop(n), (self._device, n)
        if key in self._ledger.places or not (code in post.refusals or code == ErrorCode.STALE):
            raise Violation("I7", f"{self.label}'s post {n} was refused: {code}: {reason}")
        self._ledger.refused.add(key)

    def _answered(self, number: int, reply: object) -> None:
        self.questions.discard(number)
        after = self.joins.pop(number, None)
        if isinstance(reply, Joined):
            self.returning.pop(reply.room.name, None)
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

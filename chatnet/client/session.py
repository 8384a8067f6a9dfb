"""One user's session with a server, over as many connections as it takes. No I/O, no clock, no chance of its own.

Whoever moves the bytes calls `connection_made`, `receive`, `tick` and `connection_lost`, and after each of them sends
what `data_to_send` has. The application calls `post`, `request`, `join` and `part`, and takes `news`. All times are
seconds of any monotonic clock.

    OFFLINE --connection_made--> GREETING --Hello--> LOGIN --Welcome--> ONLINE
       ^                             |                 |                  |
       +------ connection_lost ------+-----------------+------------------+--> STOPPED, where trying again is no use

Source: the shape of h11 and of websockets' sans-IO core (https://sans-io.readthedocs.io).
"""

from collections.abc import Callable
from enum import Enum

from chatnet.client.account import Account, Who
from chatnet.client.backoff import Backoff
from chatnet.client.cache import Cache
from chatnet.client.connection import Connection, Handler, Make, check
from chatnet.client.credentials import UNKNOWN_CHANNEL, Channel, Credentials, GuestCredentials
from chatnet.client.dialogue import Dialogue
from chatnet.client.identity import Identity
from chatnet.client.inbox import ChatStart, Inbox
from chatnet.client.liveness import ANSWER_SECONDS
from chatnet.client.marking import Marker
from chatnet.client.news import (
    Answer,
    HistoryLost,
    Incoming,
    News,
    Offline,
    Online,
)
from chatnet.client.outbox import MemoryOutbox, Outbox, Target, ToRoom
from chatnet.client.reporting import learn
from chatnet.client.sender import Sender, check_post, open_request
from chatnet.client.transfer import Ways
from chatnet.client.transfers import FEATURE, Transfers
from chatnet.client.watching import Watching
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError, Refused, TrustError, Unreachable
from chatnet.events import (
    Ack,
    Credit,
    Deliver,
    Event,
    FileChunk,
    Hello,
    LogLines,
    Nack,
    Removed,
    Started,
    Stats,
    TransferEnded,
    Truncated,
    WatchEnded,
    Welcome,
)
from chatnet.model import ConversationId, FileId, Kind, Seq
from chatnet.requests import Part, Rename, Request
from chatnet.wire.codec import encode

STEADY_SECONDS = 10.0
"""A connection that was good for this long ends the back-off."""
_NEVER_LET_IN = (ErrorCode.BAD_CREDENTIALS, ErrorCode.LOGGED_OUT, ErrorCode.BANNED)
"""Refusals of a login that are final even if they name a time."""


class Phase(Enum):
    """Where the session stands."""

    OFFLINE = "offline"
    GREETING = "greeting"
    LOGIN = "login"
    ONLINE = "online"
    STOPPED = "stopped"


class ClientSession:
    """``who``: what a login shows, or a guest's name; the device is always the identity's.

    ``random`` gives numbers in [0, 1); ``live``: hear all personal chats; ``answer_seconds``: to finish a login.
    ``chat_start``: the last seq that a personal chat of before the first login is heard *after*; by default its head.
    """

    def __init__(
        self,
        who: str | Credentials,
        identity: Identity,
        *,
        random: Callable[[], float],
        display: str = "",
        live: bool = True,
        outbox: Outbox | None = None,
        chat_start: ChatStart | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.phase = Phase.OFFLINE
        self.failure: ChatnetError | None = None
        """Why the last connection ended."""
        self.retry_at: float | None = None
        """When to connect again; None if never, or if there is a connection."""
        credentials = GuestCredentials(who, display, identity) if isinstance(who, str) else who
        self.cache = Cache(credentials.me)
        self._live = live
        self._answer_seconds = answer_seconds
        self._account = Account(credentials, identity.device, self.cache)
        self._backoff = Backoff(random)
        self._outbox: Outbox = MemoryOutbox() if outbox is None else outbox
        self._sender = Sender(self._outbox, self.cache, self._ask, self._send, self._tell, lambda: self._heard_at)
        self._inbox = Inbox(self.cache, self._ask, self._tell, self._is_shut_out, live=live, start=chat_start)
        self._marker = Marker(self._ask)
        self.transfers = Transfers(Ways(self._ask, self._send, self.cache.find, lambda: self._heard_at))
        """Its uploads and downloads."""
        self._keeps_files = False
        self._watching = Watching(self._ask, self._tell)
        self._connection: Connection | None = None
        self._channel: Channel = UNKNOWN_CHANNEL
        self._online_at: float | None = None
        self._resumes = self._told_online = False
        self._news: list[News] = []
        self._last_question = 0
        self._heard_at = 0.0
        """When the event came that is being handled, or the tick."""

    # -- for whoever moves the bytes --------------------------------------------------------------------------

    def connection_made(self, now: float, channel: Channel = UNKNOWN_CHANNEL) -> None:
        """There is a new connection."""
        assert self.phase is Phase.OFFLINE
        self._channel = channel
        self.phase = Phase.GREETING
        self.failure = self.retry_at = self._online_at = None
        self._told_online = False
        self._connection = Connection(now, self._answer_seconds, self._handle)

    @property
    def wants_close(self) -> bool:
        """Is the connection of no more use? Send what is left, close it, and call `connection_lost`."""
        return self._connection is not None and self._connection.failure is not None

    def receive(self, data: bytes, now: float) -> None:
        """Take what arrived."""
        if self._connection is not None and not self.wants_close:
            self._connection.receive(data, now)

    def data_to_send(self) -> bytes:
        """What is to be sent now; every byte is returned once."""
        return b"" if self._connection is None else self._connection.data_to_send()

    @property
    def has_bulk(self) -> bool:
        """Has `bulk_to_send` something?"""
        return self.transfers.has_chunk and not self.wants_close

    def bulk_to_send(self) -> bytes:
        """One frame with bytes of a file, if some are to be sent; to be called only when nothing else is.

        Whatever `data_to_send` gives after it has to go out after it.
        """
        chunk = self.transfers.next_chunk() if self.has_bulk else None
        return b"" if chunk is None else encode(chunk)

    @property
    def next_tick(self) -> float | None:
        """When `tick` is due; None without a connection."""
        if self._connection is None:
            return None
        marks = self._marker.next_tick if self.phase is Phase.ONLINE else None
        dues = (self._connection.next_tick, self._sender.next_tick, self.transfers.next_tick, marks)
        return min(due for due in dues if due is not None)

    def tick(self, now: float) -> None:
        """Time has passed. Call `receive` with what has arrived first."""
        if self._connection is not None and not self.wants_close:
            self._heard_at = now
            self._connection.tick(now)
            self._sender.tick(now)
            self.transfers.tick(now)
            if self.phase is Phase.ONLINE:
                self._marker.tick(now)

    def connection_lost(self, now: float, error: ChatnetError | None = None) -> float | None:
        """A connection has ended, or could not be made; ``error`` says why, unless the session knows better.

        :return: when to connect again, or None: never.
        """
        if self.phase is Phase.STOPPED:
            return None
        connection, self._connection = self._connection, None
        self.phase = Phase.OFFLINE
        if connection is not None:
            error = connection.end(error)
            self._disconnect(connection)
        self.failure = error or Unreachable(ErrorCode.UNREACHABLE, "no connection could be made")
        if self._online_at is not None and now - self._online_at >= STEADY_SECONDS:
            self._backoff.reset()
        self._online_at = self.retry_at = delay = None
        if connection is not None and connection.is_final:
            self.phase = Phase.STOPPED
        else:
            delay = self._backoff.next_delay(0.0 if connection is None else connection.retry_after)
            self.retry_at = now + delay
        self._tell(Offline(self.failure.code, self.failure.message, delay))
        return self.retry_at

    def _disconnect(self, connection: Connection) -> None:
        self._sender.connection_lost()
        self._inbox.connection_lost()
        self.transfers.connection_lost()
        self.cache.connection_lost()
        for request, done in connection.take_unanswered():
            if isinstance(request, Rename):
                self._account.renaming_unanswered(request)
            done(None)

    # -- for the application ----------------------------------------------------------------------------------

    @property
    def is_online(self) -> bool:
        """Logged in, and sure to miss nothing from here on?"""
        return self.phase is Phase.ONLINE and self._told_online

    @property
    def unanswered(self) -> int:
        """Posts that the server has not answered for good."""
        return len(self._outbox)

    def applied(self, conversation: ConversationId) -> Seq | None:
        """The last message of a conversation that the application was told; None if it is not followed."""
        return self._inbox.applied(conversation)

    def news(self) -> list[News]:
        """What has happened since the last call."""
        news, self._news = self._news, []
        return news

    def post(self, target: Target, body: str, kind: Kind = Kind.TEXT, reference: Seq = 0, file: FileId = 0) -> int:
        """Say something, now or once there is a connection. `Stored` or `PostRefused` follows, with the same number.

        :raises Refused: no server could read it; nothing is posted.
        """
        check_post(target, body, kind, reference, file)
        return self._sender.post(target, body, kind, reference, file)

    def delivered(self, incoming: Incoming) -> None:
        """The application is done with a message. The sender of a personal one is told, within about a second.

        Not the session itself says so when the message arrives: a program that is killed before it has looked at what
        its session holds would have lost it.
        """
        if incoming.conversation.room is None and not incoming.own:
            self._marker.delivered(incoming.conversation.id, incoming.message.seq)

    def mark_read(self, conversation: ConversationId, seq: Seq) -> None:
        """Everything up to this message was shown to the user. The server is told, within about a second."""
        self._marker.read(conversation, seq)

    def flush_marks(self) -> None:
        """Send all marks now, if there is a connection."""
        if self.phase is Phase.ONLINE:
            self._marker.flush()

    @property
    def are_marks_settled(self) -> bool:
        """Has the server confirmed all marks?"""
        return self._marker.is_settled

    def withdraw(self, n: int) -> bool:
        """Take back a post that certainly has not reached a server; False if it may have."""
        return self._sender.withdraw(n)

    def request(self, make: Make) -> int:
        """Send a request, built around the id that it gets. An `Answer` follows, with the number that is returned.

        :raises Refused: no server could read it; nothing is sent.
        """
        check(make(1))
        return self._question(lambda done: self._ask(make, done))

    def join(self, room: str, after: Seq | None = None) -> int:
        """Be in a room, also after every lost connection, and hear what was said after ``after``, or from now on.

        An `Answer` follows, with the number that is returned.
        :raises Refused: no server could read it; nothing is sent.
        """
        check(open_request(1, ToRoom(room)))
        return self._question(lambda done: self._inbox.join(room, after, done))

    def part(self, room: ConversationId) -> int:
        """Leave a room. An `Answer` follows, with the number that is returned."""
        check(Part(1, room))
        return self._question(lambda done: self._inbox.part(room, done))

    def watch(self, *, log: bool) -> int:
        """Be told how the server fares, also after every lost connection. An `Answer` follows, with that number."""
        return self._question(lambda done: self._watching.watch(log, done))

    def unwatch(self) -> int:
        """Be told so no more. An `Answer` follows, with the number that is returned."""
        return self._question(self._watching.unwatch)

    def _question(self, ask: Callable[[Handler], None]) -> int:
        self._last_question = number = self._last_question + 1
        ask(lambda reply: self._tell(Answer(number, reply)))
        return number

    # -- what the parts do through the session ----------------------------------------------------------------

    def _ask(self, make: Make, done: Handler) -> None:
        if self._connection is None or self.phase is not Phase.ONLINE:
            done(None)
        else:
            self._connection.ask(make, done)

    def _send(self, request: Request) -> None:
        assert self._connection is not None
        self._connection.send(request)

    def _tell(self, news: News) -> None:
        self._news.append(news)

    def _is_shut_out(self, refused: Refused) -> None:
        self._fail(refused, is_final=True)

    # -- login ------------------------------------------------------------------------------------------------

    def _greeted(self, hello: Event) -> None:
        if not isinstance(hello, Hello) or self._connection is None:
            raise ProtocolError(ErrorCode.BAD_FRAME, "a server's first word is Hello")
        self._connection.greeted()
        self.phase = Phase.LOGIN
        if self._account.is_elsewhere(hello):
            if self._account.has_session:
                self._tell(HistoryLost(None))
            self._sender.forget()
            self._inbox.forget()
            self._marker.forget()
            self.transfers.forget()
            self.cache.forget()
        self._account.greeted(hello)
        self._keeps_files = FEATURE in hello.features
        is_complete = self._inbox.is_complete
        self._resumes = self._account.has_session and is_complete
        live = self._live and not is_complete
        steps = self._account.login(self._channel, live=live)
        Dialogue(self._connection.ask, steps, self._welcome, self._turned_away).start()

    def _turned_away(self, failure: ChatnetError) -> None:
        retry_after = 0.0
        is_final = isinstance(failure, TrustError)
        if isinstance(failure, Refused):
            retry_after = failure.retry_after
            is_final = not self._may_pass(failure)
        self._fail(failure, is_final=is_final, retry_after=retry_after)

    def _may_pass(self, refused: Refused) -> bool:
        """Can the same login, or one by another name, be let in later?"""
        # Somebody else may have taken the name that one has left without hearing of it.
        if refused.code in (ErrorCode.NAME_IN_USE, ErrorCode.BAD_CREDENTIALS) and self._account.try_another_name():
            return True
        # Too many sessions may be one's own, on connections of which the server has not noticed the end.
        passes = refused.retry_after > 0 or refused.code == ErrorCode.TOO_MANY_SESSIONS
        return passes and refused.code not in _NEVER_LET_IN

    def _welcome(self, welcome: Welcome) -> None:
        who = self._account.welcome(welcome)
        if who is Who.STRANGER:
            self._fail(Unreachable(ErrorCode.UNREACHABLE, f"logging in again as {self.cache.me.name}"))
            return
        if who is Who.NEWCOMER:
            self._inbox.forget_chats()
            self._marker.forget()
        assert self._connection is not None
        self._connection.logged_in()
        self.phase = Phase.ONLINE
        self._inbox.start()
        self._sender.start()
        self.transfers.start(are_possible=self._keeps_files)
        self._watching.start()

    def _fail(self, failure: ChatnetError, *, is_final: bool = False, retry_after: float = 0.0) -> None:
        assert self._connection is not None
        self._connection.fail(failure, is_final=is_final, retry_after=retry_after)

    # -- events -----------------------------------------------------------------------------------------------

    def _handle(self, event: Event, now: float) -> None:
        self._heard_at = now
        if self.phase is Phase.GREETING:
            self._greeted(event)
            return
        news = learn(event, self.cache)
        if news is not None:
            self._tell(news)
        match event:
            case Deliver():
                self._inbox.deliver(event)
            case Ack():
                self._sender.ack(event)
            case Nack():
                self._sender.nack(event)
            case Truncated():
                self._inbox.truncated(event)
            case Started():
                self._inbox.started(event)
            case Removed():
                self._inbox.removed(event)
            case Credit():
                self.transfers.credit(event)
            case FileChunk():
                self.transfers.chunk(event)
            case TransferEnded():
                self.transfers.ended(event)
            case Stats(id=0) | LogLines() | WatchEnded():
                self._watching.heard(event)
            case _:
                self._replied(event)
        if self.phase is Phase.ONLINE and not self._told_online and self._inbox.is_complete:
            self._told_online, self._online_at = True, now
            self._tell(Online(self.cache.me, self._resumes))

    def _replied(self, reply: Event) -> None:
        asked = self._connection.take_asked(reply) if self._connection is not None else None
        if asked is not None:
            request, done = asked
            self.cache.learn_answer(request, reply)
            done(reply)

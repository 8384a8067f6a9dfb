"""The hub among clients, a network and a store that all do as they like, and everything that is checked on the way.

The network takes effects as the real one does: an event is queued for its session, but a `Deliver` that is broadcast
is not when too much waits there already. What a client was told is checked when it is queued; that it reads late only
matters to the queue.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import cast

from chatnet.clock import Now
from chatnet.core.effects import AwaitDrain, Broadcast, Close, Effect, Read, Reply
from chatnet.core.entries import (
    Batch,
    Committed,
    DropBan,
    Entry,
    Failed,
    PageRead,
    PutChat,
    PutUser,
    ReadFailed,
    ReadMessages,
    Snapshot,
)
from chatnet.core.hub import Hub
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import (
    Ack,
    Deliver,
    Event,
    Following,
    HistoryPage,
    Invited,
    Joined,
    Marked,
    Nack,
    Presence,
    Removed,
    Renamed,
    RoomChanged,
    Started,
    Truncated,
    Welcome,
)
from chatnet.model import Conversation, Room
from chatnet.requests import (
    ChangeRoom,
    CreateRoom,
    Follow,
    GetHistory,
    Join,
    ListConversations,
    ListRooms,
    ListUsers,
    Login,
    Mark,
    Moderate,
    Open,
    Part,
    Post,
    Rename,
)
from chatnet.wire.codec import encode
from tests.core.machine.truth import Person, Place, Truth
from tests.core.slow_store import SlowStore

FRAME = 64 * KIB
Question = (
    ChangeRoom
    | CreateRoom
    | Follow
    | GetHistory
    | Join
    | ListConversations
    | ListRooms
    | ListUsers
    | Login
    | Mark
    | Moderate
    | Open
    | Part
    | Rename
)
News = Presence | Renamed | RoomChanged | Started | Marked | Removed | Invited


class Device:
    """An installation of a client, with what it has yet to hear about."""

    def __init__(self, number: int, person: Person | None) -> None:
        self.id = number.to_bytes(16, "big")
        self.person = person
        self.last = 0
        self.posts: dict[int, Post] = {}
        self.outbox: dict[int, Post] = {}
        self.is_honest = True
        """Has it sent every number in order, as the protocol asks?"""


class Client:
    """One connection."""

    def __init__(self, number: int, is_local: bool, soft: int) -> None:
        self.number = number
        self.is_local = is_local
        self.soft = soft
        self.is_open = True
        self.session = 0
        self.person: Person | None = None
        self.device = Device(0, None)
        self.rooms: set[int] = set()
        self.next: dict[int, int] = {}
        """The seq that must come next, of each conversation that it follows."""
        self.asked: dict[int, Question] = {}
        self.replies: dict[int, Event] = {}
        self.queue: deque[int] = deque()
        self.waits_for_drain = False
        # Posts
        self.sent = 0
        """The highest number that went over this connection."""
        self.again: int | None = None
        """A passing nack has come: send again from here."""
        self.hold: int | None = None
        """The server ignores all numbers above this one."""
        self.unanswered: list[int] = []

    def __repr__(self) -> str:
        return f"<client {self.number}>"

    @property
    def queued(self) -> int:
        return sum(self.queue)


class World:
    """Runs the hub and checks what it does."""

    def __init__(self, limits: Limits, *, is_open: bool, window: int | None) -> None:
        self.truth = Truth(limits, is_open=is_open)
        self.store = SlowStore(window)
        self.hub = Hub(
            Snapshot(),
            limits=limits,
            server=bytes(16),
            version="1",
            history="none",
            open_to_guests=is_open,
            entropy=bytes,
        )
        self.clients: list[Client] = []
        self.devices: list[Device] = []
        self.seconds = self.truth.seconds = 1000.0
        self.batch: Batch = []
        self.done: deque[tuple[Committed | Failed, int]] = deque()
        """What the store has done and the hub has not heard of, with the number of the store's failure."""
        self.changes: dict[int, tuple[Client, Question, Entry]] = {}
        """Questions that wait for the store, by the identity of their entry."""
        self.staying: dict[int, list[int]] = {}
        """Who was in a room when it was to become private, by the number of the request."""
        self.targets: dict[int, int] = {}
        """About whom each act is, by the same."""
        self.actors: dict[int, Person] = {}
        """Who has invited, by the same."""
        self.arriving: list[tuple[Client, Join]] = []
        """Joins that are stored; the end of the turn lets them in."""
        self.flying: Counter[int] = Counter()
        """How often each personal chat is being put."""
        self.pages: list[PageRead | ReadFailed] = []
        self.news: list[tuple[Client, News]] = []
        self.answers: list[tuple[Client, Ack | Nack]] = []
        self.appended: list[Entry] = []
        """By the call that was made last."""
        self.closed: list[tuple[Client, str]] = []

    @property
    def now(self) -> Now:
        return Now(self.seconds, int(self.seconds * 1000))

    def open_clients(self) -> list[Client]:
        """Connections that are there."""
        return [client for client in self.clients if client.is_open]

    def sessions(self, user: int) -> list[Client]:
        """A user's sessions."""
        person = self.truth.people.get(user)
        return [] if person is None else cast(list[Client], list(person.sessions))

    def leave(self, client: Client) -> None:
        """A session has ended, whoever ended it."""
        client.is_open = False
        person = client.person
        if person is not None:
            for room in client.rooms:
                self.truth.leave(self.truth.rooms[room], person.id)
            person.sessions.remove(client)
            person.away_since = self.seconds

    def lose(self, place: Place, user: int, code: ErrorCode) -> list[tuple[Client, News]]:
        """A user neither belongs to a room any more nor is in it. Who is told of it?"""
        place.belongs.pop(user, None)
        out = [client for client in self.sessions(user) if place.id in client.rooms]
        for client in out:
            client.rooms.remove(place.id)
            del client.next[place.id]
            self.truth.leave(place, user)
        return [(client, Removed(place.id, code, "")) for client in out]

    # -- effects ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what the call before has brought."""
        self.news, self.answers, self.appended, self.closed = [], [], [], []

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out effects as the network does."""
        missed: list[tuple[Client, Deliver]] = []
        for effect in effects:
            match effect:
                case Entry() as entry:
                    self.batch.append(entry)
                    if isinstance(entry, PutUser):
                        self.truth.kept.add(entry.id)
                    # A ban that is over ends with whatever comes next, and has nothing to do with that.
                    if not isinstance(entry, DropBan):
                        self.appended.append(entry)
                    if isinstance(entry, PutChat):
                        self.flying[entry.id] += 1
                case Read(query=query):
                    assert isinstance(query, ReadMessages), "the machine does not search"
                    self.store.read(query)
                case Reply(session=session, event=event):
                    if cast(Client, session).is_open:
                        self._queue(cast(Client, session), event)
                case Broadcast():
                    self._broadcast(effect, missed)
                case AwaitDrain(session=session):
                    cast(Client, session).waits_for_drain = True
                case Close(session=session, code=code):
                    self.closed.append((cast(Client, session), code))
                    cast(Client, session).is_open = False
        for client, deliver in missed:
            if client.is_open:
                self.perform(self.hub.fell_behind(client, deliver, self.now))

    def _broadcast(self, effect: Broadcast, missed: list[tuple[Client, Deliver]]) -> None:
        for client in cast(Iterable[Client], effect.audience):
            assert client.is_open, "told to somebody who is gone"
            if isinstance(effect.event, Deliver) and client.queued > client.soft:
                missed.append((client, effect.event))
            else:
                self._queue(client, effect.event)

    def _queue(self, client: Client, event: Event) -> None:
        size = len(encode(event))
        assert size <= FRAME
        client.queue.append(size)
        self._check_reader(client, event)
        if isinstance(event, Deliver):
            self._deliver(client, event)
            assert client.queued <= client.soft + 3 * FRAME, "too much is queued"
        elif isinstance(event, Truncated):
            assert self.store.first[event.conversation] >= event.first > client.next[event.conversation]
            client.next[event.conversation] = event.first
        elif isinstance(event, Ack | Nack):
            self.answers.append((client, event))
        elif isinstance(event, News):
            if isinstance(event, Started):
                assert client.next.setdefault(event.conversation.id, 1) == 1
            self.news.append((client, event))
        else:
            self._reply(client, event)

    def _check_reader(self, client: Client, event: Event) -> None:
        """Nobody hears anything of what they may not read."""
        match event:
            case Deliver(conversation=id) | Truncated(conversation=id) | HistoryPage(conversation=id):
                pass
            case Presence(conversation=id) | Joined(room=Room(id=id)) | RoomChanged(room=Room(id=id)):
                pass
            case _:
                return
        assert client.person is not None
        assert self.truth.may_read(client.person.id, id), f"{client} hears of {id}: {event}"

    def _reply(self, client: Client, event: Event) -> None:
        id = getattr(event, "id", 0)
        assert id not in client.replies, "two replies to one request"
        client.replies[id] = event
        if isinstance(event, Joined | Following):
            request = client.asked[id]
            assert isinstance(request, Join | Follow)
            conversation = event.room.id if isinstance(event, Joined) else event.conversation
            head = self.truth.heads.get(conversation, 0)
            assert event.head == head
            client.next[conversation] = 1 + (head if request.after is None else min(request.after, head))
        elif isinstance(event, Welcome):
            client.session = event.session

    def _deliver(self, client: Client, event: Deliver) -> None:
        assert event.conversation in client.next, "delivered to somebody who does not follow"
        expected = client.next[event.conversation]
        assert [m.seq for m in event.messages] == list(range(expected, expected + len(event.messages)))
        head = self.truth.heads[event.conversation]
        assert event.messages[-1].seq <= head, "delivered before the hub has heard that it is stored"
        assert event.messages == self.store.log[event.conversation][expected - 1 : expected - 1 + len(event.messages)]
        client.next[event.conversation] = event.messages[-1].seq + 1

    # -- what must have been told -----------------------------------------------------------------------------

    def check_news(self, expected: list[tuple[Client, News]]) -> None:
        """Exactly these clients were told exactly this, each once."""
        assert sorted(map(_plain, self.news)) == sorted(map(_plain, expected))

    def in_room(self, room: int) -> list[Client]:
        """Clients that are in a room."""
        return [client for client in self.open_clients() if room in client.rooms]

    def acquainted(self, person: Person) -> list[Client]:
        """Clients that share a room or a personal chat with a user, its own too."""
        rooms = {room for client in self.sessions(person.id) for room in client.rooms}
        friends = {user for chat in self.truth.chats.values() if person.id in chat.users for user in chat.users}
        friends.add(person.id)
        return [
            client
            for client in self.open_clients()
            if client.person is not None and (client.rooms & rooms or client.person.id in friends)
        ]


def _plain(item: tuple[Client, News]) -> tuple[int, str]:
    client, event = item
    if isinstance(event, Presence):
        joined = sorted(event.joined, key=lambda user: user.id)
        event = Presence(event.conversation, joined, sorted(event.parted), event.members)
    elif isinstance(event, Started):
        event = Started(Conversation(event.conversation.id, None, None))
    elif isinstance(event, Removed):
        event = Removed(event.conversation, event.code, "")
    return client.number, repr(event)

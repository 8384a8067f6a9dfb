"""What clients may ask for: each is asked, and the reply and all that others hear of it are compared with the truth."""

from itertools import count

from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, Event, Following, Hello, Joined, Opened, Refused, Renamed, Welcome
from chatnet.requests import ArchiveRoom, CreateRoom, Follow, Join, Login, Mark, Open, Part, Rename
from tests.core.machine.truth import Pair, Person
from tests.core.machine.world import Client, Device, News, Question, World


class Asking(World):
    """A world in which clients ask."""

    def __init__(self, limits: Limits, *, is_open: bool, window: int | None) -> None:
        super().__init__(limits, is_open=is_open, window=window)
        self.ids = count(1)

    def ask(self, client: Client, question: Question) -> Event | None:
        """A client asks for something; the reply, if it comes at once."""
        client.asked[question.id] = question
        self.begin()
        self.perform(self.hub.handle(client, question, self.now))
        return client.replies.get(question.id)

    def _refused(self, reply: Event | None, code: ErrorCode | None) -> bool:
        """Was it refused, as it should or should not be?"""
        got = reply.code if isinstance(reply, Refused) else None
        assert got == code, f"{reply} where {code} was to come"
        if code is not None:
            self.check_news([])
            assert not self.appended
        return code is not None

    # -- connections ------------------------------------------------------------------------------------------

    def connect(self, *, is_local: bool, soft: int) -> Client:
        """Somebody connects."""
        client = Client(len(self.clients), is_local, soft)
        self.clients.append(client)
        self.perform(self.hub.connected(client, is_local, self.now))
        assert isinstance(client.replies.pop(0), Hello)
        return client

    def login(
        self, client: Client, name: str, secret: bytes, device: Device | None, display: str, live: bool, replaces: int
    ) -> None:
        """A guest logs in, perhaps again."""
        truth = self.truth
        known = truth.named(name)
        if device is None or device.person is not known or known is None:
            device = Device(len(self.devices) + 1, None)
            self.devices.append(device)
        code = truth.refuse_login(client.is_local, name, secret)
        own = [] if known is None or code else self.sessions(known.id)
        replaced = [old for old in own if old.session == replaces and old.device is device]
        if len(own) - len(replaced) >= truth.limits.sessions_per_user:
            code = ErrorCode.TOO_MANY_SESSIONS
        if client.person is not None:
            code = ErrorCode.ALREADY_LOGGED_IN
        id = next(self.ids)
        reply = self.ask(client, Login(id, name, secret, device.id, display, live, replaces))
        if self._refused(reply, code):
            return
        assert isinstance(reply, Welcome)
        assert self.closed == [(old, ErrorCode.REPLACED) for old in replaced]
        for old in replaced:
            self.leave(old)
        person = known or Person(reply.user.id, name, display, secret)
        news: list[tuple[Client, News]] = []
        if display not in ("", person.display):
            person.display = display
            news = [(other, Renamed(person.user)) for other in self.acquainted(person)]
        self.check_news(news)
        self._admit(client, person, device, live=live)
        assert reply.user == person.user
        assert len({other.session for other in self.clients if other.session == client.session}) == 1

    def _admit(self, client: Client, person: Person, device: Device, *, live: bool) -> None:
        assert self.truth.people.setdefault(person.id, person) is person, "an id was given out twice"
        if any(other.device is device for other in self.open_clients()):
            device.is_honest = False
        person.sessions.append(client)
        device.person, client.person, client.device = person, person, device
        if live:
            chats = [chat.id for chat in self.truth.chats.values() if person.id in chat.users]
            client.next = {chat: self.truth.heads.get(chat, 0) + 1 for chat in chats}

    def disconnect(self, client: Client) -> None:
        """A connection breaks."""
        self.begin()
        self.perform(self.hub.disconnected(client, self.now))
        self.leave(client)
        self.check_news([])

    def rename(self, client: Client, name: str, display: str) -> None:
        """A user takes other names."""
        assert client.person is not None
        code = self.truth.refuse_rename(client.person, name)
        reply = self.ask(client, Rename(next(self.ids), name, display))
        assert (reply.code if isinstance(reply, Refused) else None) == code
        if code is None:
            assert isinstance(reply, Done)
            client.person.name, client.person.display = name, display
            self.check_news([(other, Renamed(client.person.user)) for other in self.acquainted(client.person)])

    # -- rooms and chats --------------------------------------------------------------------------------------

    def join(self, client: Client, name: str, after: int | None) -> None:
        """Somebody joins a room, perhaps again."""
        assert client.person is not None
        place = self.truth.room_named(name)
        request = Join(next(self.ids), name, after)
        if place is not None and place.id not in client.rooms:
            client.rooms.add(place.id)
            self.truth.enter(place, client.person.id)
        reply = self.ask(client, request)
        if not self._refused(reply, None if place else ErrorCode.NO_SUCH_ROOM):
            assert isinstance(reply, Joined)
            assert place is not None
            assert reply.room == place.room
            self.check_news([])

    def part(self, client: Client, room: int) -> None:
        """Somebody leaves a room."""
        assert client.person is not None
        reply = self.ask(client, Part(next(self.ids), room))
        if not self._refused(reply, None if room in client.rooms else ErrorCode.NOT_A_MEMBER):
            assert isinstance(reply, Done)
            client.rooms.remove(room)
            del client.next[room]
            self.truth.leave(self.truth.rooms[room], client.person.id)

    def create(self, client: Client, name: str) -> None:
        """Somebody makes a room; it is there once it is stored."""
        assert client.person is not None
        code = self.truth.refuse_room(client.person.id, name)
        request = CreateRoom(next(self.ids), name)
        if not self._refused(self.ask(client, request), code):
            self.truth.making.append((name, client.person.id))
            self._wait(client, request)

    def archive(self, client: Client, room: int, archived: bool) -> None:
        """Somebody tries to archive a room, or to open it again."""
        assert client.person is not None
        place = self.truth.rooms.get(room)
        code = None if place and place.owner == client.person.id else ErrorCode.FORBIDDEN
        request = ArchiveRoom(next(self.ids), room, archived)
        if not self._refused(self.ask(client, request), ErrorCode.NO_SUCH_ROOM if place is None else code):
            self._wait(client, request)

    def open(self, client: Client, name: str) -> None:
        """Somebody looks up a personal chat."""
        assert client.person is not None
        other = self.truth.named(name)
        reply = self.ask(client, Open(next(self.ids), user=name))
        if not self._refused(reply, None if other else ErrorCode.NO_SUCH_USER):
            assert isinstance(reply, Opened)
            assert other is not None
            id = reply.conversation.id
            chat = self.truth.chat_of(client.person.id, other.id)
            assert (chat is None) == (id not in self.truth.chats)
            if chat is None:
                chat = self.truth.chats[id] = Pair(id, frozenset((client.person.id, other.id)))
            assert (chat.id, reply.conversation.head) == (id, self.truth.heads.get(id, 0))
            assert reply.conversation.peer == other.user

    def follow(self, client: Client, chat: int, after: int | None) -> None:
        """Somebody follows a personal chat."""
        assert client.person is not None
        pair = self.truth.chats.get(chat)
        code = None if pair and client.person.id in pair.users else ErrorCode.NO_SUCH_CONVERSATION
        reply = self.ask(client, Follow(next(self.ids), chat, after))
        if not self._refused(reply, code):
            assert isinstance(reply, Following)

    def mark(self, client: Client, conversation: int, delivered: int, read: int) -> None:
        """Somebody says how far it has got."""
        assert client.person is not None
        truth = self.truth
        code = None if truth.may_read(client.person.id, conversation) else ErrorCode.NO_SUCH_CONVERSATION
        moves = code is None and truth.mark(client.person.id, conversation, delivered, read)
        request = Mark(next(self.ids), conversation, delivered, read)
        reply = self.ask(client, request)
        if not self._refused(reply, code):
            if moves:
                self._wait(client, request)
            else:
                assert isinstance(reply, Done)
                assert not self.appended

    def _wait(self, client: Client, question: Question) -> None:
        """What was asked for happens once it is stored, not before."""
        assert question.id not in client.replies
        self.check_news([])
        self.changes[id(self.appended[-1])] = (client, question, self.appended[-1])

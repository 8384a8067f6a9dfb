"""What clients may ask for: each is asked, and the reply and all that others hear of it are compared with the truth."""

from itertools import count

from chatnet.core.callers import Caller
from chatnet.core.entries import PutChat
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, Event, Following, Hello, Joined, Opened, Refused, Renamed, Welcome
from chatnet.model import Act
from chatnet.requests import ChangeRoom, CreateRoom, Follow, Join, Login, Mark, Moderate, Open, Part, Rename
from tests.core.machine.truth import Pair, Person, Place
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
        self.perform(self.hub.connected(client, Caller(is_local=is_local), self.now))
        assert isinstance(client.replies.pop(0), Hello)
        return client

    def login(
        self, client: Client, name: str, secret: bytes, device: Device | None, display: str, live: bool, replaces: int
    ) -> None:
        """A guest logs in, perhaps again."""
        truth = self.truth
        before = self._before(replaces, secret)
        known = before or truth.named(name)
        if device is None or device.person is not known or known is None:
            device = Device(len(self.devices) + 1, None)
            self.devices.append(device)
        code = truth.refuse_login(client.is_local, before.name if before else name, secret)
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
        if before is None and display not in ("", person.display) and person.id not in truth.renaming:
            person.display = display
            news = [(other, Renamed(person.user)) for other in self.acquainted(person)]
        self.check_news(news)
        self._admit(client, person, device, live=live)
        assert reply.user == person.user
        assert len({other.session for other in self.clients if other.session == client.session}) == 1

    def _before(self, session: int, secret: bytes) -> Person | None:
        """Who had this session? Only who knows the secret can go on with it, under whatever name."""
        had = next((client.person for client in self.clients if client.person and client.session == session), None)
        return had if had and had.id in self.truth.people and had.secret == secret else None

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
        """A user takes other names; if the store knows the user, once they are stored."""
        assert client.person is not None
        person = client.person
        code, is_kept = self.truth.refuse_rename(person, name), person.id in self.truth.kept
        request = Rename(next(self.ids), name, display)
        reply = self.ask(client, request)
        if self._refused(reply, code):
            return
        if is_kept:
            self.truth.renaming[person.id] = name
            self._wait(client, request)
            return
        assert isinstance(reply, Done)
        assert not self.appended
        person.name, person.display = name, display
        self.check_news([(other, Renamed(person.user)) for other in self.acquainted(person)])

    # -- rooms and chats --------------------------------------------------------------------------------------

    def join(self, client: Client, name: str, after: int | None) -> None:
        """Somebody joins a room, perhaps again."""
        assert client.person is not None
        user, place = client.person.id, self.truth.room_named(name)
        request = Join(next(self.ids), name, after)
        code = self.truth.refuse_reading(user, place.id if place else 0, ErrorCode.NO_SUCH_ROOM)
        is_stored = code is None and place is not None and place.id not in client.rooms
        is_stored = is_stored and place is not None and place.belongs.get(user) is False
        if place is not None and is_stored and user in place.held:
            code = ErrorCode.RETRY_AFTER
        elif place is not None and code is None and not is_stored and place.id not in client.rooms:
            client.rooms.add(place.id)
            self.truth.enter(place, user)
        reply = self.ask(client, request)
        if not self._refused(reply, code):
            if is_stored:
                self._wait(client, request)
                return
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

    def change(self, client: Client, room: int, *, archived: bool | None = None, private: bool | None = None) -> None:
        """Somebody tries to archive a room, to make it private, or the other way round."""
        assert client.person is not None
        place = self.truth.rooms.get(room)
        code = self.truth.refuse_reading(client.person.id, room, ErrorCode.NO_SUCH_ROOM)
        if code is None and (place is None or place.owner != client.person.id):
            code = ErrorCode.FORBIDDEN
        request = ChangeRoom(next(self.ids), room, private=private, archived=archived)
        if not self._refused(self.ask(client, request), code):
            assert place is not None
            self.staying[request.id] = [user for user in place.members if user not in place.held]
            self._wait(client, request)

    def moderate(self, client: Client, act: Act, name: str, room: int, seconds: int) -> None:
        """Somebody does something about somebody in a room."""
        assert client.person is not None
        truth = self.truth
        target = truth.named(name)
        code = truth.refuse_reading(client.person.id, room, ErrorCode.NO_SUCH_ROOM)
        if code is None:
            code = self._refuse_act(client.person, truth.rooms[room], act, target)
        request = Moderate(next(self.ids), act, name, room, seconds)
        if not self._refused(self.ask(client, request), code):
            assert target is not None
            truth.rooms[room].held.add(target.id)
            self.targets[request.id], self.actors[request.id] = target.id, client.person
            self._wait(client, request)

    def _refuse_act(self, person: Person, place: Place, act: Act, target: Person | None) -> ErrorCode | None:
        if target is None:
            return ErrorCode.NO_SUCH_USER
        if target is person or place.owner != person.id:
            return ErrorCode.FORBIDDEN
        if act is Act.KICK and not place.belongs.get(target.id) and target.id not in place.members:
            return ErrorCode.NOT_A_MEMBER
        is_banned = self.truth.is_banned(target.id, place)
        if act is Act.INVITE and (is_banned or target.id in place.belongs):
            return ErrorCode.BAD_REQUEST
        if act is Act.UNBAN and not is_banned:
            return ErrorCode.BAD_REQUEST
        return ErrorCode.RETRY_AFTER if target.id in place.held else None

    def open(self, client: Client, name: str) -> None:
        """Somebody looks up a personal chat; a new one is there once it is stored."""
        assert client.person is not None
        other = self.truth.named(name)
        request = Open(next(self.ids), user=name)
        reply = self.ask(client, request)
        if self._refused(reply, None if other else ErrorCode.NO_SUCH_USER):
            return
        assert other is not None
        chat = self.truth.chat_of(client.person.id, other.id)
        if chat is not None and chat.stored:
            assert isinstance(reply, Opened)
            assert not self.appended
            assert (reply.conversation.id, reply.conversation.head) == (chat.id, self.truth.heads.get(chat.id, 0))
            assert reply.conversation.peer == other.user
            return
        entry = self.appended[-1]
        assert isinstance(entry, PutChat)
        assert (chat is None) == (entry.id not in self.truth.chats)
        chat = self.truth.chats.setdefault(entry.id, Pair(entry.id, frozenset((client.person.id, other.id))))
        assert chat.users == {client.person.id, other.id} == {entry.low, entry.high}
        self._wait(client, request)

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
        code = truth.refuse_reading(client.person.id, conversation, ErrorCode.NO_SUCH_CONVERSATION)
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

"""The whole world: what clients, the network, the store and time do to the hub, until all is quiet."""

from chatnet.core.entries import PutRoom
from chatnet.core.limits import KIB
from chatnet.errors import ErrorCode
from chatnet.events import ConversationPage, Presence, Refused, RoomChanged, RoomPage, UserPage
from chatnet.model import Act, User
from chatnet.requests import GetHistory, Join, ListConversations, ListRooms, ListUsers
from tests.core.machine.asking import Asking
from tests.core.machine.storing import Storing
from tests.core.machine.truth import Place
from tests.core.machine.world import Client, News


class Play(Asking, Storing):
    """All of it."""

    # -- the network ------------------------------------------------------------------------------------------

    def read_queue(self, client: Client, events: int) -> None:
        """A client reads some of what waits for it."""
        for _ in range(min(events, len(client.queue))):
            client.queue.popleft()
        if client.waits_for_drain and client.queued <= min(client.soft, 16 * KIB):
            client.waits_for_drain = False
            self.begin()
            self.perform(self.hub.drained(client, self.now))
            self.check_news([])

    def end_turn(self) -> None:
        """A turn of the loop ends: who came and went, then one batch."""
        expected: list[tuple[Client, News]] = []
        arrived = [(client, request, self._arrive(client, request)) for client, request in self.arriving]
        self.arriving = []
        for room, joined, parted in self.truth.take_changes():
            event = Presence(room.id, joined, parted, len(room.members))
            expected += [(client, event) for client in self.in_room(room.id)]
        self.begin()
        self.perform(self.hub.end_turn(self.now))
        self.check_news(expected)
        for client, request, code in arrived:
            if client.is_open:
                reply = client.replies[request.id]
                assert (reply.code if isinstance(reply, Refused) else None) == code
        self.submit()

    def _arrive(self, client: Client, request: Join) -> ErrorCode | None:
        """Somebody belongs to a room now; it is let in, or refused."""
        place = self.truth.room_named(request.room)
        assert place is not None
        if not client.is_open:
            return None
        assert client.person is not None
        user = client.person.id
        code = self.truth.refuse_reading(user, place.id, ErrorCode.NO_SUCH_ROOM)
        if code is None and user not in place.belongs:
            code = ErrorCode.NOT_A_MEMBER
        if code is None and place.id not in client.rooms:
            client.rooms.add(place.id)
            self.truth.enter(place, user)
        return code

    # -- time -------------------------------------------------------------------------------------------------

    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.seconds += seconds
        self.truth.seconds = self.seconds
        expected: list[tuple[Client, News]] = []
        for room in self.truth.take_counts(self.seconds):
            event = Presence(room.id, [], [], len(room.members))
            expected += [(client, event) for client in self.in_room(room.id)]
        for room in self.truth.forget_guests(self.seconds):
            expected += [(client, RoomChanged(room.room)) for client in self.in_room(room.id)]
        self.truth.forget_unused(self.flying)
        self.begin()
        self.perform(self.hub.tick(self.now))
        self.check_news(expected)

    # -- lists ------------------------------------------------------------------------------------------------

    def list_users(self, client: Client, room: int) -> None:
        """Who is online, or in a room?"""
        assert client.person is not None
        reply = self.ask(client, ListUsers(next(self.ids), room))
        people = self.truth.people
        code = self.truth.refuse_reading(client.person.id, room, ErrorCode.NO_SUCH_ROOM) if room else None
        if code is not None:
            assert isinstance(reply, Refused)
            assert reply.code == code
            return
        ids = sorted(self.truth.rooms[room].members if room else (p.id for p in people.values() if p.sessions))
        assert isinstance(reply, UserPage)
        assert reply.users == [User(id, people[id].name, people[id].display) for id in ids]

    def list_rooms(self, client: Client) -> None:
        """What rooms are there?"""
        reply = self.ask(client, ListRooms(next(self.ids), archived=True))
        assert isinstance(reply, RoomPage)
        assert client.person is not None
        me, rooms = client.person.id, self.truth.rooms
        assert reply.rooms == [place.room for id, place in sorted(rooms.items()) if self.truth.may_read(me, id)]

    def list_conversations(self, client: Client) -> None:
        """What does this session take part in?"""
        reply = self.ask(client, ListConversations(next(self.ids)))
        assert isinstance(reply, ConversationPage)
        assert client.person is not None
        chats = {c.id for c in self.truth.chats.values() if client.person.id in c.users and self.truth.heads.get(c.id)}
        expected = [(id, self.truth.heads.get(id, 0)) for id in sorted(client.rooms | chats)]
        assert [(c.id, c.head) for c in reply.conversations] == expected

    def ask_history(self, client: Client, conversation: int, before: int, limit: int) -> None:
        """What was said?"""
        assert client.person is not None
        reply = self.ask(client, GetHistory(next(self.ids), conversation, before, limit=limit))
        code = self.truth.refuse_reading(client.person.id, conversation, ErrorCode.NO_SUCH_CONVERSATION)
        assert (reply.code if isinstance(reply, Refused) else None) == code

    # -- quiet ------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Nobody does anything new, the store works, everybody reads: then all must be level."""
        for _ in range(100):
            self._work()
            if not self._is_busy():
                break
        else:
            raise AssertionError("it never becomes quiet")
        for client in self.open_clients():
            assert not client.unanswered
            assert not (client.device.is_honest and client.device.outbox)
            for id, expected in client.next.items():
                if id in self.truth.rooms or id in self.truth.chats:
                    assert expected == self.truth.heads.get(id, 0) + 1, "stuck behind"
        assert self.store.users.keys() <= self.truth.people.keys()
        # Who comes back after a restart is known under the name that it was told.
        assert all(put.name == self.truth.people[put.id].name for put in self.store.users.values())
        # A restart gives back nothing that was taken from somebody.
        rooms = self.truth.rooms
        assert all(user in rooms[room].belongs for room, user in self.store.members)
        assert all((id, user, Act.BAN) in self.store.bans for id, room in rooms.items() for user in self._banned(room))
        assert all(not room.private or put.private for id, room in rooms.items() if (put := self._stored(id)))
        assert self.store.conversations.keys() <= self.truth.rooms.keys() | self.truth.chats.keys()

    def _banned(self, room: Place) -> list[int]:
        return [user for user in room.bans if self.truth.is_banned(user, room)]

    def _stored(self, room: int) -> PutRoom | None:
        entry = self.store.conversations.get(room)
        return entry if isinstance(entry, PutRoom) else None

    def wait(self) -> None:
        """Nothing happens yet."""

    def store_all(self, *, fails: bool = False) -> None:
        """The turn ends, and the hub hears of all that the store can do."""
        self.end_turn()
        while self.store.has_batch:
            self.store_batch(fails=fails)
        while self.done:
            self.hear()

    def fail_all(self) -> None:
        """The turn ends, and the store can do nothing."""
        self.store_all(fails=True)

    def store_unheard(self) -> None:
        """The turn ends, and the store does all; the hub has yet to hear of it."""
        self.end_turn()
        while self.store.has_batch:
            self.store_batch(fails=False)

    def fail_one(self) -> None:
        """The turn ends, and the hub hears that the store cannot do one batch."""
        self.end_turn()
        if self.store.has_batch:
            self.store_batch(fails=True)
        if self.done:
            self.hear()

    def read_pages(self) -> None:
        """The store reads what it was asked for, whatever the hub has heard of."""
        for query in list(self.store.queries):
            self.read(query, fails=False)
        while self.pages:
            self.get_page(0)

    def serve_all(self) -> None:
        """All that waits is stored, read and heard."""
        self.store_all()
        self.read_pages()
        for client in self.open_clients():
            self.read_queue(client, len(client.queue))

    def _work(self) -> None:
        self.serve_all()
        for client in self.open_clients():
            if client.person is not None:
                self.send_again(client)
                self.pump(client)
        self.tick(1.0)

    def _is_busy(self) -> bool:
        if self.batch or self.store.has_batch or self.done or self.store.queries or self.pages:
            return True
        return any(client.queue or client.waits_for_drain for client in self.open_clients())

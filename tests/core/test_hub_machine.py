"""The hub against a simple model, in any order that hypothesis can think of.

The rules only choose who does what; `tests.core.machine` does it and compares. To see that the machine can fail, break
any rule of the core: each of a dozen planted bugs was found within some hundred examples.
"""

import sys
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chatnet.core.limits import KIB, Limits
from chatnet.model import Act, Kind
from chatnet.requests import Post
from tests.core.machine.play import Play
from tests.core.machine.truth import LOBBY_ID
from tests.core.machine.world import Client

LIMITS = Limits(
    sessions_per_user=3,
    unanswered=6,
    rooms_per_guest=2,
    presence_members=2,
    guest_hold_seconds=60.0,
    unused_chats=2,
    tail_messages=1,
    tail_bytes=20 * KIB,
    request_burst=1e9,
    post_burst=1e9,
    text_burst=1e9,
)
Then = Callable[[Play], None]
SECRETS = [bytes([i]) * 32 for i in range(2)]

some = st.integers(0, 99)
"""One of however many there are."""
names = st.sampled_from(["alice", "Bob", "carol", "bob", "dave", "-"])
acts = st.sampled_from([Act.INVITE, Act.INVITE, Act.KICK, Act.BAN, Act.UNBAN])
room_names = st.sampled_from(["lobby", "dev", "Ops", "ops", "DEV", "-"])
softs = st.sampled_from([0, 40 * KIB, 1 << 40])
bodies = st.sampled_from(["hi", "x" * 16 * KIB, "é" * 8 * KIB, "two\nlines\tof text", "long" * 4 * KIB + "!", "", "\a"])
good_bodies = st.sampled_from(["hi", "x" * 16 * KIB, "é" * 8 * KIB, "two\nlines\tof text"])
afters = st.none() | st.integers(0, 8)
thens = st.sampled_from(
    [
        Play.wait,
        Play.end_turn,
        Play.store_all,
        Play.store_all,
        Play.store_unheard,
        Play.fail_one,
        Play.fail_all,
        Play.read_pages,
        Play.serve_all,
    ]
)
"""How far things get before anybody does something else."""
kinds = st.sampled_from([Kind.TEXT, Kind.TEXT, Kind.ACTION, Kind.ASK, Kind.ANSWER, Kind.SYSTEM])


class HubMachine(RuleBasedStateMachine):
    """Clients, a network and a store that do as they like."""

    play: Play

    # -- picking ----------------------------------------------------------------------------------------------

    def client(self, number: int) -> Client:
        """Somebody who is logged in."""
        clients = [client for client in self.play.open_clients() if client.person is not None]
        return clients[number % len(clients)]

    def conversation(self, number: int) -> int:
        """A room, a chat, or one that does not exist."""
        ids = [*sorted(self.play.truth.rooms.keys() | self.play.truth.chats.keys()), 77]
        return ids[number % len(ids)]

    def room(self, number: int) -> int:
        """A room."""
        ids = sorted(self.play.truth.rooms)
        return ids[number % len(ids)]

    def anybody_in(self) -> bool:
        """Is anybody logged in?"""
        return any(client.person is not None for client in self.play.open_clients())

    # -- connections ------------------------------------------------------------------------------------------

    @initialize(
        is_open=st.booleans(),
        window=st.sampled_from([None, 3]),
        soft=st.tuples(softs, softs, softs),
        live=st.booleans(),
        said=st.lists(good_bodies, max_size=5),
        archived=st.booleans(),
    )
    def start(
        self, is_open: bool, window: int | None, soft: tuple[int, int, int], live: bool, said: list[str], archived: bool
    ) -> None:
        self.play = Play(LIMITS, is_open=is_open, window=window)
        for name, limit in zip(("alice", "Bob", "carol"), soft, strict=True):
            client = self.play.connect(is_local=True, soft=limit)
            self.play.login(client, name, SECRETS[0], None, "", live, 0)
            self.play.join(client, "lobby", None)
        alice = self.client(0)
        self.play.create(alice, "dev")
        self.play.open(alice, "Bob")
        for n, text in enumerate(said, 1):
            self.play.post(alice, n, min(self.play.truth.chats) if n % 2 else LOBBY_ID, text, Kind.TEXT, 0)
        self.play.store_all()
        self.play.change(alice, self.room(1), archived=archived)

    @rule(is_local=st.sampled_from([True, True, False]), soft=softs)
    def connect(self, is_local: bool, soft: int) -> None:
        if len(self.play.open_clients()) < 8:
            self.play.connect(is_local=is_local, soft=soft)

    @rule(
        name=names,
        secret=st.sampled_from([0, 0, 0, 1]),
        device=st.none() | some,
        display=st.sampled_from(["", "", "Äli"]),
        live=st.booleans(),
        replaces=st.none() | some,
        as_before=st.booleans(),
        who=st.none() | some,
    )
    def login(
        self,
        name: str,
        secret: int,
        device: int | None,
        display: str,
        live: bool,
        replaces: int | None,
        as_before: bool,
        who: int | None,
    ) -> None:
        strangers = [client for client in self.play.open_clients() if client.person is None]
        clients = self.play.open_clients() if who is not None else strangers
        if not clients:
            return
        old = None if replaces is None else self.play.clients[replaces % len(self.play.clients)]
        devices = self.play.devices
        again = devices[device % len(devices)] if device is not None and devices else None
        if old is not None and old.person is not None:
            name, again = old.person.name if as_before else name, old.device if device is None else again
        client = clients[(who or 0) % len(clients)]
        self.play.login(client, name, SECRETS[secret], again, display, live, old.session if old else 0)

    @rule(who=some)
    def disconnect(self, who: int) -> None:
        clients = self.play.open_clients()
        if clients:
            self.play.disconnect(clients[who % len(clients)])

    @precondition(anybody_in)
    @rule(who=some, name=names, display=st.sampled_from(["", "Bøb"]))
    def rename(self, who: int, name: str, display: str) -> None:
        self.play.rename(self.client(who), name, display)

    # -- rooms and chats --------------------------------------------------------------------------------------

    @precondition(anybody_in)
    @rule(who=some, name=room_names, afters=st.lists(afters, min_size=1, max_size=3), then=thens)
    def join(self, who: int, name: str, afters: list[int | None], then: Then) -> None:
        for after in afters:
            self.play.join(self.client(who), name, after)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, room=some)
    def part(self, who: int, room: int) -> None:
        self.play.part(self.client(who), self.room(room))

    @precondition(anybody_in)
    @rule(who=some, room=some, times=st.integers(1, 3), then=thens)
    def come_and_go(self, who: int, room: int, times: int, then: Then) -> None:
        client, place = self.client(who), self.play.truth.rooms[self.room(room)]
        for _ in range(times):
            if place.id in client.rooms:
                self.play.part(client, place.id)
            else:
                self.play.join(client, place.name, None)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, name=room_names, then=thens)
    def create(self, who: int, name: str, then: Then) -> None:
        self.play.create(self.client(who), name)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=st.none() | some, room=some, archived=st.booleans(), then=thens)
    def archive(self, who: int | None, room: int, archived: bool, then: Then) -> None:
        place = self.play.truth.rooms[self.room(room)]
        owners = self.play.sessions(place.owner)
        client = owners[0] if who is None and owners else self.client(who or 0)
        self.play.change(client, place.id, archived=archived)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=st.none() | some, room=some, private=st.sampled_from([True, True, False]), then=thens)
    def make_private(self, who: int | None, room: int, private: bool, then: Then) -> None:
        place = self.play.truth.rooms[self.room(room)]
        owners = self.play.sessions(place.owner)
        client = owners[0] if who is None and owners else self.client(who or 0)
        if place.id != LOBBY_ID:
            self.play.change(client, place.id, private=private)
            then(self.play)

    @precondition(anybody_in)
    @rule(
        who=st.none() | st.none() | some,
        acts=st.lists(st.tuples(acts, names), min_size=1, max_size=2),
        room=some,
        then=thens,
    )
    def moderate(self, who: int | None, acts: list[tuple[Act, str]], room: int, then: Then) -> None:
        place = self.play.truth.rooms[self.room(room)]
        owners = self.play.sessions(place.owner)
        client = owners[0] if who is None and owners else self.client(who or 0)
        for act, name in acts:
            self.play.moderate(client, act, name, place.id, 5 if act is Act.BAN and who is None else 0)
        then(self.play)

    @precondition(anybody_in)
    @rule(
        acts=st.lists(st.tuples(acts, thens), min_size=1, max_size=3),
        whom=some,
        private=st.none() | st.just(True),
        pause=st.sampled_from([0.0, 1.0, 5.0]),
        after=afters,
        then=thens,
    )
    def deal_with(
        self, acts: list[tuple[Act, Then]], whom: int, private: bool | None, pause: float, after: int | None, then: Then
    ) -> None:
        """An owner deals with somebody in a room, who tries on from without."""
        play = self.play
        owned = [place for place in play.truth.rooms.values() if play.sessions(place.owner)]
        if not owned:
            return
        place = owned[-1]
        target, owner = self.client(whom), play.sessions(place.owner)[0]
        if private is not None:
            play.change(owner, place.id, private=private)
        for act, and_then in acts:
            if target.person is not None:
                play.moderate(owner, act, target.person.name, place.id, 5 if act is Act.BAN and pause else 0)
            play.join(target, place.name, after)
            and_then(play)
        if pause:
            play.tick(pause)
        play.ask_history(target, place.id, 0, 2)
        play.list_rooms(target)
        play.join(target, place.name, after)
        play.post(owner, owner.device.last + 1, place.id, "hi", Kind.TEXT, 0)
        then(play)

    @precondition(anybody_in)
    @rule(who=some, name=names, again=st.booleans(), then=thens)
    def open(self, who: int, name: str, again: bool, then: Then) -> None:
        for _ in range(1 + again):
            self.play.open(self.client(who), name)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, chat=some, after=afters, then=thens)
    def follow(self, who: int, chat: int, after: int | None, then: Then) -> None:
        chats = [*sorted(self.play.truth.chats), LOBBY_ID]
        self.play.follow(self.client(who), chats[chat % len(chats)], after)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, conversation=some, delivered=st.integers(0, 6), read=st.integers(0, 6), then=thens)
    def mark(self, who: int, conversation: int, delivered: int, read: int, then: Then) -> None:
        self.play.mark(self.client(who), self.conversation(conversation), delivered, read)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, room=some, before=st.integers(0, 6), limit=st.integers(1, 4))
    def ask_for_lists(self, who: int, room: int, before: int, limit: int) -> None:
        client = self.client(who)
        self.play.list_users(client, 0)
        self.play.list_users(client, self.room(room))
        self.play.list_rooms(client)
        self.play.list_conversations(client)
        self.play.ask_history(client, self.conversation(room), before, limit)

    # -- posts ------------------------------------------------------------------------------------------------

    @precondition(anybody_in)
    @rule(
        who=some,
        conversation=some,
        texts=st.lists(good_bodies, min_size=1, max_size=4),
        gap=st.integers(1, 2),
        then=thens,
    )
    def talk(self, who: int, conversation: int, texts: list[str], gap: int, then: Then) -> None:
        client, conversation = self.client(who), self.conversation(conversation)
        for text in texts:
            if client.is_open:
                self.play.post(client, client.device.last + gap, conversation, text, Kind.TEXT, 0)
        then(self.play)

    @precondition(anybody_in)
    @rule(who=st.lists(some, min_size=2, max_size=5), then=thens)
    def converse(self, who: list[int], then: Then) -> None:
        for number in who:
            client = self.client(number)
            self.play.post(client, client.device.last + 1, LOBBY_ID, "hi", Kind.TEXT, 0)
            if not self.anybody_in():
                return
        then(self.play)

    @precondition(anybody_in)
    @rule(who=some, conversation=some, body=bodies, kind=kinds, reference=st.integers(0, 2))
    def post_anything(self, who: int, conversation: int, body: str, kind: Kind, reference: int) -> None:
        client = self.client(who)
        n = client.device.last + 1
        self.play.post(client, n, self.conversation(conversation), body, kind, reference)

    @precondition(anybody_in)
    @rule(who=some, n=some, conversation=some, then=thens)
    def repeat(self, who: int, n: int, conversation: int, then: Then) -> None:
        client = self.client(who)
        if client.device.last:
            n = 1 + n % client.device.last
            self.play.repeat(client, Post(n, self.conversation(conversation), "late"))
            then(self.play)

    @precondition(anybody_in)
    @rule(who=some)
    def send_again(self, who: int) -> None:
        client = self.client(who)
        self.play.send_again(client)
        self.play.pump(client)

    @rule(who=some)
    def post_without_login(self, who: int) -> None:
        strangers = [client for client in self.play.open_clients() if client.person is None]
        if strangers:
            self.play.send(strangers[who % len(strangers)], Post(1, LOBBY_ID, "hi"))

    # -- the network, the store, time -------------------------------------------------------------------------

    @rule(who=some, events=st.sampled_from([0, 1, 3, 1000]))
    def read_queue(self, who: int, events: int) -> None:
        clients = self.play.open_clients()
        if clients:
            self.play.read_queue(clients[who % len(clients)], events)

    @precondition(lambda self: self.play.store.has_batch)
    @rule(fails=st.sampled_from([False, False, False, True]))
    def store_batch(self, fails: bool) -> None:
        self.play.store_batch(fails=fails)

    @precondition(lambda self: self.play.done)
    @rule()
    def hear(self) -> None:
        self.play.hear()

    @rule(then=thens)
    def go_on(self, then: Then) -> None:
        then(self.play)

    @precondition(lambda self: self.play.store.queries)
    @rule(which=some, fails=st.sampled_from([False, False, False, True]))
    def read_page(self, which: int, fails: bool) -> None:
        queries = self.play.store.queries
        self.play.read(queries[which % len(queries)], fails=fails)

    @precondition(lambda self: self.play.pages)
    @rule(which=some)
    def get_page(self, which: int) -> None:
        self.play.get_page(which % len(self.play.pages))

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 61.0]))
    def tick(self, seconds: float) -> None:
        self.play.tick(seconds)

    def teardown(self) -> None:
        if sys.exc_info()[0] is None and hasattr(self, "play"):
            self.play.settle()


TestHub = HubMachine.TestCase
TestHub.settings = settings(max_examples=300, stateful_step_count=50)

"""Sessions against the real hub, over connections that break anywhere: nothing is lost, nothing comes twice."""

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from chatnet.client.news import HistoryLost, Missed, Online, PostRefused, RoomLost, Stored
from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.errors import ErrorCode
from chatnet.model import User
from chatnet.requests import CreateRoom, Rename
from tests.client.world import Person, World

NAMES = ("alice", "bob", "carol")
LOBBY_ID = 1


def in_lobby(*names: str) -> World:
    world = World(*names)
    world.settle()
    for person in world.people:
        person.session.join("lobby")
    world.settle()
    return world


def test_what_one_says_the_others_hear() -> None:
    world = in_lobby(*NAMES)
    alice, bob, carol = world.people
    alice.session.post(ToRoom("lobby"), "hello")
    alice.session.post(ToUser("bob"), "psst")
    world.settle()
    assert carol.heard() == {LOBBY_ID: ["hello"]}
    assert bob.heard() == alice.heard() == {LOBBY_ID: ["hello"], 2: ["psst"]}


def test_what_was_said_while_one_was_away_comes_on_return() -> None:
    world = in_lobby(*NAMES)
    alice, bob, carol = world.people
    alice.session.post(ToUser("bob"), "1")
    world.settle()
    world.cut(bob)
    for text in "23":
        alice.session.post(ToUser("bob"), text)
    carol.session.post(ToUser("bob"), "new")
    carol.session.post(ToRoom("lobby"), "all")
    for person in (alice, carol):
        for _ in range(5):
            world.carry(person)
    world.settle()
    assert bob.heard() == {2: ["1", "2", "3"], 3: ["new"], LOBBY_ID: ["all"]}


def test_hundreds_of_posts_arrive_in_order() -> None:
    world = in_lobby("alice", "bob")
    texts = [str(i) for i in range(300)]
    for text in texts:
        world.people[0].session.post(ToRoom("lobby"), text)
    world.settle()
    assert world.people[1].heard() == {LOBBY_ID: texts}


def test_a_server_that_comes_back_without_its_memory_is_noticed_and_used() -> None:
    world = in_lobby("alice", "bob")
    alice, bob = world.people
    alice.session.request(lambda id: CreateRoom(id, "ops"))
    world.settle()
    for person in world.people:
        person.session.join("ops")
        person.session.post(ToRoom("lobby"), "before")
    world.settle()
    world.start(b"t" * 16)
    world.settle()
    alice.session.post(ToRoom("lobby"), "after")
    world.settle()
    assert [person.count(HistoryLost) for person in world.people] == [1, 1]
    assert RoomLost("ops", ErrorCode.NO_SUCH_ROOM, "there is no room 'ops'") in bob.news
    assert bob.heard()[LOBBY_ID] == ["before", "before", "after"]


def test_a_first_word_waits_until_the_server_can_store_the_chat() -> None:
    world = in_lobby("alice", "bob")
    alice, bob = world.people
    world.fails = True
    alice.session.post(ToUser("bob"), "hello")
    for _ in range(8):
        world.carry(alice)
        world.wait(1.0)
    assert alice.session.unanswered == 1
    world.settle()
    assert (alice.count(Stored), alice.count(PostRefused)) == (1, 0)
    assert bob.heard() == {2: ["hello"]}


def test_who_was_away_while_renamed_elsewhere_comes_back_as_the_same_user_under_the_new_name() -> None:
    world = in_lobby("alice", "bob")
    alice, bob = world.people
    elsewhere = Person("alice", 1)
    world.people.append(elsewhere)
    world.settle()
    bob.session.post(ToUser("alice"), "before")
    world.settle()
    world.cut(alice)
    elsewhere.session.request(lambda id: Rename(id, "ally"))
    bob.session.post(ToUser("alice"), "meanwhile")
    for person in (elsewhere, bob):
        for _ in range(3):
            world.carry(person)
    world.settle()
    assert alice.session.cache.me == User(1, "ally")
    assert [news.user.name for news in alice.news if isinstance(news, Online)] == ["alice", "ally"]
    assert alice.heard() == {2: ["before", "meanwhile"]}


class Talk(RuleBasedStateMachine):
    """Three people talk in the lobby and to each other, while connections break and the store fails for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.world = in_lobby(*NAMES)
        for person in self.world.people:
            for name in NAMES:
                person.session.post(ToUser(name), f"{name}, hello")
        self.world.settle()
        self.posted: dict[str, int] = defaultdict(int)

    @rule(who=st.integers(0, 2), to=st.sampled_from([ToRoom("lobby"), *map(ToUser, NAMES)]), count=st.integers(1, 40))
    def say(self, who: int, to: Target, count: int) -> None:
        for _ in range(count):
            self.posted[NAMES[who]] += 1
            self.world.people[who].session.post(to, f"{NAMES[who]} {self.posted[NAMES[who]]}")

    @rule(who=st.integers(0, 2), up=st.integers(0, 400), down=st.integers(0, 400))
    def carry_some(self, who: int, up: int, down: int) -> None:
        self.world.carry(self.world.people[who], up=up, down=down)

    @rule(who=st.integers(0, 2), times=st.integers(1, 5))
    def carry_all(self, who: int, times: int) -> None:
        for _ in range(times):
            self.world.carry(self.world.people[who])

    @rule(who=st.integers(0, 2), server_notices=st.booleans())
    def cut(self, who: int, server_notices: bool) -> None:
        self.world.cut(self.world.people[who], server_notices=server_notices)

    @rule(who=st.integers(0, 2))
    def connect(self, who: int) -> None:
        self.world.connect(self.world.people[who])

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule()
    def store_fails_for_a_while(self) -> None:
        self.world.fails = not self.world.fails

    def teardown(self) -> None:
        self.world.settle()
        for name, person in zip(NAMES, self.world.people, strict=True):
            assert person.count(Stored) == len(NAMES) + self.posted[name]
            assert not any(isinstance(news, PostRefused | Missed | HistoryLost | RoomLost) for news in person.news)
            self.check_heard(person)
        said = [text for texts in self.all_heard().values() for text in texts if "hello" not in text]
        assert sorted(said) == sorted(f"{name} {i}" for name in NAMES for i in range(1, self.posted[name] + 1))

    def all_heard(self) -> dict[int, list[str]]:
        return {id: texts for person in self.world.people for id, texts in person.heard().items()}

    def check_heard(self, person: Person) -> None:
        """Everybody in a conversation hears the same, and each speaker in the order of speaking."""
        everything = self.all_heard()
        for id, texts in person.heard().items():
            assert texts == everything[id]
            for name in NAMES:
                numbers = [int(text.split()[1]) for text in texts if text.startswith(name + " ")]
                assert numbers == sorted(numbers)


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=40, stateful_step_count=40)


def test_too_many_sessions_after_a_lost_connection_are_waited_for() -> None:
    world = in_lobby("alice")
    (alice,) = world.people
    for _ in range(10):
        world.cut(alice, server_notices=False)
        world.connect(alice)
        world.carry(alice)
        world.carry(alice, down=0)  # the server has let it in, but the welcome is lost
    world.cut(alice, server_notices=False)
    world.connect(alice)
    world.carry(alice)
    world.carry(alice)
    assert alice.session.failure is not None
    assert alice.session.failure.code == ErrorCode.TOO_MANY_SESSIONS
    world.settle()
    assert alice.count(Online) == 2

"""The blocking client against a real server on loopback."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet import Client
from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.news import ChatStarted, Incoming, Online, PostRefused, Stored, UserRenamed, Woken
from chatnet.core.limits import Limits
from chatnet.errors import ConfigError, ErrorCode, Refused, Unreachable
from chatnet.model import Kind
from tests.client.servers import PATIENCE, running


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    with running(limits=Limits(page=1024, posts_per_second=1000.0, requests_per_second=10_000.0)) as address:
        yield address


@pytest.fixture
def alice(server: Address) -> Iterator[Client]:
    yield from client(server, "alice")


@pytest.fixture
def bob(server: Address) -> Iterator[Client]:
    yield from client(server, "bob")


def client(server: Address, name: str) -> Iterator[Client]:
    """Somebody whom no other test has met, though the name is as given at its start."""
    identity = Identity.ephemeral()
    with Client(server, name=f"{name}-{identity.device.hex()[:8]}", identity=identity) as chat:
        yield chat


def incoming(chat: Client, count: int) -> list[Incoming]:
    """The next messages."""
    found = []
    for message in chat.messages(PATIENCE):
        found.append(message)
        if len(found) == count:
            return found
    raise AssertionError(f"only {found} came")


def hear(chat: Client, count: int) -> list[str]:
    """The texts of the next messages."""
    return [message.text for message in incoming(chat, count)]


def test_two_clients_talk(alice: Client, bob: Client) -> None:
    receipt = alice.send("hi", to=bob.user.name)
    assert receipt.seq == 1
    (message,) = incoming(bob, 1)
    assert (message.sender, message.text, message.room, message.own) == (alice.user.name, "hi", "", False)
    bob.send("hi yourself", to=alice.user.name)
    assert hear(alice, 2) == ["hi", "hi yourself"]


def test_a_room_is_heard_by_those_who_joined(alice: Client, bob: Client) -> None:
    room = alice.create_room("talkers")
    assert (room.name, room.owner) == ("talkers", alice.user.id)
    bob.join("talkers")
    receipt = alice.send("waves", room="talkers", kind=Kind.ACTION)
    (news,) = incoming(bob, 1)
    assert (news.room, news.message.kind, news.message.seq) == ("talkers", Kind.ACTION, receipt.seq)
    bob.part("talkers")
    alice.send("anybody?", room="talkers")
    assert list(bob.messages(0.05)) == []


def test_a_room_can_be_joined_after_an_earlier_message(alice: Client, bob: Client) -> None:
    alice.create_room("archive")
    for text in "abc":
        alice.send(text, room="archive")
    bob.join("archive", after=1)
    assert hear(bob, 2) == ["b", "c"]


def test_who_and_rooms_give_all_pages(server: Address, alice: Client) -> None:
    names = [f"room-{number:02}" for number in range(20)]
    for name in names:
        alice.create_room(name)
    assert set(names) <= {room.name for room in alice.rooms()}
    others = [Client(server, name=f"guest-{n}", identity=Identity.ephemeral()) for n in range(12)]
    try:
        for other in others:
            other.connect()
        assert {f"guest-{n}" for n in range(12)} < {user.name for user in alice.who()}
        others[0].join("room-00")
        assert [user.name for user in alice.who("room-00")] == ["guest-0"]
    finally:
        for other in others:
            other.close()


def test_archived_rooms_are_listed_only_when_asked_for(alice: Client) -> None:
    alice.create_room("old-stuff")
    alice.archive_room("old-stuff")
    assert "old-stuff" not in {room.name for room in alice.rooms()}
    assert "old-stuff" in {room.name for room in alice.rooms(archived=True)}
    with pytest.raises(Refused) as refusal:
        alice.send("hello?", room="old-stuff")
    assert refusal.value.code == ErrorCode.ROOM_ARCHIVED
    alice.archive_room("old-stuff", archived=False)
    alice.send("hello!", room="old-stuff")


def test_history_gives_the_last_messages_oldest_first_over_all_pages(alice: Client, bob: Client) -> None:
    texts = [f"{number} " + "x" * 100 for number in range(1, 31)]
    for text in texts:
        alice.post(text, to=bob.user.name)
    alice.flush()
    name = bob.user.name
    assert [message.body for message in alice.history(with_=name)] == texts
    assert [message.seq for message in alice.history(with_=name, limit=25)] == list(range(6, 31))
    assert [message.seq for message in alice.history(with_=name, limit=3, before=10)] == [7, 8, 9]
    assert [message.seq for message in alice.history(with_=name, limit=25, before=12)] == list(range(1, 12))
    assert alice.history(with_=name, limit=0) == []


def test_conversations_are_rooms_joined_and_chats(alice: Client, bob: Client) -> None:
    alice.join("lobby")
    alice.send("hi", to=bob.user.name)
    found = {c.room.name if c.room else c.peer.name if c.peer else "" for c in alice.conversations()}
    assert found == {"lobby", bob.user.name}


def test_a_rename_is_seen_by_oneself_and_by_the_others(alice: Client, bob: Client) -> None:
    alice.send("hi", to=bob.user.name)
    old = alice.user.name
    alice.rename(f"x{old}", "Al")
    assert (alice.user.name, alice.user.display) == (f"x{old}", "Al")
    for news in bob.events(PATIENCE):
        if isinstance(news, UserRenamed):
            assert news.before is not None
            assert (news.before.name, news.user.name) == (old, f"x{old}")
            break
    else:
        raise AssertionError("bob heard of no rename")
    bob.send("hi Al", to=f"x{old}")


def test_ping_takes_no_longer_than_patience(alice: Client) -> None:
    assert 0 < alice.ping() < PATIENCE


# -- what is refused ------------------------------------------------------------------------------------------


def test_what_is_refused_is_raised_and_the_client_goes_on(alice: Client, bob: Client) -> None:
    for code, text, to, room in [
        (ErrorCode.NO_SUCH_USER, "hi", "nobody-here", None),
        (ErrorCode.NO_SUCH_ROOM, "hi", None, "nowhere"),
        (ErrorCode.TOO_LONG, "x" * 16385, bob.user.name, None),
        (ErrorCode.BAD_TEXT, "a\x1bb", bob.user.name, None),
        (ErrorCode.BAD_TEXT, "a\ud800b", bob.user.name, None),
    ]:
        with pytest.raises(Refused) as refusal:
            alice.send(text, to=to, room=room)
        assert refusal.value.code == code
    alice.send("x" * 16384, to=bob.user.name)
    with pytest.raises(Refused) as refusal:
        alice.create_room("lobby")
    assert refusal.value.code == ErrorCode.ROOM_EXISTS


def test_a_message_goes_to_a_user_or_to_a_room(alice: Client) -> None:
    for to, room in ((None, None), ("bob", "lobby")):
        with pytest.raises(TypeError):
            alice.send("hi", to=to, room=room)


def test_a_name_in_use_is_refused(server: Address, alice: Client) -> None:
    with pytest.raises(Refused) as refusal:
        Client(server, name=alice.user.name, identity=Identity.ephemeral()).connect()
    assert refusal.value.code == ErrorCode.NAME_IN_USE


def test_a_client_that_is_not_connected_says_so(server: Address) -> None:
    with pytest.raises(Unreachable, match="not connected"):
        Client(server).send("hi", to="bob")


def test_an_address_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ConfigError):
        Client("localhost:5555")


# -- events ---------------------------------------------------------------------------------------------------


def test_posts_are_answered_among_the_events(alice: Client, bob: Client) -> None:
    stored = alice.post("hi", to=bob.user.name)
    refused = alice.post("hi", to="nobody-here")
    answers: dict[int, type] = {}
    for news in alice.events(PATIENCE):
        if isinstance(news, Stored | PostRefused):
            answers[news.n] = type(news)
        if len(answers) == 2:
            break
    assert answers == {stored: Stored, refused: PostRefused}


def test_leaving_waits_for_everything_that_was_posted(server: Address, bob: Client) -> None:
    with Client(server, name="poster", identity=Identity.ephemeral(), live=False) as chat:
        for number in range(50):
            chat.post(str(number), to=bob.user.name)
    assert hear(bob, 50) == [str(number) for number in range(50)]


def test_leaving_after_an_error_does_not_wait(server: Address) -> None:
    chat = Client(server, name="hasty", identity=Identity.ephemeral())
    chat.connect()
    for number in range(100):
        chat.post(str(number), to="hasty")
    chat.__exit__(KeyError, KeyError(), None)
    with pytest.raises(Unreachable, match="not connected"):
        chat.flush()


def test_another_thread_can_wake_the_one_that_waits(alice: Client) -> None:
    waits = threading.Event()

    def wake() -> None:
        waits.wait(PATIENCE)
        alice.wake()

    thread = threading.Thread(target=wake)
    thread.start()
    heard = []
    waits.set()
    for news in alice.events(PATIENCE):
        heard.append(news)
        if isinstance(news, Woken):
            break
    thread.join()
    assert [type(news) for news in heard] == [Online, Woken]


def test_iteration_ends_when_the_client_is_closed_on_the_way(server: Address) -> None:
    chat = Client(server, name="closer", identity=Identity.ephemeral())
    chat.connect()
    chat.send("to myself", to="closer")
    heard = []
    for news in chat.events(PATIENCE):
        heard.append(type(news))
        chat.close()
    assert heard == [Online]


def test_without_live_no_personal_message_is_heard(server: Address, bob: Client) -> None:
    with Client(server, name="deaf", identity=Identity.ephemeral(), live=False) as chat:
        bob.send("hello?", to="deaf")
        assert list(chat.messages(0.05)) == []
        assert not any(isinstance(news, ChatStarted | Incoming) for news in chat.events(0.05))


def test_two_processes_of_one_installation_are_one_guest(
    server: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    with Client(server, name="twice") as listener, Client(server, name="twice", live=False) as sender:
        assert listener.user == sender.user
        sender.send("1", to="twice")
        sender.send("2", to="twice")
        listener.send("3", to="twice")
        assert hear(listener, 3) == ["1", "2", "3"]


def test_one_identity_in_two_clients_loses_no_message(server: Address) -> None:
    identity = Identity.ephemeral()
    for text in "ab":
        with Client(server, name="again", identity=identity) as chat:
            chat.send(text, to="again")
            assert [message.body for message in chat.history(with_="again")][-1] == text

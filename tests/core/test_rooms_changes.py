"""What a room is like: name, topic, private or not, archived or not; and who may change that."""

import pytest

from chatnet.core.entries import PutDeed, PutRoom
from chatnet.errors import ErrorCode
from chatnet.events import Done, Opened, Refused, RoomChanged
from chatnet.model import Act, Room
from chatnet.requests import ChangeRoom, CreateRoom, Open
from tests.core.club import change, club, do, joined, news, reopened
from tests.core.script import LOBBY_ID, START, Script, entries, refusal, the

NOW = int(START * 1000)


def crew() -> tuple[Script, int]:
    """A room: alice owns it, bob is a moderator, carol a member; ada is an admin."""
    chat = club("alice", "bob", "carol", admins=["ada"])
    dev = chat.room("alice", "dev")
    joined(chat, "alice", "bob", "carol")
    do(chat, "alice", Act.PROMOTE, "bob", dev)
    return chat, dev


def test_several_changes_at_once_are_one() -> None:
    chat, dev = crew()
    request = ChangeRoom(5, dev, name="ops", topic="Friday: release", private=True, archived=True)
    effects = chat.ask("alice", request)
    assert entries(effects) == [
        PutRoom(dev, "ops", 1, True, "Friday: release", True),
        PutDeed(NOW, 1, "alice", Act.CHANGE_ROOM, "dev", dev, "name ops, topic Friday: release, private, archived"),
    ]
    assert news(effects, "alice") == []
    effects = chat.store_all()
    room = Room(dev, "ops", 1, True, 3, "Friday: release", True)
    for name in ("bob", "carol"):
        assert news(effects, name) == [RoomChanged(room)]
    assert news(effects, "alice") == [RoomChanged(room), Done(5)]
    again = reopened(chat)
    again.connect("x")
    assert again.hub is not chat.hub
    assert chat.store.conversations[dev] == PutRoom(dev, "ops", 1, True, "Friday: release", True)


def test_a_change_of_nothing_is_done_at_once() -> None:
    chat, dev = crew()
    effects = chat.ask("alice", ChangeRoom(5, dev))
    assert entries(effects) == []
    assert news(effects, "alice") == [Done(5)]


@pytest.mark.parametrize(
    ("who", "topic", "rest"),
    [("alice", None, None), ("ada", None, None), ("bob", None, ErrorCode.FORBIDDEN), ("carol", *["FORBIDDEN"] * 2)],
)
def test_who_may_change_what(who: str, topic: str | None, rest: str | None) -> None:
    chat, dev = crew()
    changes: list[tuple[ChangeRoom, str | None]] = [
        (ChangeRoom(5, dev, topic="x"), topic),
        (ChangeRoom(5, dev, archived=False), rest),
        (ChangeRoom(5, dev, private=False), rest),
        (ChangeRoom(5, dev, name="ops"), rest),
        (ChangeRoom(5, dev, topic="x", name="pos"), rest),
    ]
    for request, expected in changes:
        effects = chat.ask(who, request)
        assert (refusal(effects) if len(effects) == 1 else None) == expected
        chat.store_all()


# -- names ----------------------------------------------------------------------------------------------------


def test_a_room_has_another_name_once_that_is_stored_and_the_old_one_is_free() -> None:
    chat, dev = crew()
    chat.ask("alice", ChangeRoom(5, dev, name="ops"))
    assert the(Opened, chat.ask("bob", Open(6, room="dev")), "bob").conversation.id == dev
    assert refusal(chat.ask("bob", CreateRoom(6, "Ops"))) == ErrorCode.ROOM_EXISTS
    assert refusal(chat.ask("bob", CreateRoom(6, "dev"))) == ErrorCode.ROOM_EXISTS
    chat.store_all()
    assert the(Opened, chat.ask("bob", Open(6, room="OPS")), "bob").conversation.id == dev
    assert refusal(chat.ask("bob", Open(6, room="dev"))) == ErrorCode.NO_SUCH_ROOM
    assert chat.room("bob", "dev") != dev


def test_a_name_that_is_taken_or_no_name() -> None:
    chat, dev = crew()
    chat.room("bob", "ops")
    assert refusal(chat.ask("alice", ChangeRoom(5, dev, name="OPS"))) == ErrorCode.ROOM_EXISTS
    assert refusal(chat.ask("alice", ChangeRoom(5, dev, name="Lobby"))) == ErrorCode.ROOM_EXISTS
    assert refusal(chat.ask("alice", ChangeRoom(5, dev, name="a b"))) == ErrorCode.BAD_NAME


def test_a_name_can_be_written_otherwise_and_back() -> None:
    chat, dev = crew()
    change(chat, "alice", dev, name="Dev")
    assert the(Opened, chat.ask("bob", Open(6, room="dev")), "bob").conversation.room == Room(dev, "Dev", 1, members=3)
    chat.ask("alice", ChangeRoom(5, dev, name="ops"))
    chat.ask("alice", ChangeRoom(6, dev, name="dev"))
    chat.store_all()
    assert the(Opened, chat.ask("bob", Open(7, room="DEV")), "bob").conversation.id == dev
    assert chat.store.conversations[dev] == PutRoom(dev, "dev", 1, False)


def test_a_name_that_could_not_be_stored_is_free_again() -> None:
    chat, dev = crew()
    chat.ask("alice", ChangeRoom(5, dev, name="ops", topic="x"))
    assert the(Refused, chat.fail_all(), "alice").retry_after == 1.0
    assert chat.room("bob", "ops") != dev
    assert PutRoom(dev, "dev", 1, False) in entries(chat.say("alice", 1, dev))


# -- topics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["", "Freitag: Übergabe \U0001f469\u200d\U0001f680", "x" * 250])
def test_a_topic_is_one_line(topic: str) -> None:
    chat, dev = crew()
    assert the(RoomChanged, change(chat, "bob", dev, topic=topic), "carol").room.topic == topic


@pytest.mark.parametrize("topic", ["x" * 251, "a\nb", "\x1b[2J", "\u202egnp.exe", "a\u2028b", "\x85", "a\u2066b"])
def test_a_topic_neither_is_long_nor_moves_anything_on_a_screen(topic: str) -> None:
    chat, dev = crew()
    assert refusal(chat.ask("bob", ChangeRoom(5, dev, topic=topic))) == ErrorCode.BAD_TEXT


def test_the_audit_log_has_the_end_of_a_topic_too() -> None:
    chat, dev = crew()
    change(chat, "alice", dev, topic="", archived=False)
    assert chat.store.deeds[-1].detail == "topic, not archived"


# -- the lobby ------------------------------------------------------------------------------------------------


def test_the_lobby_stays_as_it_is_but_for_its_topic() -> None:
    chat, _ = crew()
    for request in (
        ChangeRoom(5, LOBBY_ID, name="foyer"),
        ChangeRoom(5, LOBBY_ID, private=True),
        ChangeRoom(5, LOBBY_ID, archived=True),
        ChangeRoom(5, LOBBY_ID, topic="x", archived=False),
    ):
        assert refusal(chat.ask("ada", request)) == ErrorCode.FORBIDDEN
    assert refusal(chat.ask("alice", ChangeRoom(5, LOBBY_ID, topic="x"))) == ErrorCode.FORBIDDEN
    change(chat, "ada", LOBBY_ID, topic="welcome")
    again = reopened(chat)
    again.login("gus")
    opened = the(Opened, again.ask("gus", Open(5, room="lobby")), "gus")
    assert opened.conversation.room == Room(LOBBY_ID, "lobby", topic="welcome")

"""Rooms: made once the store has them, joined, left, archived, limited."""

import pytest

from chatnet.core.effects import Pause, Reply
from chatnet.core.entries import PutRoom, PutUser
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Deliver, Done, Joined, Nack, Opened, Refused, RoomChanged
from chatnet.model import Conversation, Room
from chatnet.requests import ChangeRoom, CreateRoom, Join, Open, Part, Post
from tests.core.script import LOBBY_ID, START, Script, entries, events, refusal, the, to

# -- making ---------------------------------------------------------------------------------------------------


def test_a_room_is_there_once_it_is_stored() -> None:
    chat = Script("alice", "bob")
    put_user, put_room = entries(chat.ask("alice", CreateRoom(5, "dev")))
    assert isinstance(put_user, PutUser)
    assert put_room == PutRoom(2, "dev", 1, False)
    assert refusal(chat.ask("bob", Join(6, "dev"))) == ErrorCode.NO_SUCH_ROOM
    opened = Opened(5, Conversation(2, Room(2, "dev", 1), None))
    assert chat.store_all() == [Reply("alice", opened)]
    assert the(Joined, chat.ask("bob", Join(6, "DEV")), "bob").room == Room(2, "dev", 1, False, 1)


@pytest.mark.parametrize("name", ["lobby", "Lobby", "dev", "DEV", "new", "New"])
def test_a_name_is_given_once_also_while_the_store_writes(name: str) -> None:
    chat = Script("alice", "bob")
    chat.room("alice", "dev")
    chat.ask("alice", CreateRoom(5, "new"))
    assert refusal(chat.ask("bob", CreateRoom(6, name))) == ErrorCode.ROOM_EXISTS


@pytest.mark.parametrize("name", ["", "-", "a b", "x" * 33])
def test_a_room_needs_a_name(name: str) -> None:
    assert refusal(Script("alice").ask("alice", CreateRoom(5, name))) == ErrorCode.BAD_NAME


def test_a_room_that_could_not_be_stored_is_refused_for_now_and_its_name_is_free() -> None:
    chat = Script("alice", limits=Limits(rooms_per_guest=1))
    chat.ask("alice", CreateRoom(5, "dev"))
    refused = the(Refused, chat.fail_all(), "alice")
    assert (refused.id, refused.code, refused.retry_after) == (5, ErrorCode.STORE_FULL, 1.0)
    put_user, put_room = entries(chat.ask("alice", CreateRoom(6, "dev")))
    assert isinstance(put_user, PutUser), "the store does not know its owner either"
    assert put_room == PutRoom(3, "dev", 1, False)


def test_a_guest_owns_so_many_rooms_those_that_are_being_made_too() -> None:
    chat = Script("alice", limits=Limits(rooms_per_guest=2))
    chat.room("alice", "one")
    chat.ask("alice", CreateRoom(5, "two"))
    assert refusal(chat.ask("alice", CreateRoom(6, "three"))) == ErrorCode.TOO_MANY_ROOMS


def test_a_server_has_so_many_rooms_those_that_are_being_made_too() -> None:
    chat = Script("alice", "bob", limits=Limits(rooms=3))
    chat.room("alice", "one")
    chat.ask("alice", CreateRoom(5, "two"))
    assert refusal(chat.ask("bob", CreateRoom(6, "three"))) == ErrorCode.TOO_MANY_ROOMS


def test_a_room_is_made_even_if_its_maker_has_gone_meanwhile() -> None:
    chat = Script("alice", "bob")
    chat.ask("alice", CreateRoom(5, "dev"))
    chat.disconnect("alice")
    chat.store_all()
    assert the(Joined, chat.ask("bob", Join(6, "dev")), "bob").room.owner == 1


# -- joining and leaving --------------------------------------------------------------------------------------


def test_who_joins_hears_what_is_said_from_then_on() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    joined = Joined(5, Room(LOBBY_ID, "lobby", 0, False, 1), 1, 1)
    assert chat.ask("bob", Join(5, "lobby")) == [Reply("bob", joined)]
    chat.say("alice", 2)
    assert [type(event).__name__ for event in events(chat.store_all(), "bob")] == ["Deliver"]


def test_a_room_that_does_not_exist_is_not_made_by_joining() -> None:
    assert refusal(Script("alice").ask("alice", Join(5, "loby"))) == ErrorCode.NO_SUCH_ROOM


def test_joining_again_does_not_count_twice() -> None:
    chat = Script("alice")
    chat.join("alice")
    assert the(Joined, chat.ask("alice", Join(5, "lobby")), "alice").room.members == 1
    assert chat.end_turn() == []
    assert chat.ask("alice", Part(6, LOBBY_ID)) == [Reply("alice", Done(6))]
    assert refusal(chat.ask("alice", Part(7, LOBBY_ID))) == ErrorCode.NOT_A_MEMBER


def test_membership_is_a_sessions_own() -> None:
    chat = Script("alice")
    chat.login("alice2", "alice")
    chat.join("alice")
    assert refusal(chat.ask("alice2", Part(5, LOBBY_ID))) == ErrorCode.NOT_A_MEMBER
    assert the(Joined, chat.ask("alice2", Join(6, "lobby")), "alice2").room.members == 1


def test_who_has_left_hears_no_more() -> None:
    chat = Script("alice", "bob")
    chat.join("alice", "bob")
    chat.login("bob2", "bob")
    chat.join("bob2")
    chat.ask("bob", Part(5, LOBBY_ID))
    chat.disconnect("bob2")
    chat.say("alice", 1)
    effects = chat.store_all()
    assert effects[0] == to(["alice"], the(Deliver, effects, "alice"))


def test_a_session_is_in_so_many_rooms() -> None:
    chat = Script("alice", limits=Limits(rooms_per_session=1))
    chat.room("alice", "dev")
    chat.join("alice")
    assert refusal(chat.ask("alice", Join(5, "dev"))) == ErrorCode.TOO_MANY_ROOMS
    assert isinstance(chat.ask("alice", Join(6, "lobby"))[0], Reply), "it is in the lobby already"


def test_a_room_is_found_without_joining_it() -> None:
    chat = Script("alice")
    view = Conversation(LOBBY_ID, Room(LOBBY_ID, "lobby"), None)
    assert chat.ask("alice", Open(5, room="Lobby")) == [Reply("alice", Opened(5, view))]
    assert refusal(chat.ask("alice", Open(5, room="nowhere"))) == ErrorCode.NO_SUCH_ROOM


# -- archiving ------------------------------------------------------------------------------------------------


def test_an_owner_archives_a_room_and_all_in_it_hear_it_once_it_is_stored() -> None:
    chat = Script("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.join("bob", room="dev")
    put_room, _ = entries(chat.ask("alice", ChangeRoom(5, dev, archived=True)))
    assert put_room == PutRoom(dev, "dev", 1, True)
    assert [type(entry).__name__ for entry in entries(chat.say("bob", 1, dev))] == ["PutUser", "PutMessage"]
    effects = chat.store_all()
    assert to(["bob"], RoomChanged(Room(dev, "dev", 1, True, 1))) in effects
    assert Reply("alice", Done(5)) in effects
    chat.ask("bob", Post(2, dev, "late"))
    assert the(Nack, chat.store_all(), "bob").code == ErrorCode.ROOM_ARCHIVED


def test_an_archived_room_is_opened_again() -> None:
    chat = Script("alice")
    dev = chat.room("alice", "dev")
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    chat.ask("alice", ChangeRoom(6, dev, archived=False))
    assert chat.store_all() == [Reply("alice", Done(5)), Reply("alice", Done(6))]
    assert [type(entry).__name__ for entry in entries(chat.say("alice", 1, dev))] == ["PutMessage"]


def test_only_the_owner_archives() -> None:
    chat = Script("alice", "bob")
    dev = chat.room("alice", "dev")
    assert refusal(chat.ask("bob", ChangeRoom(5, dev, archived=True))) == ErrorCode.FORBIDDEN
    assert refusal(chat.ask("alice", ChangeRoom(5, LOBBY_ID, archived=True))) == ErrorCode.FORBIDDEN
    assert refusal(chat.ask("alice", ChangeRoom(5, 77, archived=True))) == ErrorCode.NO_SUCH_ROOM
    assert refusal(chat.ask("alice", ChangeRoom(5, chat.chat("alice", "bob"), archived=True))) == ErrorCode.NO_SUCH_ROOM


def test_an_archiving_that_could_not_be_stored_has_not_happened() -> None:
    chat = Script("alice")
    dev = chat.room("alice", "dev")
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    refused = the(Refused, chat.fail_all(), "alice")
    assert (refused.id, refused.retry_after) == (5, 1.0)
    assert [type(entry).__name__ for entry in entries(chat.say("alice", 1, dev))] == ["PutRoom", "PutMessage"]


def test_archiving_reaches_many_and_shares_the_rate_of_messages() -> None:
    chat = Script("alice", limits=Limits(post_burst=1.0, posts_per_second=1.0))
    dev = chat.room("alice", "dev")
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    assert Pause("alice", START + 1.0) in chat.ask("alice", ChangeRoom(6, dev, archived=True))

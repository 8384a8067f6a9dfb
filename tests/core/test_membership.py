"""Belonging to rooms: accounts for good, guests while they are there; and who owns a room when its owner has gone."""

import pytest

from chatnet.core.effects import Reply
from chatnet.core.entries import DropMember, PutMember, PutRoom
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import ConversationPage, Deliver, Done, Joined, Opened, Refused, Removed, RoomChanged
from chatnet.model import Act, Rank
from chatnet.requests import CreateRoom, Join, ListConversations, Part
from tests.core.club import change, club, do, enter, joined, news, reopened
from tests.core.script import START, Script, entries, events, refusal, the

NOW = int(START * 1000)


def listed(chat: Script, session: str) -> list[int]:
    """The conversations that a session is told it has."""
    page = the(ConversationPage, chat.ask(session, ListConversations(5)), session)
    return [conversation.id for conversation in page.conversations]


# -- joining --------------------------------------------------------------------------------------------------


def test_an_account_is_in_a_room_once_it_is_stored_that_it_belongs_there() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    assert chat.ask("bob", Join(5, "dev")) == [PutMember(dev, 2, Rank.MEMBER, NOW)]
    assert chat.store_all() == []
    assert the(Joined, chat.end_turn(), "bob").room.members == 1
    assert listed(chat, "bob") == [dev]


def test_an_account_that_belongs_to_a_room_joins_it_at_once() -> None:
    chat = club("alice", "bob")
    chat.room("alice", "dev")
    joined(chat, "bob")
    enter(chat, "bob2", "bob")
    assert the(Joined, chat.ask("bob2", Join(5, "dev")), "bob2").room.members == 1


def test_what_is_said_while_a_join_is_stored_comes_after_the_reply() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "alice")
    chat.say("alice", 1, dev)
    chat.ask("bob", Join(5, "dev"))
    chat.say("alice", 2, dev)
    assert events(chat.store_all(), "bob") == [], "it was said to those who were in the room then"
    assert the(Joined, chat.end_turn(), "bob").head == 2
    chat.say("alice", 3, dev)
    assert the(Deliver, chat.store_all(), "bob").messages[0].seq == 3


def test_a_join_from_before_is_served_in_full() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.said("alice", 1, 2, conversation=dev)
    chat.ask("bob", Join(5, "dev", 0))
    chat.store_all()
    told = news(chat.end_turn(), "bob")
    assert [type(event) for event in told] == [Joined, Deliver]


def test_a_join_that_could_not_be_stored_has_not_happened() -> None:
    chat = club("alice", "bob")
    chat.room("alice", "dev")
    chat.ask("bob", Join(5, "dev"))
    assert the(Refused, chat.fail_all(), "bob").retry_after == 1.0
    assert chat.end_turn() == []
    assert listed(chat, "bob") == []


def test_a_join_of_a_connection_that_is_gone_meanwhile_only_makes_a_member() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.ask("bob", Join(5, "dev"))
    chat.disconnect("bob")
    chat.store_all()
    assert chat.end_turn() == []
    enter(chat, "bob")
    assert listed(chat, "bob") == [dev]


def test_one_connection_is_in_so_many_rooms_also_where_joins_wait_for_the_store() -> None:
    chat = club("alice", "bob", limits=Limits(rooms_per_session=1))
    chat.room("alice", "dev")
    chat.room("alice", "ops")
    chat.ask("bob", Join(5, "dev"))
    chat.ask("bob", Join(6, "ops"))
    chat.store_all()
    told = news(chat.end_turn(), "bob")
    assert [type(event) for event in told] == [Joined, Refused]
    assert refusal(chat.ask("bob", Join(7, "lobby"))) == ErrorCode.TOO_MANY_ROOMS


def test_a_guest_joins_a_public_room_without_a_trace() -> None:
    chat = club("alice", guests=["gus"])
    chat.room("alice", "dev")
    assert entries(chat.ask("gus", Join(5, "dev"))) == []


# -- connections come and go ----------------------------------------------------------------------------------


def test_disconnecting_does_not_end_a_membership_and_a_room_counts_who_is_in_it() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "bob")
    chat.disconnect("bob")
    enter(chat, "bob")
    page = the(ConversationPage, chat.ask("bob", ListConversations(5)), "bob")
    (conversation,) = page.conversations
    assert conversation.id == dev
    assert conversation.room is not None
    assert conversation.room.members == 0


def test_a_membership_is_there_after_a_restart() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "bob")
    again = reopened(chat)
    enter(again, "bob")
    assert listed(again, "bob") == [dev]
    assert isinstance(again.ask("bob", Join(5, "dev"))[0], Reply), "nothing is stored anew"


def test_a_guest_s_list_has_only_the_rooms_of_the_connection() -> None:
    chat = club("alice", guests=["gus"])
    dev = chat.room("alice", "dev")
    joined(chat, "gus")
    assert listed(chat, "gus") == [dev]
    chat.login("gus2", "gus")
    assert listed(chat, "gus2") == []


# -- leaving --------------------------------------------------------------------------------------------------


def test_an_account_leaves_with_all_its_connections() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    enter(chat, "bob2", "bob")
    enter(chat, "bob3", "bob")
    joined(chat, "bob", "bob2")
    assert chat.ask("bob3", Part(5, dev)) == [DropMember(dev, 2)]
    effects = chat.store_all()
    for session in ("bob", "bob2"):
        assert the(Removed, effects, session).code == ErrorCode.NOT_A_MEMBER
    assert news(effects, "bob3") == [Done(5)]
    assert listed(chat, "bob") == []
    assert refusal(chat.ask("bob", Part(6, dev))) == ErrorCode.NOT_A_MEMBER
    chat.say("alice", 1, dev)
    assert events(chat.store_all(), "bob") == []


def test_who_leaves_by_one_connection_is_told_so_there_only_by_the_reply() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "bob")
    chat.ask("bob", Part(5, dev))
    assert news(chat.store_all(), "bob") == [Done(5)]


def test_a_leave_that_could_not_be_stored_has_not_happened() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "bob")
    chat.ask("bob", Part(5, dev))
    assert the(Refused, chat.fail_all(), "bob").retry_after == 1.0
    chat.say("alice", 1, dev)
    assert the(Deliver, chat.store_all(), "bob").conversation == dev


def test_who_leaves_before_a_join_has_let_it_in_stays_out() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    enter(chat, "bob2", "bob")
    chat.ask("bob", Join(5, "dev"))
    chat.store_all()
    chat.ask("bob2", Part(6, dev))
    chat.store_all()
    assert the(Refused, chat.end_turn(), "bob").code == ErrorCode.NOT_A_MEMBER


def test_a_guest_leaves_with_one_connection() -> None:
    chat = club("alice", guests=["gus"])
    dev = chat.room("alice", "dev")
    chat.login("gus2", "gus")
    joined(chat, "gus", "gus2")
    assert news(chat.ask("gus", Part(5, dev)), "gus") == [Done(5)]
    assert listed(chat, "gus2") == [dev]


# -- owners ---------------------------------------------------------------------------------------------------


def test_who_makes_a_room_with_an_account_owns_it_and_belongs_to_it() -> None:
    chat = club("alice")
    effects = chat.ask("alice", CreateRoom(5, "dev"))
    assert entries(effects) == [PutMember(2, 1, Rank.OWNER, NOW), PutRoom(2, "dev", 1, False)]
    opened = the(Opened, chat.store_all(), "alice")
    assert listed(chat, "alice") == [opened.conversation.id]


def test_a_room_that_could_not_be_stored_has_no_owner_and_no_members() -> None:
    chat = club("alice")
    chat.ask("alice", CreateRoom(5, "dev"))
    chat.fail_all()
    assert listed(chat, "alice") == []
    assert chat.room("alice", "dev") == 3


def test_an_account_owns_more_rooms_than_a_guest() -> None:
    chat = club("alice", guests=["gus"], limits=Limits(rooms_per_guest=1, rooms_per_account=2))
    for name in ("one", "two"):
        chat.room("alice", name)
    chat.room("gus", "three")
    for name in ("alice", "gus"):
        assert refusal(chat.ask(name, CreateRoom(5, "more"))) == ErrorCode.TOO_MANY_ROOMS


def test_a_room_passes_to_the_account_that_has_belonged_to_it_for_longest_connected_or_not() -> None:
    chat = club("alice", "bob", "carol", guests=["gus"])
    dev = chat.room("alice", "dev")
    joined(chat, "gus")
    chat.tick()
    joined(chat, "carol")
    chat.tick()
    joined(chat, "bob")
    chat.disconnect("carol")
    chat.ask("alice", Part(5, dev))
    effects = chat.store_all()
    assert the(RoomChanged, effects, "bob").room.owner == 3
    assert PutRoom(dev, "dev", 3, False) in entries(effects), "it is stored at once"


def test_a_room_passes_to_the_guest_that_is_in_it_for_longest_if_no_account_belongs_to_it() -> None:
    chat = club("alice", guests=["gus", "gwen"])
    dev = chat.room("alice", "dev")
    joined(chat, "gwen", "gus")
    chat.ask("alice", Part(5, dev))
    assert the(RoomChanged, chat.store_all(), "gus").room.owner == 3


def test_a_room_that_nobody_is_left_in_goes_to_whoever_comes_first() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.ask("alice", Part(5, dev))
    chat.store_all()
    chat.ask("bob", Join(5, "dev"))
    chat.store_all()
    assert the(Joined, chat.end_turn(), "bob").room.owner == 2


def test_a_room_passes_on_at_start_if_the_server_stopped_before_that_was_stored() -> None:
    chat = club("alice", "bob")
    dev = chat.room("alice", "dev")
    joined(chat, "bob")
    chat.ask("alice", Part(5, dev))
    chat.submit()
    chat.store_one()
    again = reopened(chat)
    enter(again, "bob")
    assert the(Joined, again.ask("bob", Join(5, "dev")), "bob").room.owner == 2


def test_a_guest_goes_on_owning_its_room_without_being_in_it_also_after_a_restart() -> None:
    chat = club("alice", guests=["gus"])
    dev = chat.room("gus", "dev")
    joined(chat, "gus", "alice")
    chat.ask("gus", Part(5, dev))
    again = reopened(chat)
    enter(again, "alice")
    assert the(Joined, again.ask("alice", Join(5, "dev")), "alice").room.owner == 2


def test_a_guest_that_is_forgotten_leaves_nothing_behind_and_its_room_passes_on() -> None:
    chat = club("alice", admins=["ada"], guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    dev = chat.room("gus", "dev")
    joined(chat, "alice", "gus")
    ops = chat.room("alice", "ops")
    do(chat, "alice", Act.INVITE, "gus", ops)
    do(chat, "alice", Act.MUTE, "gus", ops)
    do(chat, "ada", Act.MUTE, "gus")
    chat.disconnect("gus")
    assert the(RoomChanged, chat.tick(61.0), "alice").room.owner == 1
    chat.store_all()
    assert not [row for row in chat.store.members.values() if row.user == 3]
    assert not chat.store.bans
    assert change(chat, "alice", dev, topic="mine") != []


@pytest.mark.parametrize("act", [Act.KICK, Act.BAN])
def test_an_admin_puts_an_owner_out_and_the_room_passes_on(act: Act) -> None:
    chat = club("alice", "bob", admins=["ada"], guests=["gus"])
    for owner in ("alice", "gus"):
        room = chat.room(owner, f"of-{owner}")
        joined(chat, owner, "bob", room=f"of-{owner}")
        assert the(RoomChanged, do(chat, "ada", act, owner, room), "bob").room.owner == 2
        assert chat.store.conversations[room] == PutRoom(room, f"of-{owner}", 2, False)

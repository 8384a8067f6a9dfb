"""Guests who stay away are forgotten, with all that hangs on them; others keep what is theirs."""

from chatnet.core.entries import (
    DropChat,
    DropUser,
    Entry,
    PutChat,
    PutMarks,
    PutRoom,
    PutUser,
    SavedConversation,
    Snapshot,
)
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, ConversationPage, Deliver, Joined, Nack, Opened, Refused, Renamed, RoomChanged, Welcome
from chatnet.model import Role
from chatnet.requests import CreateRoom, Join, ListConversations, Mark, Open, Rename
from tests.core.script import Script, entries, events, refusal, the, to, user

HOLD = Limits().guest_hold_seconds


def stored_user(id: int, name: str) -> PutUser:
    return PutUser(id, name, "", Role.GUEST, b"h" * 32)


def is_known(chat: Script, name: str) -> bool:
    """Is the name of somebody that ``alice`` could talk to?"""
    told = events(chat.ask("alice", Open(5, user=name)) + chat.store_all(), "alice")
    return isinstance(told[0], Opened)


# -- how long -------------------------------------------------------------------------------------------------


def test_a_guest_who_never_said_anything_is_gone_after_a_day_without_a_write() -> None:
    chat = Script("alice", "bob")
    chat.disconnect("bob")
    assert chat.tick(HOLD - 1) == []
    assert refusal(chat.login("b", "bob", secret="other")) == ErrorCode.NAME_IN_USE
    assert chat.tick(1) == []
    assert not is_known(chat, "bob")
    welcome = the(Welcome, chat.login("b", "bob", secret="other"), "b")
    assert welcome.user.id == 3, "ids are never given out twice"


def test_the_hold_begins_when_the_last_session_ends() -> None:
    chat = Script("alice", "bob")
    chat.login("bob2", "bob")
    chat.disconnect("bob")
    chat.tick(HOLD)
    chat.disconnect("bob2")
    chat.tick(HOLD - 1)
    assert is_known(chat, "bob")
    chat.tick(1)
    assert not is_known(chat, "bob")


def test_a_guest_who_came_back_is_held_anew() -> None:
    chat = Script("alice", "bob")
    chat.disconnect("bob")
    chat.tick(HOLD - 1)
    chat.login("bob")
    chat.disconnect("bob")
    chat.tick(HOLD - 1)
    assert is_known(chat, "bob")


def test_all_guests_of_the_store_have_been_away_since_the_first_tick() -> None:
    chat = Script("alice", snapshot=Snapshot([stored_user(1, "bob"), stored_user(2, "carol")], next_user=3))
    chat.tick()
    assert chat.tick(HOLD - 1) == []
    assert entries(chat.tick(1)) == [DropUser(1), DropUser(2)]


def test_the_longest_away_go_first_when_there_are_too_many() -> None:
    chat = Script("alice", "bob", "carol", "dave", limits=Limits(held_guests=1))
    for name in ("carol", "bob", "dave"):
        chat.disconnect(name)
    chat.tick()
    assert [is_known(chat, name) for name in ("bob", "carol", "dave")] == [False, False, True]


# -- what goes with them --------------------------------------------------------------------------------------


def test_the_store_forgets_a_guest_that_it_knows_and_the_chats_of_which_nobody_is_left() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=both)
    chat.disconnect("bob")
    chat.disconnect("alice")
    assert entries(chat.tick(HOLD)) == [DropUser(2), DropUser(1), DropChat(both)]


def test_a_renamed_guest_is_forgotten_by_the_store_too() -> None:
    chat = Script("alice")
    chat.said("alice", 1)
    chat.ask("alice", Rename(5, "ally"))
    chat.fail_all()
    chat.disconnect("alice")
    assert entries(chat.tick(HOLD)) == [DropUser(1)]


def test_what_the_store_could_not_forget_it_is_asked_to_forget_again() -> None:
    chat = Script("alice")
    chat.said("alice", 1, conversation=chat.chat("alice", "alice"))
    chat.disconnect("alice")
    gone: list[Entry] = entries(chat.tick(HOLD))
    assert gone == [DropUser(1), DropChat(2)]
    assert chat.fail_all() == []
    assert entries(chat.tick()) == gone
    chat.store_all()
    assert chat.tick() == []
    assert (chat.store.users, chat.store.conversations) == ({}, {})


def test_who_is_left_can_read_the_chat_but_not_say_more() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=both)
    chat.disconnect("bob")
    chat.tick(HOLD)
    assert chat.store_all() == []
    chat.say("alice", 2, both)
    nack = the(Nack, chat.store_all(), "alice")
    assert (nack.n, nack.code) == (2, ErrorCode.NO_SUCH_USER)
    chat.login("bob", secret="other")
    assert chat.chat("alice", "bob") != both, "the new bob is somebody else"


def test_a_message_sent_again_to_somebody_who_is_gone_by_now_gets_its_first_answer() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=both)
    chat.disconnect("bob")
    chat.tick(HOLD)
    chat.say("alice", 1, both)
    ack = the(Ack, chat.store_all(), "alice")
    assert (ack.n, ack.seq) == (1, 1)


def test_a_rename_is_told_though_somebody_one_talked_to_is_gone() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, conversation=chat.chat("alice", "bob"))
    chat.disconnect("bob")
    chat.tick(HOLD)
    chat.ask("alice", Rename(5, "ally"))
    assert to(["alice"], Renamed(user(1, "ally"))) in chat.store_all()


def test_messages_under_way_to_a_chat_that_is_forgotten_do_no_harm() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.say("alice", 1, both)
    chat.submit()
    chat.disconnect("alice")
    chat.disconnect("bob")
    assert entries(chat.tick(HOLD)) == [DropUser(1), DropUser(2), DropChat(both)]
    assert chat.store_all() == []
    assert chat.store.conversations == {}


def test_a_failure_of_messages_to_a_chat_that_is_forgotten_does_no_harm() -> None:
    chat = Script("alice", "bob")
    chat.say("alice", 1, chat.chat("alice", "bob"))
    chat.disconnect("alice")
    chat.disconnect("bob")
    chat.tick(HOLD)
    assert chat.fail_all() == []


def test_a_message_under_way_starts_the_chat_though_its_sender_is_forgotten() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.say("alice", 1, both)
    chat.submit()
    chat.disconnect("alice")
    chat.tick(HOLD)
    told = events(chat.store_all(), "bob")
    assert [type(event).__name__ for event in told] == ["Started", "Deliver"]
    assert isinstance(told[1], Deliver)
    assert told[1].conversation == both


def test_marks_in_rooms_go_with_their_user() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    chat.ask("bob", Mark(5, 1, 1, 1))
    chat.store_all()
    chat.disconnect("bob")
    chat.tick(HOLD)
    assert chat.hub._state.conversations[1].marks == {}


def test_a_mark_that_is_stored_after_its_user_was_forgotten_is_not_kept() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    chat.ask("bob", Mark(5, 1, 1, 1))
    chat.disconnect("bob")
    chat.tick(HOLD)
    chat.store_all()
    assert chat.hub._state.conversations[1].marks == {}


# -- rooms ----------------------------------------------------------------------------------------------------


def test_a_room_passes_to_who_has_been_in_it_longest() -> None:
    chat = Script("alice", "bob", "carol")
    dev = chat.room("alice", "dev")
    chat.join("carol", "bob", room="dev")
    chat.disconnect("alice")
    effects = chat.tick(HOLD)
    changed = the(RoomChanged, effects, "bob")
    assert (changed.room.id, changed.room.owner) == (dev, 3)
    assert effects[0] == to(["bob", "carol"], changed)
    chat.say("bob", 1, dev)
    assert PutRoom(dev, "dev", 3, False) in chat.batch, "the store hears of it with the next message"


def test_an_empty_room_waits_for_the_first_who_comes() -> None:
    chat = Script("alice", "bob", "carol")
    chat.room("alice", "dev")
    chat.disconnect("alice")
    assert entries(chat.tick(HOLD)) == [DropUser(1)]
    for name, owner in (("bob", 2), ("carol", 2)):
        joined = the(Joined, chat.ask(name, Join(5, "dev")), name)
        assert joined.room.owner == owner


def test_nobody_ever_owns_the_lobby() -> None:
    chat = Script("alice")
    joined = the(Joined, chat.ask("alice", Join(5, "lobby")), "alice")
    assert joined.room.owner == 0


def test_a_room_whose_maker_is_forgotten_before_it_is_stored_has_no_owner() -> None:
    chat = Script("alice", "bob", limits=Limits(guest_hold_seconds=5.0))
    chat.ask("alice", CreateRoom(5, "dev"))
    chat.submit()
    chat.disconnect("alice")
    chat.tick(5.0)
    chat.store_all()
    joined = the(Joined, chat.ask("bob", Join(6, "dev")), "bob")
    assert joined.room.owner == 2


# -- chats that were only looked up ---------------------------------------------------------------------------


def test_a_client_that_lost_its_connection_after_a_look_up_can_still_say_its_first_word() -> None:
    chat = Script("alice", "bob")
    chat.disconnect("bob")
    both = chat.chat("alice", "bob")
    chat.disconnect("alice")
    chat.login("alice")
    chat.say("alice", 1, both)
    assert [type(event).__name__ for event in events(chat.store_all(), "alice")] == ["Started", "Deliver", "Ack"]


def test_the_oldest_unused_chats_go_when_there_are_too_many() -> None:
    chat = Script("alice", "bob", "carol", "dave", limits=Limits(unused_chats=2))
    first, second, third, fourth = (chat.chat("alice", name) for name in ("alice", "bob", "carol", "dave"))
    chat.said("alice", 1, conversation=first)
    chat.say("alice", 2, second)
    chat.tick()
    chat.store_all()
    assert [chat.chat("alice", name) for name in ("alice", "bob", "carol", "dave")] == [first, second, third, fourth]
    fifth = chat.chat("bob", "carol")
    chat.tick()
    assert chat.chat("alice", "carol") not in (first, second, third, fourth, fifth)


def test_the_store_forgets_a_chat_in_which_only_a_stale_message_was_said() -> None:
    chat = Script("alice", "bob", limits=Limits(unused_chats=0))
    chat.said("alice", 3)
    both = chat.chat("alice", "bob")
    chat.said("alice", 2, conversation=both)
    assert entries(chat.tick()) == [DropChat(both)]


def test_an_unused_chat_goes_with_either_of_the_two() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.disconnect("bob")
    chat.tick(HOLD)
    chat.say("alice", 1, both)
    nack = the(Nack, chat.store_all(), "alice")
    assert nack.code == ErrorCode.NO_SUCH_CONVERSATION


def test_a_chat_that_was_only_looked_up_outlives_a_restart() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    again = chat.restarted()
    again.login("alice")
    again.say("alice", 1, both)
    assert the(Ack, again.store_all(), "alice").seq == 1


def test_the_store_forgets_a_chat_that_was_only_looked_up_too() -> None:
    chat = Script("alice", "bob", limits=Limits(unused_chats=0))
    both = chat.chat("alice", "bob")
    assert entries(chat.tick()) == [DropChat(both)]
    chat.store_all()
    assert chat.store.conversations == {}


def test_a_chat_is_not_forgotten_while_it_is_being_stored_or_a_post_to_it() -> None:
    chat = Script("alice", "bob", limits=Limits(unused_chats=0))
    chat.ask("alice", Open(5, user="bob"))
    assert chat.tick() == []
    both = the(Opened, chat.store_all(), "alice").conversation.id
    chat.say("alice", 1, both)
    assert chat.tick() == []
    chat.store_all()
    assert chat.tick() == []


def test_a_chat_that_could_not_be_stored_is_forgotten_without_a_write() -> None:
    chat = Script("alice", "bob", limits=Limits(unused_chats=0))
    chat.ask("alice", Open(5, user="bob"))
    chat.fail_all()
    assert chat.tick() == []
    assert not chat.hub._state.unused


def test_who_is_forgotten_while_a_chat_is_being_stored_is_not_found() -> None:
    chat = Script("alice", "bob")
    chat.disconnect("bob")
    chat.ask("alice", Open(5, user="bob"))
    chat.submit()
    assert entries(chat.tick(HOLD)) == [DropUser(2), DropChat(2)]
    refused = the(Refused, chat.store_all(), "alice")
    assert (refused.id, refused.code, refused.retry_after) == (5, ErrorCode.NO_SUCH_USER, 0.0)
    assert chat.store.conversations == {}


# -- what a store may have kept ------------------------------------------------------------------------------


def test_a_room_of_an_owner_whom_the_store_does_not_know_passes_to_who_comes() -> None:
    kept = SavedConversation(PutRoom(5, "dev", 77, True), 1, 3)
    chat = Script("alice", snapshot=Snapshot([], [kept], next_conversation=6))
    joined = the(Joined, chat.ask("alice", Join(5, "dev")), "alice")
    room = joined.room
    assert (room.owner, room.archived, room.members) == (1, True, 1)


def test_a_chat_of_which_nobody_is_left_is_dropped_from_the_store() -> None:
    kept = SavedConversation(PutChat(5, 7, 8), 1, 3)
    chat = Script(snapshot=Snapshot([], [kept], next_conversation=6))
    assert entries(chat.tick()) == [DropChat(5)]
    assert chat.tick() == []


def test_a_chat_in_which_nothing_was_said_is_dropped_where_one_of_the_two_is_missing() -> None:
    kept = SavedConversation(PutChat(5, 7, 8), 1, 0)
    chat = Script(snapshot=Snapshot([stored_user(7, "bob")], [kept], [], 9, 6))
    assert entries(chat.tick()) == [DropChat(5)]
    assert not chat.hub._state.users[7].chats


def test_a_chat_of_which_one_is_left_is_kept_and_ended() -> None:
    kept = SavedConversation(PutChat(5, 7, 8), 1, 3)
    marks = [PutMarks(5, 7, 3, 2), PutMarks(4, 7, 1, 1)]
    snapshot = Snapshot([stored_user(7, "bob")], [kept], marks, 9, 6)
    chat = Script(snapshot=snapshot)
    assert chat.tick() == []
    kept_chat = chat.hub._state.users[7].chats[8]
    assert (kept_chat.ended, kept_chat.head, kept_chat.marks) == (True, 3, {7: (3, 2)})


def test_two_users_of_one_name_are_both_forgotten_in_time() -> None:
    chat = Script(snapshot=Snapshot([stored_user(1, "bob"), stored_user(2, "Bob")], next_user=3))
    chat.tick()
    assert chat.tick(HOLD) == [DropUser(1), DropUser(2)]
    assert the(Welcome, chat.login("b", "bob"), "b").user.id == 3


def test_a_chat_with_somebody_who_is_gone_shows_an_unknown_peer() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("bob", 1, conversation=both)
    chat.disconnect("bob")
    chat.tick(HOLD)
    (shown,) = the(ConversationPage, chat.ask("alice", ListConversations(5)), "alice").conversations
    assert (shown.id, shown.peer) == (both, user(2, ""))


def test_an_unknown_name_is_refused() -> None:
    assert refusal(Script("alice").ask("alice", Open(5, user="nobody"))) == ErrorCode.NO_SUCH_USER

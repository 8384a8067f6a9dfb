"""Who came and who left: once a turn, never a flap, and only numbers where there are many."""

from chatnet.core.limits import Limits
from chatnet.events import Deliver, Joined, Presence
from chatnet.requests import Join, Part, Rename
from tests.core.script import LOBBY_ID, Script, events, message, the, to, user

SMALL = Limits(presence_members=2)


def test_all_who_came_in_a_turn_are_told_together() -> None:
    chat = Script("alice", "bob", "carol")
    chat.join("alice")
    assert chat.ask("bob", Join(5, "lobby"))[1:] == []
    chat.ask("carol", Join(5, "lobby"))
    came = Presence(LOBBY_ID, [user(2, "bob"), user(3, "carol")], [], 3)
    assert chat.end_turn() == [to(["alice", "bob", "carol"], came)]
    assert chat.end_turn() == []


def test_who_left_is_told_to_those_who_stay() -> None:
    chat = Script("alice", "bob", "carol")
    chat.join("alice", "bob", "carol")
    chat.ask("bob", Part(5, LOBBY_ID))
    chat.disconnect("carol")
    assert chat.end_turn() == [to(["alice"], Presence(LOBBY_ID, [], [2, 3], 1))]


def test_who_left_and_came_back_was_never_away() -> None:
    chat = Script("alice", "bob")
    chat.join("alice", "bob")
    chat.ask("bob", Part(5, LOBBY_ID))
    chat.ask("bob", Join(6, "lobby"))
    assert chat.end_turn() == []


def test_who_came_and_left_was_never_there() -> None:
    chat = Script("alice", "bob")
    chat.join("alice")
    chat.ask("bob", Join(5, "lobby"))
    chat.disconnect("bob")
    assert chat.end_turn() == []


def test_a_user_is_in_a_room_as_long_as_one_session_is() -> None:
    chat = Script("alice", "bob")
    chat.login("bob2", "bob")
    chat.join("alice", "bob")
    chat.ask("bob2", Join(5, "lobby"))
    chat.disconnect("bob")
    assert chat.end_turn() == []
    chat.disconnect("bob2")
    assert chat.end_turn() == [to(["alice"], Presence(LOBBY_ID, [], [2], 1))]


def test_who_joins_and_is_renamed_in_one_turn_comes_with_the_new_name() -> None:
    chat = Script("alice", "bob")
    chat.join("alice")
    chat.ask("bob", Join(5, "lobby"))
    chat.ask("bob", Rename(6, "bobby"))
    assert the(Presence, chat.end_turn(), "alice").joined == [user(2, "bobby")]


def test_the_empty_room_is_told_to_nobody() -> None:
    chat = Script("alice")
    chat.join("alice")
    chat.disconnect("alice")
    assert chat.end_turn() == []


def test_those_who_are_behind_are_told_too() -> None:
    chat = Script("alice", "bob")
    chat.join("alice")
    chat.said("bob", 1)
    chat.take(chat.hub.fell_behind("alice", Deliver(LOBBY_ID, [message(1, 2, "bob")]), chat.now))
    chat.ask("bob", Join(5, "lobby"))
    assert events(chat.end_turn(), "alice") == [Presence(LOBBY_ID, [user(2, "bob")], [], 2)]


def test_a_large_room_is_told_its_number_every_five_seconds() -> None:
    chat = Script("alice", "bob", "carol", "dave", limits=SMALL)
    chat.join("alice", "bob")
    chat.ask("carol", Join(5, "lobby"))
    assert chat.end_turn() == []
    assert chat.tick() == [to(["alice", "bob", "carol"], Presence(LOBBY_ID, [], [], 3))]
    chat.ask("dave", Join(5, "lobby"))
    assert chat.end_turn() == []
    assert [chat.tick() for _ in range(4)] == [[]] * 4
    assert chat.tick() == [to(["alice", "bob", "carol", "dave"], Presence(LOBBY_ID, [], [], 4))]
    assert chat.tick(5.0) == []


def test_a_room_that_became_small_is_told_its_number_and_then_names_again() -> None:
    chat = Script("alice", "bob", "carol", limits=SMALL)
    chat.join("alice", "bob", "carol")
    chat.ask("carol", Part(5, LOBBY_ID))
    assert chat.end_turn() == [to(["alice", "bob"], Presence(LOBBY_ID, [], [3], 2))]
    assert chat.tick() == [to(["alice", "bob"], Presence(LOBBY_ID, [], [], 2))]
    chat.ask("bob", Part(5, LOBBY_ID))
    assert chat.end_turn() == [to(["alice"], Presence(LOBBY_ID, [], [2], 1))]


def test_more_changes_than_a_frame_could_name_are_a_number() -> None:
    names = [f"guest{i}" for i in range(6)]
    chat = Script("alice", *names, limits=Limits(presence_members=4))
    chat.join("alice", *names)
    for name in names:
        chat.disconnect(name)
    assert chat.end_turn() == []
    assert chat.tick() == [to(["alice"], Presence(LOBBY_ID, [], [], 1))]


def test_a_rooms_number_counts_at_once() -> None:
    chat = Script("alice", "bob")
    chat.join("alice")
    assert the(Joined, chat.ask("bob", Join(5, "lobby")), "bob").room.members == 2

from chatnet.client.cache import Cache
from chatnet.client.outbox import ToRoom, ToUser
from chatnet.events import (
    ConversationPage,
    Deliver,
    Done,
    Joined,
    Opened,
    Presence,
    Renamed,
    RoomChanged,
    Started,
    Truncated,
    UserPage,
)
from chatnet.model import Conversation, Room, User
from chatnet.requests import ListUsers, Part, Rename
from tests.client.script import BOB, CHAT, LOBBY, ME, message

CAROL = User(9, "carol")


def cache() -> Cache:
    cache = Cache(User(0, "alice"))
    cache.log_in(ME)
    return cache


def test_conversations_are_found_by_their_names_in_any_case() -> None:
    known = cache()
    known.learn(Opened(1, CHAT))
    known.learn(Joined(2, LOBBY, 1, 4))
    assert known.find(ToUser("BOB")) == 5
    assert known.find(ToRoom("Lobby")) == 1
    assert known.find(ToUser("lobby")) is None
    assert known.conversations[1] == Conversation(1, LOBBY, None, 1, 4)


def test_names_are_forgotten_with_the_connection_but_conversations_are_not() -> None:
    known = cache()
    known.learn(Started(CHAT))
    known.connection_lost()
    assert known.find(ToUser("bob")) is None
    assert known.conversations[5].peer == BOB


def test_a_rename_moves_the_name_with_its_user() -> None:
    known = cache()
    known.learn(ConversationPage(1, [CHAT]))
    known.learn(Renamed(User(8, "robert")))
    assert known.find(ToUser("bob")) is None
    assert known.find(ToUser("robert")) == 5
    assert known.conversations[5].peer == known.people[8] == User(8, "robert")


def test_a_name_that_another_user_has_taken_leads_nowhere() -> None:
    known = cache()
    known.learn(Opened(1, CHAT))
    known.learn(Presence(1, [User(20, "bob")], [], 2))
    assert known.find(ToUser("bob")) is None


def test_own_renames_are_known_from_the_reply_and_from_the_news() -> None:
    known = cache()
    known.learn_answer(Rename(1, "ally", "Al"), Done(1))
    assert known.me == User(7, "ally", "Al")
    known.learn(Renamed(User(7, "alicia")))
    assert known.me == User(7, "alicia")


def test_who_is_in_a_room_follows_lists_and_presence() -> None:
    known = cache()
    known.learn(Joined(1, LOBBY, 1, 0))
    known.learn_answer(ListUsers(2, 1), UserPage(2, [ME, BOB]))
    known.learn(Presence(1, [CAROL], [BOB.id], 2))
    assert known.users_in(1) == [ME, CAROL]
    room = known.conversations[1].room
    assert room is not None
    assert room.members == 2
    known.learn_answer(Part(3, 1), Done(3))
    assert known.users_in(1) == []


def test_a_list_of_everybody_puts_nobody_into_a_room() -> None:
    known = cache()
    known.learn_answer(ListUsers(2), UserPage(2, [BOB]))
    assert known.people[8] == BOB
    assert known.present == {}


def test_heads_and_firsts_follow_what_is_delivered() -> None:
    known = cache()
    known.learn(Opened(1, CHAT))
    known.learn(Deliver(5, [message(1), message(2)]))
    known.learn(Deliver(5, [message(1)]))
    known.learn(Truncated(5, 2))
    assert (known.conversations[5].first, known.conversations[5].head) == (2, 2)


def test_a_room_that_changes_is_known_as_it_is_now() -> None:
    known = cache()
    known.learn(Joined(1, LOBBY, 1, 4))
    known.learn(RoomChanged(Room(1, "lobby", 7, archived=True)))
    assert known.conversations[1] == Conversation(1, Room(1, "lobby", 7, archived=True), None, 1, 4)


def test_on_another_server_only_the_own_name_is_left() -> None:
    known = cache()
    known.learn(Opened(1, CHAT))
    known.forget()
    assert known.me == User(0, "alice")
    assert (known.conversations, known.people, known.find(ToUser("bob"))) == ({}, {}, None)

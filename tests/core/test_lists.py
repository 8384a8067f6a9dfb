"""Lists in pages, and the history of a conversation."""

import pytest

from chatnet.core.effects import Read, Reply
from chatnet.core.entries import PutRoom, PutUser, ReadMessages, SavedConversation, Snapshot
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import ConversationPage, HistoryPage, Opened, Refused, RoomPage, UserPage
from chatnet.model import Conversation, Role, Room
from chatnet.requests import ChangeRoom, GetHistory, ListConversations, ListRooms, ListUsers, Open, Post
from chatnet.wire.codec import encode
from tests.core.script import LOBBY_ID, Script, message, refusal, the, user

THREE_A_PAGE = Limits(page=3 * 256)
LONG = "n" * 32
WIDE = "\U0001d11e" * 40


def seqs(page: HistoryPage) -> list[int]:
    return [m.seq for m in page.messages]


# -- people ---------------------------------------------------------------------------------------------------


def test_who_is_online_comes_in_pages_of_ids() -> None:
    chat = Script(*"abcdefg", limits=THREE_A_PAGE)
    chat.disconnect("d")
    pages = [the(UserPage, chat.ask("a", ListUsers(5, cursor=cursor)), "a") for cursor in (0, 3, 7)]
    assert [[u.name for u in page.users] for page in pages] == [["a", "b", "c"], ["e", "f", "g"], []]
    assert [page.next for page in pages] == [3, 7, 0]


def test_a_list_that_changes_between_pages_skips_and_repeats_nobody_who_stays() -> None:
    chat = Script(*"abcdefg", limits=THREE_A_PAGE)
    first = the(UserPage, chat.ask("g", ListUsers(5)), "g")
    chat.disconnect("a")
    chat.disconnect("c")
    chat.login("z")
    second = the(UserPage, chat.ask("g", ListUsers(6, cursor=first.next)), "g")
    assert [u.name for u in first.users + second.users] == ["a", "b", "c", "d", "e", "f"]


def test_who_is_in_a_room_comes_in_pages_of_ids() -> None:
    chat = Script(*"abcdef", limits=THREE_A_PAGE)
    chat.join(*"fdbea")
    pages = [the(UserPage, chat.ask("c", ListUsers(5, LOBBY_ID, cursor)), "c") for cursor in (0, 4)]
    assert [[u.name for u in page.users] for page in pages] == [["a", "b", "d"], ["e", "f"]]
    assert [page.next for page in pages] == [4, 0]


def test_nobody_is_in_a_room_that_does_not_exist() -> None:
    chat = Script("alice", "bob")
    for conversation in (77, chat.chat("alice", "bob")):
        assert refusal(chat.ask("alice", ListUsers(5, conversation))) == ErrorCode.NO_SUCH_ROOM


# -- rooms ----------------------------------------------------------------------------------------------------


def test_rooms_come_in_pages_without_the_archived_ones_unless_asked_for() -> None:
    chat = Script("alice", limits=THREE_A_PAGE)
    for name in ("one", "two", "three"):
        chat.room("alice", name)
    chat.ask("alice", ChangeRoom(5, 3, archived=True))
    chat.store_all()
    shown = [the(RoomPage, chat.ask("alice", ListRooms(6, cursor)), "alice") for cursor in (0, 3)]
    assert [[r.name for r in page.rooms] for page in shown] == [["lobby", "one"], ["three"]]
    assert [page.next for page in shown] == [3, 0]
    every = [the(RoomPage, chat.ask("alice", ListRooms(6, cursor, True)), "alice") for cursor in (0, 3)]
    assert [[r.name for r in page.rooms] for page in every] == [["lobby", "one", "two"], ["three"]]
    assert every[0].rooms[2] == Room(3, "two", 1, True)


# -- conversations --------------------------------------------------------------------------------------------


def test_ones_conversations_are_the_rooms_of_the_session_and_the_chats_that_were_used() -> None:
    chat = Script("alice", "bob", "carol", limits=THREE_A_PAGE)
    used = chat.chat("alice", "bob")
    chat.chat("alice", "carol")
    chat.said("bob", 1, conversation=used)
    chat.login("alice2", "alice")
    chat.join("alice")
    with_bob = Conversation(used, None, user(2, "bob"), 1, 1, peer_read=1, peer_delivered=1)
    lobby = Conversation(LOBBY_ID, Room(LOBBY_ID, "lobby", 0, False, 1), None)
    assert chat.ask("alice", ListConversations(5)) == [Reply("alice", ConversationPage(5, [lobby, with_bob]))]
    assert the(ConversationPage, chat.ask("alice2", ListConversations(5)), "alice2").conversations == [with_bob]


def test_ones_conversations_come_in_pages() -> None:
    chat = Script(*"abcdefg", limits=THREE_A_PAGE)
    for n, name in enumerate("abcdefg", 1):
        chat.said("a", n, conversation=chat.chat("a", name))
    pages = [the(ConversationPage, chat.ask("a", ListConversations(5, cursor)), "a") for cursor in (0, 4, 7)]
    assert [[c.id for c in page.conversations] for page in pages] == [[2, 3, 4], [5, 6, 7], [8]]
    assert [page.next for page in pages] == [4, 7, 0]


# -- looking up -----------------------------------------------------------------------------------------------


def test_a_chat_is_the_same_from_both_sides() -> None:
    chat = Script("alice", "bob")
    opened = Opened(5, Conversation(2, None, user(2, "bob")))
    chat.ask("alice", Open(5, user="BOB"))
    assert chat.store_all() == [Reply("alice", opened)]
    assert the(Opened, chat.ask("bob", Open(6, user="alice")), "bob").conversation.id == 2


def test_what_one_says_to_oneself_is_read_at_once() -> None:
    chat = Script("alice")
    notes = chat.chat("alice", "alice")
    chat.said("alice", 1, 2, conversation=notes)
    shown = the(Opened, chat.ask("alice", Open(5, user="alice")), "alice").conversation
    assert shown == Conversation(notes, None, user(1, "alice"), 1, 2, 2, 2, 2, 2)


@pytest.mark.parametrize("both", [("", ""), ("alice", "lobby")])
def test_a_look_up_names_one_thing(both: tuple[str, str]) -> None:
    assert refusal(Script("alice").ask("alice", Open(5, *both))) == ErrorCode.BAD_REQUEST


# -- history --------------------------------------------------------------------------------------------------


def query(limit: int, after: int | None, before: int | None) -> Read:
    return Read(ReadMessages(LOBBY_ID, limit, 48 * KIB, after, before, ("alice", 5)))


@pytest.mark.parametrize(
    ("request_", "asked", "expected"),
    [
        (GetHistory(5, LOBBY_ID), query(100, None, 6), [1, 2, 3, 4, 5]),
        (GetHistory(5, LOBBY_ID, limit=2), query(2, None, 6), [4, 5]),
        (GetHistory(5, LOBBY_ID, before=3), query(100, None, 3), [1, 2]),
        (GetHistory(5, LOBBY_ID, before=77, limit=1), query(1, None, 6), [5]),
        (GetHistory(5, LOBBY_ID, after=3), query(100, 3, None), [4, 5]),
        (GetHistory(5, LOBBY_ID, after=0, limit=2), query(2, 0, None), [1, 2]),
        (GetHistory(5, LOBBY_ID, after=77), query(100, 77, None), []),
        (GetHistory(5, LOBBY_ID, before=1), query(100, None, 1), []),
    ],
)
def test_history_goes_before_or_after_a_message(request_: GetHistory, asked: Read, expected: list[int]) -> None:
    chat = Script("alice")
    chat.said("alice", 1, 2, 3, 4, 5)
    assert chat.ask("alice", request_) == [asked]
    page = the(HistoryPage, chat.read_page(), "alice")
    assert (page.id, seqs(page), page.first, page.head) == (5, expected, 1, 5)


def test_history_goes_one_way() -> None:
    chat = Script("alice")
    assert refusal(chat.ask("alice", GetHistory(5, LOBBY_ID, before=2, after=1))) == ErrorCode.BAD_REQUEST


def test_history_shows_no_message_that_has_not_been_told_to_anybody() -> None:
    chat = Script("alice")
    chat.said("alice", 1)
    chat.say("alice", 2)
    chat.submit()
    chat.store.store()
    chat.ask("alice", GetHistory(5, LOBBY_ID, after=0))
    assert seqs(the(HistoryPage, chat.read_page(), "alice")) == [1]


def test_history_of_what_is_no_longer_kept_says_where_it_begins() -> None:
    chat = Script("alice", window=2)
    chat.said("alice", 1, 2, 3)
    chat.ask("alice", GetHistory(5, LOBBY_ID, after=0))
    page = the(HistoryPage, chat.read_page(), "alice")
    assert (seqs(page), page.first) == ([2, 3], 2)


def test_only_the_two_read_a_chat_but_everybody_a_room() -> None:
    chat = Script("alice", "bob", "carol")
    both = chat.chat("alice", "bob")
    for session, conversation in (("carol", both), ("carol", 77)):
        assert refusal(chat.ask(session, GetHistory(5, conversation))) == ErrorCode.NO_SUCH_CONVERSATION
    assert isinstance(chat.ask("bob", GetHistory(5, both))[0], Read)
    assert isinstance(chat.ask("carol", GetHistory(5, LOBBY_ID))[0], Read)


def test_history_that_could_not_be_read_is_refused_for_now() -> None:
    chat = Script("alice")
    chat.ask("alice", GetHistory(5, LOBBY_ID))
    assert chat.fail_page() == [Reply("alice", Refused(5, ErrorCode.STORE_FAILING, "the disk does not answer", 1.0))]


def test_history_for_who_is_gone_is_thrown_away() -> None:
    chat = Script("alice")
    for answer in (chat.read_page, chat.fail_page):
        chat.ask("alice", GetHistory(5, LOBBY_ID))
        chat.disconnect("alice")
        assert answer() == []
        chat.login("alice")


def test_history_of_a_chat_that_is_forgotten_meanwhile_is_refused() -> None:
    chat = Script("alice", "bob", limits=Limits(unused_chats=0))
    chat.ask("alice", GetHistory(5, chat.chat("alice", "bob")))
    chat.tick()
    assert refusal(chat.read_page()) == ErrorCode.NO_SUCH_CONVERSATION


# -- frames ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [None, 0])
@pytest.mark.parametrize("body", ["x", "x" * 16 * KIB, "€" * 100])
def test_a_page_of_history_fits_into_a_frame_and_ends_where_it_was_asked_for(after: int | None, body: str) -> None:
    chat = Script(limits=Limits(unanswered=1000))
    chat.login("a", LONG, display=WIDE)
    for n in range(1, 401):
        chat.ask("a", Post(n, LOBBY_ID, body))
    chat.store_all()
    chat.ask("a", GetHistory(5, LOBBY_ID, after=after, limit=1000))
    page = the(HistoryPage, chat.read_page(), "a")
    assert len(encode(page)) <= 64 * KIB
    assert seqs(page)[-1 if after is None else 0] == (400 if after is None else 1)


def test_pages_of_the_longest_names_fit_into_frames() -> None:
    ids = [2**62 + i for i in range(300)]
    users = [PutUser(id, f"{i:0>32}", WIDE, Role.GUEST, b"") for i, id in enumerate(ids)]
    rooms = [SavedConversation(PutRoom(id, f"{i:0>32}", id, True), 2**62, 2**62) for i, id in enumerate(ids)]
    chat = Script(snapshot=Snapshot(users, rooms, next_user=2**62 + 300, next_conversation=2**62 + 300))
    for i in range(300):
        chat.login(f"s{i}", f"a{i:0>31}", display=WIDE)
        chat.ask("s0", Open(5, user=f"{i:0>32}"))
    page = the(UserPage, chat.ask("s0", ListUsers(5)), "s0")
    assert page.next
    assert len(encode(page)) <= 64 * KIB
    assert len(encode(the(RoomPage, chat.ask("s0", ListRooms(5, archived=True)), "s0"))) <= 64 * KIB


def test_a_page_of_chats_with_the_longest_names_fits_into_a_frame() -> None:
    chat = Script(limits=Limits(unanswered=1000))
    for i in range(200):
        chat.login(f"s{i}", f"{i:0>32}", display=WIDE)
        chat.ask("s0", Post(i + 1, chat.chat("s0", f"{i:0>32}"), "hi"))
    chat.store_all()
    page = the(ConversationPage, chat.ask("s0", ListConversations(5)), "s0")
    assert len(page.conversations) == 192
    assert len(encode(page)) <= 64 * KIB


def test_a_told_message_is_what_was_said() -> None:
    chat = Script("alice")
    chat.said("alice", 1, body="two\nlines")
    chat.ask("alice", GetHistory(5, LOBBY_ID))
    assert the(HistoryPage, chat.read_page(), "alice").messages == [message(1, 1, "alice", "two\nlines")]

"""Getting level with a conversation and staying so, however slowly a session reads and however the store races."""

from chatnet.core.effects import AwaitDrain, Effect, Read, Reply
from chatnet.core.entries import Committed, PageRead, ReadMessages
from chatnet.core.following import PAGE_MESSAGES, first_page, last_page, pages
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Deliver, Following, Joined, Presence, RoomChanged, Truncated
from chatnet.model import Room
from chatnet.requests import ChangeRoom, Follow, Join, Part
from tests.core.script import LOBBY_ID, Script, events, message, refusal, the, to

BIG = "x" * 16 * KIB
"""Three of these fill more than a page."""


def seqs(effects: list[Effect], session: str) -> list[int]:
    """Of all messages that a session is given."""
    return [m.seq for event in events(effects, session) if isinstance(event, Deliver) for m in event.messages]


def let_go(chat: Script) -> None:
    """No messages are at hand in memory any more."""
    assert chat.tick(60.0) == []


def query(after: int, session: str, conversation: int = LOBBY_ID) -> Read:
    return Read(ReadMessages(conversation, PAGE_MESSAGES, 48 * KIB, after=after, token=session))


def miss(chat: Script, session: str, *numbers: int, conversation: int = LOBBY_ID) -> list[Effect]:
    """The network did not queue these for a session."""
    missed = Deliver(conversation, [chat.store.log[conversation][n - 1] for n in numbers])
    return chat.take(chat.hub.fell_behind(session, missed, chat.now))


def drained(chat: Script, session: str) -> list[Effect]:
    """The session's queue is short again."""
    return chat.take(chat.hub.drained(session, chat.now))


# -- where one begins -----------------------------------------------------------------------------------------


def test_who_asks_for_what_is_at_hand_gets_it_from_memory() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2, 3)
    effects = chat.ask("bob", Join(5, "lobby", after=1))
    assert [type(event) for event in events(effects, "bob")] == [Joined, Deliver]
    assert seqs(effects, "bob") == [2, 3]
    chat.say("alice", 4)
    assert seqs(chat.store_all(), "bob") == [4]


def test_who_asks_for_more_gets_it_from_the_store() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2, 3)
    let_go(chat)
    assert chat.ask("bob", Join(5, "lobby", after=1))[1:] == [query(1, "bob")]
    assert seqs(chat.read_page(), "bob") == [2, 3]
    chat.say("alice", 4)
    assert seqs(chat.store_all(), "bob") == [4]


def test_what_is_at_hand_is_bounded() -> None:
    chat = Script("alice", "bob", limits=Limits(tail_messages=2))
    for n in range(1, 6):
        chat.said("alice", n)
    assert seqs(chat.ask("bob", Join(5, "lobby", after=3)), "bob") == [4, 5]
    assert chat.ask("alice", Join(5, "lobby", after=2))[1:] == [query(2, "alice")]


def test_who_has_everything_is_live_at_once() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2)
    for n, after in ((3, None), (4, 3), (5, 77)):
        assert len(chat.ask("bob", Join(5, "lobby", after=after))) == 1
        chat.say("alice", n)
        assert seqs(chat.store_all(), "bob") == [n]


def test_a_personal_chat_is_followed_from_where_one_likes() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, 2, conversation=both)
    chat.login("bob2", "bob", live=False)
    effects = chat.ask("bob2", Follow(5, both, after=1))
    assert effects[0] == Reply("bob2", Following(5, both, 1, 2))
    assert seqs(effects, "bob2") == [2]


def test_only_ones_own_chats_can_be_followed() -> None:
    chat = Script("alice", "bob", "carol")
    both = chat.chat("alice", "bob")
    for session, conversation in (("carol", both), ("alice", LOBBY_ID), ("alice", 77)):
        assert refusal(chat.ask(session, Follow(5, conversation))) == ErrorCode.NO_SUCH_CONVERSATION


def test_asking_again_moves_the_cursor_back_and_forth() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2, 3)
    for after, expected in ((0, [1, 2, 3]), (2, [3]), (None, []), (1, [2, 3])):
        effects = chat.ask("bob", Join(5, "lobby", after=after))
        assert seqs(effects + drained(chat, "bob"), "bob") == expected
    chat.say("alice", 4)
    assert seqs(chat.store_all(), "bob") == [4]


def test_who_asks_again_while_its_queue_is_long_is_no_longer_live() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2)
    assert seqs(chat.ask("bob", Join(5, "lobby", after=0)), "bob") == [1, 2]
    assert seqs(chat.ask("bob", Join(6, "lobby", after=1)), "bob") == []
    chat.say("alice", 3)
    assert seqs(chat.store_all(), "bob") == []
    assert seqs(drained(chat, "bob"), "bob") == [2, 3]


def test_a_page_for_where_the_cursor_was_is_not_used() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2, 3)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    assert len(chat.ask("bob", Join(6, "lobby", after=2))) == 1, "one page at a time"
    assert chat.read_page() == [query(2, "bob")]
    assert seqs(chat.read_page(), "bob") == [3]


def test_a_page_for_who_has_left_is_not_used() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    chat.ask("bob", Part(6, LOBBY_ID))
    assert chat.read_page() == []


def test_a_page_for_who_is_gone_is_not_used() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    chat.disconnect("bob")
    assert chat.read_page() == []


# -- slow readers ---------------------------------------------------------------------------------------------


def test_who_reads_slowly_gets_nothing_until_its_queue_is_short_and_then_all() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    chat.said("alice", 1, 2)
    assert miss(chat, "bob", 2) == [AwaitDrain("bob")]
    chat.say("alice", 3)
    assert seqs(chat.store_all(), "bob") == []
    effects = drained(chat, "bob")
    assert seqs(effects, "bob") == [2, 3]
    assert effects[1:] == [AwaitDrain("bob")]
    chat.say("alice", 4)
    assert seqs(chat.store_all(), "bob") == [4]
    assert drained(chat, "bob") == []


def test_one_page_waits_for_a_slow_reader_at_a_time() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    chat.said("alice", 1, 2, 3, 4, 5, body=BIG)
    miss(chat, "bob", 1)
    assert seqs(drained(chat, "bob"), "bob") == [1, 2]
    assert seqs(drained(chat, "bob"), "bob") == [3, 4]
    assert seqs(drained(chat, "bob"), "bob") == [5]


def test_of_several_messages_missed_at_once_the_first_counts() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    chat.said("alice", 1, 2, 3)
    assert miss(chat, "bob", 1, 2) == [AwaitDrain("bob")]
    assert miss(chat, "bob", 3) == []
    assert seqs(drained(chat, "bob"), "bob") == [1, 2, 3]


def test_a_slow_reader_waits_once_for_all_its_conversations() -> None:
    chat = Script("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.join("bob")
    chat.join("bob", room="dev")
    chat.said("alice", 1)
    chat.said("alice", 2, conversation=dev)
    assert miss(chat, "bob", 1) == [AwaitDrain("bob")]
    assert miss(chat, "bob", 1, conversation=dev) == []
    assert events(drained(chat, "bob"), "bob") == [Deliver(LOBBY_ID, [message(1, 1, "alice")])]
    assert events(drained(chat, "bob"), "bob") == [Deliver(dev, [message(1, 1, "alice")])]
    assert drained(chat, "bob") == []


def test_conversations_take_turns() -> None:
    chat = Script("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.said("alice", 1, 2, 3, 4, 5, body=BIG)
    chat.said("alice", 6, 7, 8, 9, 10, body=BIG, conversation=dev)
    chat.ask("bob", Join(5, "lobby", after=0))
    chat.ask("bob", Join(6, "dev", after=0))
    told = [the(Deliver, drained(chat, "bob"), "bob") for _ in range(5)]
    assert [page.conversation for page in told] == [LOBBY_ID, dev, LOBBY_ID, dev, dev]
    assert [len(page.messages) for page in told] == [2, 2, 1, 2, 1]


def test_joining_many_rooms_at_once_queues_one_page_at_a_time() -> None:
    chat = Script("alice", "bob")
    rooms = [chat.room("alice", f"room{i}") for i in range(5)]
    for i, room in enumerate(rooms):
        chat.said("alice", 2 * i + 1, 2 * i + 2, conversation=room, body=BIG)
    given = [len(seqs(chat.ask("bob", Join(i, f"room{i}", after=0)), "bob")) for i in range(5)]
    assert given == [2, 0, 0, 0, 0]
    assert [len(seqs(drained(chat, "bob"), "bob")) for _ in range(5)] == [2, 2, 2, 2, 0]


def test_falling_behind_where_one_is_not_live_means_nothing() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    assert miss(chat, "bob", 1) == []
    assert chat.take(chat.hub.fell_behind("bob", Deliver(77, [message(1, 1, "a")]), chat.now)) == []
    assert chat.take(chat.hub.fell_behind("gone", Deliver(LOBBY_ID, [message(1, 1, "a")]), chat.now)) == []


def test_who_leaves_while_behind_is_given_nothing_more() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    chat.said("alice", 1)
    miss(chat, "bob", 1)
    chat.ask("bob", Part(5, LOBBY_ID))
    assert drained(chat, "bob") == []


# -- the store races ------------------------------------------------------------------------------------------


def test_a_page_that_is_ahead_of_the_hub_is_cut_at_the_head_and_the_rest_comes_live() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2)
    let_go(chat)
    chat.say("alice", 3)
    chat.submit()
    unheard = chat.store.store()
    chat.ask("bob", Join(5, "lobby", after=0))
    assert seqs(chat.read_page(), "bob") == [1, 2]
    assert seqs(chat.take(chat.hub.completed(unheard, chat.now)), "bob") == [3]


def test_what_is_committed_while_a_page_is_read_comes_after_it() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    page = chat.store.answer(chat.store.queries[0])
    chat.say("alice", 3)
    assert seqs(chat.store_all(), "bob") == [], "it is still behind"
    first = chat.give(page)
    assert seqs(first, "bob") == [1, 2]
    assert seqs(drained(chat, "bob"), "bob") == [3]
    chat.say("alice", 4)
    assert seqs(chat.store_all(), "bob") == [4]


def test_a_page_that_could_not_be_read_is_tried_again_with_the_next_tick() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    assert chat.fail_page() == []
    assert chat.tick() == [query(0, "bob")]
    assert seqs(chat.read_page(), "bob") == [1]
    assert chat.tick() == []


def test_a_page_that_could_not_be_read_for_who_is_gone_is_not_tried_again() -> None:
    chat = Script("alice", "bob", "carol")
    chat.said("alice", 1)
    let_go(chat)
    for session in ("bob", "carol"):
        chat.ask(session, Join(5, "lobby", after=0))
    chat.fail_page()
    chat.disconnect("bob")
    chat.disconnect("carol")
    assert chat.fail_page() == []
    assert chat.tick() == []


def test_who_becomes_level_by_a_tick_hears_what_that_tick_tells_the_room() -> None:
    chat = Script("alice", "bob", limits=Limits(presence_members=0))
    dev = chat.room("alice", "dev")
    chat.said("alice", 1, conversation=dev)
    let_go(chat)
    chat.said("alice", 2)
    chat.ask("bob", Join(5, "dev", after=0))
    chat.ask("bob", Join(6, "lobby", after=0))
    chat.fail_page()
    chat.ask("bob", Part(7, dev))
    chat.end_turn()
    assert events(chat.tick(), "bob") == [
        Deliver(LOBBY_ID, [message(1, 1, "alice", at=160.0)]),
        Presence(LOBBY_ID, [], [], 1),
    ]


# -- what is no longer kept -----------------------------------------------------------------------------------


def test_who_asks_for_what_is_no_longer_kept_is_told_where_it_begins() -> None:
    chat = Script("alice", "bob", window=2)
    chat.said("alice", 1, 2, 3, 4)
    let_go(chat)
    assert chat.ask("bob", Join(5, "lobby", after=1))[0] == Reply(
        "bob", Joined(5, Room(LOBBY_ID, "lobby", 0, False, 1), 3, 4)
    )
    effects = chat.read_page()
    assert events(effects, "bob") == [
        Truncated(LOBBY_ID, 3),
        Deliver(LOBBY_ID, [message(3, 1, "alice"), message(4, 1, "alice")]),
    ]


def test_nothing_is_lost_that_is_still_at_hand_though_the_store_has_dropped_it() -> None:
    chat = Script("alice", "bob", window=1)
    chat.said("alice", 1, 2, 3)
    assert seqs(chat.ask("bob", Join(5, "lobby", after=0)), "bob") == [1, 2, 3]


def test_who_asks_for_messages_of_which_none_is_kept_goes_on_with_the_next() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, 2)
    let_go(chat)
    chat.ask("bob", Join(5, "lobby", after=0))
    (asked,) = chat.store.queries
    assert events(chat.give(PageRead(asked, [], 3)), "bob") == [Truncated(LOBBY_ID, 3)]
    chat.say("alice", 3)
    assert seqs(chat.store_all(), "bob") == [3]


def test_messages_that_are_dropped_before_they_were_told_of_still_come_to_who_has_caught_up() -> None:
    chat = Script("alice", "bob", window=1)
    chat.said("alice", 1)
    let_go(chat)
    for n in (2, 3):
        chat.say("alice", n)
        chat.submit()
    second, third = chat.store.store(), chat.store.store()
    chat.ask("bob", Join(5, "lobby", after=0))
    assert events(chat.read_page(), "bob") == [Truncated(LOBBY_ID, 2)]
    assert isinstance(second, Committed)
    assert seqs(chat.take(chat.hub.completed(second, chat.now)), "bob") == [2]
    assert seqs(chat.take(chat.hub.completed(third, chat.now)), "bob") == [3]


# -- those who are behind -------------------------------------------------------------------------------------


def test_those_who_are_behind_hear_all_else_of_the_room() -> None:
    chat = Script("alice", "bob", "carol")
    dev = chat.room("alice", "dev")
    chat.join("bob", "carol", room="dev")
    chat.said("alice", 1, conversation=dev)
    miss(chat, "bob", 1, conversation=dev)
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    changed = RoomChanged(Room(dev, "dev", 1, True, 2))
    effects = chat.store_all()
    assert effects[:2] == [to(["carol"], changed), to(["bob"], changed)]


# -- pages ----------------------------------------------------------------------------------------------------


def test_pages_are_cut_by_size_and_have_at_least_one_message() -> None:
    messages = [message(n, 1, "alice", "x" * 100) for n in range(1, 8)]
    assert [[m.seq for m in page] for page in pages(messages, 800)] == [[1, 2], [3, 4], [5, 6], [7]]
    assert [len(page) for page in pages(messages, 1)] == [1] * 7
    assert pages([], 800) == []
    assert [m.seq for m in first_page(messages, 800)] == [1, 2]
    assert [m.seq for m in last_page(messages, 800)] == [6, 7]
    assert first_page([], 800) == last_page([], 800) == []

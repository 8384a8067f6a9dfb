"""Tails: what is at hand is bounded in all, and what was quiet for longest goes first."""

from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.limits import KIB, Limits
from chatnet.core.tails import _size
from chatnet.requests import Join
from tests.core.script import Script, events, message

LIMITS = Limits(tail_bytes=40 * KIB, tail_messages=8, unanswered=1000)
SMALL, BIG = "x" * KIB, "x" * 16 * KIB


def rooms(chat: Script, count: int) -> list[int]:
    return [chat.room("alice", f"room{i}") for i in range(count)]


def at_hand(chat: Script) -> dict[int, int]:
    """How many messages are at hand, by conversation; those that were quiet for longest first."""
    return {id: len(conversation.tail) for id, conversation in chat.hub._state.busy.items()}


def check_size(chat: Script) -> None:
    """Is the size that is counted the one that is there?"""
    state = chat.hub._state
    sizes = [sum(256 + len(m.body) for m in conversation.tail) for conversation in state.busy.values()]
    assert [conversation.tail_bytes for conversation in state.busy.values()] == sizes
    assert chat.hub._tails._bytes == sum(sizes)
    for conversation in state.conversations.values():
        assert bool(conversation.tail) == (conversation.id in state.busy)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50), min_size=1, max_size=5)
)
def test_what_they_take_is_never_less_than_the_bytes_of_their_texts(texts: list[str]) -> None:
    assert _size([message(seq, 1, "alice", text) for seq, text in enumerate(texts, 1)]) >= sum(
        len(text.encode()) for text in texts
    )


def test_none_are_kept_where_the_store_has_all_at_hand() -> None:
    chat = Script("alice", "bob", limits=Limits(tail_messages=0))
    chat.said("alice", 1, 2)
    assert at_hand(chat) == {}
    check_size(chat)


def test_what_was_quiet_for_longest_is_let_go_of_first() -> None:
    chat = Script("alice", limits=LIMITS)
    first, second, third = rooms(chat, 3)
    for n, room in enumerate([first, second, first, third], 1):
        chat.said("alice", n, conversation=room, body=BIG if n != 3 else SMALL)
        check_size(chat)
    assert at_hand(chat) == {first: 2, third: 1}


def test_the_conversation_of_the_last_message_keeps_its_tail_however_big() -> None:
    chat = Script("alice", limits=LIMITS)
    first, second = rooms(chat, 2)
    chat.said("alice", 1, conversation=first)
    chat.said("alice", 2, 3, 4, 5, conversation=second, body=BIG)
    check_size(chat)
    assert at_hand(chat) == {second: 4}


def test_what_is_cut_off_a_long_tail_no_longer_counts() -> None:
    chat = Script("alice", limits=LIMITS)
    first, second = rooms(chat, 2)
    chat.said("alice", 1, conversation=first)
    for n in range(2, 100):
        chat.said("alice", n, conversation=second, body=SMALL)
        check_size(chat)
    assert at_hand(chat).keys() == {first, second}


def test_a_text_beyond_ascii_counts_for_what_it_takes_in_memory() -> None:
    chat = Script("alice", limits=LIMITS)
    first, second = rooms(chat, 2)
    chat.said("alice", 1, conversation=first)
    chat.said("alice", 2, conversation=second, body="x" * 5 * KIB + "\U0001f642")
    assert at_hand(chat) == {second: 1}


def test_quiet_tails_are_let_go_of_with_time() -> None:
    chat = Script("alice", limits=LIMITS)
    first, second = rooms(chat, 2)
    chat.said("alice", 1, conversation=first)
    chat.tick(LIMITS.tail_seconds - 1)
    chat.said("alice", 2, conversation=second)
    chat.tick(1)
    check_size(chat)
    assert at_hand(chat) == {second: 1}
    chat.tick(LIMITS.tail_seconds)
    check_size(chat)
    assert at_hand(chat) == {}


def test_the_tail_of_a_chat_that_is_forgotten_goes_too() -> None:
    chat = Script("alice", "bob", limits=LIMITS)
    chat.said("alice", 1, conversation=chat.chat("alice", "bob"))
    for name in ("alice", "bob"):
        chat.disconnect(name)
    chat.tick(LIMITS.guest_hold_seconds)
    assert at_hand(chat) == {}
    assert chat.hub._tails._bytes == 0


def test_who_is_behind_gets_from_the_store_what_was_let_go_of() -> None:
    chat = Script("alice", "bob", limits=LIMITS)
    first, second = rooms(chat, 2)
    chat.said("alice", 1, conversation=first)
    chat.said("alice", 2, 3, 4, conversation=second, body=BIG)
    assert [type(event).__name__ for event in events(chat.ask("bob", Join(5, "room0", after=0)), "bob")] == ["Joined"]
    assert [type(event).__name__ for event in events(chat.read_page(), "bob")] == ["Deliver"]

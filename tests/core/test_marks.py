"""Marks: how far somebody has got, told to those who may know once it is stored."""

import pytest

from chatnet.core.effects import Reply
from chatnet.core.entries import PutMarks, PutMessage
from chatnet.errors import ErrorCode
from chatnet.events import Done, Marked, Opened, Refused
from chatnet.requests import Mark, Open
from tests.core.script import LOBBY_ID, Script, entries, events, refusal, the, to


def talking() -> tuple[Script, int]:
    """Three messages from alice to bob."""
    chat = Script("alice", "bob", "carol")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, 2, 3, conversation=both)
    return chat, both


def test_both_of_a_chat_hear_how_far_one_has_got_once_it_is_stored() -> None:
    chat, both = talking()
    chat.login("bob2", "bob")
    assert chat.ask("bob", Mark(5, both, 2, 1)) == [PutMarks(both, 2, 2, 1)]
    assert chat.store_all() == [to(["alice", "bob", "bob2"], Marked(both, 2, 2, 1)), Reply("bob", Done(5))]


def test_both_sides_see_them_when_they_look_the_chat_up() -> None:
    chat, both = talking()
    chat.ask("bob", Mark(5, both, 3, 1))
    chat.store_all()
    for session, other, expected in (("bob", "alice", (1, 3, 3, 3)), ("alice", "bob", (3, 3, 1, 3))):
        shown = the(Opened, chat.ask(session, Open(6, user=other)), session).conversation
        assert (shown.read, shown.delivered, shown.peer_read, shown.peer_delivered) == expected


def test_what_one_has_read_of_a_room_is_ones_own_business() -> None:
    chat = Script("alice", "bob")
    chat.login("bob2", "bob")
    chat.join("alice", "bob")
    chat.said("alice", 1)
    chat.ask("bob", Mark(5, LOBBY_ID, 0, 1))
    assert chat.store_all()[0] == to(["bob", "bob2"], Marked(LOBBY_ID, 2, 1, 1))
    assert the(Opened, chat.ask("bob", Open(6, room="lobby")), "bob").conversation.read == 1
    assert the(Opened, chat.ask("alice", Open(6, room="lobby")), "alice").conversation.read == 0


def test_marks_only_move_forward_and_never_past_the_head() -> None:
    chat, both = talking()
    for delivered, read, expected in ((2, 0, (2, 0)), (77, 2, (3, 2)), (1, 3, (3, 3))):
        chat.ask("bob", Mark(5, both, delivered, read))
        assert the(Marked, chat.store_all(), "alice") == Marked(both, 2, *expected)


def test_a_mark_that_moves_nothing_costs_nothing() -> None:
    chat, both = talking()
    chat.ask("bob", Mark(5, both, 2, 2))
    chat.store_all()
    for delivered, read in ((2, 2), (1, 0), (0, 0)):
        assert chat.ask("bob", Mark(6, both, delivered, read)) == [Reply("bob", Done(6))]
    assert chat.ask("bob", Mark(6, chat.chat("bob", "carol"), 5, 5)) == [Reply("bob", Done(6))]


def test_a_chat_with_oneself_is_delivered_and_read_at_once_so_that_a_mark_says_nothing() -> None:
    chat = Script("alice")
    chat.login("alice2", "alice")
    own = chat.chat("alice", "alice")
    chat.said("alice", 1, 2, 3, conversation=own)
    assert chat.ask("alice", Mark(5, own, 2, 1)) == [Reply("alice", Done(5))]
    assert chat.store_all() == []
    shown = the(Opened, chat.ask("alice2", Open(6, user="alice")), "alice2").conversation
    assert (shown.read, shown.delivered, shown.peer_read, shown.peer_delivered) == (3, 3, 3, 3)


def test_of_two_marks_under_way_the_farther_one_stays() -> None:
    chat, both = talking()
    chat.ask("bob", Mark(5, both, 3, 3))
    chat.ask("bob", Mark(6, both, 1, 1))
    effects = chat.store_all()
    assert [event for event in events(effects, "alice") if isinstance(event, Marked)] == [Marked(both, 2, 3, 3)]
    assert [event for event in events(effects, "bob") if isinstance(event, Done)] == [Done(5), Done(6)]


def test_a_mark_that_could_not_be_stored_has_not_happened() -> None:
    chat, both = talking()
    chat.ask("bob", Mark(5, both, 3, 3))
    assert the(Refused, chat.fail_all(), "bob").retry_after == 1.0
    assert entries(chat.ask("bob", Mark(6, both, 3, 3))) == [PutMarks(both, 2, 3, 3)]


def test_who_answers_with_nothing_unread_has_read_the_answer_too() -> None:
    chat, both = talking()
    chat.ask("bob", Mark(5, both, 3, 3))
    chat.store_all()
    chat.say("bob", 1, both)
    assert entries(chat.store_all()) == [], "the store has done so with the message itself"
    assert the(Opened, chat.ask("bob", Open(6, user="alice")), "bob").conversation.read == 4
    chat.said("alice", 4, conversation=both)
    shown = the(Opened, chat.ask("alice", Open(7, user="bob")), "alice").conversation
    assert shown.read == 3, "she has not read what he said"


@pytest.mark.parametrize(("whom", "expected"), [("bob", True), ("alice", False), (None, False)])
def test_only_in_a_chat_of_two_the_store_is_asked_to_mark_what_one_says_as_read(
    whom: str | None, expected: bool
) -> None:
    chat = Script("alice", "bob")
    put = entries(chat.say("alice", 1, chat.chat("alice", whom) if whom else LOBBY_ID))[-1]
    assert isinstance(put, PutMessage)
    assert put.marks_own == expected


def test_strangers_mark_nothing() -> None:
    chat, both = talking()
    for conversation in (both, 77):
        assert refusal(chat.ask("carol", Mark(5, conversation, 1, 1))) == ErrorCode.NO_SUCH_CONVERSATION


def test_what_a_mark_refers_to_is_stored_in_front_of_it() -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1)
    names = [type(entry).__name__ for entry in entries(chat.ask("bob", Mark(5, LOBBY_ID, 1, 1)))]
    assert names == ["PutUser", "PutMarks"]

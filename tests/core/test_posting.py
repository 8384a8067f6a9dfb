"""A message's way: taken, stored, told, and only then acknowledged; and what becomes of it when something fails."""

import unicodedata

import pytest

from chatnet.core.effects import Broadcast, Close, Effect, Reply
from chatnet.core.entries import (
    CheckMessage,
    Committed,
    DropChat,
    PutMessage,
    PutRoom,
    PutUser,
    Stale,
)
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Deliver, Nack, Opened, Refused, Started
from chatnet.model import Conversation, Kind, Role
from chatnet.requests import ChangeRoom, CreateRoom, Join, Open
from chatnet.wire.codec import encode
from tests.core.script import LOBBY_ID, START, Script, entries, events, message, the, to, user

NOW = int(START * 1000)


def kinds(effects: list[Effect]) -> list[str]:
    """The types of all entries."""
    return [type(entry).__name__ for entry in entries(effects)]


def test_a_message_is_told_to_all_in_the_room_and_then_acknowledged() -> None:
    chat = Script("alice", "bob", "carol")
    chat.join("alice", "bob")
    put = PutMessage(LOBBY_ID, 1, "alice", "", Kind.TEXT, "hi", 0, NOW, b"alice...........", 1, "alice")
    assert chat.say("alice", 1)[-1] == put
    assert chat.store_all() == [
        to(["alice", "bob"], Deliver(LOBBY_ID, [message(1, 1, "alice")])),
        Reply("alice", Ack(1, LOBBY_ID, 1, NOW)),
    ]


def test_nothing_is_told_before_it_is_stored() -> None:
    chat = Script("alice", "bob")
    chat.join("alice", "bob")
    assert kinds(chat.say("alice", 1)) == ["PutUser", "PutRoom", "PutMessage"]
    assert chat.end_turn() == []


def test_what_a_message_refers_to_is_stored_in_front_of_it_once() -> None:
    chat = Script("alice", "bob")
    assert kinds(chat.say("alice", 1)) == ["PutUser", "PutRoom", "PutMessage"]
    assert kinds(chat.say("alice", 2)) == ["PutMessage"]
    assert kinds(chat.say("bob", 1)) == ["PutUser", "PutMessage"]


def test_a_chat_is_stored_before_anybody_knows_of_it_and_both_users_in_front_of_it() -> None:
    chat = Script("alice", "bob")
    asked = chat.ask("bob", Open(5, user="alice"))
    assert kinds(asked) == ["PutUser", "PutUser", "PutChat"]
    assert len(asked) == 3
    both = the(Opened, chat.store_all(), "bob").conversation.id
    assert kinds(chat.say("bob", 1, both)) == ["PutMessage"]
    assert events(chat.ask("alice", Open(6, user="bob")), "alice"), "nothing is to be stored again"


def test_a_chat_that_cannot_be_stored_is_refused_for_a_while_and_can_be_looked_up_again() -> None:
    chat = Script("alice", "bob")
    chat.ask("bob", Open(5, user="alice"))
    assert chat.fail_all() == [Reply("bob", Refused(5, ErrorCode.STORE_FULL, "the disk is full", 1.0))]
    assert kinds(chat.ask("bob", Open(6, user="alice"))) == ["PutUser", "PutUser", "PutChat"]
    assert the(Opened, chat.store_all(), "bob").conversation.id == 2


def test_two_who_look_each_other_up_at_once_find_the_same_chat() -> None:
    chat = Script("alice", "bob")
    chat.ask("bob", Open(5, user="alice"))
    chat.submit()
    assert events(chat.ask("alice", Open(6, user="bob")), "alice") == []
    effects = chat.store_all()
    assert [the(Opened, effects, name).conversation.id for name in ("alice", "bob")] == [2, 2]


def test_one_batch_is_one_delivery_for_each_conversation_and_all_answers_come_last() -> None:
    chat = Script("alice", "bob")
    dev = chat.room("alice", "dev")
    chat.join("alice", "bob")
    chat.join("bob", room="dev")
    for session, n, room in (("alice", 1, LOBBY_ID), ("bob", 1, dev), ("bob", 2, LOBBY_ID)):
        chat.say(session, n, room)
    assert chat.store_all() == [
        to(["alice", "bob"], Deliver(LOBBY_ID, [message(1, 1, "alice"), message(2, 2, "bob")])),
        to(["bob"], Deliver(dev, [message(1, 2, "bob")])),
        Reply("alice", Ack(1, LOBBY_ID, 1, NOW)),
        Reply("bob", Ack(1, dev, 1, NOW)),
        Reply("bob", Ack(2, LOBBY_ID, 2, NOW)),
    ]


def test_a_public_room_can_be_posted_to_without_joining() -> None:
    chat = Script("alice")
    chat.say("alice", 1)
    assert chat.store_all() == [Reply("alice", Ack(1, LOBBY_ID, 1, NOW))]


def test_a_batch_too_big_for_a_frame_is_told_in_pages() -> None:
    chat = Script("alice")
    chat.join("alice")
    text = "é" * 8 * KIB
    for n in range(1, 9):
        chat.say("alice", n, body=text)
    pages = [event for event in events(chat.store_all(), "alice") if isinstance(event, Deliver)]
    assert [m.seq for page in pages for m in page.messages] == list(range(1, 9))
    assert len(pages) > 1
    assert all(len(encode(page)) <= 64 * KIB for page in pages)


def test_the_smallest_messages_with_the_longest_names_fit_into_frames_too() -> None:
    chat = Script()
    name = "n" * 32
    chat.login("a", name, display="\U0001d11e" * 40)
    for n in range(1, 401):
        chat.said("a", n, body="x")
    chat.tick(60.0)  # lets go of the tail
    chat.login("b")
    chat.ask("b", Join(5, "lobby", 0))
    pages = [event for event in events(chat.read_page(), "b") if isinstance(event, Deliver)]
    assert [m.seq for page in pages for m in page.messages] == list(range(1, 401))
    assert len(pages[0].messages) > 100
    assert all(len(encode(page)) <= 64 * KIB for page in pages)


# -- personal chats -------------------------------------------------------------------------------------------


def test_the_first_message_of_a_chat_is_announced_to_both_and_heard_from_there_on() -> None:
    chat = Script("alice", "bob", "carol")
    chat.login("bob2", "bob", live=False)
    both = chat.chat("alice", "bob")
    chat.say("alice", 1, both)
    for_alice = Started(Conversation(both, None, user(2, "bob")))
    for_bob = Started(Conversation(both, None, user(1, "alice")))
    assert chat.store_all() == [
        Reply("alice", for_alice),
        Reply("bob", for_bob),
        Reply("bob2", for_bob),
        to(["alice", "bob", "bob2"], Deliver(both, [message(1, 1, "alice")])),
        Reply("alice", Ack(1, both, 1, NOW)),
    ]
    chat.say("bob", 1, both)
    assert not [event for event in events(chat.store_all(), "alice") if isinstance(event, Started)]


def test_a_chat_with_oneself_is_announced_once() -> None:
    chat = Script("alice")
    notes = chat.chat("alice", "alice")
    chat.say("alice", 1, notes)
    assert [type(event) for event in events(chat.store_all(), "alice")] == [Started, Deliver, Ack]


def test_a_later_session_hears_its_chats_from_now_on_if_it_likes() -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=both)
    chat.login("bob2", "bob")
    chat.login("bob3", "bob", live=False)
    chat.say("alice", 2, both)
    effects = chat.store_all()
    assert the(Deliver, effects, "bob2").messages == [message(2, 1, "alice")]
    assert events(effects, "bob3") == []


def test_strangers_to_a_chat_are_told_that_there_is_none() -> None:
    chat = Script("alice", "bob", "carol")
    both = chat.chat("alice", "bob")
    for session, n, conversation in (("carol", 1, both), ("carol", 2, 77)):
        chat.say(session, n, conversation)
        assert the(Nack, chat.store_all(), session).code == ErrorCode.NO_SUCH_CONVERSATION


# -- refused --------------------------------------------------------------------------------------------------


def test_bad_content_is_refused_at_once_and_the_store_hears_nothing() -> None:
    chat = Script("alice")
    (reply,) = chat.say("alice", 1, body="")
    assert reply == Reply("alice", Nack(1, ErrorCode.BAD_TEXT, "the text is empty"))


@pytest.mark.parametrize("code", range(0xA1))
def test_a_control_character_is_found_wherever_it_stands(code: int) -> None:
    chat = Script("alice")
    chat.join("alice")
    is_control = unicodedata.category(chr(code)) == "Cc" and chr(code) not in "\n\t"
    for n, text in enumerate((f"a{chr(code)}", f"{chr(code)}b", f"é{chr(code)}"), start=1):
        effects = chat.say("alice", n, body=text)
        assert kinds(effects)[-1:] == ([] if is_control else ["PutMessage"])
        assert is_control == (events(effects, "alice") != [])


def test_what_is_refused_by_the_state_of_things_waits_for_the_store() -> None:
    chat = Script("alice")
    (entry,) = chat.say("alice", 1, 77)
    assert isinstance(entry, CheckMessage)
    assert the(Nack, chat.store_all(), "alice").code == ErrorCode.NO_SUCH_CONVERSATION


def test_a_message_sent_again_after_its_room_was_archived_gets_its_first_answer() -> None:
    chat = Script("alice")
    dev = chat.room("alice", "dev")
    chat.said("alice", 1, 2, conversation=dev)
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    chat.store_all()
    chat.say("alice", 2, dev)
    assert chat.store_all() == [Reply("alice", Ack(2, dev, 2, NOW))]


def test_a_number_that_was_passed_over_is_stale_for_ever() -> None:
    chat = Script("alice")
    chat.join("alice")
    chat.said("alice", 5)
    chat.say("alice", 4)
    (nack,) = events(chat.store_all(), "alice")
    assert isinstance(nack, Nack)
    assert (nack.n, nack.code, nack.retry_after) == (4, ErrorCode.STALE, 0.0)


def test_a_refused_message_that_comes_again_after_later_ones_is_refused_for_the_same_reason() -> None:
    chat = Script("alice")
    chat.say("alice", 1, 77)
    first = the(Nack, chat.store_all(), "alice")
    chat.said("alice", 2)
    chat.disconnect("alice")
    chat.login("again", "alice", device="alice")
    chat.say("again", 1, 77)
    assert the(Nack, chat.store_all(), "again") == first
    assert first.code == ErrorCode.NO_SUCH_CONVERSATION


def test_a_duplicate_gets_the_first_answer_and_is_told_to_nobody() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    chat.said("alice", 1)
    chat.seconds += 60
    chat.say("alice", 1, body="changed")
    assert chat.store_all() == [Reply("alice", Ack(1, LOBBY_ID, 1, NOW))]


def test_a_duplicate_over_another_connection_gets_the_first_answer() -> None:
    chat = Script("alice")
    chat.say("alice", 1)
    chat.submit()
    chat.disconnect("alice")
    chat.login("again", "alice", device="alice")
    chat.say("again", 1)
    assert chat.store_all() == [Reply("again", Ack(1, LOBBY_ID, 1, NOW))]


def test_a_refused_message_can_be_said_once_it_may_be_unless_a_later_one_was_stored() -> None:
    chat = Script("alice")
    dev = chat.room("alice", "dev")
    chat.ask("alice", ChangeRoom(5, dev, archived=True))
    chat.store_all()
    chat.said("alice", 1, conversation=dev)
    chat.ask("alice", ChangeRoom(6, dev, archived=False))
    chat.store_all()
    chat.say("alice", 1, dev)
    assert the(Ack, chat.store_all(), "alice").seq == 1


# -- too many -------------------------------------------------------------------------------------------------


def test_who_waits_for_too_many_answers_is_closed() -> None:
    chat = Script("alice", limits=Limits(unanswered=2))
    chat.say("alice", 1)
    chat.say("alice", 2, 77)
    chat.say("alice", 2, body="")
    assert chat.say("alice", 3) == [
        Close("alice", ErrorCode.TOO_MANY_UNANSWERED, "more than 2 posts without an answer")
    ]
    assert chat.store_all() == []


def test_an_answer_makes_room_for_another_post() -> None:
    chat = Script("alice", limits=Limits(unanswered=1))
    for n, conversation in ((1, LOBBY_ID), (1, LOBBY_ID), (2, 77), (1, 77), (3, LOBBY_ID)):
        assert kinds(chat.say("alice", n, conversation)), "taken"
        chat.store_all()
    chat.say("alice", 4)
    chat.fail_all()
    assert kinds(chat.say("alice", 4)), "taken"


# -- failures of the store ------------------------------------------------------------------------------------


def test_a_failure_asks_for_everything_from_the_first_message_on_once() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    for n in (3, 4):
        chat.say("alice", n)
    chat.submit()
    chat.say("alice", 5)
    nack = Nack(3, ErrorCode.STORE_FULL, "the disk is full", 1.0)
    assert chat.fail_all() == [Reply("alice", nack)]


def test_higher_numbers_are_ignored_until_the_first_comes_again() -> None:
    chat = Script("alice")
    chat.say("alice", 3)
    chat.fail_all()
    assert chat.say("alice", 4) == []
    assert chat.say("alice", 5, body="") == []
    assert kinds(chat.say("alice", 3))[-1] == "PutMessage"
    assert kinds(chat.say("alice", 4)) == ["PutMessage"]
    assert [event.n for event in events(chat.store_all(), "alice") if isinstance(event, Ack)] == [3, 4]


def test_a_lower_number_may_come_before_the_one_that_failed() -> None:
    chat = Script("alice")
    chat.said("alice", 1)
    chat.say("alice", 3)
    chat.fail_all()
    assert kinds(chat.say("alice", 1)) == ["PutMessage"]
    assert the(Ack, chat.store_all(), "alice").seq == 1
    assert chat.say("alice", 4) == []


def test_a_lower_number_that_fails_later_must_come_first() -> None:
    chat = Script("alice")
    chat.say("alice", 3)
    chat.fail_all()
    chat.say("alice", 2)
    assert the(Nack, chat.fail_all(), "alice").n == 2
    assert chat.say("alice", 3) == []


def test_the_number_that_must_come_first_may_be_refused_for_good() -> None:
    chat = Script("alice")
    chat.say("alice", 3)
    chat.fail_all()
    chat.say("alice", 3, body="")
    assert kinds(chat.say("alice", 4))[-1] == "PutMessage"


def test_a_question_to_the_store_that_fails_is_asked_again_in_order_too() -> None:
    chat = Script("alice")
    chat.say("alice", 1, 77)
    chat.say("alice", 2)
    assert [type(event) for event in events(chat.fail_all(), "alice")] == [Nack]
    assert chat.say("alice", 2) == []


def test_a_new_connection_of_the_same_device_starts_afresh() -> None:
    chat = Script("alice")
    chat.say("alice", 1)
    chat.submit()
    chat.disconnect("alice")
    chat.login("again", "alice", device="alice")
    assert chat.fail_all() == []
    chat.say("again", 1)
    assert the(Ack, chat.store_all(), "again").seq == 1


def test_what_was_not_put_is_put_again_with_the_next_message() -> None:
    chat = Script("alice", "bob")
    chat.ask("alice", Open(5, user="bob"))
    chat.say("alice", 1)
    chat.fail_all()
    assert kinds(chat.say("alice", 1)) == ["PutUser", "PutRoom", "PutMessage"]
    assert kinds(chat.say("alice", 2, 2)) == ["PutUser", "PutChat", "PutMessage"]
    chat.store_all()
    assert kinds(chat.say("bob", 1, 2)) == ["PutMessage"]
    assert the(Opened, chat.ask("bob", Open(6, user="alice")), "bob").conversation.head == 1


def test_requests_and_posts_of_one_failed_batch_are_all_answered() -> None:
    chat = Script("alice", "bob")
    chat.ask("bob", CreateRoom(5, "dev"))
    chat.say("alice", 1)
    effects = chat.fail_all()
    assert the(Refused, effects, "bob").retry_after == 1.0
    assert the(Nack, effects, "alice").n == 1


# -- what a store may say -------------------------------------------------------------------------------------


def test_messages_of_a_chat_that_is_gone_are_answered_but_told_to_nobody() -> None:
    chat = Script("alice", "bob")
    chat.join("bob")
    put = PutMessage(77, 1, "alice", "", Kind.TEXT, "hi", 0, NOW, b"alice...........", 1, "alice")
    chat.say("alice", 1)
    effects = chat.take(chat.hub.completed(Committed([put], [message(1, 1, "alice")], {77: 1}), chat.now))
    assert effects == [Reply("alice", Ack(1, 77, 1, NOW))]


def test_entries_that_nobody_waits_for_bring_nothing() -> None:
    chat = Script("alice")
    batch = [PutUser(1, "alice", "", Role.GUEST, b""), PutRoom(1, "lobby", 0, False), DropChat(5)]
    assert chat.take(chat.hub.completed(Committed(list(batch), [None] * 3), chat.now)) == []


def test_answers_for_a_session_that_is_gone_bring_nothing() -> None:
    chat = Script("alice")
    put = PutMessage(LOBBY_ID, 1, "alice", "", Kind.TEXT, "hi", 0, NOW, b"alice...........", 1, "gone")
    check = CheckMessage(b"alice...........", 2, "FORBIDDEN", "no", "gone")
    effects = chat.hub.completed(Committed([put, check], [Stale(), None]), chat.now)
    assert [effect for effect in effects if isinstance(effect, Reply | Broadcast)] == []

"""One conversation: a contiguous piece of a long history."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from chatnet.model import Kind, Message
from chatnet_gui.viewmodels.conversation import PAGE, WINDOW, ConversationModel
from chatnet_gui.viewmodels.rows import Pending
from tests.gui.making import ALICE, NOON, chat, lobby, message


def page(span: tuple[int, int] | None) -> list[Message]:
    assert span is not None
    return [message(seq) for seq in range(span[0], span[1] + 1)]


def seqs(model: ConversationModel) -> list[int]:
    return [said.seq for said in model.messages]


def opened(head: int) -> ConversationModel:
    model = ConversationModel(lobby(head))
    span = model.newest()
    model.put_page(page(span) if span else [])
    return model


def test_a_long_history_opens_with_its_newest_page() -> None:
    model = opened(100_000)
    assert seqs(model) == list(range(100_000 - PAGE + 1, 100_001))
    assert model.at_end


def test_pages_above_are_added_and_the_lower_end_goes() -> None:
    model = opened(1000)
    for _ in range(4):
        model.put_older(page(model.older()))
    assert seqs(model) == list(range(1, WINDOW + 1))
    assert not model.at_end
    assert model.below == 400
    assert model.older() is None


def test_pages_below_lead_back_to_the_end() -> None:
    model = opened(1000)
    for _ in range(4):
        model.put_older(page(model.older()))
    while (span := model.newer()) is not None:
        model.put_newer(page(span))
    assert seqs(model) == list(range(401, 1001))
    assert model.at_end


def test_a_burst_keeps_the_window_for_who_follows() -> None:
    model = opened(0)
    for seq in range(1, 2001):
        model.add(message(seq))
    assert seqs(model) == list(range(1401, 2001))


def test_a_burst_leaves_who_reads_further_up_in_peace() -> None:
    model = opened(300)
    model.is_following = False
    for seq in range(301, 2001):
        model.add(message(seq))
    assert seqs(model)[0] == 101
    assert len(model.messages) == WINDOW
    assert not model.at_end
    assert model.below == 2000 - seqs(model)[-1]


def test_what_came_while_the_page_was_on_its_way_is_there_once() -> None:
    model = ConversationModel(lobby(5))
    model.add(message(6))
    model.put_page([message(seq) for seq in range(1, 7)])
    assert not model.add(message(6))
    model.add(message(7))
    assert seqs(model) == [1, 2, 3, 4, 5, 6, 7]


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(0, 20))
def test_the_piece_has_no_gap_and_nothing_twice(order: list[int], head: int) -> None:
    model = opened(head)
    for seq in order:
        model.add(message(seq))
    shown = seqs(model)
    assert shown == list(range(shown[0], shown[0] + len(shown))) if shown else True


def test_clear_hides_and_show_earlier_brings_back() -> None:
    model = opened(10)
    model.clear()
    model.add(message(11))
    assert seqs(model) == [11]
    assert model.hidden == 10
    assert model.older() is None
    model.show_earlier()
    assert model.newest() == (1, 11)


def test_a_server_that_starts_anew_does_not_stay_hidden() -> None:
    assert ConversationModel(lobby(3), hidden=100).hidden == 0


def test_what_waits_goes_when_it_comes_back_or_is_stored() -> None:
    model = opened(0)
    for token, text in ((1, "same"), (2, "same"), (3, "other")):
        model.wait(Pending(token, text))
    model.heard_own("same", Kind.TEXT)
    assert [waiting.token for waiting in model.pending] == [2, 3]
    model.settle(3)
    model.settle(2, "no such room")
    assert model.pending == [Pending(2, "same", refused="no such room")]


def test_unread_is_counted_until_it_is_seen() -> None:
    model = opened(3)
    for seq in (4, 5):
        model.add(message(seq))
        model.missed(seq, mentioned=seq == 5)
    assert (model.unread, model.mentioned, model.new_from) == (2, True, 4)
    assert model.seen() == 5
    assert (model.unread, model.mentioned) == (0, False)
    assert model.seen() == 0


def test_the_scrollbar_shows_the_place_in_the_whole_history() -> None:
    model = opened(1000)
    assert model.scroll_span(0.0, 1.0) == (0.8, 1.0)
    assert model.seq_at(0.0) == 1
    assert model.seq_at(1.0) == 1000
    assert model.around(500) == (400, 599)
    assert model.around(1000) == (801, 1000)


def test_a_short_history_fills_the_scrollbar() -> None:
    assert opened(3).scroll_span(0.0, 0.5) == (0.0, 0.5)


def test_marks_are_shown_in_personal_chats_only() -> None:
    personal = ConversationModel(chat(1, peer_read=1, peer_delivered=1))
    room = ConversationModel(lobby(1))
    for model in (personal, room):
        model.put_page([message(1, sender=ALICE)])
    shown = [
        "".join(row.text for row in model.rows(ALICE, NOON.date(), frozenset(), hours24=True, zone=UTC))
        for model in (personal, room)
    ]
    assert ["read" in text for text in shown] == [True, False]


def test_a_lost_history_keeps_what_waits_and_the_draft() -> None:
    model = opened(5)
    model.draft = "not sent"
    model.wait(Pending(1, "waits"))
    model.restart(lobby(0))
    assert (model.draft, len(model.pending), model.messages, model.is_loaded) == ("not sent", 1, [], False)

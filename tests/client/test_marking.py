"""Marks: when the server is told how far one has got, and what is heard of others, in virtual time."""

import pytest

from chatnet.client.news import Incoming, MarksMoved
from chatnet.errors import ErrorCode
from chatnet.events import Done, Joined, Marked, Refused
from chatnet.model import Conversation
from chatnet.requests import Join, Mark
from tests.client.script import BOB, CHAT, LOBBY, ME, Script, deliver


@pytest.fixture
def script() -> Script:
    script = Script(live=True)
    script.log_in_live(CHAT)
    return script


def take_all(script: Script) -> list[Incoming]:
    """The application takes what has come, and is done with it."""
    taken = [news for news in script.news() if isinstance(news, Incoming)]
    for incoming in taken:
        script.session.delivered(incoming)
    return taken


def test_what_the_application_is_done_with_is_marked_delivered_once(script: Script) -> None:
    script.says(deliver(5, 1, 2, 3))
    script.wait(5)
    assert script.hears() == [], "nothing is delivered before the application took it"
    assert len(take_all(script)) == 3
    script.wait(0)
    mark = script.hears_one(Mark)
    assert (mark.conversation, mark.delivered, mark.read) == (5, 3, 0)
    script.says(Done(mark.id))
    script.wait(10)
    assert script.hears() == []
    assert script.session.are_marks_settled


def test_there_is_at_most_one_round_of_marks_a_second(script: Script) -> None:
    seen = []
    for seq in range(1, 30):
        script.says(deliver(5, seq))
        take_all(script)
        script.wait(0.1)
        for request in script.hears():
            assert isinstance(request, Mark)
            script.says(Done(request.id))
            seen.append(request.delivered)
    assert len(seen) == 3
    script.wait(1)
    assert script.hears_one(Mark).delivered == 29


def test_a_mark_that_was_lost_with_its_connection_goes_out_again(script: Script) -> None:
    script.says(deliver(5, 1))
    take_all(script)
    script.wait(0)
    script.hears_one(Mark)
    script.drop()
    script.wait(2)
    script.log_in(session=2)
    script.wait(1)
    marks = [request for request in script.hears() if isinstance(request, Mark)]
    assert [mark.delivered for mark in marks] == [1]


def test_a_mark_that_the_server_could_not_keep_goes_out_again_and_a_refused_one_does_not(script: Script) -> None:
    script.session.mark_read(5, 4)
    script.wait(0)
    script.says(Refused(script.hears_one(Mark).id, ErrorCode.STORE_FULL, "full", 1.0))
    script.wait(1.1)
    script.says(Refused(script.hears_one(Mark).id, ErrorCode.NO_SUCH_CONVERSATION, "gone"))
    script.wait(5)
    assert script.hears() == []


def test_nothing_is_marked_for_rooms_or_for_what_one_said_oneself(script: Script) -> None:
    script.session.join("lobby")
    script.says(Joined(script.hears_one(Join).id, LOBBY, 1, 0))
    script.says(deliver(1, 1))
    incoming = take_all(script)
    script.session.delivered(Incoming(CHAT, incoming[0].message, own=True))
    script.wait(5)
    assert script.hears() == []


def test_reading_is_marked_in_rooms_too_and_never_goes_back(script: Script) -> None:
    script.session.mark_read(1, 9)
    script.session.mark_read(1, 4)
    script.wait(0)
    mark = script.hears_one(Mark)
    assert (mark.conversation, mark.read) == (1, 9)
    script.says(Done(mark.id))
    script.session.mark_read(1, 8)
    script.wait(5)
    assert script.hears() == []


def test_leaving_sends_the_marks_at_once(script: Script) -> None:
    script.session.mark_read(5, 1)
    script.wait(0)
    script.says(Done(script.hears_one(Mark).id))
    script.session.mark_read(5, 2)
    script.session.flush_marks()
    assert not script.session.are_marks_settled
    script.says(Done(script.hears_one(Mark).id))
    assert script.session.are_marks_settled


def test_on_another_server_old_marks_mean_nothing(script: Script) -> None:
    script.session.mark_read(5, 7)
    script.drop()
    script.log_in(server=b"t" * 16)
    script.wait(5)
    assert not [request for request in script.hears() if isinstance(request, Mark)]


def test_how_far_others_have_got_is_told_and_known(script: Script) -> None:
    script.says(Marked(5, BOB.id, 4, 2), Marked(5, ME.id, 3, 3), Marked(99, BOB.id, 1, 1))
    known = Conversation(5, None, BOB, read=3, delivered=3, peer_read=2, peer_delivered=4)
    moved = [news for news in script.news() if isinstance(news, MarksMoved)]
    assert [(news.conversation.id, news.user, news.delivered, news.read) for news in moved] == [
        (5, BOB.id, 4, 2),
        (5, ME.id, 3, 3),
    ]
    assert script.session.cache.conversations[5] == known

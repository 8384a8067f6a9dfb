"""Posts: numbered, in order, at most 32 without an answer, and never lost."""

import pytest

from chatnet.client.news import Offline, Online, PostRefused, Stored
from chatnet.client.outbox import ToConversation, ToRoom, ToUser
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Ack, Nack, Opened, Renamed
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Conversation, Kind, User
from chatnet.requests import Open, Post, Request
from tests.client.script import BOB, CHAT, LOBBY, Script

HERE = ToConversation(5)


def online(script: Script) -> Script:
    script.log_in()
    script.news()
    return script


def numbers(requests: list[Request]) -> list[int]:
    return [request.n for request in requests if isinstance(request, Post)]


def test_a_post_goes_out_with_its_number_and_is_stored(script: Script) -> None:
    online(script)
    assert script.session.post(HERE, "hi", Kind.ACTION, 3) == 1
    assert script.hears() == [Post(1, 5, "hi", Kind.ACTION, 3)]
    script.says(Ack(1, 5, 17, 1234))
    assert script.news() == [Stored(1, 5, 17, 1234)]
    assert script.session.unanswered == 0


def test_no_more_than_32_posts_are_unanswered(script: Script) -> None:
    online(script)
    for i in range(100):
        script.session.post(HERE, str(i))
    assert numbers(script.hears()) == list(range(1, 33))
    script.says(*(Ack(n, 5, n, 0) for n in range(1, 11)))
    assert numbers(script.hears()) == list(range(33, 43))
    for n in range(11, 101):
        script.says(Ack(n, 5, n, 0))
    assert numbers(script.hears()) == list(range(43, 101))
    assert script.session.unanswered == 0


def test_what_is_said_offline_waits_for_the_connection(script: Script) -> None:
    assert [script.session.post(HERE, text) for text in "abc"] == [1, 2, 3]
    login = script.log_in()
    assert login.name == "alice"
    assert script.hears() == [Post(n, 5, text) for n, text in enumerate("abc", 1)]


def test_unanswered_posts_go_out_again_with_the_same_numbers(script: Script) -> None:
    online(script)
    for text in "abc":
        script.session.post(HERE, text)
    script.hears()
    script.says(Ack(1, 5, 1, 0))
    script.drop()
    script.session.post(HERE, "d")
    script.log_in(session=2)
    assert script.hears() == [Post(2, 5, "b"), Post(3, 5, "c"), Post(4, 5, "d")]
    script.says(Ack(2, 5, 2, 0), Ack(3, 5, 3, 0), Ack(4, 5, 4, 0))
    assert script.session.unanswered == 0


def test_an_ack_that_comes_twice_is_told_once(script: Script) -> None:
    online(script)
    script.session.post(HERE, "hi")
    script.says(Ack(1, 5, 1, 0), Ack(1, 5, 1, 0))
    assert script.news() == [Stored(1, 5, 1, 0)]


# -- refusals -------------------------------------------------------------------------------------------------


def test_a_permanent_nack_refuses_its_post_alone(script: Script) -> None:
    online(script)
    for text in "abc":
        script.session.post(HERE, text)
    script.hears()
    script.says(Nack(2, ErrorCode.BAD_TEXT, "bad"), Ack(1, 5, 1, 0), Ack(3, 5, 2, 0))
    assert script.news() == [PostRefused(2, ErrorCode.BAD_TEXT, "bad"), Stored(1, 5, 1, 0), Stored(3, 5, 2, 0)]
    script.drop()
    script.log_in(session=2)
    assert script.hears() == []


def test_a_stale_post_is_told_and_not_sent_again(script: Script) -> None:
    online(script)
    script.session.post(HERE, "hi")
    script.says(Nack(1, ErrorCode.STALE, "too late"))
    assert script.news() == [PostRefused(1, ErrorCode.STALE, "too late")]
    script.hears()
    script.wait(5)
    assert script.hears() == []


def test_after_a_passing_nack_all_go_out_again_from_there_when_the_server_says(script: Script) -> None:
    online(script)
    for text in "abcd":
        script.session.post(HERE, text)
    script.hears()
    script.says(Ack(1, 5, 1, 0), Nack(2, ErrorCode.STORE_FULL, "full", 2.0))
    script.session.post(HERE, "e")
    script.wait(1.9)
    assert script.hears() == []
    script.wait(0.2)
    assert numbers(script.hears()) == [2, 3, 4, 5]
    assert script.news() == [Stored(1, 5, 1, 0)]


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_of_several_passing_nacks_the_first_number_counts(script: Script, order: tuple[int, int]) -> None:
    online(script)
    for text in "abcd":
        script.session.post(HERE, text)
    script.hears()
    script.says(*(Nack(n, ErrorCode.STORE_FULL, "full", 1.0) for n in order), Ack(1, 5, 1, 0))
    script.wait(1.1)
    assert numbers(script.hears()) == [2, 3, 4]


def test_after_a_passing_nack_a_whole_window_goes_out_again(script: Script) -> None:
    online(script)
    for i in range(40):
        script.session.post(HERE, str(i))
    script.hears()
    script.says(Nack(1, ErrorCode.STORE_FULL, "full", 1.0))
    script.wait(1)
    assert numbers(script.hears()) == list(range(1, 33))


def test_a_connection_that_is_lost_meanwhile_does_not_shorten_the_wait(script: Script) -> None:
    online(script)
    script.session.post(HERE, "a")
    script.hears()
    script.says(Nack(1, ErrorCode.STORE_FULL, "full", 20.0))
    script.drop()
    script.now += 1
    script.log_in(session=2)
    assert script.hears() == []
    script.wait(20)
    assert numbers(script.hears()) == [1]


def test_a_text_that_no_server_could_read_is_refused_at_once(script: Script) -> None:
    online(script)
    for text, code in [("half \ud800 pair", ErrorCode.BAD_TEXT), ("x" * 65536, ErrorCode.TOO_LONG)]:
        with pytest.raises(Refused) as refusal:
            script.session.post(HERE, text)
        assert refusal.value.code == code
    with pytest.raises(Refused):
        script.session.post(ToUser("half \ud800 pair"), "hi")
    with pytest.raises(Refused):
        script.session.post(HERE, "hi", reference=-1)
    assert script.session.unanswered == 0
    assert script.hears() == []


# -- names ----------------------------------------------------------------------------------------------------


def test_a_name_is_looked_up_once_and_the_posts_behind_it_wait(script: Script) -> None:
    online(script)
    script.session.post(ToUser("bob"), "a")
    script.session.post(HERE, "b")
    script.session.post(ToUser("BOB"), "c")
    script.session.post(ToRoom("lobby"), "d")
    first = script.hears_one(Open)
    assert first == Open(first.id, user="bob")
    script.says(Opened(first.id, Conversation(6, None, BOB)))
    *posts, second = script.hears()
    assert posts == [Post(1, 6, "a"), Post(2, 5, "b"), Post(3, 6, "c")]
    assert isinstance(second, Open)
    assert second.room == "lobby"
    script.says(Opened(second.id, Conversation(1, LOBBY, None)))
    assert script.hears() == [Post(4, 1, "d")]


def test_an_unknown_name_refuses_just_that_post(script: Script) -> None:
    online(script)
    script.session.post(ToUser("nobody"), "a")
    script.session.post(HERE, "b")
    opening = script.hears_one(Open)
    script.says(RefusedEvent(opening.id, ErrorCode.NO_SUCH_USER, "nobody there"))
    assert script.news() == [PostRefused(1, ErrorCode.NO_SUCH_USER, "nobody there")]
    assert script.hears() == [Post(2, 5, "b")]
    script.session.post(ToUser("nobody"), "c")
    script.hears_one(Open)


def test_a_name_that_could_not_be_looked_up_just_now_is_looked_up_again_when_the_server_says(script: Script) -> None:
    online(script)
    script.session.post(ToUser("bob"), "a")
    script.session.post(HERE, "b")
    for _ in range(3):
        opening = script.hears_one(Open)
        script.says(RefusedEvent(opening.id, ErrorCode.STORE_FULL, "full", 2.0))
        script.wait(1.9)
        assert script.hears() == []
        script.wait(0.2)
    opening = script.hears_one(Open)
    script.says(Opened(opening.id, CHAT))
    assert script.hears() == [Post(1, 5, "a"), Post(2, 5, "b")]
    assert script.news() == []


def test_a_lookup_that_was_lost_with_its_connection_is_made_again(script: Script) -> None:
    online(script)
    script.session.post(ToRoom("lobby"), "a")
    script.hears()
    script.drop()
    script.log_in(session=2)
    script.hears_one(Open)


def test_a_post_that_may_be_stored_goes_again_to_where_it_went_whoever_has_the_name_now(script: Script) -> None:
    online(script)
    script.session.post(ToUser("bob"), "a")
    opening = script.hears_one(Open)
    script.says(Opened(opening.id, CHAT))
    assert script.hears() == [Post(1, 5, "a")]
    script.drop()
    script.session.post(ToUser("bob"), "b")
    script.log_in(session=2)
    again, lookup = script.hears()
    assert again == Post(1, 5, "a")
    assert isinstance(lookup, Open)
    script.says(Opened(lookup.id, Conversation(9, None, User(20, "bob"))))
    assert script.hears() == [Post(2, 9, "b")]


def test_a_name_that_was_given_up_is_looked_up_anew(script: Script) -> None:
    online(script)
    script.session.post(ToUser("bob"), "a")
    opening = script.hears_one(Open)
    script.says(Opened(opening.id, CHAT), Ack(1, 5, 1, 0), Renamed(User(BOB.id, "robert")))
    script.hears()
    script.session.post(ToUser("robert"), "b")
    assert script.hears() == [Post(2, 5, "b")]
    script.session.post(ToUser("bob"), "c")
    script.hears_one(Open)


def test_a_name_that_the_server_no_longer_takes_posts_for_is_looked_up_anew(script: Script) -> None:
    online(script)
    script.session.post(ToUser("bob"), "a")
    opening = script.hears_one(Open)
    script.says(Opened(opening.id, CHAT), Nack(1, ErrorCode.NO_SUCH_USER, "gone for good"))
    script.hears()
    script.session.post(ToUser("bob"), "b")
    script.hears_one(Open)


# -- taking back ----------------------------------------------------------------------------------------------


def test_only_a_post_that_was_never_sent_can_be_taken_back(script: Script) -> None:
    kept, taken = script.session.post(HERE, "a"), script.session.post(HERE, "b")
    assert script.session.withdraw(taken)
    assert not script.session.withdraw(taken)
    script.log_in()
    assert script.hears() == [Post(kept, 5, "a")]
    assert not script.session.withdraw(kept)
    script.drop()
    assert not script.session.withdraw(kept)


def test_a_post_can_be_taken_back_while_its_name_is_looked_up(script: Script) -> None:
    online(script)
    n = script.session.post(ToUser("bob"), "a")
    script.session.post(HERE, "b")
    opening = script.hears_one(Open)
    assert script.session.withdraw(n)
    script.says(Opened(opening.id, CHAT))
    assert script.hears() == [Post(2, 5, "b")]


# -- another server -------------------------------------------------------------------------------------------


def test_on_another_server_names_are_looked_up_anew_and_ids_lead_nowhere(script: Script) -> None:
    online(script)
    script.session.post(ToRoom("lobby"), "a")
    script.session.post(HERE, "b")
    opening = script.hears_one(Open)
    script.says(Opened(opening.id, Conversation(1, LOBBY, None)))
    assert numbers(script.hears()) == [1, 2]
    script.drop()
    script.log_in(server=b"t" * 16)
    again = script.hears_one(Open)
    script.says(Opened(again.id, Conversation(3, LOBBY, None)))
    assert script.hears() == [Post(1, 3, "a")]
    refusals = [news for news in script.news() if isinstance(news, PostRefused)]
    assert [(news.n, news.code) for news in refusals] == [(2, ErrorCode.NO_SUCH_CONVERSATION)]


def test_news_of_the_connection_come_in_the_order_of_what_happened(script: Script) -> None:
    script.log_in()
    script.drop()
    script.log_in(session=2)
    online_first, offline, online_again = script.news()
    assert isinstance(offline, Offline)
    assert online_first == Online(script.session.cache.me, resumed=False)
    assert online_again == Online(script.session.cache.me, resumed=True)

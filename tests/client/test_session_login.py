"""From the connection to the login, and all the ways in which it ends before."""

from functools import partial

import pytest

from chatnet.client.news import Offline, Online
from chatnet.client.session import Phase
from chatnet.errors import ErrorCode, Refused, TimedOut, Unreachable
from chatnet.events import AreYouThere, Closing, ConversationPage, Done, Hello, Pong, Renamed, Welcome
from chatnet.events import Refused as RefusedEvent
from chatnet.model import User
from chatnet.requests import Alive, ListConversations, Login, Ping, Rename
from tests.client.script import IDENTITY, ME, SERVER, Script


def test_the_login_waits_for_hello_and_shows_a_secret_for_that_server_only(script: Script) -> None:
    script.connect()
    assert script.hears() == []
    script.says(Hello(SERVER, "0.0"))
    login = script.hears_one(Login)
    assert (login.name, login.secret, login.device) == ("alice", IDENTITY.secret_for(SERVER), IDENTITY.device)
    assert (login.live, login.replaces) == (False, 0)
    assert IDENTITY.secret_for(SERVER) not in (IDENTITY.secret, IDENTITY.secret_for(b"t" * 16))


def test_the_welcome_brings_a_session_online(script: Script) -> None:
    script.log_in()
    assert script.hears() == []
    assert script.news() == [Online(ME, resumed=False)]
    assert script.session.is_online
    assert script.session.cache.me == ME


def test_a_live_session_is_online_once_it_knows_all_its_chats(live: Script) -> None:
    live.log_in()
    first = live.hears_one(ListConversations)
    assert live.news() == []
    live.says(ConversationPage(first.id, [], next=9))
    second = live.hears_one(ListConversations)
    assert second == ListConversations(second.id, cursor=9)
    assert not live.session.is_online
    live.says(ConversationPage(second.id, []))
    assert live.news() == [Online(ME, resumed=False)]


@pytest.mark.parametrize("code", [ErrorCode.NAME_IN_USE, ErrorCode.BAD_NAME, ErrorCode.FORBIDDEN])
def test_a_refused_login_ends_the_session(script: Script, code: ErrorCode) -> None:
    login = script.greet()
    script.says(RefusedEvent(login.id, code, "no"))
    assert script.session.wants_close
    assert script.drop() is None
    assert script.session.phase is Phase.STOPPED
    assert isinstance(script.session.failure, Refused)
    assert script.news() == [Offline(code, "no", None)]


def test_a_login_that_is_refused_for_now_is_tried_again(script: Script) -> None:
    login = script.greet()
    script.says(RefusedEvent(login.id, ErrorCode.TOO_MANY_SESSIONS, "later", 20.0))
    retry_at = script.drop()
    assert retry_at is not None
    assert retry_at >= script.now + 20


@pytest.mark.parametrize(
    "words",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\2no", b"220 mail ESMTP\r\n"],
    ids=["http", "ssh", "a frame of something else", "smtp"],
)
def test_a_server_that_is_not_chatnet_is_not_asked_again(script: Script, words: bytes) -> None:
    script.connect()
    script.sends(words)
    assert script.session.wants_close
    assert script.drop() is None
    assert isinstance(script.session.failure, Unreachable)
    assert script.session.failure.code == ErrorCode.NOT_CHATNET


def test_a_server_whose_first_word_is_not_hello_is_not_chatnet(script: Script) -> None:
    script.connect()
    script.says(Pong(1))
    script.drop()
    assert script.session.failure is not None
    assert script.session.failure.code == ErrorCode.NOT_CHATNET


def test_a_server_that_goes_without_a_word_is_tried_again(script: Script) -> None:
    script.connect()
    assert script.drop() is not None
    assert script.news() == [Offline(ErrorCode.UNREACHABLE, "it closed the connection without a word", 0.25)]


def test_silence_before_the_login_ends_the_connection_after_the_time_for_an_answer(script: Script) -> None:
    script.connect()
    assert script.wait(9.9)
    assert not script.wait(0.2)
    script.drop()
    assert isinstance(script.session.failure, TimedOut)
    assert script.session.failure.code == ErrorCode.NO_ANSWER


def test_a_server_that_says_hello_and_nothing_more_is_too_silent_as_well(script: Script) -> None:
    script.greet()
    assert not script.wait(11)


def test_a_connection_that_could_not_be_made_is_tried_again_later_and_later() -> None:
    script = Script(random=0.9)
    delays = []
    for _ in range(10):
        retry_at = script.session.connection_lost(script.now, Unreachable(ErrorCode.UNREACHABLE, "nobody listens"))
        assert retry_at is not None
        delays.append(retry_at - script.now)
        script.now = retry_at
    assert delays == sorted(delays)
    assert delays[-1] == pytest.approx(0.9 * 30)
    assert all(isinstance(news, Offline) and news.reason == "nobody listens" for news in script.news())


def test_a_long_good_connection_forgets_earlier_failures() -> None:
    script = Script(random=0.9)
    for _ in range(8):
        script.session.connection_lost(script.now)
    script.log_in()
    script.wait(60)
    script.says(AreYouThere())
    assert script.drop() == pytest.approx(script.now + 0.9 * 0.5)


def test_a_connection_that_breaks_at_once_does_not(script: Script) -> None:
    first = script.drop()
    assert first is not None
    first_delay = first - script.now
    script.log_in()
    second = script.drop()
    assert second is not None
    assert second - script.now > first_delay


# -- the end of a connection ----------------------------------------------------------------------------------


def test_a_server_that_shuts_down_is_asked_again_when_it_says(script: Script) -> None:
    script.log_in()
    script.says(Closing(ErrorCode.SHUTTING_DOWN, "restarting", 5.0))
    assert script.session.wants_close
    retry_at = script.drop()
    assert retry_at is not None
    assert 5 <= retry_at - script.now <= 5.5


@pytest.mark.parametrize("code", [ErrorCode.REPLACED, ErrorCode.BAD_VERSION, ErrorCode.FRAME_TOO_BIG])
def test_a_connection_that_is_closed_for_good_is_not_made_again(script: Script, code: ErrorCode) -> None:
    script.log_in()
    script.news()
    script.says(Closing(code, "go away"))
    assert script.drop() is None
    assert script.news() == [Offline(code, "go away", None)]
    assert script.session.connection_lost(script.now) is None


def test_a_version_that_the_server_does_not_speak_is_told_before_hello(script: Script) -> None:
    script.connect()
    script.says(Closing(ErrorCode.BAD_VERSION, "version 1 is spoken here"))
    assert script.drop() is None
    assert script.session.failure is not None
    assert script.session.failure.code == ErrorCode.BAD_VERSION


def test_a_broken_frame_after_the_login_costs_only_the_connection(script: Script) -> None:
    script.log_in()
    script.sends(b"\0\0\0\1\xc1")
    assert script.session.wants_close
    assert script.drop() is not None
    assert script.session.failure is not None
    assert script.session.failure.code == ErrorCode.BAD_FRAME


def test_what_comes_after_the_last_word_is_not_looked_at(script: Script) -> None:
    login = script.greet()
    script.says(Closing(ErrorCode.SERVER_FULL, "full"), Welcome(login.id, ME, 1, "none", 0))
    assert script.session.phase is Phase.LOGIN
    assert script.hears() == []


# -- signs of life --------------------------------------------------------------------------------------------


def test_a_silent_server_is_asked_and_then_given_up(script: Script) -> None:
    script.log_in()
    script.wait(29)
    assert script.hears() == []
    script.wait(2)
    script.hears_one(Ping)
    assert script.wait(43)
    assert not script.wait(2)
    script.drop()
    assert script.session.failure is not None
    assert script.session.failure.code == ErrorCode.TIMED_OUT


def test_any_answer_keeps_the_connection(script: Script) -> None:
    script.log_in()
    for _ in range(5):
        script.wait(31)
        ping = script.hears_one(Ping)
        script.wait(40)
        script.says(Pong(ping.id))
    assert not script.session.wants_close


def test_a_program_that_slept_asks_before_it_gives_up(script: Script) -> None:
    script.log_in()
    script.now += 3600
    script.session.tick(script.now)
    script.hears_one(Ping)
    assert script.wait(44)
    assert not script.wait(2)


def test_the_question_whether_anybody_is_there_is_answered(script: Script) -> None:
    script.log_in()
    script.says(AreYouThere())
    assert script.hears() == [Alive()]


# -- names over reconnects ------------------------------------------------------------------------------------


def test_after_a_rename_the_next_login_uses_the_new_name(script: Script) -> None:
    script.log_in()
    script.session.request(lambda id: Rename(id, "ally", "Al"))
    script.says(Done(script.hears_one(Rename).id), Renamed(User(7, "ally", "Al")))
    script.drop()
    login = script.greet()
    assert (login.name, login.display, login.replaces) == ("ally", "Al", 1)


def test_a_rename_whose_answer_was_lost_is_found_out_by_the_users_id(script: Script) -> None:
    script.log_in()
    script.session.request(lambda id: Rename(id, "ally"))
    script.hears()
    script.drop()
    login = script.greet()
    assert login.name == "alice"
    script.says(Welcome(login.id, User(9, "alice"), 2, "none", 0))
    assert script.session.wants_close
    assert script.drop() is not None
    assert script.log_in(session=3, user=User(7, "ally")).name == "ally"
    assert script.session.is_online


def test_of_several_renames_without_an_answer_any_may_be_the_last_that_came_through(script: Script) -> None:
    script.log_in()
    for name in ("ally", "al"):
        script.session.request(partial(Rename, name=name))
    for stranger in (User(9, "alice"), User(10, "al")):
        script.drop()
        login = script.greet()
        assert login.name == stranger.name
        script.says(Welcome(login.id, stranger, stranger.id, "none", 0))
    script.drop()
    assert script.log_in(session=4, user=User(7, "ally")).name == "ally"
    assert script.session.is_online


def test_a_name_that_somebody_took_after_an_unheard_rename_is_not_the_end(script: Script) -> None:
    script.log_in()
    script.session.request(lambda id: Rename(id, "ally"))
    script.drop()
    login = script.greet()
    script.says(RefusedEvent(login.id, ErrorCode.NAME_IN_USE, "taken"))
    assert script.drop() is not None
    assert script.log_in(session=2, user=User(7, "ally")).name == "ally"
    assert script.session.is_online


def test_a_rename_that_was_lost_before_the_server_had_it_changes_nothing(script: Script) -> None:
    script.log_in()
    script.session.request(lambda id: Rename(id, "ally"))
    script.hears()
    script.drop()
    script.log_in(session=2)
    assert script.session.is_online
    assert script.session.cache.me.name == "alice"

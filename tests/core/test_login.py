"""Logging in and taking names: who is let in, as whom, and who hears of it."""

import pytest

from chatnet.core.effects import Admit, Close, Pause, Reply
from chatnet.core.entries import Entry
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, Hello, Pong, Renamed, Welcome
from chatnet.requests import Alive, CreateRoom, Join, ListUsers, Ping, Post, Rename
from tests.core.script import FAR, LOCAL, START, Script, login, refusal, the, to, user

NOW = int(START * 1000)


def session_of(chat: Script, session: str) -> int:
    """The number of a session that logs in now."""
    return the(Welcome, chat.login(session, "alice", device="d"), session).session


# -- before a login -------------------------------------------------------------------------------------------


def test_the_first_word_is_the_servers() -> None:
    assert Script().connect("a") == [Reply("a", Hello(b"s" * 16, "1.0"))]


def test_a_stranger_may_ask_whether_anybody_is_there() -> None:
    chat = Script()
    chat.connect("a")
    assert chat.ask("a", Ping(7)) == [Reply("a", Pong(7))]
    assert chat.ask("a", Alive()) == []


@pytest.mark.parametrize("request_", [Join(1, "lobby"), CreateRoom(1, "dev"), ListUsers(1), Rename(1, "bob")])
def test_a_stranger_may_ask_for_nothing_else(request_: Join | CreateRoom | ListUsers | Rename) -> None:
    chat = Script()
    chat.connect("a")
    assert refusal(chat.ask("a", request_)) == ErrorCode.NOT_LOGGED_IN


def test_a_stranger_who_posts_is_closed() -> None:
    chat = Script()
    chat.connect("a")
    assert chat.say("a", 1) == [Close("a", ErrorCode.NOT_LOGGED_IN, "log in before you post")]
    assert chat.ask("a", Ping(1)) == []
    assert chat.disconnect("a") == []


# -- logging in -----------------------------------------------------------------------------------------------


def test_a_guest_logs_in_without_a_write() -> None:
    chat = Script()
    chat.connect("a")
    assert chat.ask("a", login("alice", display="Älice")) == [
        Admit("a"),
        Reply("a", Welcome(1, user(1, "alice", "Älice"), NOW, "none", NOW)),
    ]


def test_a_session_logs_in_only_once() -> None:
    chat = Script("alice")
    assert refusal(chat.ask("alice", login("bob"))) == ErrorCode.ALREADY_LOGGED_IN


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a b", "ä", "a" * 33, "a\n", "a/b", "\uff41"])
def test_a_name_that_is_none_is_refused_and_the_session_may_try_again(name: str) -> None:
    chat = Script()
    assert refusal(chat.login("a", name)) == ErrorCode.BAD_NAME
    assert isinstance(chat.ask("a", login("alice"))[0], Admit)


@pytest.mark.parametrize("display", ["a" * 41, " a", "a\n", "\u202ea", "e\u0301"])
def test_a_display_name_that_is_none_is_refused(display: str) -> None:
    assert refusal(Script().login("alice", display=display)) == ErrorCode.BAD_NAME


@pytest.mark.parametrize("name", ["alice", "ALICE"])
def test_another_secret_does_not_get_the_name(name: str) -> None:
    chat = Script("alice")
    assert refusal(chat.login("b", name, secret="other")) == ErrorCode.NAME_IN_USE
    chat.disconnect("alice")
    assert refusal(chat.login("c", name, secret="other")) == ErrorCode.NAME_IN_USE, "the name is held"


def test_the_same_secret_is_the_same_guest_as_it_was_registered() -> None:
    chat = Script("alice")
    assert the(Welcome, chat.login("b", "ALICE", secret="alice"), "b").user == user(1, "alice")


def test_a_guest_has_eight_sessions() -> None:
    chat = Script()
    for i in range(8):
        assert isinstance(chat.login(f"s{i}", "alice")[0], Admit)
    assert refusal(chat.login("s8", "alice")) == ErrorCode.TOO_MANY_SESSIONS


@pytest.mark.parametrize(
    ("is_open", "is_local", "is_let_in"),
    [(False, True, True), (False, False, False), (True, True, True), (True, False, True)],
)
def test_guests_come_from_this_machine_unless_the_server_is_open(
    is_open: bool, is_local: bool, is_let_in: bool
) -> None:
    effects = Script(open_to_guests=is_open).login("alice", caller=LOCAL if is_local else FAR)
    if is_let_in:
        assert isinstance(effects[0], Admit)
    else:
        assert refusal(effects) == ErrorCode.FORBIDDEN


def test_a_refused_login_changes_nothing() -> None:
    chat = Script(limits=Limits(sessions_per_user=1))
    chat.login("alice", display="Al")
    assert refusal(chat.login("b", "alice", display="Bo")) == ErrorCode.TOO_MANY_SESSIONS
    chat.disconnect("alice")
    assert the(Welcome, chat.login("c", "alice"), "c").user.display == "Al"


def test_another_display_name_is_told_to_ones_other_sessions() -> None:
    chat = Script("alice")
    renamed = Renamed(user(1, "alice", "Al"))
    effects = chat.login("b", "alice", display="Al")
    assert effects[0] == to(["alice"], renamed)
    assert effects[1] == Admit("b")


# -- one session in the place of another ----------------------------------------------------------------------


def test_a_new_session_takes_the_place_of_one_that_broke() -> None:
    chat = Script(limits=Limits(sessions_per_user=1))
    old = session_of(chat, "old")
    effects = chat.login("new", "alice", device="d", replaces=old)
    assert effects[0] == Close("old", ErrorCode.REPLACED, "the same client has connected again")
    assert Admit("new") in effects
    assert chat.ask("old", Ping(1)) == []


def test_a_session_of_another_device_stays() -> None:
    chat = Script()
    old = session_of(chat, "old")
    assert chat.login("new", "alice", device="other", replaces=old)[0] == Admit("new")


def test_a_session_of_another_user_stays() -> None:
    chat = Script()
    old = session_of(chat, "old")
    assert chat.login("new", "bob", device="d", replaces=old)[0] == Admit("new")


def test_who_goes_on_with_a_session_is_the_same_guest_though_it_was_renamed_meanwhile() -> None:
    chat = Script()
    old = session_of(chat, "old")
    chat.disconnect("old")
    chat.login("elsewhere", "alice", device="e")
    chat.ask("elsewhere", Rename(5, "ally", "A."))
    effects = chat.login("new", "alice", device="d", display="Before", replaces=old)
    assert the(Welcome, effects, "new").user == user(1, "ally", "A.")
    assert not [effect for effect in effects if isinstance(effect, Entry)], "no new guest, and no new name"


def test_it_is_so_even_if_somebody_else_has_the_old_name_by_now() -> None:
    chat = Script()
    old = session_of(chat, "old")
    chat.ask("old", Rename(5, "ally"))
    chat.disconnect("old")
    chat.login("b", "alice", secret="other")
    assert the(Welcome, chat.login("new", "alice", device="d", replaces=old), "new").user == user(1, "ally")


def test_the_number_of_a_session_is_no_use_without_its_secret() -> None:
    chat = Script()
    old = session_of(chat, "old")
    chat.ask("old", Rename(5, "ally"))
    welcome = the(Welcome, chat.login("b", "alice", secret="other", device="d", replaces=old), "b")
    assert welcome.user.id == 2


def test_who_comes_back_after_being_forgotten_is_a_new_guest() -> None:
    chat = Script()
    old = session_of(chat, "old")
    chat.disconnect("old")
    chat.tick(Limits().guest_hold_seconds)
    assert the(Welcome, chat.login("new", "alice", device="d", replaces=old), "new").user == user(2, "alice")


def test_only_of_so_many_sessions_it_is_known_whose_they_were() -> None:
    chat = Script(limits=Limits(known_sessions=4))
    old = session_of(chat, "old")
    chat.ask("old", Rename(5, "ally"))
    chat.disconnect("old")
    for i in range(20):
        chat.login(f"s{i}", f"other{i}")
        assert len(chat.hub._state.had_session) <= 4
    assert the(Welcome, chat.login("new", "alice", device="d", replaces=old), "new").user.id == 22


# -- other names ----------------------------------------------------------------------------------------------


def test_all_who_share_a_room_or_a_chat_hear_of_a_rename_each_once() -> None:
    chat = Script("alice", "bob", "carol", "dave")
    chat.login("alice2", "alice")
    chat.chat("dave", "alice")
    chat.chat("bob", "alice")
    chat.join("alice", "bob")
    chat.ask("alice", Rename(5, "ally", "A."))
    assert chat.store_all() == [
        Reply("alice", Done(5)),
        to(["alice", "alice2", "bob", "dave"], Renamed(user(1, "ally", "A."))),
    ]


def test_who_is_in_no_room_hears_of_its_own_rename() -> None:
    assert Script("alice").ask("alice", Rename(5, "Alice"))[1] == to(["alice"], Renamed(user(1, "Alice")))


@pytest.mark.parametrize(("name", "code"), [("Bob", ErrorCode.NAME_IN_USE), ("-", ErrorCode.BAD_NAME)])
def test_a_rename_to_what_cannot_be_is_refused(name: str, code: ErrorCode) -> None:
    assert refusal(Script("alice", "bob").ask("alice", Rename(5, name))) == code


def test_the_old_name_is_free_at_once() -> None:
    chat = Script("alice")
    chat.ask("alice", Rename(5, "ally"))
    assert isinstance(chat.login("b", "alice", secret="other")[0], Admit)


def test_a_guest_of_whom_the_store_has_never_heard_is_renamed_at_once() -> None:
    chat = Script("alice")
    assert chat.ask("alice", Rename(5, "al")) == [
        Reply("alice", Done(5)),
        to(["alice"], Renamed(user(1, "al"))),
    ]


def test_renames_share_the_rate_of_messages_since_as_many_hear_them() -> None:
    chat = Script("alice", limits=Limits(post_burst=3.0, posts_per_second=1.0))
    for n in range(3):
        assert not [e for e in chat.ask("alice", Rename(n, f"a{n}")) if isinstance(e, Pause)]
    assert Pause("alice", START + 1.0) in chat.ask("alice", Post(1, 1, "hi"))


def test_nothing_comes_of_a_session_that_is_not_there() -> None:
    chat = Script()
    assert chat.ask("nobody", Ping(1)) == []
    assert chat.disconnect("nobody") == []
    assert chat.take(chat.hub.drained("nobody", chat.now)) == []

"""How accounts log in: by what was shown, by a token, and on the local socket by what the kernel says."""

import pytest

from chatnet.auth.guests import hash_secret
from chatnet.auth.tokens import hash_token
from chatnet.core.callers import Caller
from chatnet.core.effects import Admit, Close
from chatnet.core.entries import PutBan, PutDeed, PutToken, PutUser, Snapshot
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, Event, Refused, Renamed, Welcome
from chatnet.model import Act, Role, Scope, User
from chatnet.requests import DropAccount, Enter, Rename, SetPassword, TokenLogin
from tests.core.proving import (
    PASSWORD,
    account,
    code_of,
    device,
    done,
    enter,
    invitation,
    people,
    prove,
    registered,
    reply,
    snapshot,
    token,
    token_login,
    verifier,
)
from tests.core.script import FAR, LOCAL, START, Script, events, login, on_socket, over_tls, refusal, the, to

OWNER = on_socket(1000, "otto", is_owner=True)
CYRILLIC_BERT = "\N{CYRILLIC CAPITAL LETTER VE}\N{CYRILLIC SMALL LETTER IE}\N{CYRILLIC SMALL LETTER GHE}t"
CYRILLIC_WEB = "\N{CYRILLIC SMALL LETTER WE}\N{CYRILLIC SMALL LETTER IE}\N{CYRILLIC CAPITAL LETTER SOFT SIGN} 1"
PAUL = on_socket(1001, "paul")


def local(chat: Script, session: str, caller: Caller = PAUL) -> list[Event]:
    """Connect over the local socket, and log in; all that is told once the store has done its part."""
    chat.connect(session, caller)
    return events(chat.ask(session, Enter(3, device("d"))) + chat.store_all(), session)


# -- what was shown -------------------------------------------------------------------------------------------


def test_who_has_shown_the_password_logs_in() -> None:
    chat = Script(snapshot=people())
    admit, welcome = enter(chat, "bert")
    assert admit == Admit("bert")
    assert the(Welcome, [welcome], "bert").user == User(2, "bert", "", Role.MEMBER)


def test_who_has_shown_nothing_does_not() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    assert refusal(chat.ask("a", Enter(3, device()))) == ErrorCode.FORBIDDEN
    prove(chat, "a", "bert", "wrong horse")
    assert refusal(chat.ask("a", Enter(3, device()))) == ErrorCode.FORBIDDEN
    chat.connect("b", LOCAL)
    assert refusal(chat.ask("b", Enter(3, device()))) == ErrorCode.FORBIDDEN


def test_nobody_logs_in_twice() -> None:
    chat = Script(snapshot=people())
    enter(chat, "bert")
    assert refusal(chat.ask("bert", Enter(4, device()))) == ErrorCode.ALREADY_LOGGED_IN
    assert refusal(chat.ask("bert", TokenLogin(4, token("t"), device()))) == ErrorCode.ALREADY_LOGGED_IN


@pytest.mark.parametrize("change", [SetPassword(5, verifier("something new"), "bert"), DropAccount(5, "bert")])
def test_what_was_shown_is_worth_nothing_once_the_account_has_changed(change: SetPassword | DropAccount) -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.connect("b", over_tls())
    prove(chat, "b", "bert")
    assert isinstance(done(chat, "anna", change), Done)
    assert refusal(chat.ask("b", Enter(3, device()))) == ErrorCode.BAD_CREDENTIALS


def test_an_account_has_eight_sessions_and_one_takes_the_place_of_another() -> None:
    chat = Script(snapshot=people())
    welcomes = [the(Welcome, enter(chat, f"s{i}", "bert"), f"s{i}") for i in range(8)]
    assert refusal(enter(chat, "s8", "bert")) == ErrorCode.TOO_MANY_SESSIONS
    chat.connect("new", over_tls())
    prove(chat, "new", "bert")
    effects = chat.ask("new", Enter(3, device("s3"), replaces=welcomes[3].session))
    assert effects[0] == Close("s3", ErrorCode.REPLACED, "the same client has connected again")
    the(Welcome, effects, "new")


def test_who_is_banned_from_the_server_does_not_get_in_until_the_ban_is_over() -> None:
    kept, until = people(), int((START + 60) * 1000)
    guest = PutUser(4, "guest", "", Role.GUEST, hash_secret(b"guest".ljust(32, b".")))
    bans = [PutBan(0, id, Act.BAN, until, 1, "spam", 1) for id in (2, 4)]
    tokens = [PutToken(1, 2, hash_token(token("t")), "", Scope.ALL, 1, 0)]
    chat = Script(
        snapshot=Snapshot(users=[*kept.users, guest], next_user=5, bans=bans, tokens=tokens), open_to_guests=True
    )
    assert refusal(enter(chat, "bert")) == ErrorCode.BANNED
    assert refusal(token_login(chat, "t", token("t"))) == ErrorCode.BANNED
    assert refusal(chat.login("guest")) == ErrorCode.BANNED
    the(Welcome, enter(chat, "cleo"), "cleo")
    chat.seconds += 60
    the(Welcome, enter(chat, "again", "bert"), "again")


def test_a_session_of_another_account_is_not_replaced() -> None:
    chat = Script(snapshot=people())
    welcome = the(Welcome, enter(chat, "bert"), "bert")
    chat.connect("c", over_tls())
    prove(chat, "c", "cleo")
    effects = chat.ask("c", Enter(3, device("bert"), replaces=welcome.session))
    assert effects[0] == Admit("c")


def test_an_account_is_never_forgotten_and_keeps_its_role_and_chats() -> None:
    chat = Script(snapshot=people())
    enter(chat, "bert")
    enter(chat, "cleo")
    talk = chat.chat("bert", "cleo")
    chat.said("bert", 1, conversation=talk)
    chat.disconnect("cleo")
    chat.tick(10 * Limits().guest_hold_seconds)
    assert the(Welcome, enter(chat, "again", "cleo"), "again").user == User(3, "cleo", "", Role.MEMBER)
    chat.said("bert", 2, conversation=talk)


def test_an_account_takes_other_names_and_keeps_its_role_and_password() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.ask("anna", Rename(5, "annie", "A."))
    assert to(["anna"], Renamed(User(1, "annie", "A.", Role.ADMIN))) in chat.store_all()
    assert chat.store.users[1] == PutUser(1, "annie", "A.", Role.ADMIN, b"", verifier(PASSWORD), -1)
    assert the(Welcome, enter(chat, "b", "annie"), "b").user.role is Role.ADMIN


def test_an_account_does_not_imitate_another_but_keeps_what_it_has() -> None:
    chat = Script(snapshot=snapshot(account(1, "web1"), account(2, "web-1")))
    enter(chat, "web1")
    assert refusal(chat.ask("web1", Rename(6, "web.1"))) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("web1", Rename(6, "web1", CYRILLIC_WEB))) == ErrorCode.NAME_IN_USE
    chat.ask("web1", Rename(6, "web1", "The Web"))
    assert the(Done, chat.store_all(), "web1") == Done(6)


# -- guests beside accounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bert", "BERT", "b.ert", "be_rt-"])
def test_a_guest_does_not_take_or_imitate_an_accounts_name(name: str) -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    assert refusal(chat.login("g", name)) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("guest", Rename(5, name))) == ErrorCode.NAME_IN_USE
    assert (
        refusal(chat.login("h", "harmless", display=CYRILLIC_BERT if name == "bert" else name)) == ErrorCode.NAME_IN_USE
    )
    assert refusal(chat.ask("guest", Rename(5, "guest", name))) == ErrorCode.NAME_IN_USE


def test_a_guest_does_not_imitate_an_accounts_display_name() -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    enter(chat, "bert")
    chat.ask("bert", Rename(5, "bert", "Älbert \N{GREEK CAPITAL LETTER OMEGA}"))
    assert refusal(chat.login("g", "albertw")) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("guest", Rename(5, "guest", "Albert  W"))) == ErrorCode.NAME_IN_USE
    chat.store_all()
    chat.ask("bert", Rename(5, "bert", ""))
    chat.store_all()
    assert isinstance(chat.login("g", "albertw")[0], Admit)


def test_a_guest_whose_name_has_become_an_imitation_does_not_come_back_under_it() -> None:
    chat = Script("do-ra", snapshot=people(invitation()), open_to_guests=True)
    registered(chat, "c", "dora")
    assert refusal(chat.login("again", "do-ra")) == ErrorCode.NAME_IN_USE
    chat.ask("do-ra", Rename(5, "somebody"))
    assert isinstance(chat.login("more", "somebody", secret="do-ra")[0], Admit)


def test_local_guests_come_until_there_is_an_account_that_is_not_local() -> None:
    chat = Script("guest")
    local(chat, "o", OWNER)
    assert isinstance(chat.login("b")[0], Admit), "an account by local access does not count"
    done(chat, "o", SetPassword(5, verifier(PASSWORD)))
    assert refusal(chat.login("c")) == ErrorCode.FORBIDDEN, "one that has a password does"
    assert refusal(Script(snapshot=people()).login("c")) == ErrorCode.FORBIDDEN
    assert isinstance(Script(snapshot=people(), open_to_guests=True).login("c", caller=FAR)[0], Admit)


# -- tokens ---------------------------------------------------------------------------------------------------


def test_a_token_logs_in_where_nobody_can_read_it() -> None:
    chat = Script(snapshot=people(invitation()))
    user = registered(chat, "c", "dora")
    assert the(Welcome, token_login(chat, "t", token("dora")), "t").user == user
    assert the(Welcome, token_login(chat, "l", token("dora"), LOCAL), "l").user == user
    assert refusal(token_login(chat, "f", token("dora"), FAR)) == ErrorCode.FORBIDDEN


def test_wrong_tokens_are_counted_by_place_and_good_ones_always_get_in() -> None:
    chat = Script(snapshot=people(invitation()))
    registered(chat, "c", "dora")
    chat.connect("t", over_tls())
    codes = [refusal(chat.ask("t", TokenLogin(3, token(f"wrong{i}"), device()))) for i in range(11)]
    assert codes == [ErrorCode.BAD_CREDENTIALS] * 10 + [ErrorCode.RETRY_AFTER]
    assert code_of(reply(prove(chat, "t", "anna"), "t")) == ErrorCode.RETRY_AFTER
    the(Welcome, chat.ask("t", TokenLogin(3, token("dora"), device())), "t")


# -- the local socket -----------------------------------------------------------------------------------------


def test_who_runs_the_server_is_admin_and_others_are_members() -> None:
    chat = Script()
    assert [e.user for e in local(chat, "o", OWNER) if isinstance(e, Welcome)] == [User(1, "otto", "", Role.ADMIN)]
    assert [e.user for e in local(chat, "p") if isinstance(e, Welcome)] == [User(2, "paul", "", Role.MEMBER)]
    assert not chat.hub.has_accounts


def test_the_account_is_stored_before_the_welcome_with_a_line_in_the_log() -> None:
    chat = Script()
    chat.connect("p", PAUL)
    put, deed = chat.ask("p", Enter(3, device()))
    assert put == PutUser(1, "paul", "", Role.MEMBER, b"", None, 1001)
    assert isinstance(deed, PutDeed)
    assert (deed.act, deed.subject, deed.detail) == (Act.REGISTER, "paul", "by local access, member")
    admit, welcome = chat.store_all()
    assert admit == Admit("p")
    the(Welcome, [welcome], "p")


def test_it_is_the_same_account_every_time_also_after_a_rename() -> None:
    chat = Script()
    local(chat, "p")
    chat.ask("p", Rename(5, "pavel"))
    chat.store_all()
    assert [e.user.name for e in local(chat, "q") if isinstance(e, Welcome)] == ["pavel"]
    assert [e.user.name for e in local(chat, "again", on_socket(1002, "paul")) if isinstance(e, Welcome)] == ["paul"]


def test_it_is_the_same_account_after_a_restart() -> None:
    chat = Script(snapshot=snapshot(account(7, "paul", password="", uid=1001)))
    assert [e.user.id for e in local(chat, "p") if isinstance(e, Welcome)] == [7]


def test_two_that_come_at_once_share_the_new_account() -> None:
    chat = Script()
    for session in ("p", "q"):
        chat.connect(session, PAUL)
        chat.ask(session, Enter(3, device(session)))
    effects = chat.store_all()
    assert the(Welcome, effects, "p").user == the(Welcome, effects, "q").user == User(1, "paul", "", Role.MEMBER)
    assert len(chat.store.deeds) == 1


def test_nine_that_come_at_once_are_one_too_many() -> None:
    chat = Script()
    for i in range(9):
        chat.connect(f"p{i}", PAUL)
        chat.ask(f"p{i}", Enter(3, device(f"p{i}")))
    effects = chat.store_all()
    assert code_of(reply(effects, "p8")) == ErrorCode.TOO_MANY_SESSIONS
    the(Welcome, effects, "p7")


def test_if_the_store_fails_all_is_as_before_and_may_be_tried_again() -> None:
    chat = Script()
    for session in ("p", "q"):
        chat.connect(session, PAUL)
        chat.ask(session, Enter(3, device(session)))
    effects = chat.fail_all()
    for session in ("p", "q"):
        refused = the(Refused, effects, session)
        assert (refused.code, refused.retry_after) == (ErrorCode.STORE_FULL, 1.0)
    assert isinstance(chat.login("paul")[0], Admit), "the name is free"
    chat.ask("q", login("other"))
    chat.disconnect("paul")
    chat.ask("p", Enter(4, device("p")))
    the(Welcome, chat.store_all(), "p")


def test_who_is_gone_before_the_account_is_stored_has_it_the_next_time() -> None:
    chat = Script()
    chat.connect("p", PAUL)
    chat.ask("p", Enter(3, device()))
    chat.disconnect("p")
    chat.store_all()
    chat.connect("p", PAUL)
    the(Welcome, chat.ask("p", Enter(3, device())), "p")
    assert len(chat.store.users) == 1


@pytest.mark.parametrize("login_name", ["bert", "guest"])
def test_a_login_name_that_is_somebody_elses_is_refused_with_what_to_do(login_name: str) -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    chat.connect("p", on_socket(1001, login_name))
    refused = reply(chat.ask("p", Enter(3, device())), "p")
    assert isinstance(refused, Refused)
    assert refused.code == ErrorCode.FORBIDDEN
    assert "log in with your password or token" in refused.reason
    prove(chat, "p", "bert", binding=None)
    assert the(Welcome, chat.ask("p", Enter(3, device())), "p").user.id == 2


@pytest.mark.parametrize(("login_name", "name"), [("jörg müller", "jorg_muller"), ("", "user1001"), ("_apt", "apt")])
def test_a_login_name_becomes_a_legal_one(login_name: str, name: str) -> None:
    chat = Script()
    welcome = [e for e in local(chat, "p", on_socket(1001, login_name)) if isinstance(e, Welcome)]
    assert [w.user.name for w in welcome] == [name]


def test_who_was_removed_begins_anew() -> None:
    chat = Script()
    local(chat, "o", OWNER)
    local(chat, "p")
    done(chat, "o", DropAccount(5, "paul"))
    assert [e.user.id for e in local(chat, "q") if isinstance(e, Welcome)] == [3]


# -- the owner's private file ---------------------------------------------------------------------------------


def test_the_owners_token_is_as_good_as_the_local_socket() -> None:
    chat = Script()
    chat.hub.let_in_owner(token("owner"), OWNER)
    chat.connect("a", LOCAL)
    told = events(chat.ask("a", TokenLogin(3, token("owner"), device())) + chat.store_all(), "a")
    assert [event.user for event in told if isinstance(event, Welcome)] == [User(1, "otto", "", Role.ADMIN)]


def test_the_owners_token_is_worth_nothing_elsewhere() -> None:
    chat = Script()
    chat.hub.let_in_owner(token("owner"), OWNER)
    for session, caller in (("far", FAR), ("tls", over_tls())):
        chat.connect(session, caller)
        assert refusal(chat.ask(session, TokenLogin(3, token("owner"), device()))) in (
            ErrorCode.FORBIDDEN,
            ErrorCode.BAD_CREDENTIALS,
        )
    chat.connect("a", LOCAL)
    assert refusal(chat.ask("a", TokenLogin(3, token("other"), device()))) == ErrorCode.BAD_CREDENTIALS

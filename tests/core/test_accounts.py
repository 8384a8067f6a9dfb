"""Accounts as admins see them, passwords, and that nobody else does what is for admins."""

import pytest

from chatnet.core.effects import Close
from chatnet.core.entries import DropUser
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Deliver, Done, HistoryPage, Registered, Renamed, RoomChanged, UserPage, Welcome
from chatnet.model import Role, User
from chatnet.requests import (
    CreateAccount,
    CreateInvitation,
    CreateToken,
    DropAccount,
    Enter,
    GetHistory,
    ListAccounts,
    ListAudit,
    ListInvitations,
    ListTokens,
    Open,
    Rename,
    Request,
    RevokeInvitation,
    RevokeToken,
    SetPassword,
    SetRole,
)
from tests.core.proving import (
    CODE,
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
from tests.core.script import FAR, Script, entries, on_socket, over_tls, refusal, the, to

NEW = verifier("something new")
OWNER = on_socket(1000, "otto", is_owner=True)
FOR_ADMINS: list[Request] = [
    CreateAccount(5, "dora"),
    SetRole(5, "bert", Role.ADMIN),
    SetRole(5, "cleo", Role.MEMBER),
    DropAccount(5, "cleo"),
    DropAccount(5, "bert"),
    ListAccounts(5),
    SetPassword(5, NEW, "cleo"),
    SetPassword(5, NEW, "anna"),
    CreateToken(5, token("t"), "x", user="cleo"),
    ListTokens(5, "cleo"),
    CreateInvitation(5, "ABCD", NEW),
    ListInvitations(5),
    RevokeInvitation(5, CODE),
    ListAudit(5),
]


def admin(*, limits: Limits | None = None) -> Script:
    """Anna, an admin, is there."""
    chat = Script(snapshot=people(invitation()), limits=limits)
    enter(chat, "anna")
    return chat


# -- who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", FOR_ADMINS, ids=lambda request: f"{type(request).__name__}")
def test_neither_a_member_nor_a_guest_does_what_is_for_admins(request_: Request) -> None:
    chat = Script("guest", snapshot=people(invitation()), open_to_guests=True)
    enter(chat, "bert")
    for session in ("bert", "guest"):
        assert refusal(chat.ask(session, request_)) == ErrorCode.FORBIDDEN
    assert chat.batch == []


def test_a_member_does_not_revoke_others_tokens() -> None:
    chat = admin()
    done(chat, "anna", CreateToken(5, token("t"), "x", user="cleo"))
    enter(chat, "bert")
    assert refusal(chat.ask("bert", RevokeToken(5, 1))) == ErrorCode.NO_SUCH_TOKEN
    assert refusal(chat.ask("bert", RevokeToken(5, 77))) == ErrorCode.NO_SUCH_TOKEN


@pytest.mark.parametrize(
    "request_", [SetPassword(5, NEW), CreateToken(5, token("t"), "x"), ListTokens(5)], ids=lambda r: type(r).__name__
)
def test_a_guest_has_no_password_and_no_tokens(request_: Request) -> None:
    chat = Script("guest")
    assert refusal(chat.ask("guest", request_)) == ErrorCode.FORBIDDEN


def test_who_runs_the_server_is_admin_by_local_access_whatever_the_role() -> None:
    chat = Script(snapshot=snapshot(account(1, "otto", password="", uid=1000), account(2, "bert")))
    chat.connect("o", OWNER)
    chat.ask("o", Enter(3, device()))
    assert done(chat, "o", SetRole(5, "bert", Role.ADMIN)) == Done(5)
    enter(chat, "bert")
    done(chat, "bert", CreateToken(6, token("t"), "x", user="otto"))
    token_login(chat, "elsewhere", token("t"))
    assert refusal(chat.ask("elsewhere", ListAccounts(5))) == ErrorCode.FORBIDDEN, "by local access only"


def test_the_owner_under_another_account_is_that_account() -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    chat.connect("o", OWNER)
    prove(chat, "o", "bert", binding=None)
    chat.ask("o", Enter(3, device()))
    assert refusal(chat.ask("o", ListAccounts(5))) == ErrorCode.FORBIDDEN
    chat.login("g", caller=OWNER)
    assert refusal(chat.ask("g", ListAccounts(5))) == ErrorCode.FORBIDDEN


# -- making and listing ---------------------------------------------------------------------------------------


def test_an_admin_makes_an_account_with_a_password() -> None:
    chat = admin()
    made = done(chat, "anna", CreateAccount(5, "Dora", "D.", Role.ADMIN, verifier(PASSWORD)))
    assert made == Registered(5, User(4, "Dora", "D.", Role.ADMIN))
    assert the(Welcome, enter(chat, "dora"), "dora").user.role is Role.ADMIN


def test_one_without_a_password_logs_in_by_tokens_alone() -> None:
    chat = admin()
    done(chat, "anna", CreateAccount(5, "cron"))
    done(chat, "anna", CreateToken(5, token("cron"), "backup", user="cron"))
    chat.connect("c", over_tls())
    assert code_of(reply(prove(chat, "c", "cron"), "c")) == ErrorCode.BAD_CREDENTIALS
    assert the(Welcome, token_login(chat, "t", token("cron")), "t").user.name == "cron"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (CreateAccount(5, "-"), ErrorCode.BAD_NAME),
        (CreateAccount(5, "dora", " "), ErrorCode.BAD_NAME),
        (CreateAccount(5, "BERT"), ErrorCode.NAME_IN_USE),
        (CreateAccount(5, "guest"), ErrorCode.NAME_IN_USE),
        (CreateAccount(5, "dora", "", Role.GUEST), ErrorCode.BAD_REQUEST),
        (SetRole(5, "bert", Role.GUEST), ErrorCode.BAD_REQUEST),
        (SetRole(5, "nobody", Role.ADMIN), ErrorCode.NO_SUCH_USER),
        (SetRole(5, "guest", Role.ADMIN), ErrorCode.NO_SUCH_USER),
        (DropAccount(5, "nobody"), ErrorCode.NO_SUCH_USER),
        (DropAccount(5, "guest"), ErrorCode.NO_SUCH_USER),
        (SetPassword(5, NEW, "guest"), ErrorCode.NO_SUCH_USER),
        (ListTokens(5, "nobody"), ErrorCode.NO_SUCH_USER),
    ],
)
def test_what_cannot_be_is_refused(request_: Request, code: ErrorCode) -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    enter(chat, "anna")
    assert refusal(chat.ask("anna", request_)) == code


def test_an_admin_may_make_names_that_look_alike() -> None:
    chat = admin()
    for name in ("web-1", "web1", "ber-t"):
        assert isinstance(done(chat, "anna", CreateAccount(5, name)), Registered)


def test_a_name_is_free_again_if_its_account_cannot_be_stored() -> None:
    chat = admin()
    chat.ask("anna", CreateAccount(5, "dora"))
    assert refusal(chat.ask("anna", CreateAccount(6, "Dora"))) == ErrorCode.NAME_IN_USE
    assert code_of(reply(chat.fail_all(), "anna")) == ErrorCode.STORE_FULL
    assert isinstance(done(chat, "anna", CreateAccount(7, "dora")), Registered)


def test_secrets_are_not_taken_where_others_can_read_them() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", FAR)
    prove(chat, "a", "anna", binding=None)
    chat.ask("a", Enter(3, device()))
    for request in (
        CreateAccount(5, "dora", verifier=NEW),
        SetPassword(5, NEW),
        CreateToken(5, token("t"), "x"),
        CreateInvitation(5, "ABCD", NEW),
    ):
        assert refusal(chat.ask("a", request)) == ErrorCode.FORBIDDEN
    assert isinstance(done(chat, "a", CreateAccount(5, "dora")), Registered)


def test_accounts_are_listed_by_pages_online_or_not_and_no_guests() -> None:
    chat = Script("guest", snapshot=people(), limits=Limits(page=512), open_to_guests=True)
    enter(chat, "anna")
    first = the(UserPage, chat.ask("anna", ListAccounts(5)), "anna")
    assert ([user.name for user in first.users], first.next) == (["anna", "bert"], 2)
    last = the(UserPage, chat.ask("anna", ListAccounts(5, first.next)), "anna")
    assert ([user.name for user in last.users], last.next) == (["cleo"], 0)


# -- roles ----------------------------------------------------------------------------------------------------


def test_a_new_role_is_stored_and_then_told_and_holds_at_once() -> None:
    chat = admin()
    enter(chat, "bert")
    asked = chat.ask("anna", SetRole(5, "bert", Role.ADMIN))
    assert refusal(chat.ask("bert", ListAccounts(6))) == ErrorCode.FORBIDDEN, "not before it is stored"
    assert len(entries(asked)) == len(asked) == 2
    told = chat.store_all()
    assert to(["bert"], Renamed(User(2, "bert", "", Role.ADMIN))) in told
    the(UserPage, chat.ask("bert", ListAccounts(6)), "bert")
    assert chat.store.users[2].role is Role.ADMIN
    done(chat, "anna", SetRole(5, "bert", Role.MEMBER))
    assert refusal(chat.ask("bert", ListAccounts(6))) == ErrorCode.FORBIDDEN
    assert chat.store.users[2].verifier == verifier(PASSWORD)


def test_the_last_admin_stays_one() -> None:
    chat = admin()
    assert refusal(chat.ask("anna", SetRole(5, "anna", Role.MEMBER))) == ErrorCode.FORBIDDEN
    assert refusal(chat.ask("anna", DropAccount(5, "anna"))) == ErrorCode.FORBIDDEN
    assert done(chat, "anna", SetRole(5, "anna", Role.ADMIN)) == Done(5)


@pytest.mark.parametrize("first", [SetRole(5, "bert", Role.MEMBER), DropAccount(5, "bert")])
@pytest.mark.parametrize("second", [SetRole(5, "anna", Role.MEMBER), DropAccount(5, "anna")])
def test_two_admins_do_not_remove_each_other_at_once(first: Request, second: Request) -> None:
    chat = admin()
    done(chat, "anna", SetRole(5, "bert", Role.ADMIN))
    enter(chat, "bert")
    chat.ask("anna", first)
    assert refusal(chat.ask("bert", second)) == ErrorCode.FORBIDDEN
    chat.fail_all()
    assert done(chat, "bert", second) == Done(5), "the first has failed, so there is another one left"


def test_who_runs_the_server_may_do_without_another_admin() -> None:
    chat = Script(snapshot=snapshot(account(1, "anna", Role.ADMIN), account(2, "otto", uid=1000, password="")))
    chat.connect("o", OWNER)
    chat.ask("o", Enter(3, device()))
    assert done(chat, "o", SetRole(5, "anna", Role.MEMBER)) == Done(5)


# -- one change at a time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [SetRole(5, "bert", Role.ADMIN), DropAccount(5, "bert"), SetPassword(5, NEW, "bert")])
@pytest.mark.parametrize(
    "second",
    [
        SetRole(6, "bert", Role.MEMBER),
        DropAccount(6, "bert"),
        SetPassword(6, NEW, "bert"),
        CreateToken(6, token("t"), "x", user="bert"),
    ],
)
def test_a_second_change_waits_for_the_first(first: Request, second: Request) -> None:
    chat = admin()
    chat.ask("anna", first)
    refused = reply(chat.ask("anna", second), "anna")
    assert code_of(refused) == ErrorCode.RETRY_AFTER
    chat.fail_all()
    assert not isinstance(done(chat, "anna", second), type(refused))


def test_a_rename_waits_too() -> None:
    chat = admin()
    enter(chat, "bert")
    chat.ask("anna", SetRole(5, "bert", Role.ADMIN))
    assert refusal(chat.ask("bert", Rename(6, "berta"))) == ErrorCode.RETRY_AFTER
    chat.store_all()
    chat.ask("bert", Rename(6, "berta"))
    chat.store_all()
    assert (chat.store.users[2].name, chat.store.users[2].role) == ("berta", Role.ADMIN)


def test_tokens_are_made_side_by_side_and_other_changes_wait_for_them() -> None:
    chat = admin()
    enter(chat, "bert")
    for name in ("one", "two"):
        chat.ask("bert", CreateToken(6, token(name), name))
    assert refusal(chat.ask("anna", SetPassword(5, NEW, "bert"))) == ErrorCode.RETRY_AFTER
    chat.store_all()
    assert done(chat, "anna", SetPassword(5, NEW, "bert")) == Done(5)
    assert chat.store.tokens == {}


# -- passwords ------------------------------------------------------------------------------------------------


def test_a_new_password_ends_all_else_that_the_account_has() -> None:
    chat = admin()
    enter(chat, "bert")
    enter(chat, "thief", "bert")
    done(chat, "thief", CreateToken(5, token("stolen"), "x"))
    assert done(chat, "bert", SetPassword(6, NEW)) == Done(6)
    assert chat.ask("thief", ListTokens(7)) == [], "that session is gone"
    assert refusal(token_login(chat, "t", token("stolen"))) == ErrorCode.BAD_CREDENTIALS
    assert chat.store.tokens == {}
    assert chat.store.users[2].verifier == NEW
    chat.connect("c", over_tls())
    assert code_of(reply(prove(chat, "c", "bert"), "c")) == ErrorCode.BAD_CREDENTIALS
    prove(chat, "c", "bert", "something new")
    the(Welcome, chat.ask("c", Enter(3, device())), "c")


def test_others_are_told_why_they_are_closed_after_it_is_stored() -> None:
    chat = admin()
    enter(chat, "bert")
    enter(chat, "other", "bert")
    chat.ask("bert", SetPassword(6, NEW))
    assert Close("other", ErrorCode.LOGGED_OUT, "the password was changed") in chat.store_all()


def test_the_token_that_this_session_came_with_stays() -> None:
    chat = Script(snapshot=people(invitation()))
    registered(chat, "c", "dora")
    token_login(chat, "t", token("dora"))
    done(chat, "t", CreateToken(5, token("other"), "x"))
    assert done(chat, "t", SetPassword(6, NEW)) == Done(6)
    the(Welcome, token_login(chat, "again", token("dora")), "again")
    assert refusal(token_login(chat, "o", token("other"))) == ErrorCode.BAD_CREDENTIALS


def test_ones_own_password_is_changed_after_showing_it() -> None:
    chat = Script(snapshot=people(invitation()))
    registered(chat, "c", "dora")
    token_login(chat, "t", token("dora"))
    assert done(chat, "t", SetPassword(6, verifier(PASSWORD))) == Done(6), "there was none"
    assert refusal(chat.ask("t", SetPassword(7, NEW))) == ErrorCode.FORBIDDEN
    prove(chat, "t", "bert")
    assert refusal(chat.ask("t", SetPassword(7, NEW, "DORA"))) == ErrorCode.FORBIDDEN, "somebody else's was shown"
    prove(chat, "t", "dora", "wrong horse")
    assert refusal(chat.ask("t", SetPassword(7, NEW))) == ErrorCode.FORBIDDEN
    prove(chat, "t", "dora")
    assert done(chat, "t", SetPassword(7, NEW)) == Done(7)
    assert done(chat, "t", SetPassword(8, verifier(PASSWORD))) == Done(8), "whoever made it has shown to know it"


def test_an_admin_shows_the_own_password_as_well() -> None:
    chat = admin()
    done(chat, "anna", CreateToken(5, token("anna"), "x"))
    token_login(chat, "t", token("anna"))
    assert refusal(chat.ask("t", SetPassword(6, NEW))) == ErrorCode.FORBIDDEN
    assert done(chat, "t", SetPassword(6, NEW, "bert")) == Done(6)


def test_an_admin_who_changes_anothers_password_ends_all_its_sessions() -> None:
    chat = admin()
    enter(chat, "bert")
    chat.ask("anna", SetPassword(5, NEW, "bert"))
    effects = chat.store_all()
    assert Close("bert", ErrorCode.LOGGED_OUT, "the password was changed") in effects


def test_a_password_that_cannot_be_stored_changes_nothing() -> None:
    chat = admin()
    enter(chat, "bert")
    enter(chat, "other", "bert")
    done(chat, "bert", CreateToken(5, token("t"), "x"))
    chat.ask("bert", SetPassword(6, NEW))
    assert code_of(reply(chat.fail_all(), "bert")) == ErrorCode.STORE_FULL
    the(Welcome, token_login(chat, "t", token("t")), "t")
    the(Welcome, enter(chat, "more", "bert"), "more")
    assert chat.ask("other", ListTokens(7)) != []


def test_who_logs_in_with_the_old_password_while_the_new_one_is_stored_is_closed_then() -> None:
    chat = admin()
    chat.ask("anna", SetPassword(5, NEW, "bert"))
    the(Welcome, enter(chat, "late", "bert"), "late")
    assert Close("late", ErrorCode.LOGGED_OUT, "the password was changed") in chat.store_all()


# -- the end --------------------------------------------------------------------------------------------------


def test_an_account_is_removed_with_its_sessions_tokens_and_name_but_not_what_it_said() -> None:
    chat = admin()
    enter(chat, "bert")
    done(chat, "bert", CreateToken(5, token("t"), "x"))
    chat.said("bert", 1)
    chat.ask("anna", DropAccount(5, "bert"))
    assert DropUser(2) in chat.batch
    effects = chat.store_all()
    assert reply(effects, "anna") == Done(5)
    assert Close("bert", ErrorCode.LOGGED_OUT, "the account was removed") in effects
    assert refusal(token_login(chat, "t", token("t"))) == ErrorCode.BAD_CREDENTIALS
    assert refusal(chat.ask("anna", Open(6, user="bert"))) == ErrorCode.NO_SUCH_USER
    assert 2 not in chat.store.users
    assert chat.store.tokens == {}
    chat.ask("anna", GetHistory(7, 1))
    assert [m.name for m in the(HistoryPage, chat.read_page(), "anna").messages] == ["bert"]
    assert done(chat, "anna", CreateAccount(8, "bert")) == Registered(8, User(4, "bert", "", Role.MEMBER))


def test_its_rooms_pass_on() -> None:
    chat = admin()
    enter(chat, "bert")
    enter(chat, "cleo")
    dev = chat.room("bert", "dev")
    chat.join("bert", "cleo", room="dev")
    chat.store_all()
    chat.end_turn()
    chat.ask("anna", DropAccount(5, "bert"))
    changed = the(RoomChanged, chat.store_all(), "cleo")
    assert (changed.room.id, changed.room.owner) == (dev, 3)


def test_an_admin_may_remove_the_own_account_if_there_is_another_one() -> None:
    chat = admin()
    done(chat, "anna", SetRole(5, "bert", Role.ADMIN))
    chat.ask("anna", DropAccount(6, "anna"))
    told = chat.store_all()
    assert reply(told, "anna") == Done(6)
    assert told.index(Close("anna", ErrorCode.LOGGED_OUT, "the account was removed")) > 0, "after the reply"


def test_an_account_that_cannot_be_removed_stays() -> None:
    chat = admin()
    enter(chat, "bert")
    chat.ask("anna", DropAccount(5, "bert"))
    assert code_of(reply(chat.fail_all(), "anna")) == ErrorCode.STORE_FULL
    chat.tick()
    chat.store_all()
    assert chat.batch == []
    chat.said("bert", 1)
    assert done(chat, "anna", DropAccount(6, "bert")) == Done(6)


def test_deliveries_go_on_for_the_others() -> None:
    chat = admin()
    enter(chat, "bert")
    enter(chat, "cleo")
    chat.join("anna", "cleo")
    chat.store_all()
    chat.end_turn()
    chat.ask("anna", DropAccount(5, "bert"))
    chat.say("cleo", 1)
    the(Deliver, chat.store_all(), "anna")

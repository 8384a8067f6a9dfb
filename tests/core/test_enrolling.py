"""Passwords and join codes shown by SCRAM, and accounts made with a code: once, by who knows it, and by nobody else."""

import pytest

from chatnet.core.effects import Admit
from chatnet.core.entries import DropInvitation, PutInvitation, PutToken, PutUser
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Challenge, Proven, Registered, Welcome
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Role, User
from chatnet.requests import (
    CreateAccount,
    CreateToken,
    Enter,
    FinishScram,
    Login,
    Proof,
    Register,
    Rename,
    RevokeInvitation,
    SetPassword,
    StartScram,
)
from tests.core.proving import (
    CODE,
    PASSWORD,
    Prover,
    code_of,
    device,
    done,
    enter,
    invitation,
    people,
    prove,
    register,
    registered,
    reply,
    show_code,
    token,
    token_login,
    verifier,
)
from tests.core.script import FAR, LOCAL, START, Script, entries, login, over_tls, refusal, the

# -- passwords ------------------------------------------------------------------------------------------------


def test_who_knows_the_password_has_shown_it_and_so_has_the_server() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    prover = Prover(chat, "a", Proof.PASSWORD, "ANNA", PASSWORD)
    finished = prover.finish(prover.start())
    prover.verify(finished)
    assert the(Proven, finished, "a").name == "anna", "as it was registered"


def test_without_tls_it_is_plain_scram() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", FAR)
    the(Proven, prove(chat, "a", "anna", binding=None), "a")


@pytest.mark.parametrize(("name", "secret"), [("anna", "wrong horse"), ("nobody", PASSWORD), ("guest", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(name: str, secret: str) -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    chat.connect("a", over_tls())
    refused = reply(prove(chat, "a", name, secret), "a")
    assert refused == RefusedEvent(2, ErrorCode.BAD_CREDENTIALS, "wrong name or password")


def test_an_unknown_name_has_the_same_salt_whenever_it_is_asked_for() -> None:
    def salt(chat: Script, session: str) -> str:
        chat.connect(session, over_tls())
        started = Prover(chat, session, Proof.PASSWORD, "nobody", PASSWORD).start()
        return the(Challenge, started, session).message.split(",")[1]

    chat = Script(snapshot=people())
    assert salt(chat, "a") == salt(chat, "b") == salt(Script(snapshot=people()), "a")


def test_a_server_that_keeps_nothing_has_a_secret_of_its_own_at_every_start() -> None:
    chat = Script()
    assert chat.hub._enrolling._secret == bytes(31) + b"\x01", "from the entropy that it was given"


def test_an_exchange_that_was_not_begun_cannot_be_finished() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    assert refusal(chat.ask("a", FinishScram(2, "c=,r=,p="))) == ErrorCode.BAD_REQUEST
    prover = Prover(chat, "a", Proof.PASSWORD, "anna", "wrong horse")
    started = prover.start()
    assert refusal(prover.finish(started)) == ErrorCode.BAD_CREDENTIALS
    again = chat.ask("a", FinishScram(3, "c=,r=,p="))
    assert refusal(again) == ErrorCode.BAD_REQUEST, "there is one try for each challenge"


def test_a_new_exchange_ends_the_one_before() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    first = Prover(chat, "a", Proof.PASSWORD, "anna", PASSWORD)
    started = first.start()
    Prover(chat, "a", Proof.PASSWORD, "anna", PASSWORD).start()
    assert refusal(first.finish(started)) == ErrorCode.BAD_CREDENTIALS


def test_a_first_message_that_is_none_ends_the_one_before_too() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    first = Prover(chat, "a", Proof.PASSWORD, "anna", PASSWORD)
    started = first.start()
    assert refusal(chat.ask("a", StartScram(1, Proof.PASSWORD, "n,,n=anna,r=x"))) == ErrorCode.BAD_REQUEST
    assert refusal(first.finish(started)) == ErrorCode.BAD_REQUEST


def test_a_proof_that_is_relayed_from_another_connection_shows_nothing() -> None:
    chat = Script(snapshot=people(invitation()))
    chat.connect("mallory", over_tls(binding=b"of the server"))
    victim = Prover(chat, "mallory", Proof.CODE, CODE, "4XDP9TBC", binding=b"of mallory")
    assert refusal(victim.finish(victim.start())) == ErrorCode.BAD_CREDENTIALS
    assert refusal(chat.ask("mallory", Register(4, "mallory", "", token("m")))) == ErrorCode.BAD_CREDENTIALS


def test_the_messages_of_one_connection_are_no_use_on_another() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    chat.connect("b", over_tls())
    honest = Prover(chat, "a", Proof.PASSWORD, "anna", PASSWORD)
    started = honest.start()
    thief = Prover(chat, "b", Proof.PASSWORD, "anna", "guessed it")
    thief.start()
    honest._session = "b"
    honest._client.set_server_first(the(Challenge, started, "a").message)
    final = honest._client.get_client_final()
    assert refusal(chat.ask("b", FinishScram(2, final))) == ErrorCode.BAD_CREDENTIALS
    assert refusal(chat.ask("b", Enter(3, device()))) == ErrorCode.FORBIDDEN


def test_tls_without_a_binding_is_not_let_in() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    assert code_of(reply(prove(chat, "a", "anna", binding=None), "a")) == ErrorCode.BAD_REQUEST


def test_a_password_that_changes_during_the_exchange_is_not_shown() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.connect("b", over_tls())
    prover = Prover(chat, "b", Proof.PASSWORD, "bert", PASSWORD)
    started = prover.start()
    done(chat, "anna", SetPassword(5, verifier("something new"), "bert"))
    assert refusal(prover.finish(started)) == ErrorCode.BAD_CREDENTIALS


def test_a_code_that_is_revoked_during_the_exchange_is_not_shown() -> None:
    chat = Script(snapshot=people(invitation()))
    enter(chat, "anna")
    chat.connect("b", over_tls())
    prover = Prover(chat, "b", Proof.CODE, CODE, "4XDP9TBC")
    started = prover.start()
    done(chat, "anna", RevokeInvitation(5, CODE))
    assert refusal(prover.finish(started)) == ErrorCode.BAD_CREDENTIALS


# -- how often ------------------------------------------------------------------------------------------------


def test_the_sixth_wrong_password_in_a_minute_has_to_wait_and_so_has_the_right_one() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    for _ in range(5):
        assert code_of(reply(prove(chat, "a", "anna", "wrong horse"), "a")) == ErrorCode.BAD_CREDENTIALS
    for secret in ("wrong horse", PASSWORD):
        refused = reply(prove(chat, "a", "anna", secret), "a")
        assert isinstance(refused, RefusedEvent)
        assert (refused.code, refused.retry_after) == (ErrorCode.RETRY_AFTER, 60.0)
    chat.tick(60)
    the(Proven, prove(chat, "a", "anna"), "a")


def test_exchanges_that_began_before_the_first_failed_are_counted_as_well() -> None:
    chat = Script(snapshot=people())
    provers = []
    for i in range(6):
        chat.connect(f"s{i}", over_tls())
        prover = Prover(chat, f"s{i}", Proof.PASSWORD, "anna", "wrong horse" if i < 5 else PASSWORD)
        provers.append((prover, prover.start()))
    codes = [refusal(prover.finish(started)) for prover, started in provers]
    assert codes == [ErrorCode.BAD_CREDENTIALS] * 5 + [ErrorCode.RETRY_AFTER]


def test_who_is_locked_out_elsewhere_gets_in_here() -> None:
    chat = Script(snapshot=people())
    chat.connect("thief", over_tls("198.51.100.9"))
    for _ in range(9):
        prove(chat, "thief", "anna", "wrong horse")
    chat.connect("a", over_tls("192.0.2.1"))
    the(Proven, prove(chat, "a", "anna"), "a")


def test_unknown_names_and_codes_are_counted_as_well_by_whatever_case() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    for name in ("Nobody", "NOBODY", "nobody", "nobodY", "noBody"):
        prove(chat, "a", name)
    assert code_of(reply(prove(chat, "a", "nobody"), "a")) == ErrorCode.RETRY_AFTER
    for _ in range(5):
        assert code_of(reply(prove(chat, "a", CODE, proof=Proof.CODE), "a")) == ErrorCode.BAD_CREDENTIALS
    assert code_of(reply(prove(chat, "a", "bert"), "a")) == ErrorCode.RETRY_AFTER, "ten from one place"


def test_this_machine_has_no_limit_but_that_of_each_account() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", LOCAL)
    for i in range(30):
        assert code_of(reply(prove(chat, "a", f"name{i}", binding=None), "a")) == ErrorCode.BAD_CREDENTIALS
    for _ in range(5):
        prove(chat, "a", "anna", "wrong horse", binding=None)
    assert code_of(reply(prove(chat, "a", "anna", binding=None), "a")) == ErrorCode.RETRY_AFTER


# -- joining with a code --------------------------------------------------------------------------------------


def test_an_account_its_token_and_the_use_of_the_code_are_stored_together_before_anybody_is_told() -> None:
    chat = Script(snapshot=people(invitation()))
    show_code(chat, "c")
    asked = chat.ask("c", Register(4, "Dora", "Dora D.", token("dora"), "laptop"))
    put_user, put_token, drop, deed = entries(asked)
    assert isinstance(put_user, PutUser)
    assert (put_user.id, put_user.name, put_user.display, put_user.role) == (4, "Dora", "Dora D.", Role.MEMBER)
    assert (put_user.secret_hash, put_user.verifier, put_user.uid) == (b"", None, -1)
    assert isinstance(put_token, PutToken)
    assert (put_token.user, put_token.label, put_token.expires) == (4, "laptop", 0)
    assert token("dora") not in (put_token.hash, put_token.label)
    assert drop == DropInvitation(CODE)
    assert type(deed).__name__ == "PutDeed"
    assert len(asked) == 4, "and nothing is said yet"
    assert the(Registered, chat.store_all(), "c").user == User(4, "Dora", "Dora D.", Role.MEMBER)


def test_the_connection_is_then_the_new_users_and_the_token_is_good() -> None:
    chat = Script(snapshot=people(invitation()))
    user = registered(chat, "c", "dora")
    assert the(Welcome, chat.ask("c", Enter(5, device())), "c").user == user
    assert the(Welcome, token_login(chat, "other", token("dora")), "other").user == user


def test_one_of_several_uses_is_used_up() -> None:
    chat = Script(snapshot=people(invitation(3)))
    put = [e for e in entries(register(chat, "c", "dora")) if isinstance(e, PutInvitation)]
    assert [entry.uses for entry in put] == [2]
    chat.store_all()
    registered(chat, "d", "emil")
    registered(chat, "e", "fred")
    assert code_of(reply(show_code(chat, "f"), "f")) == ErrorCode.BAD_CREDENTIALS
    assert chat.store.invitations == {}


def test_a_code_used_twice_at_once_makes_one_account() -> None:
    chat = Script(snapshot=people(invitation()))
    show_code(chat, "c")
    show_code(chat, "d")
    chat.ask("c", Register(4, "dora", "", token("dora")))
    assert refusal(chat.ask("d", Register(4, "emil", "", token("emil")))) == ErrorCode.BAD_CREDENTIALS
    the(Registered, chat.store_all(), "c")
    assert refusal(chat.ask("d", Register(4, "emil", "", token("emil")))) == ErrorCode.BAD_CREDENTIALS


def test_uses_that_are_taken_at_once_are_all_counted() -> None:
    chat = Script(snapshot=people(invitation(3)))
    for session, name in (("c", "dora"), ("d", "emil")):
        register(chat, session, name)
    put = [entry.uses for entry in chat.batch if isinstance(entry, PutInvitation)]
    assert put == [2, 1]
    chat.store_all()
    registered(chat, "e", "fred")
    assert chat.store.invitations == {}


def test_a_use_is_given_back_if_the_account_cannot_be_stored() -> None:
    chat = Script(snapshot=people(invitation()))
    register(chat, "c", "dora")
    refused = reply(chat.fail_all(), "c")
    assert isinstance(refused, RefusedEvent)
    assert (refused.code, refused.retry_after) == (ErrorCode.STORE_FULL, 1.0)
    chat.ask("c", Register(5, "dora", "", token("dora"), "laptop"))
    assert the(Registered, chat.store_all(), "c").user.name == "dora"


def test_two_of_one_name_at_once_make_one_account_and_the_other_may_choose_another() -> None:
    chat = Script(snapshot=people(invitation(2)))
    show_code(chat, "c")
    show_code(chat, "d")
    chat.ask("c", Register(4, "dora", "", token("dora")))
    assert refusal(chat.ask("d", Register(4, "DORA", "", token("emil")))) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("d", Register(4, "d0ra", "", token("emil")))) == ErrorCode.NAME_IN_USE, "nor like it"
    chat.store_all()
    chat.ask("d", Register(5, "emil", "", token("emil")))
    the(Registered, chat.store_all(), "d")


def test_the_same_token_at_once_makes_one_account() -> None:
    chat = Script(snapshot=people(invitation(2)))
    show_code(chat, "c")
    show_code(chat, "d")
    chat.ask("c", Register(4, "dora", "", token("t")))
    assert refusal(chat.ask("d", Register(4, "emil", "", token("t")))) == ErrorCode.BAD_REQUEST
    chat.ask("d", Register(4, "emil", "", token("another")))
    assert len(chat.store_all()) == 2, "the name was free again"


def test_a_connection_makes_one_account_at_a_time_and_one_for_each_proof() -> None:
    chat = Script(snapshot=people(invitation(9)))
    show_code(chat, "c")
    chat.ask("c", Register(4, "dora", "", token("dora")))
    assert refusal(chat.ask("c", Register(4, "emil", "", token("emil")))) == ErrorCode.ALREADY_LOGGED_IN
    assert refusal(chat.ask("c", Enter(5, device()))) == ErrorCode.ALREADY_LOGGED_IN
    assert refusal(chat.ask("c", login("guest"))) == ErrorCode.ALREADY_LOGGED_IN
    chat.store_all()
    assert refusal(chat.ask("c", Register(4, "emil", "", token("emil")))) == ErrorCode.BAD_CREDENTIALS


def test_a_lost_reply_is_had_again_with_the_same_token() -> None:
    chat = Script(snapshot=people(invitation()))
    user = registered(chat, "c", "dora")
    chat.disconnect("c")
    chat.connect("again", over_tls())
    assert the(Registered, chat.ask("again", Register(7, "dora", "", token("dora"))), "again").user == user
    assert the(Welcome, chat.ask("again", Enter(8, device())), "again").user == user


def test_that_shows_no_more_than_a_token_does() -> None:
    chat = Script(snapshot=people(invitation()))
    registered(chat, "c", "dora")
    chat.connect("d", over_tls())
    assert refusal(chat.ask("d", Register(7, "emil", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS
    token_login(chat, "t", token("dora"))
    done(chat, "t", SetPassword(6, verifier(PASSWORD)))
    chat.connect("e", over_tls())
    # The token is good still, but whoever has it has not shown the password.
    assert refusal(chat.ask("e", Register(7, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS


def test_a_token_to_send_only_does_not_become_more_by_registering_again() -> None:
    chat = Script(snapshot=people(invitation()))
    registered(chat, "c", "dora")
    chat.ask("c", Enter(5, device()))
    done(chat, "c", CreateToken(6, token("send"), "cron", scope=1))  # type: ignore[arg-type]
    chat.connect("d", over_tls())
    assert refusal(chat.ask("d", Register(7, "dora", "", token("send")))) == ErrorCode.BAD_CREDENTIALS


def test_whoever_has_not_shown_the_code_gets_no_account() -> None:
    chat = Script(snapshot=people(invitation()))
    chat.connect("c", over_tls())
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS
    prove(chat, "c", "bert")
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS


def test_a_code_that_is_over_makes_no_account_though_it_was_shown() -> None:
    ends = int((START + 60) * 1000)
    chat = Script(snapshot=people(invitation(expires=ends)))
    the(Proven, show_code(chat, "c"), "c")
    chat.seconds += 60
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("name", "display", "code"),
    [
        ("-d", "", ErrorCode.BAD_NAME),
        ("dora", "a\nb", ErrorCode.BAD_NAME),
        ("ANNA", "", ErrorCode.NAME_IN_USE),
        ("bcrt", "", None),
        ("c1eo", "", ErrorCode.NAME_IN_USE),
        ("dora", "\N{CYRILLIC CAPITAL LETTER VE}ert", ErrorCode.NAME_IN_USE),
        ("guest", "", ErrorCode.NAME_IN_USE),
        ("away", "", None),
    ],
)
def test_a_new_name_is_legal_free_and_no_imitation(name: str, display: str, code: ErrorCode | None) -> None:
    chat = Script("guest", "away", snapshot=people(invitation()), open_to_guests=True)
    chat.disconnect("away")
    show_code(chat, "c")
    effects = chat.ask("c", Register(4, name, display, token("dora")))
    if code is None:
        the(Registered, chat.store_all(), "c")
    else:
        assert refusal(effects) == code
        assert done(chat, "c", Register(5, "dora", "", token("dora"))) == Registered(
            5, User(6, "dora", "", Role.MEMBER)
        )


def test_a_token_is_not_taken_where_others_can_read_it() -> None:
    chat = Script(snapshot=people(invitation()))
    chat.connect("c", FAR)
    prove(chat, "c", CODE, "4XDP9TBC", proof=Proof.CODE, binding=None)
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.FORBIDDEN


def test_a_guest_who_is_away_loses_the_name_to_an_account() -> None:
    chat = Script("dora", snapshot=people(invitation()), open_to_guests=True)
    chat.disconnect("dora")
    assert registered(chat, "c", "dora").role is Role.MEMBER
    assert refusal(chat.login("dora")) == ErrorCode.NAME_IN_USE


def test_a_name_is_no_guests_while_its_account_waits_for_the_store() -> None:
    chat = Script("guest", snapshot=people(invitation()), open_to_guests=True)
    register(chat, "c", "dora")
    assert refusal(chat.login("dora")) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("guest", Rename(5, "dora"))) == ErrorCode.NAME_IN_USE
    assert refusal(chat.login("d0ra")) == ErrorCode.NAME_IN_USE
    enter(chat, "anna")
    assert refusal(chat.ask("anna", CreateAccount(5, "Dora"))) == ErrorCode.NAME_IN_USE
    chat.fail_all()
    assert isinstance(chat.ask("d0ra", login("dora"))[0], Admit)


def test_an_account_whose_maker_is_gone_is_made_all_the_same() -> None:
    chat = Script(snapshot=people(invitation()))
    register(chat, "c", "dora")
    chat.disconnect("c")
    chat.store_all()
    assert the(Welcome, token_login(chat, "d", token("dora")), "d").user.name == "dora"


def test_somebody_who_has_logged_in_makes_no_account() -> None:
    chat = Script(snapshot=people(invitation()))
    enter(chat, "anna")
    prove(chat, "anna", CODE, "4XDP9TBC", proof=Proof.CODE)
    assert refusal(chat.ask("anna", Register(4, "dora", "", token("dora")))) == ErrorCode.ALREADY_LOGGED_IN


# -- the first admin ------------------------------------------------------------------------------------------


def test_the_servers_own_code_makes_the_first_admin_once() -> None:
    chat = Script()
    chat.hub.bootstrap(invitation(role=Role.ADMIN, maker=0))
    had_accounts = chat.hub.has_accounts
    show_code(chat, "late")
    user = registered(chat, "c", "anna")
    assert user.role is Role.ADMIN
    assert (had_accounts, chat.hub.has_accounts) == (False, True)
    assert chat.store.invitations == {}
    assert refusal(chat.ask("late", Register(4, "bert", "", token("bert")))) == ErrorCode.BAD_CREDENTIALS
    assert code_of(reply(show_code(chat, "d"), "d")) == ErrorCode.BAD_CREDENTIALS


def test_two_at_once_make_one_first_admin() -> None:
    chat = Script()
    chat.hub.bootstrap(invitation(role=Role.ADMIN, maker=0))
    show_code(chat, "c")
    show_code(chat, "d")
    chat.ask("c", Register(4, "anna", "", token("anna")))
    assert refusal(chat.ask("d", Register(4, "mallory", "", token("m")))) == ErrorCode.BAD_CREDENTIALS
    chat.fail_all()
    chat.ask("d", Register(4, "bert", "", token("b")))
    assert the(Registered, chat.store_all(), "d").user.role is Role.ADMIN


def test_the_servers_own_code_is_no_good_once_there_is_an_admin() -> None:
    chat = Script(snapshot=people())
    chat.hub.bootstrap(invitation(role=Role.ADMIN, maker=0))
    assert code_of(reply(show_code(chat, "c"), "c")) == ErrorCode.BAD_CREDENTIALS


def test_limits_are_those_that_were_configured() -> None:
    chat = Script(snapshot=people(), limits=Limits(failed_logins_per_account=1, failed_login_seconds=10))
    chat.connect("a", over_tls())
    prove(chat, "a", "anna", "wrong horse")
    refused = reply(prove(chat, "a", "anna"), "a")
    assert isinstance(refused, RefusedEvent)
    assert refused.retry_after == 10


def test_a_guests_login_is_no_proof() -> None:
    chat = Script(snapshot=people())
    chat.connect("a", over_tls())
    assert refusal(chat.ask("a", Login(1, "anna", b"s" * 32, device()))) == ErrorCode.FORBIDDEN

"""How a password gets a device its token, and how it is changed, whatever breaks on the way."""

from collections.abc import Iterator

import pytest

from chatnet.address import TLS as TLS_SCHEME
from chatnet.address import Address
from chatnet.auth import scram
from chatnet.auth.scram import make_verifier
from chatnet.client.credentials import KnownChannel, LocalCredentials, PasswordCredentials, TokenCredentials
from chatnet.client.enrolment import Enrolling, PasswordChange
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.model import ITERATIONS, User, Verifier
from chatnet.requests import CreateToken, Request, SetPassword
from tests.client.registrar import PIN, Registrar, Visit, failure_of

FEW = 4096
PASSWORD, NEW_PASSWORD = "correct horse", "battery staple"
SERVER = Address(TLS_SCHEME, "chat", 5555)
FAR = KnownChannel()


@pytest.fixture(autouse=True, scope="module")
def few_iterations() -> Iterator[None]:
    """The cost of a guess is not the point here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scram, "ITERATIONS", FEW)
        yield


# -- another device, by password ------------------------------------------------------------------------------


def known() -> Registrar:
    """A server where alice has a password."""
    registrar = Registrar()
    registrar.add("alice", make_verifier(PASSWORD, b"0123456789abcdef", FEW))
    return registrar


def test_a_password_gets_another_device_a_token() -> None:
    registrar, plan = known(), Enrolling("alice", PASSWORD, label="phone")
    visit = Visit(plan, registrar)
    visit.go()
    made = plan.enrolment(SERVER, visit.errand.outcome[0])
    assert registrar.tokens == {made.token: registrar.users["alice"]}
    assert (made.pin, made.server) == (PIN, registrar.id)
    assert registrar.log == ["StartScram", "FinishScram", "Enter", "CreateToken"]


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong horse"), ("mallory", PASSWORD)])
def test_a_wrong_password_gets_no_token(name: str, password: str) -> None:
    registrar = known()
    visit = Visit(Enrolling(name, password), registrar)
    visit.go()
    assert str(failure_of(visit)) == "wrong name or password"
    assert not registrar.tokens


@pytest.mark.parametrize(
    ("lost_reply", "lost_request", "logins"), [(CreateToken, None, 1), (None, CreateToken, 2)], ids=["reply", "request"]
)
def test_a_lost_answer_makes_no_second_token(
    lost_reply: type[Request] | None, lost_request: type[Request] | None, logins: int
) -> None:
    registrar, plan = known(), Enrolling("alice", PASSWORD)
    visit = Visit(plan, registrar)
    visit.go(lose_reply=lost_reply, lose_request=lost_request)
    assert plan.is_unsure
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert len(registrar.tokens) == 1
    assert registrar.log.count("Enter") == logins


def test_no_token_is_made_where_others_can_read_along() -> None:
    registrar = known()
    visit = Visit(Enrolling("alice", PASSWORD), registrar)
    visit.go(FAR)
    assert isinstance(failure_of(visit), TrustError)
    assert registrar.log == []


# -- a new password -------------------------------------------------------------------------------------------

TOKEN = b"t" * 32


def changing(old: str | None = PASSWORD) -> tuple[Visit[User], Registrar]:
    """Alice on a device with a token."""
    registrar = known()
    registrar.tokens[TOKEN] = registrar.users["alice"]
    return Visit(PasswordChange(TokenCredentials(TOKEN), NEW_PASSWORD, old), registrar), registrar


def test_a_new_password_needs_the_old_one() -> None:
    visit, registrar = changing()
    before = registrar.passwords["alice"]
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.log == ["TokenLogin", "StartScram", "FinishScram", "SetPassword"]
    after = registrar.passwords["alice"]
    assert after.iterations == ITERATIONS
    assert after.salt != before.salt
    assert len(after.salt) == 16


def test_a_wrong_old_password_changes_nothing() -> None:
    visit, registrar = changing("wrong horse")
    before = registrar.passwords["alice"]
    visit.go()
    assert str(failure_of(visit)) == "wrong name or password"
    assert registrar.passwords["alice"] == before


def test_the_first_password_of_an_account_needs_none() -> None:
    visit, registrar = changing(None)
    del registrar.passwords["alice"]
    visit.go()
    assert registrar.log == ["TokenLogin", "SetPassword"]
    assert registrar.passwords["alice"].iterations == ITERATIONS


def test_credentials_that_are_the_old_password_show_it_already() -> None:
    registrar = known()
    visit = Visit(PasswordChange(PasswordCredentials("alice", PASSWORD), NEW_PASSWORD), registrar)
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.log == ["StartScram", "FinishScram", "Enter", "SetPassword"]


def test_a_change_whose_answer_was_lost_is_found_out_by_the_new_password() -> None:
    visit, registrar = changing()
    visit.go(lose_reply=SetPassword)
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.log.count("SetPassword") == 1


def test_a_change_that_comes_through_late_is_found_out_too() -> None:
    """The first `SetPassword` is done only after the new connection was told that the new password is wrong."""
    visit, registrar = changing()
    old = registrar.passwords["alice"]
    visit.go(lose_reply=SetPassword)

    class Late(dict[str, Verifier]):
        asked = 0

        def get(self, name: str, default: object = None) -> Verifier:
            self.asked += 1
            return old if self.asked == 1 else self[name]

    registrar.passwords = Late(registrar.passwords)
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.log.count("SetPassword") == 1


def test_a_change_that_the_server_never_heard_of_is_made_again() -> None:
    visit, registrar = changing()
    before = registrar.passwords["alice"]
    visit.go(lose_request=SetPassword)
    assert registrar.passwords["alice"] == before
    visit.go()
    assert visit.errand.outcome == [registrar.users["alice"]]
    assert registrar.passwords["alice"] != before


def test_no_password_is_set_where_others_can_read_along() -> None:
    registrar = known()
    visit = Visit(PasswordChange(LocalCredentials(), NEW_PASSWORD), registrar)
    visit.go(FAR)
    assert isinstance(failure_of(visit), TrustError)
    assert registrar.log == []


def test_a_password_that_cannot_be_used_is_refused_before_there_is_a_connection() -> None:
    with pytest.raises(Refused) as failure:
        PasswordChange(LocalCredentials(), "short")
    assert failure.value.code == ErrorCode.BAD_PASSWORD

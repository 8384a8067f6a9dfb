"""Join codes as admins see them: made, listed, revoked and over."""

import pytest

from chatnet.core.entries import DropInvitation, PutInvitation
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, InvitationPage, Proven, Registered
from chatnet.model import Invitation, Role
from chatnet.requests import CreateInvitation, Enter, ListInvitations, Register, RevokeInvitation
from tests.core.proving import (
    CODE,
    CODE_SECRET,
    code_of,
    device,
    done,
    enter,
    invitation,
    people,
    register,
    registered,
    reply,
    show_code,
    token,
    verifier,
)
from tests.core.script import START, Script, events, on_socket, refusal, the

NOW = int(START * 1000)
V = verifier(CODE_SECRET)


def admin(*invitations: PutInvitation, limits: Limits | None = None) -> Script:
    """Anna, an admin, is there."""
    chat = Script(snapshot=people(*invitations), limits=limits)
    enter(chat, "anna")
    return chat


def listed(chat: Script, after: str = "") -> InvitationPage:
    return the(InvitationPage, chat.ask("anna", ListInvitations(8, after)), "anna")


def test_a_code_is_good_once_it_is_stored() -> None:
    chat = admin()
    chat.ask("anna", CreateInvitation(5, CODE, V, 3, NOW + 60_000, Role.ADMIN))
    assert code_of(reply(show_code(chat, "c"), "c")) == ErrorCode.BAD_CREDENTIALS
    assert reply(chat.store_all(), "anna") == Done(5)
    assert chat.store.invitations == {CODE: PutInvitation(CODE, V, 3, NOW + 60_000, Role.ADMIN, 1)}
    assert listed(chat).invitations == [Invitation(CODE, 3, NOW + 60_000, Role.ADMIN, 1)]
    assert registered(chat, "d", "dora").role is Role.ADMIN


def test_what_is_listed_is_what_can_still_be_used() -> None:
    chat = admin(invitation(3))
    register(chat, "c", "dora")
    assert [i.uses for i in listed(chat).invitations] == [2], "one waits for the store"
    chat.store_all()
    assert [i.uses for i in listed(chat).invitations] == [2]
    registered(chat, "d", "emil")
    register(chat, "e", "fred")
    assert listed(chat).invitations == []


def test_the_servers_own_is_listed_and_can_be_revoked() -> None:
    chat = Script()
    chat.hub.bootstrap(invitation(role=Role.ADMIN, maker=0))
    chat.connect("anna", on_socket(1000, "otto", is_owner=True))
    chat.ask("anna", Enter(3, device()))
    chat.store_all()
    assert listed(chat).invitations == [Invitation(CODE, 1, 0, Role.ADMIN, 0)]
    assert done(chat, "anna", RevokeInvitation(5, CODE)) == Done(5)
    assert listed(chat).invitations == []
    assert code_of(reply(show_code(chat, "d"), "d")) == ErrorCode.BAD_CREDENTIALS


def test_they_are_listed_by_pages_in_the_order_of_their_names() -> None:
    chat = admin(*(invitation(name=name) for name in ("CCCC", "AAAA", "BBBB")), limits=Limits(page=512))
    first = listed(chat)
    assert ([i.name for i in first.invitations], first.next) == (["AAAA", "BBBB"], "BBBB")
    last = listed(chat, first.next)
    assert ([i.name for i in last.invitations], last.next) == (["CCCC"], "")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (CreateInvitation(5, "abcd", V), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, "ABCDE", V), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, "ABC\n", V), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, "ABCU", V), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, "ABCD", V, role=Role.GUEST), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, "ABCD", V, expires=NOW), ErrorCode.BAD_REQUEST),
        (CreateInvitation(5, CODE, V), ErrorCode.NAME_IN_USE),
        (RevokeInvitation(5, "ABCD"), ErrorCode.NO_SUCH_INVITATION),
    ],
)
def test_what_cannot_be_is_refused(request_: CreateInvitation | RevokeInvitation, code: ErrorCode) -> None:
    assert refusal(admin(invitation()).ask("anna", request_)) == code


def test_one_of_a_name_is_made_at_a_time() -> None:
    chat = admin()
    chat.ask("anna", CreateInvitation(5, "ABCD", V))
    assert refusal(chat.ask("anna", CreateInvitation(6, "ABCD", V))) == ErrorCode.NAME_IN_USE
    assert code_of(reply(chat.fail_all(), "anna")) == ErrorCode.STORE_FULL
    assert listed(chat).invitations == []
    assert done(chat, "anna", CreateInvitation(6, "ABCD", V)) == Done(6)


def test_there_are_so_many_and_no_more() -> None:
    chat = admin(invitation(), limits=Limits(invitations=2))
    chat.ask("anna", CreateInvitation(5, "AAAA", V))
    assert refusal(chat.ask("anna", CreateInvitation(6, "BBBB", V))) == ErrorCode.FORBIDDEN
    chat.store_all()
    done(chat, "anna", RevokeInvitation(7, "AAAA"))
    assert done(chat, "anna", CreateInvitation(6, "BBBB", V)) == Done(6)


def test_a_revoked_code_is_worthless_though_it_was_shown_before() -> None:
    chat = admin(invitation(5))
    the(Proven, show_code(chat, "c"), "c")
    chat.ask("anna", RevokeInvitation(5, CODE))
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS, "at once"
    assert refusal(chat.ask("anna", RevokeInvitation(6, CODE))) == ErrorCode.NO_SUCH_INVITATION
    chat.store_all()
    assert listed(chat).invitations == []
    assert chat.store.invitations == {}


def test_a_code_that_cannot_be_revoked_stays_good() -> None:
    chat = admin(invitation())
    chat.ask("anna", RevokeInvitation(5, CODE))
    chat.fail_all()
    assert registered(chat, "c", "dora").name == "dora"


def test_who_was_first_has_the_account_though_the_code_is_revoked_behind() -> None:
    chat = admin(invitation(5))
    register(chat, "c", "dora")
    chat.ask("anna", RevokeInvitation(5, CODE))
    the(Registered, chat.store_all(), "c")
    assert chat.store.invitations == {}
    assert listed(chat).invitations == []


def test_another_code_of_the_same_name_is_another_code() -> None:
    chat = admin(invitation(5))
    the(Proven, show_code(chat, "c"), "c")
    done(chat, "anna", RevokeInvitation(5, CODE))
    done(chat, "anna", CreateInvitation(6, CODE, verifier("0000 1111")))
    assert refusal(chat.ask("c", Register(4, "dora", "", token("dora")))) == ErrorCode.BAD_CREDENTIALS


def test_a_code_is_forgotten_when_it_is_over() -> None:
    chat = admin(invitation(expires=NOW + 10_000), invitation(name="ABCD"))
    assert chat.tick(9) == []
    assert chat.tick() == [DropInvitation(CODE)]
    assert [i.name for i in listed(chat).invitations] == ["ABCD"]
    assert chat.tick() == []


def test_a_code_that_ends_while_its_account_waits_for_the_store() -> None:
    chat = admin(invitation(2, expires=NOW + 10_000))
    register(chat, "c", "dora")
    assert chat.tick(10) == [], "not behind its back"
    the(Registered, chat.store_all(), "c")
    assert chat.tick() == [DropInvitation(CODE)]
    assert events(chat.store_all(), "c") == []

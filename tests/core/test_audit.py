"""The audit log: a line for each act, in the batch of its change, shown to admins by pages."""

from chatnet.core.effects import Read
from chatnet.core.entries import PutDeed, ReadDeeds
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import AuditPage
from chatnet.model import Act, Role
from chatnet.requests import (
    CreateAccount,
    CreateInvitation,
    CreateToken,
    DropAccount,
    ListAudit,
    RevokeInvitation,
    RevokeToken,
    SetPassword,
    SetRole,
)
from tests.core.proving import CODE, PASSWORD, code_of, done, enter, people, register, reply, token, verifier
from tests.core.script import Script, the


def page(chat: Script, before: int = 0, limit: int = 100) -> AuditPage:
    chat.ask("anna", ListAudit(9, before, limit))
    return the(AuditPage, chat.read_deeds(), "anna")


def busy_hour(limits: Limits | None = None) -> Script:
    """Everything that is recorded has been done once."""
    chat = Script(snapshot=people(), limits=limits)
    enter(chat, "anna")
    done(chat, "anna", CreateInvitation(5, CODE, verifier("4XDP9TBC"), 2, 0, Role.MEMBER))
    register(chat, "c", "dora")
    chat.store_all()
    done(chat, "anna", CreateAccount(5, "emil", "", Role.MEMBER, verifier(PASSWORD)))
    done(chat, "anna", SetRole(5, "bert", Role.ADMIN))
    done(chat, "anna", CreateToken(5, token("secret"), "backup", user="bert"))
    done(chat, "anna", RevokeToken(5, 2))
    done(chat, "anna", SetPassword(5, verifier("another one"), "cleo"))
    done(chat, "anna", RevokeInvitation(5, CODE))
    done(chat, "anna", DropAccount(5, "emil"))
    return chat


def test_every_act_is_a_line_and_the_newest_is_first() -> None:
    deeds = page(busy_hour()).deeds
    assert [(deed.id, deed.actor_name, deed.act, deed.subject, deed.detail) for deed in deeds] == [
        (9, "anna", Act.DROP_ACCOUNT, "emil", ""),
        (8, "anna", Act.REVOKE_INVITATION, CODE, ""),
        (7, "anna", Act.SET_PASSWORD, "cleo", ""),
        (6, "anna", Act.REVOKE_TOKEN, "backup", "of bert"),
        (5, "anna", Act.CREATE_TOKEN, "backup", "of bert"),
        (4, "anna", Act.SET_ROLE, "bert", "admin"),
        (3, "anna", Act.CREATE_ACCOUNT, "emil", "member"),
        (2, "dora", Act.REGISTER, "dora", f"with the join code {CODE}, member"),
        (1, "anna", Act.CREATE_INVITATION, CODE, "2 uses, member"),
    ]
    assert {deed.conversation for deed in deeds} == {0}


def test_no_secret_is_in_any_line() -> None:
    chat = busy_hour()
    shown = repr(chat.store.deeds)
    for secret in (token("secret"), token("dora"), verifier(PASSWORD).stored_key, verifier("4XDP9TBC").salt):
        assert repr(secret)[2:-1] not in shown
    assert "4XDP9TBC" not in shown
    assert PASSWORD not in shown


def test_a_line_is_stored_with_its_change_or_not_at_all() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.ask("anna", SetRole(5, "bert", Role.ADMIN))
    assert [type(entry).__name__ for entry in chat.batch] == ["PutUser", "PutDeed"]
    chat.fail_all()
    assert chat.store.deeds == []


def test_pages_go_on_where_the_last_one_ended() -> None:
    chat = busy_hour()
    first = page(chat, limit=4)
    assert ([deed.id for deed in first.deeds], first.next) == ([9, 8, 7, 6], 6)
    second = page(chat, first.next, 4)
    assert ([deed.id for deed in second.deeds], second.next) == ([5, 4, 3, 2], 2)
    last = page(chat, second.next, 4)
    assert ([deed.id for deed in last.deeds], last.next) == ([1], 0)


def test_the_page_that_ends_with_the_first_line_is_the_last() -> None:
    chat = busy_hour()
    assert page(chat, limit=9).next == 0
    assert page(chat, before=1) == AuditPage(9, [], 0)


def test_a_page_has_only_so_many_bytes() -> None:
    chat = busy_hour(Limits(page=400))
    first = page(chat)
    assert 1 <= len(first.deeds) < 9
    assert first.next == first.deeds[-1].id
    rest = first
    seen = [deed.id for deed in rest.deeds]
    while rest.next:
        rest = page(chat, rest.next)
        seen += [deed.id for deed in rest.deeds]
    assert seen == list(range(9, 0, -1))


def test_what_is_asked_of_the_store_is_bounded_by_the_request() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    assert chat.ask("anna", ListAudit(9, 7, 50)) == [Read(ReadDeeds(7, 50, ("anna", 9)))]


def test_a_store_that_cannot_read_is_told() -> None:
    chat = busy_hour()
    chat.ask("anna", ListAudit(9))
    refused = reply(chat.read_deeds(fails=True), "anna")
    assert code_of(refused) == ErrorCode.STORE_FAILING


def test_deeds_are_stored_with_the_time() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.ask("anna", SetRole(5, "bert", Role.ADMIN))
    (deed,) = [entry for entry in chat.batch if isinstance(entry, PutDeed)]
    assert deed.time == chat.now.wall

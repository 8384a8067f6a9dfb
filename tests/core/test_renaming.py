"""Other names: nobody is told of them before they are stored, and nobody else gets them meanwhile."""

import pytest

from chatnet.core.effects import Admit, Reply
from chatnet.core.entries import DropUser, PutMessage, PutUser
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import ConversationPage, Deliver, Done, Refused, Renamed, Welcome
from chatnet.model import Role, User
from chatnet.requests import CreateAccount, CreateToken, DropAccount, ListConversations, Open, Rename, SetRole
from tests.core.proving import enter, invitation, people, register, registered, token, token_login
from tests.core.script import Script, entries, events, login, message, refusal, the, to, user

HOLD = Limits().guest_hold_seconds


def known() -> Script:
    """Two guests, and a message that one of them has said; the store knows that one."""
    chat = Script("alice", "bob")
    chat.join("alice", "bob")
    chat.said("alice", 1)
    return chat


# -- before the store has answered ----------------------------------------------------------------------------


def test_nobody_is_told_before_it_is_stored() -> None:
    chat = known()
    (entry,) = chat.ask("alice", Rename(5, "ally", "A."))
    assert isinstance(entry, PutUser)
    assert (entry.id, entry.name, entry.display) == (1, "ally", "A.")
    assert chat.store_all() == [Reply("alice", Done(5)), to(["alice", "bob"], Renamed(user(1, "ally", "A.")))]


@pytest.mark.parametrize("is_stored", [False, True])
def test_who_was_told_of_a_new_name_finds_its_chats_under_it_after_a_restart(is_stored: bool) -> None:
    chat = Script("alice", "bob")
    both = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=both)
    told = chat.ask("alice", Rename(5, "ally"))
    if is_stored:
        told += chat.store_all()
    name = "ally" if Done(5) in events(told, "alice") else "alice"
    again = chat.restarted()
    assert the(Welcome, again.login("a", name, secret="alice"), "a").user == user(1, name)
    page = the(ConversationPage, again.ask("a", ListConversations(6)), "a")
    assert [conversation.id for conversation in page.conversations] == [both]


def test_what_is_said_meanwhile_carries_the_old_name_and_does_not_bring_it_back() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    (put,) = entries(chat.say("alice", 2))
    assert isinstance(put, PutMessage)
    told = chat.store_all()
    assert the(Deliver, told, "bob").messages == [message(2, 1, "alice")]
    assert chat.store.users[1].name == "ally"
    chat.say("alice", 3)
    assert the(Deliver, chat.store_all(), "bob").messages == [message(3, 1, "ally")]


def test_the_old_name_does_not_come_back_where_the_user_was_yet_to_be_stored_again() -> None:
    chat = Script("alice")
    chat.say("alice", 1)
    chat.fail_all()
    chat.ask("alice", Rename(5, "ally"))
    chat.said("alice", 1)
    assert chat.store.users[1].name == "ally"


def test_a_chat_that_is_looked_up_meanwhile_does_not_bring_the_old_name_back() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    chat.ask("bob", Open(6, user="alice"))
    chat.store_all()
    assert chat.store.users[1].name == "ally"


def test_a_second_rename_waits_for_the_first() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    for name in ("ally", "alma", "alice"):
        assert refusal(chat.ask("alice", Rename(6, name))) == ErrorCode.RETRY_AFTER
    chat.store_all()
    chat.ask("alice", Rename(6, "alma"))
    assert the(Done, chat.store_all(), "alice") == Done(6)


def test_nobody_else_gets_the_name_meanwhile() -> None:
    chat = known()
    chat.said("bob", 1)
    chat.ask("alice", Rename(5, "ally"))
    assert refusal(chat.ask("bob", Rename(6, "ALLY"))) == ErrorCode.NAME_IN_USE
    assert refusal(chat.login("c", "Ally")) == ErrorCode.NAME_IN_USE
    assert refusal(chat.login("d", "ally", secret="alice")) == ErrorCode.NAME_IN_USE


def test_no_account_gets_the_name_meanwhile() -> None:
    chat = Script("alice", snapshot=people(invitation()), open_to_guests=True)
    chat.said("alice", 1)
    enter(chat, "anna")
    chat.ask("alice", Rename(5, "dora"))
    assert refusal(register(chat, "c", "dora")) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("anna", CreateAccount(6, "Dora"))) == ErrorCode.NAME_IN_USE


def test_the_old_name_is_kept_until_it_is_stored_and_free_then() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    assert refusal(chat.login("c", "alice", secret="other")) == ErrorCode.NAME_IN_USE
    assert isinstance(chat.login("d", "alice")[0], Admit), "it is oneself"
    chat.store_all()
    assert the(Welcome, chat.ask("c", login("alice", "other")), "c").user == user(3, "alice")


def test_a_login_meanwhile_is_told_the_old_names_and_then_the_new_ones() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "alice", "Al"))
    told = chat.login("a2", "alice", display="Other")
    assert the(Welcome, told, "a2").user == user(1, "alice")
    assert entries(told) == []
    assert the(Renamed, chat.store_all(), "a2") == Renamed(user(1, "alice", "Al"))
    assert chat.store.users[1].display == "Al"


def test_another_display_name_that_comes_with_a_login_is_stored_for_a_guest_that_the_store_knows() -> None:
    chat = known()
    chat.login("a2", "alice", display="Al")
    chat.store_all()
    assert chat.store.users[1].display == "Al"


# -- failures -------------------------------------------------------------------------------------------------


def test_a_rename_that_cannot_be_stored_is_refused_and_has_not_happened() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    refused = chat.fail_all()
    assert events(refused, "bob") == []
    assert the(Refused, refused, "alice").retry_after == 1.0
    assert the(Welcome, chat.login("c", "ally"), "c").user == user(3, "ally")
    chat.disconnect("c")
    assert refusal(chat.ask("alice", Rename(6, "ally"))) == ErrorCode.NAME_IN_USE
    chat.ask("alice", Rename(7, "alma"))
    assert the(Done, chat.store_all(), "alice") == Done(7)


def test_after_a_failure_the_old_name_is_what_the_next_message_brings() -> None:
    chat = Script("alice")
    chat.say("alice", 1)
    chat.ask("alice", Rename(5, "ally"))
    chat.fail_all()
    chat.said("alice", 1)
    assert chat.store.users[1].name == "alice"


# -- whoever goes ---------------------------------------------------------------------------------------------


def test_it_is_done_though_its_session_is_gone() -> None:
    chat = known()
    chat.ask("alice", Rename(5, "ally"))
    chat.disconnect("alice")
    chat.store_all()
    assert the(Welcome, chat.login("a", "ally", secret="alice"), "a").user == user(1, "ally")


@pytest.mark.parametrize("fails", [False, True])
def test_a_guest_that_is_forgotten_meanwhile_does_not_come_back(fails: bool) -> None:
    chat = Script("alice", "bob")
    chat.said("alice", 1, conversation=chat.chat("alice", "bob"))
    chat.ask("alice", Rename(5, "ally"))
    chat.submit()
    chat.disconnect("alice")
    assert DropUser(1) in entries(chat.tick(HOLD))
    assert events(chat.fail_all() if fails else chat.store_all(), "bob") == []
    chat.tick()
    chat.store_all()
    assert 1 not in chat.store.users
    assert the(Welcome, chat.login("a", "ally"), "a").user.id == 3


def test_an_account_that_takes_the_old_name_meanwhile_keeps_it() -> None:
    chat = Script("dora", snapshot=people(invitation()), open_to_guests=True)
    chat.said("dora", 1)
    chat.ask("dora", Rename(5, "doris"))
    chat.disconnect("dora")
    made = registered(chat, "c", "dora")
    assert made.role is Role.MEMBER
    assert the(Welcome, token_login(chat, "again", token("dora")), "again").user == made
    assert isinstance(chat.login("doris")[0], Admit), "nobody is called that"


# -- accounts -------------------------------------------------------------------------------------------------


def test_other_changes_of_an_account_wait_for_its_rename_and_it_for_them() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    enter(chat, "bert")
    chat.ask("bert", Rename(5, "berta"))
    for request in (SetRole(6, "bert", Role.ADMIN), DropAccount(6, "bert")):
        assert refusal(chat.ask("anna", request)) == ErrorCode.RETRY_AFTER
    assert refusal(chat.ask("bert", CreateToken(6, token("t"), "x"))) == ErrorCode.RETRY_AFTER
    chat.store_all()
    chat.ask("bert", CreateToken(6, token("t"), "x"))
    assert refusal(chat.ask("bert", Rename(7, "bertram"))) == ErrorCode.RETRY_AFTER


def test_nobody_looks_like_what_an_account_is_about_to_be_called_or_still_is() -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    enter(chat, "bert")
    chat.ask("bert", Rename(5, "zoe", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} Z."))
    for name in ("z.oe", "b.ert"):
        assert refusal(chat.ask("guest", Rename(6, name))) == ErrorCode.NAME_IN_USE
        assert refusal(chat.ask("guest", Rename(6, "guest", name))) == ErrorCode.NAME_IN_USE
    assert refusal(chat.ask("guest", Rename(6, "zoez"))) == ErrorCode.NAME_IN_USE


@pytest.mark.parametrize(("fails", "taken", "free"), [(False, "z.oe", "b.ert"), (True, "b.ert", "z.oe")])
def test_afterwards_an_account_keeps_others_from_the_names_that_it_has(fails: bool, taken: str, free: str) -> None:
    chat = Script("guest", snapshot=people(), open_to_guests=True)
    enter(chat, "bert")
    chat.ask("bert", Rename(5, "zoe"))
    _ = chat.fail_all() if fails else chat.store_all()
    assert refusal(chat.ask("guest", Rename(6, taken))) == ErrorCode.NAME_IN_USE
    assert the(Done, chat.ask("guest", Rename(7, free)), "guest") == Done(7)


def test_an_account_is_told_of_with_its_role() -> None:
    chat = Script(snapshot=people())
    enter(chat, "anna")
    chat.ask("anna", Rename(5, "annie", "A."))
    assert the(Renamed, chat.store_all(), "anna") == Renamed(User(1, "annie", "A.", Role.ADMIN))

"""Tokens: made, listed, revoked, over; and what one is good for that may only send."""

import pytest

from chatnet.auth.tokens import hash_token
from chatnet.core.effects import Close, Reply
from chatnet.core.entries import DropToken, PutToken
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Deliver, Done, Opened, Pong, Refused, TokenCreated, TokenPage, Welcome
from chatnet.model import Act, Role, Scope, Token
from chatnet.requests import (
    AnyRequest,
    ChangeRoom,
    CreateAccount,
    CreateInvitation,
    CreateRoom,
    CreateToken,
    DropAccount,
    Enter,
    FinishScram,
    Follow,
    GetHistory,
    GetStats,
    Join,
    ListAccounts,
    ListAudit,
    ListBans,
    ListConnections,
    ListConversations,
    ListFiles,
    ListInvitations,
    ListMembers,
    ListRooms,
    ListTokens,
    ListUsers,
    Login,
    Mark,
    Moderate,
    Open,
    Part,
    Ping,
    Proof,
    Register,
    RemoveFile,
    Rename,
    Request,
    RevokeInvitation,
    RevokeToken,
    Search,
    SetPassword,
    SetRole,
    StartDownload,
    StartScram,
    TokenLogin,
    Unwatch,
    Watch,
)
from tests.core.proving import code_of, device, done, enter, people, reply, token, token_login, verifier
from tests.core.script import START, Script, events, refusal, the

NOW = int(START * 1000)
V = verifier("something new")


def bert() -> Script:
    """Bert, a member, is there."""
    chat = Script(snapshot=people())
    enter(chat, "bert")
    return chat


# -- making ---------------------------------------------------------------------------------------------------


def test_the_server_keeps_a_hash_of_a_token() -> None:
    chat = bert()
    asked = chat.ask("bert", CreateToken(5, token("t"), "backup job", Scope.SEND, expires=NOW + 1000))
    entry = PutToken(1, 2, hash_token(token("t")), "backup job", Scope.SEND, NOW, NOW + 1000)
    assert asked[0] == entry
    shown = Token(1, 2, "backup job", Scope.SEND, NOW, NOW + 1000)
    assert the(TokenCreated, chat.store_all(), "bert") == TokenCreated(5, shown)


def test_it_is_good_once_it_is_stored() -> None:
    chat = bert()
    chat.ask("bert", CreateToken(5, token("t"), ""))
    assert refusal(token_login(chat, "t", token("t"))) == ErrorCode.BAD_CREDENTIALS
    chat.store_all()
    assert the(Welcome, chat.ask("t", TokenLogin(6, token("t"), device())), "t").user.name == "bert"


def test_one_that_cannot_be_stored_is_none_and_may_be_made_again() -> None:
    chat = bert()
    chat.ask("bert", CreateToken(5, token("t"), ""))
    assert code_of(reply(chat.fail_all(), "bert")) == ErrorCode.STORE_FULL
    assert refusal(token_login(chat, "t", token("t"))) == ErrorCode.BAD_CREDENTIALS
    assert isinstance(done(chat, "bert", CreateToken(6, token("t"), "")), TokenCreated)


def test_a_lost_reply_is_had_again() -> None:
    chat = bert()
    first = done(chat, "bert", CreateToken(5, token("t"), "x"))
    again = done(chat, "bert", CreateToken(6, token("t"), "y"))
    assert isinstance(first, TokenCreated)
    assert again == TokenCreated(6, first.token)
    assert len(chat.store.tokens) == 1


def test_one_that_is_somebody_elses_is_refused() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), "x"))
    enter(chat, "cleo")
    assert refusal(chat.ask("cleo", CreateToken(6, token("t"), "x"))) == ErrorCode.BAD_REQUEST
    chat.ask("bert", CreateToken(7, token("u"), "x"))
    assert refusal(chat.ask("cleo", CreateToken(8, token("u"), "x"))) == ErrorCode.BAD_REQUEST


@pytest.mark.parametrize(
    ("label", "expires", "code"),
    [("a\x1bb", 0, ErrorCode.BAD_NAME), ("x" * 41, 0, ErrorCode.BAD_NAME), ("x", NOW, ErrorCode.BAD_REQUEST)],
)
def test_one_that_cannot_be_is_refused(label: str, expires: int, code: ErrorCode) -> None:
    chat = bert()
    assert refusal(chat.ask("bert", CreateToken(5, token("t"), label, expires=expires))) == code


def test_an_account_has_so_many_tokens_and_no_more() -> None:
    chat = Script(snapshot=people(), limits=Limits(tokens_per_account=2))
    enter(chat, "bert")
    enter(chat, "anna")
    done(chat, "bert", CreateToken(5, token("1"), ""))
    chat.ask("bert", CreateToken(5, token("2"), ""))
    assert refusal(chat.ask("bert", CreateToken(5, token("3"), ""))) == ErrorCode.FORBIDDEN, "one waits for the store"
    assert refusal(chat.ask("anna", CreateToken(5, token("3"), "", user="bert"))) == ErrorCode.FORBIDDEN
    chat.store_all()
    done(chat, "bert", RevokeToken(6, 1))
    assert isinstance(done(chat, "bert", CreateToken(7, token("3"), "")), TokenCreated)


def test_numbers_of_tokens_are_never_given_out_again_after_a_restart() -> None:
    kept = people()
    chat = Script(snapshot=type(kept)(users=kept.users, next_user=4, next_token=9))
    enter(chat, "bert")
    made = done(chat, "bert", CreateToken(5, token("t"), ""))
    assert isinstance(made, TokenCreated)
    assert made.token.id == 9


def test_tokens_are_good_after_a_restart_if_their_account_is_there() -> None:
    kept = people()
    tokens = [
        PutToken(id, user, hash_token(token(f"t{id}")), "", Scope.ALL, 1, expires)
        for id, user, expires in ((1, 2, 0), (2, 99, 0), (3, 2, NOW - 1), (4, 2, NOW + 5000))
    ]
    chat = Script(snapshot=type(kept)(users=kept.users, next_user=4, next_token=5, tokens=tokens))
    assert the(Welcome, token_login(chat, "a", token("t1")), "a").user.name == "bert"
    assert refusal(token_login(chat, "b", token("t2"))) == ErrorCode.BAD_CREDENTIALS
    assert refusal(token_login(chat, "c", token("t3"))) == ErrorCode.BAD_CREDENTIALS
    the(Welcome, token_login(chat, "d", token("t4")), "d")
    assert DropToken(3) in chat.tick()
    assert Close("d", ErrorCode.LOGGED_OUT, "its token is over") in chat.tick(5)


# -- listing --------------------------------------------------------------------------------------------------


def test_ones_own_tokens_are_listed_by_pages_and_admins_see_others() -> None:
    chat = Script(snapshot=people(), limits=Limits(page=512))
    enter(chat, "bert")
    enter(chat, "anna")
    for name in "123":
        done(chat, "bert", CreateToken(5, token(name), name))
    first = the(TokenPage, chat.ask("bert", ListTokens(6)), "bert")
    assert ([t.label for t in first.tokens], first.next) == (["1", "2"], 2)
    last = the(TokenPage, chat.ask("bert", ListTokens(6, cursor=2)), "bert")
    assert ([t.label for t in last.tokens], last.next) == (["3"], 0)
    assert the(TokenPage, chat.ask("anna", ListTokens(7, "bert")), "anna").tokens == first.tokens
    assert the(TokenPage, chat.ask("anna", ListTokens(7)), "anna") == TokenPage(7, [])


# -- the end --------------------------------------------------------------------------------------------------


def test_a_revoked_token_is_worthless_and_its_sessions_end() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    token_login(chat, "t", token("t"))
    token_login(chat, "u", token("t"))
    chat.ask("bert", RevokeToken(6, 1))
    effects = chat.store_all()
    reason = "its token was revoked"
    assert [e for e in effects if isinstance(e, Close)] == [
        Close("t", ErrorCode.LOGGED_OUT, reason),
        Close("u", ErrorCode.LOGGED_OUT, reason),
    ]
    assert reply(effects, "bert") == Done(6)
    assert refusal(token_login(chat, "v", token("t"))) == ErrorCode.BAD_CREDENTIALS
    assert chat.store.tokens == {}


def test_a_stolen_token_is_no_use_after_the_logout() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    token_login(chat, "own", token("t"))
    token_login(chat, "thief", token("t"))
    chat.ask("own", RevokeToken(6))
    effects = chat.store_all()
    own = [effect for effect in effects if getattr(effect, "session", None) == "own"]
    assert [type(effect).__name__ for effect in own] == ["Reply", "Close"], "the answer first"
    assert chat.ask("thief", Ping(1)) == []
    assert refusal(token_login(chat, "again", token("t"))) == ErrorCode.BAD_CREDENTIALS


def test_a_session_without_a_token_has_none_to_revoke() -> None:
    assert refusal(bert().ask("bert", RevokeToken(6))) == ErrorCode.NO_SUCH_TOKEN


def test_an_admin_revokes_anybodys() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    enter(chat, "anna")
    assert done(chat, "anna", RevokeToken(6, 1)) == Done(6)


def test_revoking_twice_at_once_is_once() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    for id in (6, 7):
        chat.ask("bert", RevokeToken(id, 1))
    assert events(chat.store_all(), "bert") == [Done(6), Done(7)]


def test_revoking_while_the_account_is_removed() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    enter(chat, "anna")
    chat.ask("anna", DropAccount(6, "bert"))
    chat.ask("anna", RevokeToken(7, 1))
    assert [event.id for event in events(chat.store_all(), "anna") if isinstance(event, Done)] == [6, 7]


def test_a_token_that_cannot_be_revoked_stays_good() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), ""))
    chat.ask("bert", RevokeToken(6, 1))
    assert code_of(reply(chat.fail_all(), "bert")) == ErrorCode.STORE_FULL
    the(Welcome, token_login(chat, "t", token("t")), "t")


def test_a_token_ends_when_it_is_over_and_its_sessions_with_it() -> None:
    chat = bert()
    done(chat, "bert", CreateToken(5, token("t"), "", expires=NOW + 10_000))
    done(chat, "bert", CreateToken(5, token("gone"), "", expires=NOW + 10_000))
    done(chat, "bert", RevokeToken(6, 2))
    token_login(chat, "t", token("t"))
    assert chat.tick(9) == []
    chat.seconds += 1
    assert refusal(token_login(chat, "u", token("t"))) == ErrorCode.BAD_CREDENTIALS, "before any tick"
    assert chat.tick(0) == [DropToken(1), Close("t", ErrorCode.LOGGED_OUT, "its token is over")]
    assert chat.tick() == []


# -- to send only ---------------------------------------------------------------------------------------------


def sender() -> Script:
    """A session of bert's, "s", that came with a token to send only."""
    chat = bert()
    done(chat, "bert", CreateToken(5, token("s"), "cron", Scope.SEND))
    token_login(chat, "s", token("s"))
    return chat


def test_it_finds_a_conversation_and_posts_into_it() -> None:
    chat = sender()
    opened = done(chat, "s", Open(6, user="cleo"))
    assert isinstance(opened, Opened)
    chat.say("s", 1, opened.conversation.id)
    the(Ack, chat.store_all(), "s")
    assert chat.ask("s", Ping(7)) == [Reply("s", Pong(7))]


def test_it_hears_nothing() -> None:
    chat = sender()
    enter(chat, "cleo")
    talk = chat.chat("cleo", "bert")
    chat.say("cleo", 1, talk)
    told = chat.store_all()
    the(Deliver, told, "bert")
    assert events(told, "s") == []
    chat.say("s", 1, talk)
    assert [type(event) for event in events(chat.store_all(), "s")] == [Ack]
    token_login(chat, "more", token("s"))
    chat.say("cleo", 2, talk)
    assert events(chat.store_all(), "more") == [], "nor of chats that were there before"


OTHERS: list[Request] = [
    Login(9, "x", token("x"), device()),
    Enter(9, device()),
    TokenLogin(9, token("s"), device()),
    StartScram(9, Proof.PASSWORD, "n,,n=bert,r=x"),
    FinishScram(9, "x"),
    Register(9, "x", "", token("x")),
    Join(9, "lobby"),
    Part(9, 1),
    CreateRoom(9, "x"),
    Rename(9, "x"),
    Follow(9, 2),
    ListConversations(9),
    ListUsers(9),
    ListRooms(9),
    GetHistory(9, 1),
    Mark(9, 1),
    Search(9, "x"),
    SetPassword(9, V),
    CreateToken(9, token("x"), "x"),
    ListTokens(9),
    RevokeToken(9),
    CreateInvitation(9, "ABCD", V),
    ListInvitations(9),
    RevokeInvitation(9, "ABCD"),
    CreateAccount(9, "x"),
    SetRole(9, "bert", Role.ADMIN),
    DropAccount(9, "bert"),
    ListAccounts(9),
    ChangeRoom(9, 1, topic="x"),
    Moderate(9, Act.KICK, "cleo"),
    ListMembers(9, 1),
    ListBans(9),
    ListAudit(9),
    StartDownload(9, 55),
    ListFiles(9),
    RemoveFile(9, 55),
    Watch(9),
    Unwatch(9),
    GetStats(9),
    ListConnections(9),
]


@pytest.mark.parametrize("request_", OTHERS, ids=lambda request: type(request).__name__)
def test_it_asks_for_nothing_else(request_: Request) -> None:
    chat = sender()
    refused = reply(chat.ask("s", request_), "s")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.id) == (ErrorCode.FORBIDDEN, 9)


def test_that_was_every_other_request_there_is() -> None:
    allowed = {"Post", "Open", "Ping", "Alive"}
    allowed |= {"StartUpload", "ProveUpload", "SendChunk", "FinishUpload", "StopTransfer"}
    allowed |= {"GrantCredit"}  # for a download, which it cannot have
    assert {type(request).__name__ for request in OTHERS} == {t.__name__ for t in AnyRequest.__args__} - allowed

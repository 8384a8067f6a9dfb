"""Keeping order on the whole server: for admins."""

import pytest

from chatnet.core.effects import Close
from chatnet.core.entries import DropBan, PutBan, PutDeed
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import BanPage, Deliver, Done, Nack, Refused, Welcome
from chatnet.model import Act, Ban
from chatnet.requests import ListBans, Moderate
from tests.core.club import club, do, enter, joined, news, reopened, whoever
from tests.core.script import START, Script, entries, events, refusal, the, user

NOW = int(START * 1000)
ALICE, BOB, ADA, GUS = 1, 2, 3, 4


def crowd() -> Script:
    """Two members, an admin and a guest."""
    return club("alice", "bob", admins=["ada"], guests=["gus"])


def closed(effects: list[object]) -> list[tuple[object, str, str]]:
    """Which connections were closed, and why."""
    return [(e.session, e.code, e.reason) for e in effects if isinstance(e, Close)]


@pytest.mark.parametrize("act", [Act.KICK, Act.BAN, Act.UNBAN, Act.MUTE, Act.UNMUTE])
@pytest.mark.parametrize("who", ["alice", "gus"])
def test_only_admins_keep_order_on_the_server_and_others_learn_no_names_by_trying(act: Act, who: str) -> None:
    chat = crowd()
    for whom in ("bob", "nobody"):
        assert refusal(chat.ask(who, Moderate(5, act, whom))) == ErrorCode.FORBIDDEN


@pytest.mark.parametrize("act", [Act.INVITE, Act.UNINVITE, Act.PROMOTE, Act.DEMOTE, Act.PASS_ON])
def test_ranks_are_a_matter_of_rooms(act: Act) -> None:
    assert refusal(crowd().ask("ada", Moderate(5, act, "bob"))) == ErrorCode.BAD_REQUEST


def test_nobody_puts_themselves_off_the_server() -> None:
    assert refusal(crowd().ask("ada", Moderate(5, Act.KICK, "ada"))) == ErrorCode.FORBIDDEN


def test_who_is_kicked_is_off_with_all_connections_once_that_is_stored_and_may_come_back() -> None:
    chat = crowd()
    enter(chat, "bob2", "bob")
    effects = chat.ask("ada", Moderate(5, Act.KICK, "bob", reason="spam"))
    assert effects == [PutDeed(NOW, ADA, "ada", Act.KICK, "bob", 0, "spam")]
    effects = chat.store_all()
    reason = "ada has put you off this server: spam"
    assert closed([*effects]) == [("bob", ErrorCode.KICKED, reason), ("bob2", ErrorCode.KICKED, reason)]
    assert news(effects, "ada") == [Done(5)]
    assert isinstance(events(enter(chat, "bob"), "bob")[-1], Welcome)
    assert chat.ask("bob2", Moderate(5, Act.KICK, "alice")) == [], "that connection is gone"


def test_who_is_not_connected_cannot_be_kicked() -> None:
    chat = crowd()
    chat.disconnect("bob")
    assert refusal(chat.ask("ada", Moderate(5, Act.KICK, "bob"))) == ErrorCode.BAD_REQUEST


def test_who_is_banned_is_off_and_cannot_log_in_until_it_ends() -> None:
    chat = crowd()
    effects = chat.ask("ada", Moderate(5, Act.BAN, "bob", 0, 60, "spam"))
    assert entries(effects) == [
        PutBan(0, BOB, Act.BAN, NOW + 60_000, ADA, "spam", NOW),
        PutDeed(NOW, ADA, "ada", Act.BAN, "bob", 0, "60 s: spam"),
    ]
    reason = "ada has banned you until 1970-01-01 00:02:40 UTC from this server: spam"
    assert closed([*chat.store_all()]) == [("bob", ErrorCode.KICKED, reason)]
    (refused,) = events(enter(chat, "again", "bob"), "again")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_after) == (ErrorCode.BANNED, 0.0)
    assert refused.reason == "you are banned from this server until 1970-01-01 00:02:40 UTC: spam"
    chat.seconds += 60
    assert isinstance(events(enter(chat, "later", "bob"), "later")[-1], Welcome)


def test_a_banned_guest_is_kept_out_as_long_as_its_name_is_held() -> None:
    chat = club("alice", admins=["ada"], guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    do(chat, "ada", Act.BAN, "gus")
    assert refusal(chat.login("again", "gus")[-1:]) == ErrorCode.BANNED
    assert refusal(chat.login("other", "gus", secret="other")) == ErrorCode.NAME_IN_USE
    chat.tick(61.0)
    assert isinstance(events(chat.login("third", "gus"), "third")[-1], Welcome)


def test_a_ban_is_lifted_and_not_twice() -> None:
    chat = crowd()
    do(chat, "ada", Act.BAN, "bob")
    assert entries(do(chat, "ada", Act.UNBAN, "bob"))[0] == DropBan(0, BOB, Act.BAN)
    assert isinstance(events(enter(chat, "bob"), "bob")[-1], Welcome)
    assert refusal(chat.ask("ada", Moderate(5, Act.UNBAN, "bob"))) == ErrorCode.BAD_REQUEST


def test_bans_hold_after_a_restart() -> None:
    chat = crowd()
    do(chat, "ada", Act.BAN, "bob")
    again = reopened(chat)
    assert refusal(enter(again, "bob")) == ErrorCode.BANNED


def test_who_is_muted_says_nothing_anywhere() -> None:
    chat = crowd()
    dev = chat.room("bob", "dev")
    do(chat, "ada", Act.MUTE, "bob", seconds=60)
    for n, place in enumerate((1, dev, chat.chat("bob", "alice"), chat.chat("bob", "bob")), 1):
        chat.say("bob", n, place)
        nack = the(Nack, chat.store_all(), "bob")
        assert (nack.code, nack.reason) == (
            ErrorCode.MUTED,
            "you may say nothing on this server until 1970-01-01 00:02:40 UTC",
        )
    assert news(do(chat, "ada", Act.UNMUTE, "bob"), "ada") == [Done(9)]
    assert refusal(chat.ask("ada", Moderate(5, Act.UNMUTE, "bob"))) == ErrorCode.BAD_REQUEST
    joined(chat, "bob")
    chat.say("bob", 9, dev)
    assert isinstance(the(Deliver, chat.store_all(), "bob"), Deliver)


def test_a_mute_of_the_server_ends_by_itself() -> None:
    chat = crowd()
    joined(chat, "bob", room="lobby")
    do(chat, "ada", Act.MUTE, "bob", seconds=60)
    chat.seconds += 60
    effects = chat.say("bob", 1)
    assert DropBan(0, BOB, Act.MUTE) in entries(effects)
    assert isinstance(the(Deliver, chat.store_all(), "bob"), Deliver)


def test_an_act_that_could_not_be_stored_has_not_happened() -> None:
    chat = crowd()
    chat.ask("ada", Moderate(5, Act.BAN, "bob"))
    effects = chat.fail_all()
    assert the(Refused, effects, "ada").retry_after == 1.0
    assert closed([*effects]) == []
    assert entries(do(chat, "ada", Act.BAN, "bob")) != [], "nothing is under way any more"


# -- lists ----------------------------------------------------------------------------------------------------


def test_bans_and_mutes_of_the_server_are_listed_for_admins() -> None:
    chat = crowd()
    do(chat, "ada", Act.BAN, "bob", reason="spam")
    do(chat, "ada", Act.MUTE, "bob", seconds=60)
    do(chat, "ada", Act.MUTE, "gus")
    page = the(BanPage, chat.ask("ada", ListBans(5)), "ada")
    assert page.bans == [
        Ban(whoever(BOB, "bob"), Act.BAN, 0, ADA, "spam", NOW),
        Ban(whoever(BOB, "bob"), Act.MUTE, NOW + 60_000, ADA, "", NOW),
        Ban(user(GUS, "gus"), Act.MUTE, 0, ADA, "", NOW),
    ]
    assert refusal(chat.ask("alice", ListBans(5))) == ErrorCode.FORBIDDEN
    do(chat, "ada", Act.UNMUTE, "gus")
    chat.tick(61.0)
    page = the(BanPage, chat.ask("ada", ListBans(5)), "ada")
    assert [ban.act for ban in page.bans] == [Act.BAN]


def test_bans_of_a_room_are_listed_in_pages_for_those_who_keep_order_there() -> None:
    chat = club("alice", "bob", "carol", admins=["ada"], limits=Limits(page=2600))
    dev = chat.room("alice", "dev")
    joined(chat, "bob", "carol")
    do(chat, "alice", Act.MUTE, "carol", dev)
    do(chat, "alice", Act.BAN, "ada", dev)  # refused: an admin
    do(chat, "alice", Act.BAN, "carol", dev)
    do(chat, "alice", Act.PROMOTE, "bob", dev)
    do(chat, "ada", Act.MUTE, "bob", dev)
    for who in ("alice", "ada", "bob"):
        first = the(BanPage, chat.ask(who, ListBans(5, dev)), who)
        assert [(ban.user.name, ban.act) for ban in first.bans] == [("bob", Act.MUTE), ("carol", Act.BAN)]
        second = the(BanPage, chat.ask(who, ListBans(6, dev, first.next)), who)
        assert [(ban.user.name, ban.act) for ban in second.bans] == [("carol", Act.MUTE)]
        assert second.next == 0
    assert refusal(chat.ask("carol", ListBans(5, dev))) == ErrorCode.BANNED
    enter(chat, "bob2", "bob")
    do(chat, "alice", Act.DEMOTE, "bob", dev)
    assert refusal(chat.ask("bob2", ListBans(5, dev))) == ErrorCode.FORBIDDEN

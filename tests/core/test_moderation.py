"""Keeping order in a room: what each act does, and who may do it to whom."""

import pytest

from chatnet.core.entries import DropBan, DropMember, PutBan, PutDeed, PutMember, PutRoom
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import BanPage, Deliver, Done, HistoryPage, Joined, MemberPage, Nack, Refused, Removed, RoomChanged
from chatnet.model import Act, Member, Rank, Role
from chatnet.requests import GetHistory, Join, ListBans, ListMembers, Mark, Moderate, Part, Post, Search
from tests.core.club import club, do, enter, joined, news, reopened, whoever
from tests.core.script import LOBBY_ID, START, Script, entries, events, refusal, the, user

NOW = int(START * 1000)
ALICE, BOB, CAROL, DAVE, ADA, ROOT, GUS = range(1, 8)


def crew() -> tuple[Script, int]:
    """A room: alice owns it, bob and carol are moderators, dave is a member, gus a guest; ada and root are admins."""
    chat = club("alice", "bob", "carol", "dave", admins=["ada", "root"], guests=["gus"])
    dev = chat.room("alice", "dev")
    joined(chat, "alice", "bob", "carol", "dave", "gus")
    for name in ("bob", "carol"):
        assert news(do(chat, "alice", Act.PROMOTE, name, dev), "alice") == [Done(9)]
    return chat, dev


def code(effects: object) -> str | None:
    """The code with which an act was refused, if it was."""
    assert isinstance(effects, list)
    refused = [e.event for e in effects if isinstance(getattr(e, "event", None), Refused)]
    return refused[0].code if refused else None


# -- who may --------------------------------------------------------------------------------------------------

OUT = [Act.KICK, Act.BAN, Act.MUTE, Act.UNINVITE]


@pytest.mark.parametrize("act", OUT)
@pytest.mark.parametrize(
    ("actor", "target", "is_allowed"),
    [
        ("ada", "alice", True),
        ("ada", "bob", True),
        ("ada", "dave", True),
        ("alice", "bob", True),
        ("alice", "dave", True),
        ("bob", "dave", True),
        ("bob", "carol", False),
        ("bob", "alice", False),
        ("dave", "gus", False),
        ("gus", "dave", False),
        ("alice", "alice", False),
        ("ada", "ada", False),
    ],
)
def test_who_may_harm_whom(act: Act, actor: str, target: str, is_allowed: bool) -> None:
    chat, dev = crew()
    effects = do(chat, actor, act, target, dev)
    assert code(effects) == (None if is_allowed else ErrorCode.FORBIDDEN)
    assert bool(chat.store.deeds[2:]) == is_allowed


@pytest.mark.parametrize("act", OUT)
@pytest.mark.parametrize(("actor", "is_allowed"), [("alice", False), ("bob", False), ("root", True)])
def test_only_admins_harm_an_admin(act: Act, actor: str, is_allowed: bool) -> None:
    chat, dev = crew()
    do(chat, "alice", Act.INVITE, "ada", dev)
    joined(chat, "ada")
    assert code(do(chat, actor, act, "ada", dev)) == (None if is_allowed else ErrorCode.FORBIDDEN)


@pytest.mark.parametrize("act", [Act.PROMOTE, Act.DEMOTE, Act.PASS_ON])
def test_moderators_do_not_deal_with_ranks(act: Act) -> None:
    chat, dev = crew()
    assert code(do(chat, "bob", act, "dave", dev)) == ErrorCode.FORBIDDEN


@pytest.mark.parametrize("act", [Act.CHANGE_ROOM, Act.SET_ROLE, Act.REGISTER])
def test_what_is_no_act_is_refused(act: Act) -> None:
    chat, dev = crew()
    for place in (dev, 0):
        assert code(do(chat, "ada", act, "bob", place)) == ErrorCode.BAD_REQUEST


def test_somebody_or_some_room_that_does_not_exist() -> None:
    chat, dev = crew()
    assert code(do(chat, "alice", Act.KICK, "nobody", dev)) == ErrorCode.NO_SUCH_USER
    assert code(do(chat, "ada", Act.KICK, "dave", 77)) == ErrorCode.NO_SUCH_ROOM


@pytest.mark.parametrize("seconds", [1, 100 * 365 * 86_400 + 1])
def test_only_bans_and_mutes_last(seconds: int) -> None:
    chat, dev = crew()
    for act in (Act.KICK, Act.BAN):
        is_allowed = act is Act.BAN and seconds == 1
        effects = do(chat, "alice", act, "dave", dev, seconds=seconds)
        assert code(effects) == (None if is_allowed else ErrorCode.BAD_REQUEST)


def test_a_reason_is_one_short_line() -> None:
    chat, dev = crew()
    for reason in ("two\nlines", "x" * 251, "\u202elive"):
        assert code(do(chat, "alice", Act.KICK, "dave", dev, reason=reason)) == ErrorCode.BAD_TEXT
    assert code(do(chat, "alice", Act.KICK, "dave", dev, reason="x" * 250)) is None


# -- kick -----------------------------------------------------------------------------------------------------


def test_who_is_kicked_hears_nothing_from_then_on_and_may_come_back() -> None:
    chat, dev = crew()
    enter(chat, "dave2", "dave")
    joined(chat, "dave2")
    effects = chat.ask("bob", Moderate(5, Act.KICK, "Dave", dev, reason="spam"))
    assert entries(effects) == [
        DropMember(dev, DAVE),
        PutDeed(NOW, BOB, "bob", Act.KICK, "dave", dev, "spam"),
    ]
    assert events(effects, "bob") == events(effects, "dave") == [], "nothing happens before it is stored"
    effects = chat.store_all()
    for session in ("dave", "dave2"):
        assert news(effects, session) == [Removed(dev, ErrorCode.KICKED, "bob has put you out of dev: spam")]
    assert news(effects, "bob") == [Done(5)]
    chat.say("alice", 1, dev)
    assert events(chat.store_all(), "dave") == []
    joined(chat, "dave")
    chat.say("alice", 2, dev)
    the(Deliver, chat.store_all(), "dave")


def test_a_guest_is_kicked_out_of_the_room_it_is_in() -> None:
    chat, dev = crew()
    assert the(Removed, do(chat, "bob", Act.KICK, "gus", dev), "gus").code == ErrorCode.KICKED
    assert code(do(chat, "bob", Act.KICK, "gus", dev)) == ErrorCode.NOT_A_MEMBER


def test_an_act_that_could_not_be_stored_has_not_happened() -> None:
    chat, dev = crew()
    for act in (Act.KICK, Act.BAN, Act.MUTE, Act.PROMOTE, Act.PASS_ON):
        chat.ask("alice", Moderate(5, act, "dave", dev))
        effects = chat.fail_all()
        assert the(Refused, effects, "alice").retry_after == 1.0
        assert events(effects, "dave") == []
    chat.say("dave", 1, dev)
    the(Deliver, chat.store_all(), "dave")
    page = the(MemberPage, chat.ask("dave", ListMembers(5, dev)), "dave")
    assert [member.rank for member in page.members] == [3, 2, 2, 1, 1]


def test_two_acts_about_the_same_user_do_not_get_mixed_up() -> None:
    chat, dev = crew()
    chat.ask("bob", Moderate(5, Act.BAN, "dave", dev))
    (busy,) = events(chat.ask("alice", Moderate(5, Act.PROMOTE, "dave", dev)), "alice")
    assert isinstance(busy, Refused)
    assert (busy.code, busy.retry_after) == (ErrorCode.RETRY_AFTER, 1.0)
    assert code(chat.ask("alice", Moderate(6, Act.KICK, "gus", dev))) is None, "another user is another matter"
    chat.store_all()
    assert code(do(chat, "alice", Act.UNBAN, "dave", dev)) is None


# -- ban ------------------------------------------------------------------------------------------------------


def test_who_is_banned_is_out_and_can_neither_join_nor_read_nor_post() -> None:
    chat, dev = crew()
    chat.said("alice", 1, conversation=dev)
    effects = chat.ask("bob", Moderate(5, Act.BAN, "dave", dev, 60, "spam"))
    assert entries(effects) == [
        DropMember(dev, DAVE),
        PutBan(dev, DAVE, Act.BAN, NOW + 60_000, BOB, "spam", NOW),
        PutDeed(NOW, BOB, "bob", Act.BAN, "dave", dev, "60 s: spam"),
    ]
    (removed,) = news(chat.store_all(), "dave")
    assert removed == Removed(dev, ErrorCode.BANNED, "bob has banned you until 1970-01-01 00:02:40 UTC from dev: spam")
    for request in (Join(6, "dev"), GetHistory(6, dev), Search(6, "hi", dev), ListMembers(6, dev), Mark(6, dev, 1)):
        assert refusal(chat.ask("dave", request)) == ErrorCode.BANNED
    chat.say("dave", 1, dev)
    nack = the(Nack, chat.store_all(), "dave")
    assert nack.code == ErrorCode.BANNED
    assert "until 1970-01-01 00:02:40 UTC: spam" in nack.reason


def test_somebody_who_never_was_in_a_room_can_be_banned_from_it() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "root", dev)  # refused: an admin
    assert code(do(chat, "ada", Act.BAN, "root", dev)) is None
    assert refusal(chat.ask("root", Join(6, "dev"))) == ErrorCode.BANNED


def test_a_ban_ends_by_itself_to_the_millisecond() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "gus", dev, seconds=60)
    chat.seconds += 59.999
    assert refusal(chat.ask("gus", Join(5, "dev"))) == ErrorCode.BANNED
    chat.seconds += 0.001
    effects = chat.ask("gus", Join(5, "dev"))
    the(Joined, effects, "gus")
    assert entries(effects) == [DropBan(dev, GUS, Act.BAN)]


def test_a_tick_ends_what_is_over() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "gus", dev, seconds=60)
    do(chat, "alice", Act.MUTE, "dave", dev, seconds=120)
    do(chat, "alice", Act.MUTE, "bob", dev)
    assert entries(chat.tick(61.0)) == [DropBan(dev, GUS, Act.BAN)]
    assert entries(chat.tick(1.0)) == []
    assert entries(chat.tick(61.0)) == [DropBan(dev, DAVE, Act.MUTE)]
    chat.say("bob", 1, dev)
    assert the(Nack, chat.store_all(), "bob").code == ErrorCode.MUTED


def test_a_ban_that_is_stored_when_it_is_over_holds_no_moment() -> None:
    chat, dev = crew()
    chat.ask("gus", GetHistory(4, dev))
    chat.ask("alice", Moderate(5, Act.BAN, "gus", dev, 60))
    chat.seconds += 60
    assert DropBan(dev, GUS, Act.BAN) in entries(chat.store_all())
    the(HistoryPage, chat.read_page(), "gus")
    the(Joined, chat.ask("gus", Join(6, "dev")), "gus")


def test_a_ban_that_is_prolonged_just_as_it_ends_goes_on() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "gus", dev, seconds=60)
    chat.ask("alice", Moderate(5, Act.BAN, "gus", dev, 600))
    chat.tick(61.0)
    chat.store_all()
    assert chat.store.bans[dev, GUS, Act.BAN].until == NOW + 600_000
    assert refusal(chat.ask("gus", Join(5, "dev"))) == ErrorCode.BANNED


def test_a_ban_is_lifted() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "gus", dev)
    effects = chat.ask("bob", Moderate(5, Act.UNBAN, "gus", dev))
    assert entries(effects)[0] == DropBan(dev, GUS, Act.BAN)
    chat.store_all()
    the(Joined, chat.ask("gus", Join(6, "dev")), "gus")
    assert code(do(chat, "bob", Act.UNBAN, "gus", dev)) == ErrorCode.BAD_REQUEST


def test_bans_and_mutes_are_there_after_a_restart_as_long_as_they_hold() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.BAN, "gus", dev)
    do(chat, "alice", Act.MUTE, "dave", dev, seconds=60)
    do(chat, "alice", Act.BAN, "bob", dev, seconds=60)
    again = reopened(chat)
    again.seconds += 60
    for name in ("bob", "dave"):
        enter(again, name)
    again.login("gus")
    assert refusal(again.ask("gus", Join(5, "dev"))) == ErrorCode.BANNED
    joined(again, "bob", "dave")
    again.say("dave", 1, dev)
    the(Deliver, again.store_all(), "bob")
    assert [ban.user for ban in again.store.bans.values()] == [GUS]


def test_a_ban_of_a_guest_who_is_forgotten_meanwhile_is_forgotten_too() -> None:
    chat = club("alice", admins=["ada"], guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    dev = chat.room("alice", "dev")
    for place in (0, dev):
        chat.ask("ada", Moderate(5, Act.BAN, "gus", place, 600))
    chat.disconnect("gus")
    chat.tick(61.0)
    chat.store_all()
    assert not chat.store.bans
    for place in (0, dev):
        assert the(BanPage, chat.ask("ada", ListBans(5, place)), "ada").bans == []
    assert entries(chat.tick(600.0)) == []


# -- mute -----------------------------------------------------------------------------------------------------


def test_who_is_muted_reads_on_and_says_nothing_there_but_elsewhere() -> None:
    chat, dev = crew()
    effects = do(chat, "bob", Act.MUTE, "dave", dev, seconds=60, reason="too loud")
    assert news(effects, "dave") == []
    assert chat.store.bans[dev, DAVE, Act.MUTE] == PutBan(dev, DAVE, Act.MUTE, NOW + 60_000, BOB, "too loud", NOW)
    chat.say("dave", 1, dev)
    nack = the(Nack, chat.store_all(), "dave")
    assert (nack.code, nack.retry_after) == (ErrorCode.MUTED, 0.0)
    assert nack.reason == "you may say nothing in this room until 1970-01-01 00:02:40 UTC: too loud"
    chat.say("alice", 1, dev)
    the(Deliver, chat.store_all(), "dave")
    joined(chat, "dave", room="lobby")
    chat.say("dave", 2)
    the(Deliver, chat.store_all(), "dave")


def test_a_mute_is_lifted_and_ends_by_itself() -> None:
    chat, dev = crew()
    do(chat, "bob", Act.MUTE, "dave", dev)
    assert code(do(chat, "bob", Act.UNMUTE, "dave", dev)) is None
    assert code(do(chat, "bob", Act.UNMUTE, "dave", dev)) == ErrorCode.BAD_REQUEST
    chat.say("dave", 1, dev)
    the(Deliver, chat.store_all(), "dave")
    do(chat, "bob", Act.MUTE, "dave", dev, seconds=5)
    chat.seconds += 5
    chat.say("dave", 2, dev)
    the(Deliver, chat.store_all(), "dave")


def test_what_was_said_before_a_mute_is_told_when_it_comes_again() -> None:
    chat, dev = crew()
    chat.said("dave", 1, conversation=dev)
    do(chat, "bob", Act.MUTE, "dave", dev)
    chat.ask("dave", Post(1, dev, "hi"))
    assert [type(event).__name__ for event in events(chat.store_all(), "dave")] == ["Ack"]


# -- invitations and ranks ------------------------------------------------------------------------------------


def test_who_belongs_is_invited_or_is_banned_is_not_invited_again() -> None:
    chat, dev = crew()
    assert code(do(chat, "bob", Act.INVITE, "dave", dev)) == ErrorCode.BAD_REQUEST
    assert code(do(chat, "ada", Act.INVITE, "alice", dev)) == ErrorCode.BAD_REQUEST
    do(chat, "bob", Act.BAN, "gus", dev)
    assert code(do(chat, "bob", Act.INVITE, "gus", dev)) == ErrorCode.BAD_REQUEST
    chat.login("gwen")
    assert code(do(chat, "bob", Act.UNINVITE, "gwen", dev)) == ErrorCode.BAD_REQUEST
    assert code(do(chat, "bob", Act.INVITE, "root", dev)) is None
    assert code(do(chat, "bob", Act.INVITE, "root", dev)) == ErrorCode.BAD_REQUEST
    assert code(do(chat, "bob", Act.KICK, "root", dev)) == ErrorCode.FORBIDDEN


def test_an_invitation_alone_is_not_to_be_in_a_room() -> None:
    chat, dev = crew()
    chat.login("gwen")
    do(chat, "bob", Act.INVITE, "gwen", dev)
    assert code(do(chat, "bob", Act.KICK, "gwen", dev)) == ErrorCode.NOT_A_MEMBER
    assert code(do(chat, "alice", Act.PROMOTE, "gwen", dev)) == ErrorCode.BAD_REQUEST
    assert code(do(chat, "alice", Act.PASS_ON, "gwen", dev)) == ErrorCode.BAD_REQUEST


def test_a_member_becomes_a_moderator_and_a_member_again() -> None:
    chat, dev = crew()
    chat.tick()
    assert code(do(chat, "alice", Act.PROMOTE, "dave", dev)) is None
    assert chat.store.members[dev, DAVE] == PutMember(dev, DAVE, Rank.MODERATOR, NOW), "a member since then as before"
    assert code(do(chat, "alice", Act.PROMOTE, "dave", dev)) == ErrorCode.BAD_REQUEST
    assert code(do(chat, "dave", Act.KICK, "gus", dev)) is None
    assert code(do(chat, "alice", Act.DEMOTE, "dave", dev)) is None
    assert code(do(chat, "alice", Act.DEMOTE, "dave", dev)) == ErrorCode.BAD_REQUEST
    assert chat.store.members[dev, DAVE] == PutMember(dev, DAVE, Rank.MEMBER, NOW)


def test_a_guest_that_is_made_a_moderator_is_one_as_long_as_it_is_known() -> None:
    chat, dev = crew()
    do(chat, "alice", Act.PROMOTE, "gus", dev)
    chat.disconnect("gus")
    chat.login("gus")
    assert code(do(chat, "gus", Act.KICK, "dave", dev)) is None


def test_a_room_is_passed_on_and_the_old_owner_is_a_moderator() -> None:
    chat, dev = crew()
    effects = chat.ask("alice", Moderate(5, Act.PASS_ON, "dave", dev))
    assert entries(effects) == [
        PutRoom(dev, "dev", DAVE, False),
        PutMember(dev, DAVE, Rank.OWNER, NOW),
        PutMember(dev, ALICE, Rank.MODERATOR, NOW),
        PutDeed(NOW, ALICE, "alice", Act.PASS_ON, "dave", dev, ""),
    ]
    assert the(RoomChanged, chat.store_all(), "bob").room.owner == DAVE
    for again in (chat, reopened(chat)):
        if again is not chat:
            enter(again, "alice")
            enter(again, "bob")
            enter(again, "dave")
        assert code(do(again, "alice", Act.KICK, "bob", dev)) == ErrorCode.FORBIDDEN
        assert code(do(again, "dave", Act.DEMOTE, "alice", dev)) is None
        assert code(do(again, "dave", Act.PROMOTE, "alice", dev)) is None
    assert not [e for e in entries(chat.say("bob", 1, dev)) if isinstance(e, PutRoom)]


def test_a_room_without_an_owner_is_given_one_by_an_admin() -> None:
    chat = club("alice", admins=["ada"], guests=["gus"])
    dev = chat.room("alice", "dev")
    chat.ask("alice", Part(5, dev))
    chat.store_all()
    do(chat, "ada", Act.INVITE, "gus", dev)
    assert code(do(chat, "ada", Act.PROMOTE, "gus", dev)) == ErrorCode.BAD_REQUEST
    joined(chat, "gus")
    assert chat.store.members[dev, 3].rank is Rank.MEMBER
    assert code(do(chat, "ada", Act.PASS_ON, "gus", dev)) == ErrorCode.BAD_REQUEST, "who came first owns it already"


def test_nobody_is_given_more_rooms_than_one_can_own() -> None:
    chat = club("alice", "bob", guests=["gus"], limits=Limits(rooms_per_guest=1, rooms_per_account=1))
    dev = chat.room("alice", "dev")
    joined(chat, "bob", "gus")
    for name in ("bob", "gus"):
        chat.room(name, f"of-{name}")
        assert code(do(chat, "alice", Act.PASS_ON, name, dev)) == ErrorCode.TOO_MANY_ROOMS


def test_a_room_that_is_passed_to_a_guest_who_is_forgotten_meanwhile_stays() -> None:
    chat = club("alice", "bob", guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    dev = chat.room("alice", "dev")
    joined(chat, "alice", "bob", "gus")
    do(chat, "alice", Act.PROMOTE, "gus", dev)
    chat.ask("alice", Moderate(5, Act.PASS_ON, "gus", dev))
    chat.disconnect("gus")
    chat.tick(61.0)
    chat.store_all()
    assert PutRoom(dev, "dev", 1, False) in entries(chat.say("bob", 1, dev))
    assert code(do(chat, "alice", Act.KICK, "bob", dev)) is None


# -- the lobby ------------------------------------------------------------------------------------------------


def test_admins_keep_order_in_the_lobby_and_nobody_owns_it() -> None:
    chat, _ = crew()
    joined(chat, "dave", "gus", room="lobby")
    assert code(do(chat, "alice", Act.KICK, "dave", LOBBY_ID)) == ErrorCode.FORBIDDEN
    assert the(Removed, do(chat, "ada", Act.BAN, "dave", LOBBY_ID), "dave").code == ErrorCode.BANNED
    assert refusal(chat.ask("dave", Join(5, "lobby"))) == ErrorCode.BANNED
    assert code(do(chat, "ada", Act.PASS_ON, "gus", LOBBY_ID)) == ErrorCode.FORBIDDEN
    assert code(do(chat, "ada", Act.PROMOTE, "gus", LOBBY_ID)) is None
    joined(chat, "alice", room="lobby")
    assert code(do(chat, "gus", Act.KICK, "alice", LOBBY_ID)) is None


# -- members --------------------------------------------------------------------------------------------------


def test_members_are_listed_with_their_ranks_and_whether_they_are_connected() -> None:
    chat, dev = crew()
    chat.disconnect("bob")
    do(chat, "alice", Act.INVITE, "root", dev)
    page = the(MemberPage, chat.ask("gus", ListMembers(5, dev)), "gus")
    assert page.members == [
        Member(whoever(ALICE, "alice"), Rank.OWNER, online=True),
        Member(whoever(BOB, "bob"), Rank.MODERATOR, online=False),
        Member(whoever(CAROL, "carol"), Rank.MODERATOR, online=True),
        Member(whoever(DAVE, "dave"), Rank.MEMBER, online=True),
        Member(whoever(ROOT, "root", Role.ADMIN), Rank.INVITED, online=True),
        Member(user(GUS, "gus"), Rank.MEMBER, online=True),
    ]
    assert page.next == 0


def test_members_come_in_pages() -> None:
    chat = club("alice", "bob", "carol", limits=Limits(page=512))
    chat.room("alice", "dev")
    joined(chat, "bob", "carol")
    first = the(MemberPage, chat.ask("bob", ListMembers(5, 2)), "bob")
    assert ([m.user.id for m in first.members], first.next) == ([1, 2], 2)
    second = the(MemberPage, chat.ask("bob", ListMembers(6, 2, first.next)), "bob")
    assert ([m.user.id for m in second.members], second.next) == ([3], 0)

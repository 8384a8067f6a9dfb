"""Private rooms: for who belongs to them or is invited; to all others they do not exist."""

import pytest

from chatnet.core.effects import Effect, Reply
from chatnet.core.entries import PutMember, PutRoom
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import (
    ConversationPage,
    Deliver,
    Done,
    HistoryPage,
    Invited,
    Joined,
    MemberPage,
    Nack,
    Opened,
    Refused,
    Removed,
    RoomChanged,
    RoomPage,
)
from chatnet.model import Act, Rank, Room
from chatnet.requests import (
    ChangeRoom,
    CreateRoom,
    GetHistory,
    Join,
    ListBans,
    ListConversations,
    ListMembers,
    ListRooms,
    ListUsers,
    Mark,
    Moderate,
    Open,
    Part,
    Request,
    Search,
)
from tests.core.club import change, club, do, enter, joined, news, reopened, whoever
from tests.core.script import START, Script, entries, events, refusal, the

NOW = int(START * 1000)


def board(*guests: str) -> tuple[Script, int]:
    """A private room of alice's that bob belongs to as well; carol and ada, an admin, do not."""
    chat = club("alice", "bob", "carol", admins=["ada"], guests=guests)
    room = chat.room("alice", "board")
    joined(chat, "alice", "bob", room="board")
    change(chat, "alice", room, private=True)
    return chat, room


def rooms(chat: Script, who: str) -> list[str]:
    """The names of all rooms but the lobby that somebody is shown."""
    return [room.name for room in the(RoomPage, chat.ask(who, ListRooms(5)), who).rooms if room.id > 1]


def asked(chat: Script, who: str, request: Request) -> list[Effect]:
    """What comes of a request, once the store has answered."""
    return chat.ask(who, request) + chat.store_all()


# -- for those outside ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["carol", "ada", "gus"])
@pytest.mark.parametrize("id", [2, 77])
def test_to_others_it_does_not_exist_admins_included(who: str, id: int) -> None:
    chat, room = board("gus")
    assert room == 2
    name = "board" if id == room else "nowhere"
    requests = [
        Open(5, room=name),
        Join(5, name),
        Part(5, id),
        GetHistory(5, id),
        Search(5, "plan", id),
        ListUsers(5, id),
        ListMembers(5, id),
        Mark(5, id, read=1),
    ]
    codes = [refusal(chat.ask(who, request)) for request in requests]
    hidden, nowhere = ErrorCode.NO_SUCH_CONVERSATION, ErrorCode.NO_SUCH_ROOM
    assert codes == [nowhere, nowhere, ErrorCode.NOT_A_MEMBER, hidden, hidden, nowhere, nowhere, hidden]
    chat.say(who, 1, id)
    assert the(Nack, chat.store_all(), who).code == hidden
    if who != "ada":
        for request in (ListBans(5, id), ChangeRoom(5, id, topic="x"), Moderate(5, Act.KICK, "bob", id)):
            assert refusal(chat.ask(who, request)) == nowhere
    assert rooms(chat, who) == []


def test_words_of_the_refusals_tell_no_difference_either() -> None:
    chat, room = board()
    for one, other in (
        (Open(5, room="board"), Open(5, room="bored")),
        (GetHistory(5, room), GetHistory(5, 77)),
        (ListUsers(5, room), ListUsers(5, 77)),
    ):
        (hidden,), (missing,) = chat.ask("carol", one), chat.ask("carol", other)
        assert str(hidden).replace("board", "bored") == str(missing)


def test_its_name_is_taken_all_the_same() -> None:
    chat, _ = board()
    assert refusal(chat.ask("carol", CreateRoom(5, "board"))) == ErrorCode.ROOM_EXISTS


def test_an_admin_keeps_order_in_it_and_can_open_it_without_reading_it() -> None:
    chat, room = board()
    assert news(do(chat, "ada", Act.MUTE, "bob", room), "ada") == [Done(9)]
    assert events(chat.ask("ada", ListBans(5, room)), "ada")
    assert news(change(chat, "ada", room, private=False), "ada") == [Done(8)]
    assert the(Opened, chat.ask("ada", Open(5, room="board")), "ada").conversation.id == room


# -- becoming private -----------------------------------------------------------------------------------------


def test_who_is_in_it_then_stays_guests_too_and_it_is_stored_with_the_change() -> None:
    chat = club("alice", "bob", guests=["gus", "gwen"])
    dev = chat.room("alice", "dev")
    joined(chat, "bob", "gus")
    chat.disconnect("bob")
    effects = chat.ask("alice", ChangeRoom(5, dev, private=True))
    assert [e for e in entries(effects) if isinstance(e, PutMember | PutRoom)] == [
        PutMember(dev, 3, Rank.MEMBER, NOW),
        PutRoom(dev, "dev", 1, False, "", True),
    ]
    the(Joined, chat.ask("gwen", Join(6, "dev")), "gwen")
    effects = chat.store_all()
    assert the(RoomChanged, effects, "gus").room == Room(dev, "dev", 1, False, 2, "", True)
    assert PutMember(dev, 4, Rank.MEMBER, NOW) in entries(effects), "who came in between stays as well"
    chat.store_all()
    again = reopened(chat)
    enter(again, "bob")
    for name in ("gus", "gwen"):
        again.login(name)
        assert isinstance(again.ask(name, Join(7, "dev"))[0], Reply)
    assert isinstance(again.ask("bob", Join(7, "dev"))[0], Reply)


def test_somebody_who_is_being_put_out_while_it_becomes_private_does_not_stay() -> None:
    chat = club("alice", guests=["gus"])
    dev = chat.room("alice", "dev")
    joined(chat, "gus")
    chat.ask("alice", Moderate(5, Act.BAN, "gus", dev, 60))
    chat.ask("alice", ChangeRoom(6, dev, private=True))
    assert the(Removed, chat.store_all(), "gus").code == ErrorCode.BANNED
    chat.tick(61.0)
    assert refusal(chat.ask("gus", Join(7, "dev"))) == ErrorCode.NO_SUCH_ROOM
    assert not [row for row in chat.store.members.values() if row.user == 2]


def test_somebody_who_is_being_put_out_when_it_has_become_private_is_out_first() -> None:
    chat = club("alice", guests=["gus"])
    dev = chat.room("alice", "dev")
    chat.ask("alice", ChangeRoom(5, dev, private=True))
    chat.submit()
    joined_at_once = chat.ask("gus", Join(6, "dev"))
    the(Joined, joined_at_once, "gus")
    chat.ask("alice", Moderate(7, Act.KICK, "gus", dev))
    chat.submit()
    assert the(Removed, chat.store_one(), "gus").code == ErrorCode.FORBIDDEN
    assert news(chat.store_all(), "gus") == []
    assert (dev, 2) not in chat.store.members


def test_a_change_that_could_not_be_stored_leaves_it_public() -> None:
    chat = club("alice", "bob", guests=["gus"])
    dev = chat.room("alice", "dev")
    joined(chat, "gus")
    chat.ask("alice", ChangeRoom(5, dev, private=True))
    assert the(Refused, chat.fail_all(), "alice").retry_after == 1.0
    assert the(Opened, chat.ask("bob", Open(6, room="dev")), "bob").conversation.id == dev
    page = the(MemberPage, chat.ask("alice", ListMembers(7, dev)), "alice")
    assert [member.user.name for member in page.members] == ["alice", "gus"]
    effects = chat.say("alice", 1, dev)
    assert PutRoom(dev, "dev", 1, False) in entries(effects), "the next message puts it as it is"


def test_nothing_that_is_stored_meanwhile_makes_it_public_again() -> None:
    chat = club("alice", guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    dev = chat.room("gus", "dev")
    joined(chat, "alice", "gus")
    chat.disconnect("gus")
    chat.ask("alice", Join(4, "dev"))
    chat.tick(61.0)  # alice owns it now, and the store is to hear of it with the next message
    chat.store_all()
    chat.ask("alice", ChangeRoom(5, dev, private=True))
    chat.ask("alice", ChangeRoom(6, dev, topic="x"))
    chat.say("alice", 1, dev)
    chat.store_all()
    assert chat.store.conversations[dev] == PutRoom(dev, "dev", 1, False, "x", True)


def test_an_owner_that_is_lost_while_a_change_is_stored_does_not_come_back() -> None:
    chat = club("alice", guests=["gus"], limits=Limits(guest_hold_seconds=60.0))
    dev = chat.room("gus", "dev")
    joined(chat, "alice")
    chat.disconnect("gus")
    chat.login("gus")
    chat.ask("gus", ChangeRoom(5, dev, private=True))
    chat.disconnect("gus")
    chat.tick(61.0)
    chat.said("alice", 1, conversation=dev)
    assert chat.store.conversations[dev] == PutRoom(dev, "dev", 1, False, "", True)


def test_an_empty_room_can_be_private_and_public_again() -> None:
    chat, room = board()
    change(chat, "alice", room, private=False)
    assert rooms(chat, "carol") == ["board"]
    chat.say("carol", 1, room)
    assert not [e for e in events(chat.store_all(), "carol") if isinstance(e, Nack)]


# -- invitations ----------------------------------------------------------------------------------------------


def test_who_is_invited_is_told_and_sees_reads_and_joins_it() -> None:
    chat, room = board()
    enter(chat, "carol2", "carol")
    view = Room(room, "board", 1, False, 2, "", True)
    effects = do(chat, "alice", Act.INVITE, "carol", room)
    for session in ("carol", "carol2"):
        assert news(effects, session) == [Invited(view, whoever(1, "alice"))]
    assert chat.store.members[room, 3] == PutMember(room, 3, Rank.INVITED, NOW)
    assert rooms(chat, "carol") == ["board"]
    assert the(ConversationPage, chat.ask("carol", ListConversations(5)), "carol").conversations == []
    chat.said("bob", 1, conversation=room)
    chat.ask("carol", GetHistory(5, room))
    assert len(the(HistoryPage, chat.read_page(), "carol").messages) == 1
    assert chat.ask("carol", Join(6, "board")) == [PutMember(room, 3, Rank.MEMBER, NOW)]
    chat.store_all()
    assert the(Joined, chat.end_turn(), "carol").room.members == 3
    assert the(ConversationPage, chat.ask("carol", ListConversations(7)), "carol").conversations != []


def test_an_invitation_and_the_membership_that_came_of_it_are_there_after_a_restart() -> None:
    chat, room = board()
    do(chat, "alice", Act.INVITE, "carol", room)
    again = reopened(chat)
    enter(again, "carol")
    enter(again, "bob")
    assert rooms(again, "carol") == rooms(again, "bob") == ["board"]
    assert again.ask("carol", Join(5, "board")) == [PutMember(room, 3, Rank.MEMBER, NOW)]


def test_an_invited_guest_belongs_to_it_from_then_on() -> None:
    chat, room = board("gus")
    do(chat, "alice", Act.INVITE, "gus", room)
    joined(chat, "gus", room="board")
    assert chat.store.members[room, 5].rank is Rank.MEMBER
    chat.disconnect("gus")
    chat.login("gus")
    assert isinstance(chat.ask("gus", Join(5, "board"))[0], Reply)


def test_an_invitation_is_declined_by_leaving() -> None:
    chat, room = board()
    do(chat, "alice", Act.INVITE, "carol", room)
    assert news(asked(chat, "carol", Part(5, room)), "carol") == [Done(5)]
    assert rooms(chat, "carol") == []


@pytest.mark.parametrize("has_joined", [False, True])
def test_an_invitation_is_taken_back_and_the_membership_that_came_of_it_too(has_joined: bool) -> None:
    chat, room = board()
    do(chat, "alice", Act.INVITE, "carol", room)
    if has_joined:
        joined(chat, "carol", room="board")
    told = news(do(chat, "alice", Act.UNINVITE, "carol", room, reason="done"), "carol")
    reason = "alice has taken back your invitation to board: done"
    assert told == ([Removed(room, ErrorCode.FORBIDDEN, reason)] if has_joined else [])
    assert rooms(chat, "carol") == []
    assert (room, 3) not in chat.store.members


def test_who_joins_while_the_invitation_is_taken_back_is_asked_to_try_again() -> None:
    chat, room = board()
    do(chat, "alice", Act.INVITE, "carol", room)
    chat.ask("alice", Moderate(5, Act.UNINVITE, "carol", room))
    (reply,) = events(chat.ask("carol", Join(6, "board")), "carol")
    assert isinstance(reply, Refused)
    assert (reply.code, reply.retry_after) == (ErrorCode.RETRY_AFTER, 1.0)
    chat.store_all()
    assert refusal(chat.ask("carol", Join(7, "board"))) == ErrorCode.NO_SUCH_ROOM


def test_a_join_that_is_overtaken_by_a_ban_is_refused() -> None:
    chat, room = board()
    do(chat, "alice", Act.INVITE, "carol", room)
    chat.ask("carol", Join(5, "board"))
    chat.ask("alice", Moderate(6, Act.BAN, "carol", room))
    chat.store_all()
    assert the(Refused, chat.end_turn(), "carol").code == ErrorCode.NO_SUCH_ROOM
    assert (room, 3) not in chat.store.members


def test_a_member_put_out_of_it_needs_another_invitation() -> None:
    chat, room = board()
    assert the(Removed, do(chat, "alice", Act.KICK, "bob", room), "bob").code == ErrorCode.KICKED
    chat.say("alice", 1, room)
    assert events(chat.store_all(), "bob") == []
    assert refusal(chat.ask("bob", Join(5, "board"))) == ErrorCode.NO_SUCH_ROOM
    do(chat, "alice", Act.INVITE, "bob", room)
    joined(chat, "bob", room="board")
    chat.say("alice", 2, room)
    the(Deliver, chat.store_all(), "bob")

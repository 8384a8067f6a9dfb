"""Who is put out of a room hears nothing more of it: live, behind, in the middle of a page, or waiting for one."""

from collections.abc import Callable

import pytest

from chatnet.core.effects import Broadcast, Read
from chatnet.core.entries import Committed, Failed
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Deliver, HistoryPage, Joined, Presence, Refused, Removed, RoomChanged
from chatnet.model import Act
from chatnet.requests import GetHistory, Join, Moderate, Part
from tests.core.club import change, club, do, enter, joined
from tests.core.script import Script, events, the

SMALL = Limits(tail_messages=1, page=2 * 1024)


def put_out(act: Act) -> Callable[[Script, int], None]:
    """By alice."""

    def do_it(chat: Script, room: int) -> None:
        assert the(Removed, do(chat, "alice", act, "bob", room), "bob").conversation == room

    return do_it


def leave(chat: Script, room: int) -> None:
    """By itself, on another connection."""
    enter(chat, "bob2", "bob")
    chat.ask("bob2", Part(5, room))
    assert the(Removed, chat.store_all(), "bob").code == ErrorCode.NOT_A_MEMBER


ways = pytest.mark.parametrize(
    "out", [put_out(Act.KICK), put_out(Act.BAN), put_out(Act.UNINVITE), leave], ids=["kick", "ban", "uninvite", "leave"]
)


def room_with(said: int) -> tuple[Script, int]:
    """A private room of alice's, that bob belongs to and has not joined since he connected; so much was said in it."""
    chat = club("alice", "bob", limits=SMALL)
    room = chat.room("alice", "dev")
    joined(chat, "alice", "bob")
    change(chat, "alice", room, private=True)
    chat.disconnect("bob")
    for n in range(1, said + 1):
        chat.said("alice", n, conversation=room, body="x" * 600)
    enter(chat, "bob")
    return chat, room


def hears(chat: Script, room: int) -> list[object]:
    """All that bob is told of a room, of what is said, of who comes, and of the room, whatever the network does."""
    n = len(chat.store.log.get(room, [])) + 100
    effects = chat.say("alice", n, room) + chat.store_all()
    effects += change(chat, "alice", room, topic="secret")
    effects += chat.take(chat.hub.drained("bob", chat.now))
    while chat.store.queries:
        effects += chat.read_page()
    effects += chat.tick() + chat.end_turn()
    kinds = (Deliver, Presence, RoomChanged)
    return [event for event in events(effects, "bob") if isinstance(event, kinds)]


@ways
def test_who_is_live(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(1)
    joined(chat, "bob")
    assert hears(chat, room) != []
    out(chat, room)
    assert hears(chat, room) == []


@ways
def test_who_waits_for_a_page(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(10)
    assert any(isinstance(effect, Read) for effect in chat.ask("bob", Join(5, "dev", 0)))
    out(chat, room)
    assert hears(chat, room) == []


@ways
def test_who_is_in_the_middle_of_the_pages_and_reads_slowly(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(10)
    chat.ask("bob", Join(5, "dev", 0))
    assert the(Deliver, chat.read_page()[:1], "bob").messages[0].seq == 1
    out(chat, room)
    assert hears(chat, room) == []


@ways
def test_whose_queue_is_too_long(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(3)
    joined(chat, "bob")
    chat.say("alice", 50, room)
    (missed,) = [e.event for e in chat.store_all() if isinstance(e, Broadcast) and isinstance(e.event, Deliver)]
    out(chat, room)
    assert chat.take(chat.hub.fell_behind("bob", missed, chat.now)) == []
    assert hears(chat, room) == []


@ways
def test_who_was_behind_already(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(3)
    joined(chat, "bob")
    chat.say("alice", 50, room)
    (missed,) = [e.event for e in chat.store_all() if isinstance(e, Broadcast) and isinstance(e.event, Deliver)]
    chat.take(chat.hub.fell_behind("bob", missed, chat.now))
    out(chat, room)
    assert hears(chat, room) == []


@ways
def test_whose_page_could_not_be_read(out: Callable[[Script, int], None]) -> None:
    chat, room = room_with(10)
    chat.ask("bob", Join(5, "dev", 0))
    chat.fail_page()
    out(chat, room)
    assert hears(chat, room) == []


@pytest.mark.parametrize("act", [Act.KICK, Act.BAN, Act.UNINVITE])
def test_what_is_said_in_the_very_batch_that_puts_somebody_out_is_not_for_them(act: Act) -> None:
    chat, room = room_with(1)
    joined(chat, "bob")
    chat.say("alice", 50, room)
    chat.ask("alice", Moderate(5, act, "bob", room))
    chat.say("alice", 51, room)
    effects = chat.hub.completed(_stored(chat), chat.now)
    audiences = [list(e.audience) for e in effects if isinstance(e, Broadcast) and isinstance(e.event, Deliver)]
    assert audiences == [["alice"]]


def _stored(chat: Script) -> Committed | Failed:
    chat.submit()
    return chat.store.store()


@pytest.mark.parametrize("act", [Act.KICK, Act.BAN, Act.UNINVITE])
def test_history_that_was_asked_for_before_is_refused_after(act: Act) -> None:
    chat, room = room_with(3)
    chat.ask("bob", GetHistory(7, room))
    do(chat, "alice", act, "bob", room)
    (reply,) = events(chat.read_page(), "bob")
    assert isinstance(reply, Refused)
    assert (reply.id, reply.code) == (7, ErrorCode.NO_SUCH_CONVERSATION)


def test_history_of_a_public_room_is_refused_with_the_ban_and_given_after_a_kick() -> None:
    chat, room = room_with(3)
    change(chat, "alice", room, private=False)
    chat.ask("bob", GetHistory(7, room))
    joined(chat, "bob")
    do(chat, "alice", Act.KICK, "bob", room)
    assert the(HistoryPage, chat.read_page(), "bob").messages[-1].seq == 3
    chat.ask("bob", GetHistory(8, room))
    do(chat, "alice", Act.BAN, "bob", room)
    assert the(Refused, chat.read_page(), "bob").code == ErrorCode.BANNED


def test_history_that_was_asked_for_before_a_room_became_private_is_refused() -> None:
    chat = club("alice", "bob")
    room = chat.room("alice", "dev")
    chat.said("alice", 1, conversation=room)
    chat.ask("bob", GetHistory(7, room))
    change(chat, "alice", room, private=True)
    assert the(Refused, chat.read_page(), "bob").code == ErrorCode.NO_SUCH_CONVERSATION


def test_who_comes_back_hears_all_of_what_it_asks_for() -> None:
    chat, room = room_with(3)
    chat.ask("bob", Join(5, "dev", 0))
    do(chat, "alice", Act.KICK, "bob", room)
    do(chat, "alice", Act.INVITE, "bob", room)
    chat.ask("bob", Join(6, "dev", 0))
    chat.store_all()
    assert isinstance(the(Joined, chat.end_turn(), "bob"), Joined)
    seqs: list[int] = []
    for _ in range(5):
        effects = chat.read_page() if chat.store.queries else []
        effects += chat.take(chat.hub.drained("bob", chat.now))
        seqs += [m.seq for e in events(effects, "bob") if isinstance(e, Deliver) for m in e.messages]
    assert seqs == [1, 2, 3]

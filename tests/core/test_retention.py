"""Forgetting what is old, where somebody has said how long messages are kept."""

from chatnet.clock import Now
from chatnet.core.effects import Effect
from chatnet.core.entries import Committed, Expire, PutChat, PutRoom, PutUser, SavedConversation, Snapshot
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.core.retention import ROUND_SECONDS, Keep
from chatnet.model import Role

DAY = 24 * 3600
LOBBY, LAB, CHAT, EMPTY = 1, 2, 3, 4


def hub_with(keep: Keep) -> Hub:
    snapshot = Snapshot(
        users=[PutUser(1, "alice", "", Role.GUEST, bytes(32)), PutUser(2, "bob", "", Role.GUEST, bytes(32))],
        conversations=[
            SavedConversation(PutRoom(LOBBY, "lobby", 0, False), 1, 10),
            SavedConversation(PutRoom(LAB, "Lab", 0, False), 1, 10),
            SavedConversation(PutChat(CHAT, 1, 2), 1, 10),
            SavedConversation(PutRoom(EMPTY, "empty", 0, False), 11, 10),
        ],
        next_conversation=5,
    )
    return Hub(
        snapshot,
        limits=Limits(),
        server=bytes(16),
        version="1",
        history="durable",
        open_to_guests=True,
        entropy=bytes,
        keep=keep,
    )


def at(seconds: float) -> Now:
    return Now(seconds, int(1_000_000_000_000 + seconds * 1000))


def expired(effects: list[Effect]) -> list[Expire]:
    return [effect for effect in effects if isinstance(effect, Expire)]


def test_nothing_is_forgotten_unless_somebody_said_so() -> None:
    assert expired(hub_with(Keep()).tick(at(1))) == []


def test_each_room_may_have_its_own_time_and_its_name_is_folded() -> None:
    hub = hub_with(Keep(90 * DAY, {"lab": 30 * DAY}))
    asked = {entry.conversation: entry.before for entry in expired(hub.tick(at(1)))}
    assert asked == {
        LOBBY: at(1).wall - 90 * DAY * 1000,
        LAB: at(1).wall - 30 * DAY * 1000,
        CHAT: at(1).wall - 90 * DAY * 1000,
    }


def test_one_room_alone_can_forget() -> None:
    assert [e.conversation for e in expired(hub_with(Keep(None, {"lab": DAY})).tick(at(1)))] == [LAB]


def test_all_are_looked_at_again_after_an_hour_and_not_before() -> None:
    hub = hub_with(Keep(DAY))
    assert len(expired(hub.tick(at(1)))) == 3
    assert expired(hub.tick(at(ROUND_SECONDS))) == []
    assert len(expired(hub.tick(at(ROUND_SECONDS + 1)))) == 3


def test_what_had_more_to_forget_is_looked_at_with_the_next_tick() -> None:
    hub = hub_with(Keep(DAY))
    asked = expired(hub.tick(at(1)))
    hub.completed(Committed([*asked], [None] * 3, {LAB: 5}), at(1))
    assert [entry.conversation for entry in expired(hub.tick(at(2)))] == [LAB]


def test_a_great_many_conversations_are_looked_at_over_many_ticks() -> None:
    many = [SavedConversation(PutRoom(id, f"r{id}", 0, False), 1, 1) for id in range(1, 251)]
    snapshot = Snapshot(conversations=many, next_conversation=251)
    hub = Hub(
        snapshot,
        limits=Limits(),
        server=bytes(16),
        version="1",
        history="none",
        open_to_guests=True,
        entropy=bytes,
        keep=Keep(DAY),
    )
    looked = [[entry.conversation for entry in expired(hub.tick(at(second)))] for second in range(1, 5)]
    assert [len(ids) for ids in looked] == [100, 100, 50, 0]
    assert [id for ids in looked for id in ids] == list(range(1, 251))

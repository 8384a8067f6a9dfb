"""What the core asks for, carried out: who is sent what, in how many writes, and what the core is told of it."""

import pytest

from chatnet.core.effects import Admit, AwaitDrain, Broadcast, Close, Effect, Pause, Read, Reply
from chatnet.core.entries import Committed, Failed, Handle, PageRead, ReadMessages
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Deliver, Done, Event
from chatnet.net.peer import CLOSED, CLOSING, LINGERING, OPEN, PAUSED
from chatnet.requests import Ping, Request
from chatnet.wire.codec import encode
from tests.net.frontends import Dialect
from tests.net.rig import Client, Rig, delivery, entry, news

QUERY = ReadMessages(1, 10, 1000, after=0)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def deliveries(events: list[Event]) -> list[int]:
    """The seqs of the messages that were delivered."""
    return [message.seq for event in events if isinstance(event, Deliver) for message in event.messages]


def fill(client: Client, size: int) -> None:
    """Queue so many bytes."""
    client.peer.put(b"\0\0\0\0" * (size // 4))
    assert client.peer.queued == size


# -- to peers -------------------------------------------------------------------------------------------------


def test_effects_are_carried_out_in_order(rig: Rig) -> None:
    a, b = rig.login(), rig.login()
    rig.carry_out(Reply(a.peer, Done(1)), Broadcast([a.peer, b.peer], news()), Reply(a.peer, Done(2)))
    rig.turn()
    assert a.events() == [Done(1), news(), Done(2)]
    assert b.events() == [news()]


def test_each_peer_is_written_once_a_turn(rig: Rig) -> None:
    clients = [rig.login() for _ in range(5)]
    audience = [client.peer for client in clients]
    rig.core.on_request = lambda _, request: [Broadcast(audience, delivery(request.id))]  # type: ignore[attr-defined]
    for i, client in enumerate(clients):
        client.send(Ping(10 * i), Ping(10 * i + 1))
    rig.turn()
    assert [client.server.sends for client in clients] == [1] * 5
    assert all(len(client.events()) == 10 for client in clients)


class CountingEncoder:
    """Another dialect, which counts how often it encodes."""

    def __init__(self) -> None:
        self.encoded: list[Event] = []

    def __call__(self, event: Event) -> bytes:
        self.encoded.append(event)
        return encode(event)


def test_an_event_is_encoded_once_for_each_dialect_of_its_audience(rig: Rig) -> None:
    first, second, unused = CountingEncoder(), CountingEncoder(), CountingEncoder()
    clients = [rig.connect(Dialect(encoder)) for encoder in (first, second, first, first, second)]
    rig.carry_out(Broadcast([client.peer for client in clients], news()))
    rig.turn()
    assert (first.encoded, second.encoded, unused.encoded) == ([news()], [news()], [])
    assert [client.events() for client in clients] == [[news()]] * 5


def test_recipients_share_the_same_bytes(rig: Rig) -> None:
    a, b = rig.login(), rig.login()
    rig.carry_out(Broadcast([a.peer, b.peer], news()))
    assert a.peer.queue is not None
    assert b.peer.queue is not None
    assert a.peer.queue[0] is b.peer.queue[0]


def test_an_admitted_peer_is_no_stranger_and_may_send_big_frames(rig: Rig) -> None:
    rig.core.on_connected = lambda _: []
    client = rig.greet()
    assert rig.connections.strangers == 1
    rig.carry_out(Admit(client.peer), Admit(client.peer))
    assert rig.connections.strangers == 0
    fill(client, rig.limits.output_before_login * 2)
    client.transport.send((5 * KIB).to_bytes(4, "big"))
    rig.turn()
    assert client.peer.state == OPEN


def test_a_pause_stops_the_reading(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(Pause(client.peer, 5.0))
    assert client.peer.state == PAUSED


def test_a_close_says_why_and_the_core_does_not_hear_of_it_again(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(Reply(client.peer, Done(1)), Close(client.peer, "REPLACED", "elsewhere"))
    rig.settle()
    assert client.events() == [Done(1), Closing("REPLACED", "elsewhere")]
    assert client.peer.state == LINGERING
    assert rig.core.heard("disconnected") == []


def test_effects_for_a_session_that_is_gone_do_nothing(rig: Rig) -> None:
    gone, there = rig.login(), rig.login()
    gone.peer.drop()
    closed = Close(gone.peer, "X", "x")
    rig.carry_out(
        Reply(gone.peer, Done(1)),
        Broadcast([gone.peer, there.peer], delivery(1)),
        Broadcast([gone.peer, there.peer], news()),
        AwaitDrain(gone.peer),
        Pause(gone.peer, 1.0),
        Admit(gone.peer),
        closed,
    )
    rig.settle()
    assert there.events() == [delivery(1), news()]
    assert rig.core.heard("fell_behind") == rig.core.heard("drained") == []
    assert rig.connections.strangers == 0


def test_a_stranger_that_is_gone_is_not_admitted(rig: Rig) -> None:
    rig.core.on_connected = lambda _: []
    client = rig.greet()
    rig.carry_out(Close(client.peer, "X", "x"), Admit(client.peer))
    assert rig.connections.strangers == 0


def test_a_peer_closed_by_an_effect_gets_none_of_those_after_it(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(Close(client.peer, "X", "x"), Broadcast([client.peer], news()), Reply(client.peer, Done(1)))
    rig.settle()
    assert client.events() == [Closing("X", "x")]


# -- slow readers ---------------------------------------------------------------------------------------------


def test_a_message_is_not_queued_over_the_soft_limit_and_the_core_is_told(rig: Rig) -> None:
    slow, quick = rig.login(), rig.login()
    fill(slow, rig.limits.output_soft + 4)
    rig.carry_out(Broadcast([slow.peer, quick.peer], delivery(1)))
    assert rig.core.heard("fell_behind") == [(slow.peer, delivery(1))]
    assert slow.peer.queued == rig.limits.output_soft + 4
    rig.turn()
    assert quick.events() == [delivery(1)]


def test_at_the_soft_limit_a_message_is_still_queued(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_soft)
    rig.carry_out(Broadcast([client.peer], delivery(1)))
    assert rig.core.heard("fell_behind") == []


def test_after_a_message_that_was_not_queued_no_smaller_one_is(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_soft - 100)
    missed = [delivery(2, 1000), delivery(3, 1)]
    rig.carry_out(*(Broadcast([client.peer], message) for message in [delivery(1, 1000), *missed]))
    assert rig.core.heard("fell_behind") == [(client.peer, message) for message in missed]


def test_the_core_is_told_of_those_who_fell_behind_only_after_all_effects(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_soft + 4)
    audience = {client.peer: None}
    seen: list[list[int | None]] = []

    def leave(*_: object) -> list[Effect]:
        audience.pop(client.peer, None)
        seen.append([frame[-1] for frame in client.peer.queue or []])
        return []

    rig.core.on_fell_behind = leave
    rig.carry_out(Broadcast(audience, delivery(1)), Reply(client.peer, Done(9)), Broadcast(audience, delivery(2)))
    assert [list_of_last_bytes[-1] for list_of_last_bytes in seen] == [9, 9]


def test_an_event_that_is_no_message_counts_towards_the_hard_limit(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_hard - len(encode(news())))
    rig.carry_out(Broadcast([client.peer], news()))
    assert client.peer.state == OPEN
    rig.carry_out(Broadcast([client.peer], news()))
    assert client.peer.state == CLOSING
    assert rig.core.heard("disconnected") == [(client.peer,)]
    assert rig.core.heard("fell_behind") == []


def test_a_drain_is_told_at_once_where_the_queue_is_short(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(AwaitDrain(client.peer))
    rig.settle()
    assert rig.core.heard("drained") == [(client.peer,)]


def test_a_drain_is_told_once_when_the_queue_gets_to_the_low_mark(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_soft)
    rig.carry_out(AwaitDrain(client.peer))
    while client.peer.queued > rig.limits.output_low:
        assert rig.core.heard("drained") == []
        client.read()
        rig.turn()
    rig.settle()
    assert rig.core.heard("drained") == [(client.peer,)]
    client.read()
    rig.settle()
    assert rig.core.heard("drained") == [(client.peer,)]


def test_a_drain_goes_on_for_as_long_as_there_is_more_without_any_wait(rig: Rig) -> None:
    client = rig.login()
    pages = iter(range(5))

    def refill(session: Handle) -> list[Effect]:
        page = next(pages, None)
        return [] if page is None else [Reply(session, Done(page)), AwaitDrain(session)]

    rig.core.on_drained = refill
    rig.carry_out(AwaitDrain(client.peer))
    rig.loop.again()
    assert rig.settle() < 20
    assert client.events() == [Done(page) for page in range(5)]
    assert rig.clock.now().monotonic == 0.0


def test_a_peer_that_cannot_be_drained_does_not_keep_the_loop_busy(rig: Rig) -> None:
    client = rig.login()
    fill(client, rig.limits.output_soft)
    rig.carry_out(AwaitDrain(client.peer))
    assert rig.settle() == 1


# -- to the store ---------------------------------------------------------------------------------------------


def test_all_entries_of_a_turn_are_one_batch(rig: Rig) -> None:
    a, b = rig.login(), rig.login()
    rig.core.on_request = lambda _, request: [entry(request.id)]  # type: ignore[attr-defined]
    a.send(Ping(1), Ping(2))
    b.send(Ping(3))
    rig.turn()
    assert rig.store.batches == [[entry(1), entry(2), entry(3)]]


def test_a_turn_without_entries_submits_nothing(rig: Rig) -> None:
    rig.login().send(Ping(1))
    rig.turn()
    assert rig.store.log == []


def test_who_came_is_told_before_what_they_said(rig: Rig) -> None:
    client = rig.login()
    rig.store.answers = [Committed(rig.submit(), [None])]
    rig.core.on_end_turn = lambda: [Broadcast([client.peer], news())] if rig.store.answers else []
    rig.core.on_completed = lambda _: [Broadcast([client.peer], delivery(1))]
    rig.turn()
    assert client.events() == [news(), delivery(1)]


def test_answers_of_the_same_turn_are_written_in_the_same_turn(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(1)]
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1))]
    client.send(Ping(1))
    rig.store.answers = [Committed([entry(1)], [None])]
    rig.turn()
    assert client.events() == [Done(1)]


def test_answers_may_come_later(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(1)]
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1))]
    client.send(Ping(1))
    rig.settle()
    assert client.events() == []
    rig.store.answers = [Committed(rig.store.batches[0], [None])]
    rig.turn()
    assert client.events() == [Done(1)]


def test_reads_are_asked_once_and_answered_to_the_core(rig: Rig) -> None:
    rig.carry_out(Read(QUERY))
    rig.turn()
    rig.turn()
    assert rig.store.log == [QUERY]


def test_what_an_answer_asks_for_does_not_wait_for_other_events(rig: Rig) -> None:
    rig.store.answers = [Committed(rig.submit(1), [None])]
    rig.core.on_completed = lambda _: [Read(QUERY), entry(2)]
    rig.turn()
    assert rig.store.log == [[entry(1)]]
    assert rig.loop.next_due() == 0.0
    rig.turn()
    assert rig.store.log == [[entry(1)], [entry(2)], QUERY]


def test_what_is_gathered_while_the_store_has_a_batch_makes_no_turns_and_goes_right_after_it(rig: Rig) -> None:
    first = rig.submit(1)
    rig.carry_out(entry(2))
    rig.turn()
    assert rig.loop.next_due() != rig.loop.now.monotonic, "nothing is left to do but wait"
    assert rig.store.log == [first]
    rig.store.answers = [Committed(first, [None])]
    rig.turn()
    assert rig.loop.next_due() == rig.loop.now.monotonic
    rig.turn()
    assert rig.store.log == [first, [entry(2)]]


def test_comings_and_goings_of_late_are_told_without_a_wait(rig: Rig) -> None:
    leaving, staying = rig.login(), rig.login()
    changes: list[Effect] = []

    def note(_: Handle) -> list[Effect]:
        changes.append(Broadcast([staying.peer], news()))
        return []

    def tell() -> list[Effect]:
        told, changes[:] = list(changes), []
        return told

    rig.core.on_disconnected = note
    rig.core.on_end_turn = tell
    leaving.peer.hold()
    leaving.transport.close()
    leaving.peer.put(b"x")  # found out by the write, after the turn's `end_turn`
    rig.settle()
    assert staying.events() == [news()]


def test_one_that_has_ended_its_side_waits_for_what_it_asked_of_the_store(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(1), Read(QUERY)]
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1))]
    client.send(Ping(1))
    client.transport.end()
    rig.settle()
    assert rig.core.heard("disconnected") == []
    rig.store.answers = [Committed(rig.store.batches[0], [None])]
    rig.settle()
    assert rig.core.heard("disconnected") == []
    rig.store.answers = [PageRead(QUERY, [], 1)]
    rig.settle()
    assert client.events() == [Done(1), Done(1)]
    assert client.peer.state == CLOSED
    assert rig.core.heard("disconnected") == [(client.peer,)]


def test_one_that_has_ended_its_side_waits_for_what_was_gathered_while_the_store_was_busy(rig: Rig) -> None:
    first, late = rig.submit(1), Committed([entry(2)], [None])
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(2)]
    rig.core.on_completed = lambda done: [Reply(client.peer, Done(1))] if done == late else []
    client.send(Ping(1))
    client.transport.end()
    rig.settle()
    rig.store.answers = [Committed(first, [None])]
    rig.settle()
    assert client.peer.state != CLOSED
    rig.store.answers = [late]
    rig.settle()
    assert client.events() == [Done(1)]
    assert client.peer.state == CLOSED


@pytest.mark.parametrize("others", [1, 2])
def test_one_that_has_ended_its_side_goes_too_when_what_it_asked_fails_with_another_batch(
    rig: Rig, others: int
) -> None:
    first = rig.submit(1)
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(number) for number in range(2, 2 + others)]
    client.send(Ping(1))
    client.transport.end()
    rig.settle()
    rig.store.answers = [Failed(first, ErrorCode.STORE_FULL, "disk full", 1.0)]
    rig.settle()
    assert client.peer.state == CLOSED


def test_one_that_has_ended_its_side_does_not_wait_for_what_others_ask_later(rig: Rig) -> None:
    leaving, busy = rig.login(), rig.login()
    rig.core.on_request = lambda *_: [entry(1)]
    leaving.send(Ping(1))
    leaving.transport.end()
    rig.settle()
    busy.send(Ping(2))
    rig.settle()
    rig.store.answers = [Committed(rig.store.batches[0], [None])]
    rig.settle()
    assert leaving.peer.state == CLOSED
    assert len(rig.store.batches) == 2


# -- errors ---------------------------------------------------------------------------------------------------


def test_an_effect_that_cannot_be_carried_out_ends_its_session_only(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    a, b = rig.login(), rig.login()
    rig.carry_out(Reply(a.peer, news(100_000)), Reply(b.peer, Done(1)))
    rig.settle()
    assert [type(event) for event in a.events()] == [Closing]
    assert b.events() == [Done(1)]
    assert rig.core.heard("disconnected") == [(a.peer,)]
    assert "cannot carry out Reply" in caplog.text


def test_a_broadcast_that_cannot_be_encoded_costs_nobody_the_connection(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = rig.login(), rig.login()
    rig.carry_out(Broadcast([a.peer, b.peer], news(100_000)), Broadcast([a.peer, b.peer], news()))
    rig.settle()
    assert a.events() == b.events() == [news()]
    assert "cannot carry out Broadcast" in caplog.text


def broken(*_: object) -> list[Effect]:
    raise RuntimeError("mistake")


@pytest.mark.parametrize("where", ["on_end_turn", "on_completed", "on_tick"])
def test_an_error_of_the_core_for_nobody_in_particular_ends_no_connection(
    rig: Rig, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    client = rig.login()
    rig.store.answers = [Committed(rig.submit(), [None])]
    setattr(rig.core, where, broken)
    rig.dispatcher.tick()
    rig.turn()
    setattr(rig.core, where, lambda *_: [])
    rig.core.on_request = lambda session, _: [Reply(session, Done(1))]
    client.send(Ping(1))
    rig.settle()
    assert client.events() == [Done(1)]
    assert "RuntimeError: mistake" in caplog.text


def test_an_error_of_the_core_about_a_drained_session_ends_that_one(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    client = rig.login()
    rig.core.on_drained = broken
    rig.carry_out(AwaitDrain(client.peer))
    rig.settle()
    assert [type(event) for event in client.events()] == [Closing]
    assert rig.core.heard("disconnected") == [(client.peer,)]
    assert "RuntimeError: mistake" in caplog.text


def test_an_error_of_the_core_in_a_request_ends_that_session_and_no_other(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = rig.login(), rig.login()

    def handle(session: Handle, _: Request) -> list[Effect]:
        return broken() if session is bad.peer else [Reply(session, Done(1))]

    rig.core.on_request = handle
    bad.send(Ping(1))
    good.send(Ping(1))
    rig.settle()
    assert [event.code for event in bad.events() if isinstance(event, Closing)] == [ErrorCode.INTERNAL]
    assert good.events() == [Done(1)]
    assert "RuntimeError: mistake" in caplog.text


def test_the_limits_are_those_of_the_server() -> None:
    rig = Rig(Limits(output_soft=100, output_hard=200))
    client = rig.login()
    fill(client, 104)
    rig.carry_out(Broadcast([client.peer], delivery(1)))
    assert deliveries(client.events()) == []
    assert len(rig.core.heard("fell_behind")) == 1

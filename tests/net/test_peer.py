"""One connection: its output queue and limits, half closes, pauses, and how it ends."""

import pytest

from chatnet.core.effects import Pause, Reply
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Done
from chatnet.net.loop import READ, WRITE
from chatnet.net.peer import CLOSED, CLOSING, DISCARD_BYTES, ENDED, LINGERING, OPEN, PAUSED, READ_BYTES
from chatnet.requests import Ping
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE
from tests.net.rig import Client, Rig

SMALL = 1000
"""Bytes that a narrow connection holds."""


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def narrow() -> Rig:
    """Connections that hold only `SMALL` bytes."""
    return Rig(capacity=SMALL)


def reasons(client: Client) -> list[str]:
    """The codes of the last words that a client was sent."""
    return [event.code for event in client.events() if isinstance(event, Closing)]


# -- output ---------------------------------------------------------------------------------------------------


def test_all_that_is_queued_in_a_turn_is_one_write(rig: Rig) -> None:
    client = rig.login()
    for i in range(10):
        client.peer.put(b"%d" % i)
    rig.turn()
    assert client.read() == b"0123456789"
    assert client.server.sends == 1


def test_a_peer_with_nothing_queued_has_no_queue_and_is_not_written_to(rig: Rig) -> None:
    client = rig.login()
    rig.turn()
    assert client.peer.queue is None
    assert client.server.sends == 0


def test_what_the_way_does_not_take_waits_until_it_is_writable(narrow: Rig) -> None:
    client = narrow.login()
    data = bytes(range(256)) * 10
    client.peer.put(data)
    narrow.turn()
    assert client.peer.queued == len(data) - SMALL
    assert client.peer.watch.mask == READ | WRITE
    got = b""
    while len(got) < len(data):
        got += client.read()
        narrow.turn()
    assert got == data
    assert (client.peer.queue, client.peer.queued, client.peer.watch.mask) == (None, 0, READ)


def test_a_way_that_is_full_is_not_tried_again_each_turn(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"x" * SMALL)
    narrow.turn()
    client.peer.put(b"y")
    narrow.turn()
    sends = client.server.sends
    for _ in range(5):
        client.peer.put(b"z")
        narrow.turn()
    assert client.server.sends == sends
    assert client.read() == b"x" * SMALL
    narrow.turn()
    assert client.read() == b"yzzzzz"


def test_the_order_of_bytes_survives_partial_writes(narrow: Rig) -> None:
    client = narrow.login()
    sent = got = b""
    for i in range(50):
        frame = b"%03d" % i * 40
        client.peer.put(frame)
        sent += frame
        narrow.turn()
        got += client.read()
    while client.peer.queue:
        narrow.turn()
        got += client.read()
    assert got == sent


def test_a_stranger_that_lets_its_output_pile_up_is_closed(narrow: Rig) -> None:
    client = narrow.connect()
    for _ in range(17):
        client.peer.put(b"x" * KIB)
    assert client.peer.state == CLOSING
    assert client.peer not in narrow.connections.gone


def test_a_session_may_queue_up_to_the_hard_limit_and_not_a_byte_more(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"x" * narrow.limits.output_hard)
    assert client.peer.state == OPEN
    client.peer.put(b"x")
    assert client.peer.state == CLOSING
    narrow.settle()
    assert narrow.core.heard("disconnected") == [(client.peer,)]


def test_one_too_slow_reads_why_if_it_reads_at_last(rig: Rig) -> None:
    client = rig.login()
    for _ in range(50):
        client.peer.put(encode(Done(1)) * 5000)
    got = []
    for _ in range(100):
        rig.turn()
        got += client.events()
    assert got[-1] == Closing(ErrorCode.TOO_SLOW, "too much output is waiting for you to read it")
    assert all(isinstance(event, Done) for event in got[:-1])
    assert client.sees_end


def test_a_peer_that_is_gone_takes_nothing_more(rig: Rig) -> None:
    client = rig.login()
    client.peer.drop()
    client.peer.put(b"x")
    client.peer.await_drain()
    client.peer.pause(5.0)
    client.peer.hold()
    client.peer.admit()
    client.peer.finish()
    client.peer.close("X", "x")
    rig.settle()
    assert client.peer.state == CLOSED
    assert client.server.sends == 0


def test_a_write_that_fails_ends_the_connection(rig: Rig) -> None:
    client = rig.login()
    client.transport.close()
    client.peer.put(b"x")
    rig.settle()
    assert client.peer.state == CLOSED
    assert rig.core.heard("disconnected") == [(client.peer,)]
    assert rig.connections.all == {}


# -- input ----------------------------------------------------------------------------------------------------


def test_a_turn_takes_a_bounded_piece_of_each_peer() -> None:
    rig = Rig(capacity=4 * READ_BYTES)
    greedy, modest = rig.login(), rig.login()
    flood = encode(Ping(1)) * (3 * READ_BYTES // len(encode(Ping(1))))
    greedy.transport.send(flood)
    modest.send(Ping(2))
    rig.turn()
    handled = rig.core.heard("handle")
    assert (modest.peer, Ping(2)) in handled
    assert sum(session is greedy.peer for session, _ in handled) <= 256
    rig.settle()
    assert len(rig.core.heard("handle")) == len(flood) // len(encode(Ping(1))) + 1


def test_a_reset_ends_the_connection_and_the_core_hears_of_it(rig: Rig) -> None:
    client = rig.login()
    client.transport.reset()
    rig.settle()
    assert client.peer.state == CLOSED
    assert rig.core.heard("disconnected") == [(client.peer,)]


def test_a_reset_before_the_preface_is_not_told_to_the_core(rig: Rig) -> None:
    client = rig.connect()
    client.transport.reset()
    rig.settle()
    assert client.peer.state == CLOSED
    assert rig.core.told == []
    assert rig.connections.strangers == 0


# -- pauses ---------------------------------------------------------------------------------------------------


def test_a_paused_peer_is_not_read_until_its_time_has_come(rig: Rig) -> None:
    client = rig.login()
    client.peer.pause(2.0)
    client.send(Ping(1))
    rig.settle()
    rig.clock.advance(1.9)
    rig.settle()
    assert rig.core.heard("handle") == []
    rig.clock.advance(0.1)
    rig.settle()
    assert rig.core.heard("handle") == [(client.peer, Ping(1))]


def test_requests_that_had_come_before_the_pause_are_handled_after_it(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda session, request: [Pause(session, 3.0)] if request == Ping(1) else []
    client.send(Ping(1), Ping(2), Ping(3))
    rig.settle()
    assert rig.core.heard("handle") == [(client.peer, Ping(1))]
    rig.clock.advance(3.0)
    rig.turn()
    assert [request for _, request in rig.core.heard("handle")] == [Ping(1), Ping(2), Ping(3)]


def test_what_comes_during_a_pause_comes_after_what_came_before_it(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda session, _: [Pause(session, rig.clock.now().monotonic + 1.0)]
    client.send(Ping(1), Ping(2))
    rig.settle()
    client.send(Ping(3), Ping(4))
    for _ in range(4):
        rig.clock.advance(1.0)
        rig.settle()
    assert [request for _, request in rig.core.heard("handle")] == [Ping(1), Ping(2), Ping(3), Ping(4)]


def test_a_pause_can_be_made_longer_but_not_shorter(rig: Rig) -> None:
    client = rig.login()
    for until in (2.0, 4.0, 1.0):
        client.peer.pause(until)
    client.send(Ping(1))
    rig.clock.advance(3.9)
    rig.settle()
    assert client.peer.state == PAUSED
    rig.clock.advance(0.1)
    rig.settle()
    assert client.peer.state == OPEN
    assert rig.core.heard("handle") == [(client.peer, Ping(1))]


def test_a_paused_peer_is_still_written_to(rig: Rig) -> None:
    client = rig.login()
    client.peer.pause(2.0)
    client.peer.put(b"x")
    rig.turn()
    assert client.read() == b"x"


def test_a_pause_ends_with_its_connection(rig: Rig) -> None:
    client = rig.login()
    client.peer.pause(2.0)
    client.peer.close("X", "x")
    rig.clock.advance(2.0)
    rig.settle()
    assert client.peer.state == LINGERING


def test_a_held_peer_is_not_read_again(rig: Rig) -> None:
    client = rig.login()
    client.peer.pause(1.0)
    client.peer.hold()
    client.peer.pause(2.0)
    client.send(Ping(1))
    rig.clock.advance(100.0)
    rig.settle()
    assert rig.core.heard("handle") == []


# -- half close -----------------------------------------------------------------------------------------------


def test_one_that_has_ended_its_side_is_answered_then_closed_without_a_word(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda session, _: [Reply(session, Done(7))]
    client.send(Ping(1))
    client.transport.end()
    rig.settle()
    assert client.events() == [Done(7)]
    assert client.sees_end
    assert client.peer.state == CLOSED
    assert rig.core.told[-2:] == [("handle", client.peer, Ping(1)), ("disconnected", client.peer)]


def test_one_that_has_ended_its_side_has_its_output_flushed(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"x" * 2500)
    client.transport.end()
    narrow.settle()
    assert client.peer.state == CLOSING
    got = b""
    while client.peer.state != CLOSED:
        got += client.read()
        narrow.turn()
    assert got + client.read() == b"x" * 2500


def test_one_that_has_ended_its_side_has_only_so_long_to_read(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"x" * 2500)
    client.transport.end()
    narrow.settle()
    assert client.peer.deadline == narrow.limits.farewell_seconds


def test_an_end_before_the_preface_just_closes(rig: Rig) -> None:
    client = rig.connect()
    client.transport.send(PREFACE[:2])
    client.transport.end()
    rig.settle()
    assert client.peer.state == CLOSED
    assert client.read() == b""
    assert rig.core.told == []


# -- closing --------------------------------------------------------------------------------------------------


def test_the_last_words_come_after_all_that_was_queued(rig: Rig) -> None:
    client = rig.login()
    client.peer.put(encode(Done(1)))
    client.peer.close("CODE", "why", 2.5)
    client.peer.put(encode(Done(2)))
    rig.settle()
    assert client.events() == [Done(1), Closing("CODE", "why", 2.5)]
    assert client.sees_end


def test_a_peer_waits_for_the_other_side_to_end_before_it_closes(rig: Rig) -> None:
    client = rig.login()
    client.peer.close("CODE", "why")
    rig.settle()
    assert client.peer.state == LINGERING
    client.transport.end()
    rig.settle()
    assert client.peer.state == CLOSED
    assert rig.connections.closing == 0


def test_input_that_nobody_reads_any_more_does_not_cost_the_last_words(rig: Rig) -> None:
    client = rig.login()
    client.send(*[Ping(i) for i in range(1000)])
    client.peer.close("CODE", "why")
    rig.settle()
    client.send(*[Ping(i) for i in range(1000)])
    rig.settle()
    assert reasons(client) == ["CODE"]
    assert rig.core.heard("handle") == []


def test_one_that_goes_on_sending_is_listened_to_only_so_long(rig: Rig) -> None:
    client = rig.login()
    client.peer.close("CODE", "why")
    rig.settle()
    sent = 0
    while client.peer.state != CLOSED:
        sent += client.transport.send(b"x" * 10_000)
        rig.turn()
    assert DISCARD_BYTES < sent <= DISCARD_BYTES + 20_000


def test_one_that_neither_reads_nor_stops_sending_costs_no_more_turns(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"x" * 2 * SMALL)
    client.peer.close("CODE", "why")
    for _ in range(2 * DISCARD_BYTES // SMALL):
        client.transport.send(b"x" * SMALL)
        narrow.turn()
    assert client.peer.state == CLOSING
    assert client.peer.watch.mask == WRITE


def test_a_reset_while_closing_ends_it_quietly(rig: Rig) -> None:
    client = rig.login()
    client.peer.close("CODE", "why")
    rig.settle()
    client.transport.reset()
    rig.settle()
    assert client.peer.state == CLOSED
    assert rig.core.heard("disconnected") == [(client.peer,)]


def test_strangers_that_linger_are_as_few_as_strangers_may_be() -> None:
    rig = Rig(Limits(strangers=3))
    clients = [rig.connect() for _ in range(5)]
    for client in clients:
        client.peer.close("CODE", "why")
    rig.settle()
    assert [client.peer.state for client in clients] == [LINGERING] * 3 + [CLOSED] * 2
    assert [reasons(client) for client in clients] == [["CODE"]] * 5


def test_the_count_of_strangers_follows_every_way_to_leave(rig: Rig) -> None:
    admitted, closed, dropped, ended, waiting = (rig.connect() for _ in range(5))
    admitted.transport.send(PREFACE)
    closed.peer.close("CODE", "why")
    dropped.peer.drop()
    ended.transport.end()
    rig.settle()
    assert waiting.peer.state == OPEN
    assert rig.connections.strangers == 1


def test_states_are_in_the_order_in_which_a_connection_goes_through_them() -> None:
    assert OPEN < PAUSED < ENDED < CLOSING < LINGERING < CLOSED

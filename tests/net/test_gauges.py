"""What the network says of itself: each connection's figures, and those of the whole server."""

import mmap
import selectors

import pytest

from chatnet.core.effects import Bulk, Effect, Reply, Wake
from chatnet.core.gauges import LinkFigures
from chatnet.core.limits import KIB
from chatnet.events import Done, FileChunk
from chatnet.net.gauges import NetworkGauges
from chatnet.net.keepalive import Keepalive
from chatnet.net.loop import EventLoop
from chatnet.net.platform import is_minimal, resident_bytes
from chatnet.requests import Ping
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE
from tests.net.rig import HELLO, Rig, entry, news

BIG = news(20_000)
"""About 58 KiB."""


def gauges(rig: Rig) -> NetworkGauges:
    return NetworkGauges(rig.connections, rig.link, ["chatnet+memory://here"], lambda: 4096)


@pytest.fixture
def rig() -> Rig:
    return Rig()


# -- one connection -------------------------------------------------------------------------------------------


def test_a_connection_counts_what_came_and_went(rig: Rig) -> None:
    client = rig.login()
    client.send(Ping(1), Ping(2))
    rig.core.on_request = lambda session, request: [Reply(session, Done(1))]
    rig.turn()
    assert gauges(rig).link(client.peer) == LinkFigures(
        address=client.server.peer,
        transport="unix",
        received=len(PREFACE) + 2 * len(encode(Ping(1))),
        sent=len(encode(HELLO)) + 2 * len(encode(Done(1))),
        queued=0,
        silent=0.0,
    )


def test_what_the_client_has_not_read_is_queued_and_not_sent(rig: Rig) -> None:
    client = rig.login()
    before = client.peer.sent
    frame = encode(BIG)
    rig.carry_out(*[Reply(client.peer, BIG)] * 3)
    rig.turn()
    found = gauges(rig).link(client.peer)
    assert found.sent - before == 64 * KIB
    assert found.queued == 3 * len(frame) - 64 * KIB
    client.read()
    rig.settle()
    client.read()
    rig.settle()
    client.read()
    rig.settle()
    assert gauges(rig).link(client.peer).sent - before == 3 * len(frame)
    assert gauges(rig).link(client.peer).queued == 0


def test_files_count_in_both(rig: Rig) -> None:
    client = rig.login()
    before, frame = client.peer.sent, encode(FileChunk(1, 0, bytes(40 * KIB)))
    rig.carry_out(*[Bulk(client.peer, FileChunk(1, 0, bytes(40 * KIB)))] * 3)
    rig.settle()
    found = gauges(rig).link(client.peer)
    assert found.sent - before == 64 * KIB
    assert found.sent - before + found.queued == 3 * len(frame)
    for _ in range(4):
        client.read()
        rig.settle()
    found = gauges(rig).link(client.peer)
    assert (found.sent - before, found.queued) == (3 * len(frame), 0)


def test_silence_is_counted_from_the_last_byte(rig: Rig) -> None:
    client = rig.login()
    rig.clock.advance(5.0)
    rig.turn()
    assert gauges(rig).link(client.peer).silent == 5.0
    client.send(Ping(1))
    rig.turn()
    assert gauges(rig).link(client.peer).silent == 0.0


def test_a_connection_that_was_just_closed_can_still_be_asked_about(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(*[Reply(client.peer, BIG)] * 2)
    client.peer.close("KICKED", "off")
    rig.turn()
    assert 0 < gauges(rig).link(client.peer).queued < 64 * KIB
    client.peer.drop()
    assert gauges(rig).link(client.peer).queued == 0


# -- the whole server -----------------------------------------------------------------------------------------


def test_what_is_gone_still_counts(rig: Rig) -> None:
    client, other = rig.login(), rig.connect()
    before = gauges(rig).host()
    assert (before.connections, before.admitted) == (2, 1)
    assert (before.received, before.sent) == (client.peer.received, client.peer.sent)
    client.peer.drop()
    other.peer.close("KICKED", "off")
    after = gauges(rig).host()
    assert (after.connections, after.admitted) == (1, 0)
    assert (after.received, after.sent) == (before.received, before.sent)


def test_what_waits_for_all_is_added_up(rig: Rig) -> None:
    for _ in range(2):
        rig.carry_out(*[Reply(rig.login().peer, BIG)] * 2)
    found = gauges(rig)
    queued = [found.link(peer).queued for peer in rig.connections.all]
    assert found.host().queued == sum(queued) > 0


def test_batches_are_counted_until_the_store_answers(rig: Rig) -> None:
    rig.link.batch.append(entry(1))
    rig.turn()
    rig.link.batch.append(entry(2))
    rig.turn()
    assert gauges(rig).host().batches == 2


def test_what_others_know_is_handed_on(rig: Rig) -> None:
    found = gauges(rig).host()
    assert (found.stored, found.addresses, found.started) == (4096, ["chatnet+memory://here"], rig.loop.now.wall)
    assert found.cpu >= 0
    spent = gauges(rig)
    sum(range(200_000))
    assert spent.host().cpu > 0


@pytest.mark.skipif(is_minimal() or not resident_bytes(), reason="this system does not say")
def test_memory_is_that_of_the_process() -> None:
    before = resident_bytes()
    assert before > 1024 * KIB
    # Not from the heap, which may have room that is resident already.
    with mmap.mmap(-1, 32 * 1024 * KIB) as block:
        block.write(bytes(32 * 1024 * KIB))
        assert resident_bytes() - before > 24 * 1024 * KIB


# -- lag ------------------------------------------------------------------------------------------------------


class Overslept(MemorySelector):
    """Comes back half a second late: the system had others to serve."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self._late = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout)
        self._late.advance(0.5)
        return found


def nothing() -> None:
    """Something is due."""


def lag(rig: Rig) -> float:
    return gauges(rig).host().lag


def test_the_lag_is_the_length_of_the_longest_turn(rig: Rig) -> None:
    client = rig.login()
    rig.loop.call_later(100.0, nothing)
    times = iter([0.02, 0.08, 0.01])

    def work(*_: object) -> list[Effect]:
        rig.clock.advance(next(times))
        return []

    rig.core.on_request = work
    for _ in range(3):
        client.send(Ping(1))
        rig.turn()
    rig.turn()
    assert lag(rig) == pytest.approx(0.08)


def test_idle_time_is_no_lag() -> None:
    clock = VirtualClock()
    loop = EventLoop(MemorySelector(clock), clock)
    for seconds in (5.0, 60.0):
        loop.call_later(seconds, nothing)
    for _ in range(3):
        loop.run_turn(100.0)
    assert clock.now().monotonic >= 60.0
    assert loop.lateness.worst == 0.0


def test_a_timer_that_comes_late_is_lag_whoever_held_it_up() -> None:
    clock = VirtualClock()
    loop = EventLoop(Overslept(clock), clock)
    loop.call_later(1.0, nothing)
    loop.run_turn()
    assert loop.lateness.worst == 0.0, "of the first turn nobody knows"
    loop.call_later(1.0, nothing)
    loop.run_turn()
    assert loop.lateness.worst == pytest.approx(0.5, abs=0.002)


def test_what_the_start_took_is_no_lag(rig: Rig) -> None:
    rig.loop.call_later(1.0, nothing)
    rig.clock.advance(30.0)
    rig.turn()
    rig.turn()
    assert lag(rig) == 0.0


def test_lag_is_forgotten_after_a_second_or_two(rig: Rig) -> None:
    rig.loop.lateness.note(0.5)
    rig.loop.lateness.next_second()
    rig.loop.lateness.note(0.1)
    assert lag(rig) == 0.5
    rig.loop.lateness.next_second()
    assert lag(rig) == 0.1


def test_every_second_the_lag_is_that_of_another_second(rig: Rig) -> None:
    Keepalive(rig.dispatcher, rig.connections)
    rig.turn()
    rig.loop.lateness.note(0.5)
    found = []
    for _ in range(3):
        rig.clock.advance(1.0)
        rig.loop._began = rig.clock.now().monotonic
        rig.turn()
        found.append(lag(rig))
    assert found == [0.5, 0.0, 0.0]


# -- time -----------------------------------------------------------------------------------------------------


def test_a_turn_comes_when_the_core_asks_for_one(rig: Rig) -> None:
    rig.turn()
    rig.carry_out(Wake(rig.loop.now.monotonic + 0.25))
    due = rig.loop.next_due()
    assert due is not None
    assert due - rig.loop.now.monotonic == pytest.approx(0.25)
    ended: list[float] = []

    def note() -> list[Effect]:
        ended.append(rig.core.seconds)
        return []

    rig.core.on_end_turn = note
    rig.clock.advance_to(due)
    rig.turn()
    assert due in ended

"""The second lane of a connection: what goes first, what is never mixed, and what it costs those who do not use it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet.core.effects import Broadcast, Bulk, Effect, FileWork, Pause, Reply
from chatnet.core.entries import Handle
from chatnet.core.file_jobs import ReadFile
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Done, FileChunk
from chatnet.model import CHUNK_BYTES
from chatnet.net.loop import READ, WRITE
from chatnet.net.peer import CLOSED, CLOSING, LINGERING
from chatnet.wire.codec import encode
from tests.net.rig import Client, Rig, delivery

SMALL = 1000
"""Bytes that a narrow connection holds."""
JOB = ReadFile(b"d" * 32, 0, CHUNK_BYTES)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def narrow() -> Rig:
    """Connections that hold only `SMALL` bytes."""
    return Rig(capacity=SMALL)


def chunk(number: int = 1, size: int = 100) -> FileChunk:
    return FileChunk(1, number, bytes([number % 256]) * size)


def bulk(client: Client, *chunks: FileChunk) -> list[Effect]:
    return [Bulk(client.peer, piece) for piece in chunks]


def sent(rig: Rig) -> int:
    """How often the core was told that a frame is handed over."""
    return len(rig.core.heard("bulk_sent"))


# -- order ----------------------------------------------------------------------------------------------------


def test_it_goes_behind_all_that_was_said_in_the_same_turn(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(*bulk(client, chunk()), Reply(client.peer, Done(1)), Broadcast([client.peer], delivery(1)))
    rig.turn()
    assert client.events() == [Done(1), delivery(1), chunk()]


def test_a_turn_brings_one_frame_and_the_next_turns_the_others(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(*bulk(client, chunk(1), chunk(2), chunk(3)))
    for number in (1, 2, 3):
        rig.turn()
        assert client.events() == [chunk(number)]
    assert client.peer.watch.mask == READ


def test_what_is_said_meanwhile_goes_in_between(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(*bulk(client, chunk(1), chunk(2), chunk(3)))
    rig.turn()
    assert client.events() == [chunk(1)]
    rig.carry_out(Reply(client.peer, Done(1)))
    rig.turn()
    assert client.events() == [Done(1), chunk(2)]
    rig.turn()
    assert client.events() == [chunk(3)]


def test_what_is_said_in_the_turn_in_which_the_way_opens_goes_first(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 900), chunk(2, 900)))
    narrow.turn()
    assert client.events() == [chunk(1, 900)]
    narrow.core.on_tick = lambda: [Reply(client.peer, Done(1))]
    narrow.loop.call_at(0.0, narrow.dispatcher.tick)
    narrow.turn()
    assert client.events() == [Done(1), chunk(2, 900)]


def test_a_frame_that_was_begun_is_finished_before_anything_else(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 1500), chunk(2, 100)))
    narrow.turn()
    narrow.carry_out(Reply(client.peer, Done(1)))
    narrow.turn()
    assert sent(narrow) == 0
    assert client.events() == []
    narrow.turn()
    assert client.events() == [chunk(1, 1500), Done(1), chunk(2, 100)]


def test_a_frame_of_which_nothing_was_taken_is_not_begun(narrow: Rig) -> None:
    client = narrow.login()
    client.peer.put(b"\0" * SMALL)  # empty frames, for whoever reads them
    narrow.turn()
    narrow.carry_out(*bulk(client, chunk(1)))
    narrow.turn()
    narrow.carry_out(Reply(client.peer, Done(1)))
    narrow.turn()
    client.read()
    narrow.settle()
    assert client.events() == [Done(1), chunk(1)]


def test_nothing_is_begun_before_all_else_is_taken_however_much_could_be(rig: Rig) -> None:
    """Room may come between two writes."""
    client = rig.login()
    send = client.server.send
    client.server.send = lambda data: send(data[:7])  # type: ignore[method-assign]
    rig.carry_out(Broadcast([client.peer], delivery(1)), *bulk(client, chunk(1), chunk(2)))
    rig.turn()
    rig.carry_out(Reply(client.peer, Done(1)))
    rig.settle()
    events = client.events()
    assert events[0] == delivery(1)
    assert sorted(events[1:], key=lambda event: type(event).__name__) == [Done(1), chunk(1), chunk(2)]


def test_nothing_is_begun_while_the_transport_holds_something_and_that_goes_out_first(rig: Rig) -> None:
    client = rig.login()
    flushed: list[int] = []
    rig.carry_out(*bulk(client, chunk(1)))
    rig.turn()
    client.server.wants_write = True
    client.server.flush = lambda: flushed.append(1)  # type: ignore[method-assign]
    rig.carry_out(*bulk(client, chunk(2)))
    rig.turn()
    assert client.events() == [chunk(1)]
    assert client.peer.watch.mask == READ | WRITE
    flushed.clear()
    rig.turn()
    assert flushed, "it is writable"
    client.server.wants_write = False
    rig.settle()
    assert client.events() == [chunk(2)]


def test_it_waits_for_what_is_left_of_the_queue(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(Reply(client.peer, Done(1)), Broadcast([client.peer], delivery(1, 1500)), *bulk(client, chunk()))
    narrow.turn()
    assert client.events() == [Done(1)]
    narrow.turn()
    assert client.events() == [delivery(1, 1500), chunk()]


@settings(max_examples=200, deadline=None)
@given(
    capacity=st.integers(100, 3000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("chat"), st.integers(0, 300)),
            st.tuples(st.just("bulk"), st.integers(1, 2000)),
            st.tuples(st.just("read"), st.integers(1, 4000)),
            st.tuples(st.just("turn"), st.just(0)),
        ),
        max_size=40,
    ),
)
def test_whatever_happens_both_lanes_arrive_whole_and_in_order(capacity: int, steps: list[tuple[str, int]]) -> None:
    rig = Rig()
    client = rig.login()
    client.server.outgoing.capacity = capacity
    said: list[Done] = []
    chunks: list[FileChunk] = []
    events = []
    for what, number in steps:
        match what:
            case "chat":
                said.append(Done(len(said)))
                rig.carry_out(Reply(client.peer, said[-1]))
            case "bulk":
                chunks.append(chunk(len(chunks), number))
                rig.carry_out(*bulk(client, chunks[-1]))
            case "read":
                client.reader.receive(client.transport.receive(number) or b"")
            case "turn":
                rig.turn()
    for _ in range(1000):
        rig.settle()
        events += client.events()
        if len(events) == len(said) + len(chunks):
            break
    assert [event for event in events if isinstance(event, Done)] == said
    assert [event for event in events if isinstance(event, FileChunk)] == chunks
    assert sent(rig) == len(chunks)
    assert (client.peer.queue, client.peer.queued, client.peer.watch.mask) == (None, 0, READ)


# -- limits ---------------------------------------------------------------------------------------------------


def test_what_waits_in_it_counts_towards_no_limit_of_chat(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, *(chunk(n, CHUNK_BYTES) for n in range(40))))
    narrow.turn()
    assert client.peer.queued == 0
    narrow.carry_out(Broadcast([client.peer], delivery(1)))
    narrow.turn()
    assert narrow.core.heard("fell_behind") == []
    assert client.peer.queued == len(encode(delivery(1)))


def test_the_rest_of_a_frame_does_not_keep_a_session_from_being_drained(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, CHUNK_BYTES)))
    narrow.turn()
    client.peer.await_drain()
    narrow.settle()
    assert narrow.core.heard("drained") == [(client.peer,)]


def test_a_session_without_a_transfer_has_no_second_lane_and_one_with_it_favours_latency(rig: Rig) -> None:
    idle, busy = rig.login(), rig.login()
    assert not busy.server.favours_latency
    rig.carry_out(*bulk(busy, chunk()), Reply(idle.peer, Done(1)))
    rig.settle()
    assert idle.peer.bulk is None
    assert (idle.server.favours_latency, busy.server.favours_latency) == (False, True)


def test_one_that_takes_nothing_does_not_keep_the_loop_busy(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 5000), chunk(2)))
    narrow.settle()
    sends = client.server.sends
    assert narrow.settle() == 1
    assert client.server.sends == sends
    assert client.peer.watch.mask == READ | WRITE


def test_one_that_is_paused_still_gets_its_file(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(Pause(client.peer, 5.0), *bulk(client, chunk(1), chunk(2)))
    rig.settle()
    assert client.events() == [chunk(1), chunk(2)]


# -- back to the core -----------------------------------------------------------------------------------------


def test_the_core_is_told_of_each_frame_once_it_is_handed_over_whole(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 1500), chunk(2)))
    narrow.settle()
    assert sent(narrow) == 0
    client.events()
    narrow.settle()
    assert narrow.core.heard("bulk_sent") == [(client.peer,)] * 2


def test_the_file_store_hears_at_once_what_comes_of_it(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_bulk_sent = lambda _: [FileWork(JOB)]
    rig.carry_out(*bulk(client, chunk()))
    rig.turn()
    assert rig.file_store.log == [JOB]
    assert rig.loop.next_due() is None, "and no turn is spent on it"


def test_what_else_comes_of_it_does_not_wait_for_other_events(rig: Rig) -> None:
    client = rig.login()

    def end(_: Handle) -> list[Effect]:
        return [Reply(client.peer, Done(1))]

    rig.core.on_bulk_sent = end
    rig.carry_out(*bulk(client, chunk()))
    rig.turn()
    assert rig.loop.next_due() == 0.0
    rig.turn()
    assert client.events() == [chunk(), Done(1)]


def test_a_download_as_long_as_there_is_more_needs_no_wait(rig: Rig) -> None:
    client = rig.login()
    left = iter(range(2, 50))

    def pump(session: Handle) -> list[Effect]:
        number = next(left, None)
        return [] if number is None else [Bulk(session, chunk(number))]

    rig.core.on_bulk_sent = pump
    rig.carry_out(*bulk(client, chunk(1)))
    rig.loop.again()
    rig.settle()
    assert client.events() == [chunk(number) for number in range(1, 50)]


def test_a_mistake_of_the_core_ends_its_session_only(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    client, other = rig.login(), rig.login()

    def fail(session: Handle) -> list[Effect]:
        if session is client.peer:
            raise RuntimeError("mistake")
        return []

    rig.core.on_bulk_sent = fail
    rig.carry_out(*bulk(client, chunk()), *bulk(other, chunk()))
    rig.settle()
    assert [type(event) for event in client.events()] == [FileChunk, Closing]
    assert other.events() == [chunk()]
    assert rig.core.heard("disconnected") == [(client.peer,)]
    assert "error in the core" in caplog.text


# -- ends -----------------------------------------------------------------------------------------------------


def test_a_close_finishes_the_frame_that_was_begun_and_drops_the_others(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 2500), chunk(2), chunk(3)))
    narrow.turn()
    client.peer.close("CODE", "why")
    events = []
    for _ in range(10):
        narrow.turn()
        events += client.events()
    assert events == [chunk(1, 2500), Closing("CODE", "why")]
    assert client.peer.state == LINGERING
    assert sent(narrow) == 0


def test_a_close_before_anything_was_begun_drops_all(rig: Rig) -> None:
    client = rig.login()
    rig.carry_out(*bulk(client, chunk(1), chunk(2)))
    client.peer.close("CODE", "why")
    rig.settle()
    assert client.events() == [Closing("CODE", "why")]
    assert client.peer.state == LINGERING


def test_one_that_never_takes_the_rest_is_given_up_in_time(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 5000)))
    narrow.turn()
    client.peer.close("CODE", "why")
    narrow.settle()
    assert client.peer.state == CLOSING
    assert client.peer.deadline == narrow.limits.farewell_seconds


def test_one_over_the_hard_limit_reads_why_behind_the_frame_that_was_begun() -> None:
    rig = Rig(Limits(output_hard=KIB), capacity=SMALL)
    client = rig.login()
    rig.carry_out(*bulk(client, chunk(1, 1500)))
    rig.turn()
    rig.carry_out(*[Reply(client.peer, Done(1))] * KIB)
    events = []
    for _ in range(10):
        rig.turn()
        events += client.events()
    assert events[0] == chunk(1, 1500)
    last = events[-1]
    assert isinstance(last, Closing)
    assert last.code == ErrorCode.TOO_SLOW


def test_a_connection_that_breaks_takes_its_lane_with_it(narrow: Rig) -> None:
    client = narrow.login()
    narrow.carry_out(*bulk(client, chunk(1, 5000), chunk(2)))
    narrow.turn()
    client.transport.close()
    narrow.settle()
    assert client.peer.state == CLOSED
    assert client.peer.bulk is None
    assert sent(narrow) == 0
    assert narrow.core.heard("disconnected") == [(client.peer,)]


@pytest.mark.parametrize("way", ["drop", "close"])
def test_one_that_is_gone_takes_nothing_more(rig: Rig, way: str) -> None:
    client = rig.login()
    if way == "drop":
        client.peer.drop()
    else:
        client.peer.close("CODE", "why")
    rig.carry_out(*bulk(client, chunk()))
    rig.settle()
    assert client.peer.bulk is None
    assert sent(rig) == 0

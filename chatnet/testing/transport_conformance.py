"""What every transport must do: a suite to run on one's own, with pytest.

    class TestMyTransport(TransportConformance):
        def make_pair(self) -> Pair:
            return Pair(client, server, selectors.DefaultSelector())

The two ends are connected, their handshake is over if there is one (`establish`), they have carried nothing yet, and
can hold 256 bytes each way that nobody reads. No test sleeps: each waits with the selector, for `PATIENCE` seconds at
most. The rules are those of the port `Transport` in `chatnet.net.ports`; for the other port there is
`chatnet.testing.listener_conformance`.
"""

import hashlib
from collections.abc import Iterator
from ipaddress import ip_address
from random import Random
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import NamedTuple

import pytest

from chatnet.net.ports import WHOLE_READ, Selectable, Transport

PATIENCE = 10.0
"""Seconds for which a test waits for what must come."""
BROKEN = (OSError,)
"""What a broken connection raises; mostly it is a ConnectionError."""
_CHUNK = 64 * 1024
_ENDLESS = 64 * 1024 * 1024
_REFUSALS = 1000


class Pair(NamedTuple):
    """Two ends of one connection, and a selector that can wait for both. The suite closes all three."""

    client: Transport
    server: Transport
    selector: BaseSelector


def wait(selector: BaseSelector, selectable: Selectable, events: int, seconds: float = PATIENCE) -> int:
    """Which of these events are there, now or within ``seconds``; 0 for none."""
    selector.register(selectable, events)
    try:
        ready = selector.select(seconds)
    finally:
        selector.unregister(selectable)
    return ready[0][1] if ready else 0


def establish(pair: Pair) -> None:
    """Let both ends go on with the handshake until it is over."""
    while not (pair.client.is_established and pair.server.is_established):
        watched = [end for end in pair[:2] if not end.is_established]
        ready = _select(pair, {end: EVENT_READ | EVENT_WRITE * end.wants_write for end in watched})
        assert ready, "the handshake comes to no end"
        for end in ready:
            end.flush()
            assert end.receive(WHOLE_READ) is None


def _select(pair: Pair, wanted: dict[Transport, int], seconds: float = PATIENCE) -> dict[Transport, int]:
    """Which of the events are there that are wanted of each end."""
    watched = [(end, events) for end, events in wanted.items() if events]
    for end, events in watched:
        pair.selector.register(end.selectable, events, end)
    try:
        return {key.data: events for key, events in pair.selector.select(seconds)}
    finally:
        for end, _ in watched:
            pair.selector.unregister(end.selectable)


def read(pair: Pair, transport: Transport, limit: int = _CHUNK) -> bytes:
    """The next bytes, or ``b""`` at the end; waits for them. The other end passes on what it holds meanwhile."""
    other = pair.server if transport is pair.client else pair.client
    while (data := transport.receive(limit)) is None:
        ready = _select(pair, {transport: EVENT_READ, other: EVENT_WRITE * other.wants_write})
        assert ready, "nothing came"
        if other in ready:
            other.flush()
    return data


def read_exactly(pair: Pair, transport: Transport, size: int) -> bytes:
    """That many bytes, however they are cut."""
    data = bytearray()
    while len(data) < size:
        more = read(pair, transport, size - len(data))
        assert more, f"the end came after {len(data)} of {size} bytes"
        data += more
    return bytes(data)


def read_all(pair: Pair, transport: Transport) -> bytes:
    """All until the end."""
    data = bytearray()
    while more := read(pair, transport):
        data += more
    return bytes(data)


def read_what_comes(pair: Pair, transport: Transport) -> tuple[bytes, OSError | None]:
    """All until the end or an error, and the error."""
    data = bytearray()
    try:
        while more := read(pair, transport):
            data += more
    except OSError as error:
        return bytes(data), error
    return bytes(data), None


def write(pair: Pair, transport: Transport, data: bytes) -> None:
    """All of it, waiting for room; the other side must not need to read meanwhile."""
    left = memoryview(data)
    while left:
        taken = transport.send(left)
        left = left[taken:]
        assert taken or wait(pair.selector, transport.selectable, EVENT_WRITE), "there never was room"


def fill(pair: Pair, transport: Transport) -> bytes:
    """Write until it takes nothing and the selector says that it would not; what was taken.

    More may go in a moment later: a system moves bytes between its buffers in its own time.
    """
    source = Random(1)
    sent = bytearray()
    data = b""
    refusals = 0
    while refusals < _REFUSALS:
        data = data or source.randbytes(_CHUNK)
        taken = transport.send(data)
        assert 0 <= taken <= len(data)
        sent += data[:taken]
        assert len(sent) < _ENDLESS, "it takes everything, however slow the other side is"
        data = data[taken:]
        refusals = 0 if taken else refusals + 1
        if not taken and not wait(pair.selector, transport.selectable, EVENT_WRITE, 0.0):
            return bytes(sent)
    raise AssertionError("it takes nothing, but the selector says that it would")


class _Flow:
    """One direction of a large transfer: sends from a seeded source, and hashes what goes in and what comes out."""

    def __init__(self, writer: Transport, reader: Transport, size: int, seed: int) -> None:
        self.writer, self.reader = writer, reader
        self._source, self._left, self._data = Random(seed), size, b""
        self.written, self.read = hashlib.sha256(), hashlib.sha256()
        self.is_written = self.is_read = False

    def write(self) -> None:
        """Write once; the end too, when it is due."""
        if not self._data and self._left:
            self._data = self._source.randbytes(min(_CHUNK, self._left))
            self._left -= len(self._data)
        taken = self.writer.send(self._data)
        self.written.update(self._data[:taken])
        self._data = self._data[taken:]
        if not self._data and not self._left:
            self.writer.end()
            self.is_written = True

    def take(self) -> None:
        """Read once."""
        data = self.reader.receive(_CHUNK)
        if data is not None:
            self.read.update(data)
            self.is_read = not data


class TransportConformance:
    """Subclass it as ``Test...`` and define `make_pair`."""

    large = 4 * 1024 * 1024
    """Bytes of the large transfer, each way."""

    def make_pair(self) -> Pair:
        """Two connected ends."""
        raise NotImplementedError

    def break_connection(self, pair: Pair) -> None:
        """Break it as a network may, so that the client learns of it; the server's end may be closed.

        This way does for whatever tells a writer that it was not heard to the end.
        """
        pair.client.send(b"unheard")
        assert wait(pair.selector, pair.server.selectable, EVENT_READ)
        pair.server.close()

    @pytest.fixture
    def pair(self) -> Iterator[Pair]:
        """`make_pair`, closed after the test."""
        pair = self.make_pair()
        yield pair
        pair.client.close()
        pair.server.close()
        pair.selector.close()

    # -- bytes ------------------------------------------------------------------------------------------------

    def test_nothing_is_there_before_something_was_sent(self, pair: Pair) -> None:
        assert pair.client.receive(100) is None
        assert pair.server.receive(100) is None

    def test_bytes_arrive_in_order_both_ways(self, pair: Pair) -> None:
        for i in range(100):
            write(pair, pair.client, b"question %d\n" % i)
            assert read_exactly(pair, pair.server, 10 + len(str(i))) == b"question %d\n" % i
            write(pair, pair.server, b"answer %d\n" % i)
            assert read_exactly(pair, pair.client, 8 + len(str(i))) == b"answer %d\n" % i

    def test_a_read_takes_no_more_than_its_limit_and_leaves_the_rest(self, pair: Pair) -> None:
        write(pair, pair.client, b"abc")
        pieces = [read(pair, pair.server, 1) for _ in range(3)]
        assert pieces == [b"a", b"b", b"c"]
        assert pair.server.receive(1) is None

    def test_what_a_whole_read_leaves_behind_makes_it_readable(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        received = bytearray()
        while len(received) < len(sent):
            ready = _select(pair, {pair.server: EVENT_READ, pair.client: EVENT_WRITE * pair.client.wants_write})
            assert ready, f"it is not told that more than {len(received)} of {len(sent)} bytes are there"
            if pair.client in ready:
                pair.client.flush()
            if pair.server in ready:
                data = pair.server.receive(WHOLE_READ)
                assert data is None or 0 < len(data) <= WHOLE_READ
                received += data or b""
        assert received == sent

    def test_an_end_right_behind_some_bytes_makes_it_readable_too(self, pair: Pair) -> None:
        write(pair, pair.client, b"last words")
        pair.client.end()
        received: list[bytes | None] = []
        while b"" not in received:
            assert wait(pair.selector, pair.server.selectable, EVENT_READ)
            received.append(pair.server.receive(WHOLE_READ))
        assert b"".join(piece or b"" for piece in received) == b"last words"

    def test_what_is_refused_may_be_dropped_and_something_else_be_sent(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        assert read_exactly(pair, pair.server, len(sent)) == sent
        write(pair, pair.client, b"else")
        pair.client.end()
        assert read_all(pair, pair.server) == b"else"

    def test_the_end_comes_after_what_did_not_fit_at_once(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        pair.client.end()
        assert read_all(pair, pair.server) == sent

    def test_any_bytes_go_through_unchanged(self, pair: Pair) -> None:
        every_byte = bytes(range(256))
        write(pair, pair.client, every_byte)
        assert read_exactly(pair, pair.server, 256) == every_byte

    def test_a_memoryview_can_be_sent(self, pair: Pair) -> None:
        taken = pair.client.send(memoryview(b"-view-")[1:5])
        assert read_exactly(pair, pair.server, taken) == b"view"[:taken]

    def test_a_full_way_takes_nothing_until_the_other_side_has_read(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        assert sent, "nothing was taken at all"
        assert read_exactly(pair, pair.server, len(sent)) == sent
        assert wait(pair.selector, pair.client.selectable, EVENT_WRITE) == EVENT_WRITE
        write(pair, pair.client, b"more")
        assert read_exactly(pair, pair.server, 4) == b"more"

    def test_a_full_way_leaves_the_other_way_open(self, pair: Pair) -> None:
        fill(pair, pair.client)
        write(pair, pair.server, b"other way")
        assert read_exactly(pair, pair.client, 9) == b"other way"

    def test_a_large_transfer_both_ways_at_once_arrives_whole(self, pair: Pair) -> None:
        flows = [_Flow(pair.client, pair.server, self.large, 1), _Flow(pair.server, pair.client, self.large, 2)]
        while not all(flow.is_read for flow in flows):
            _turn(pair, flows)
        for flow in flows:
            assert flow.is_written
            assert flow.read.digest() == flow.written.digest()

    # -- latency ----------------------------------------------------------------------------------------------

    def test_what_favours_latency_carries_a_large_transfer_both_ways_as_before(self, pair: Pair) -> None:
        for end in pair[:2]:
            end.favour_latency()
        self.test_a_large_transfer_both_ways_at_once_arrives_whole(pair)

    def test_what_favours_latency_still_takes_something_and_is_writable_again_once_that_is_read(
        self, pair: Pair
    ) -> None:
        pair.client.favour_latency()
        self.test_a_full_way_takes_nothing_until_the_other_side_has_read(pair)

    def test_latency_can_be_favoured_with_a_full_way_and_more_than_once(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        pair.client.favour_latency()
        pair.client.favour_latency()
        pair.client.end()
        assert read_all(pair, pair.server) == sent

    def test_latency_can_be_favoured_on_a_connection_that_is_broken(self, pair: Pair) -> None:
        self.break_connection(pair)
        pair.client.favour_latency()
        with pytest.raises(BROKEN):
            read_all(pair, pair.client)
        pair.client.favour_latency()

    # -- ends -------------------------------------------------------------------------------------------------

    def test_the_end_comes_after_all_that_was_sent(self, pair: Pair) -> None:
        write(pair, pair.client, b"last words")
        pair.client.end()
        assert read_all(pair, pair.server) == b"last words"
        assert pair.server.receive(100) == b"", "the end stays the end"

    def test_whoever_has_ended_can_still_be_answered(self, pair: Pair) -> None:
        pair.client.end()
        assert read_all(pair, pair.server) == b""
        write(pair, pair.server, b"answer")
        pair.server.end()
        assert read_all(pair, pair.client) == b"answer"

    def test_nothing_can_be_sent_after_the_end(self, pair: Pair) -> None:
        pair.client.end()
        with pytest.raises(BROKEN):
            pair.client.send(b"more")

    def test_a_close_is_an_end_for_the_other_side(self, pair: Pair) -> None:
        write(pair, pair.client, b"last words")
        pair.client.close()
        assert read_all(pair, pair.server) == b"last words"

    def test_a_close_behind_unsent_bytes_loses_only_their_tail(self, pair: Pair) -> None:
        sent = fill(pair, pair.client)
        pair.client.close()
        received, _ = read_what_comes(pair, pair.server)
        assert sent.startswith(received)

    def test_writing_to_whoever_has_closed_fails(self, pair: Pair) -> None:
        pair.server.close()
        with pytest.raises(BROKEN):
            _write_for_ever(pair, pair.client)

    def test_a_close_in_the_middle_of_a_write_fails_the_writer(self, pair: Pair) -> None:
        fill(pair, pair.client)
        pair.server.close()
        with pytest.raises(BROKEN):
            _write_for_ever(pair, pair.client)

    def test_close_may_be_called_twice(self, pair: Pair) -> None:
        pair.client.close()
        pair.client.close()
        assert read_all(pair, pair.server) == b""

    def test_a_broken_connection_raises_instead_of_ending(self, pair: Pair) -> None:
        self.break_connection(pair)
        with pytest.raises(BROKEN):
            read_all(pair, pair.client)

    def test_a_broken_connection_takes_no_more_bytes(self, pair: Pair) -> None:
        self.break_connection(pair)
        with pytest.raises(BROKEN):
            _write_for_ever(pair, pair.client)

    def test_what_had_arrived_before_a_break_is_a_prefix_of_what_was_sent(self, pair: Pair) -> None:
        sent = fill(pair, pair.server)
        self.break_connection(pair)
        received, error = read_what_comes(pair, pair.client)
        assert error is not None
        assert sent.startswith(received)

    # -- the selector -----------------------------------------------------------------------------------------

    def test_a_new_connection_is_writable_and_not_readable(self, pair: Pair) -> None:
        for transport in (pair.client, pair.server):
            assert wait(pair.selector, transport.selectable, EVENT_READ | EVENT_WRITE) == EVENT_WRITE
            assert wait(pair.selector, transport.selectable, EVENT_READ, 0.0) == 0

    def test_bytes_make_it_readable_until_they_are_read(self, pair: Pair) -> None:
        write(pair, pair.client, b"x")
        assert wait(pair.selector, pair.server.selectable, EVENT_READ) == EVENT_READ
        assert wait(pair.selector, pair.server.selectable, EVENT_READ) == EVENT_READ, "it was not read yet"
        assert pair.server.receive(100) == b"x"
        assert wait(pair.selector, pair.server.selectable, EVENT_READ, 0.0) == 0

    def test_the_end_makes_it_readable(self, pair: Pair) -> None:
        pair.client.end()
        assert wait(pair.selector, pair.server.selectable, EVENT_READ) == EVENT_READ

    def test_a_close_of_the_other_side_makes_it_readable(self, pair: Pair) -> None:
        pair.client.close()
        assert wait(pair.selector, pair.server.selectable, EVENT_READ) == EVENT_READ

    def test_a_break_makes_it_readable_and_a_full_way_writable(self, pair: Pair) -> None:
        fill(pair, pair.client)
        self.break_connection(pair)
        assert wait(pair.selector, pair.client.selectable, EVENT_READ) == EVENT_READ
        assert wait(pair.selector, pair.client.selectable, EVENT_WRITE) == EVENT_WRITE

    def test_the_selectable_is_always_the_same_object(self, pair: Pair) -> None:
        before = pair.client.selectable
        write(pair, pair.client, b"x")
        pair.client.end()
        assert pair.client.selectable is before

    # -- who it is --------------------------------------------------------------------------------------------

    def test_the_peer_is_one_line_for_people(self, pair: Pair) -> None:
        for transport in (pair.client, pair.server):
            assert transport.peer
            assert transport.peer.isprintable()

    def test_the_host_is_a_numeric_address_or_empty(self, pair: Pair) -> None:
        for transport in (pair.client, pair.server):
            if transport.host:
                assert str(ip_address(transport.host)) == transport.host

    def test_only_on_this_machine_is_it_known_which_user_is_there(self, pair: Pair) -> None:
        for transport in (pair.client, pair.server):
            assert transport.uid == -1 or (transport.uid >= 0 and transport.is_local)

    def test_whether_it_is_local_is_known_on_both_sides(self, pair: Pair) -> None:
        assert isinstance(pair.client.is_local, bool)
        assert pair.client.is_local == pair.server.is_local


def _turn(pair: Pair, flows: list[_Flow]) -> None:
    """Wait until something can be done for the flows, and do it once."""
    wanted: dict[Transport, int] = dict.fromkeys((pair.client, pair.server), 0)
    for flow in flows:
        wanted[flow.writer] |= EVENT_WRITE if flow.writer.wants_write or not flow.is_written else 0
        wanted[flow.reader] |= 0 if flow.is_read else EVENT_READ
    ready = _select(pair, wanted)
    assert ready, "nothing moves any more"
    for flow in flows:
        if ready.get(flow.writer, 0) & EVENT_WRITE:
            flow.writer.flush()
            if not flow.is_written:
                flow.write()
        if ready.get(flow.reader, 0) & EVENT_READ:
            flow.take()


def _write_for_ever(pair: Pair, transport: Transport) -> None:
    """Write until it fails; what has no end is no failure, so it gives up in the end."""
    for _ in range(10_000):
        assert wait(pair.selector, transport.selectable, EVENT_WRITE), "neither room nor an error"
        transport.send(bytes(1024))

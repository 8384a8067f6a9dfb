"""The in-process transport, on its own and over a network with a will of its own."""

import selectors
from random import Random

import pytest

from chatnet.address import MEMORY, Address
from chatnet.errors import CannotListen, ErrorCode, Unreachable
from chatnet.testing.clock import VirtualClock
from chatnet.testing.listener_conformance import ListenerConformance, Listening
from chatnet.testing.network import Faults, FaultyNetwork, MemorySelector
from chatnet.testing.transport_conformance import Pair, TransportConformance
from chatnet.transports.memory import BACKLOG, MemoryNetwork, MemoryTransport, Pipe

NAME = Address(MEMORY, "test")


class TestMemory(TransportConformance):
    def make_pair(self) -> Pair:
        return Pair(*MemoryNetwork().pair(), MemorySelector(VirtualClock()))


class TestMemoryThatIsReset(TransportConformance):
    def make_pair(self) -> Pair:
        return Pair(*MemoryNetwork().pair(), MemorySelector(VirtualClock()))

    def break_connection(self, pair: Pair) -> None:
        assert isinstance(pair.server, MemoryTransport)
        pair.server.reset()


class TestMemoryWithTinyPipes(TransportConformance):
    large = 100_000

    def make_pair(self) -> Pair:
        return Pair(*MemoryNetwork(capacity=256).pair(), MemorySelector(VirtualClock()))


class TestMemoryOverASlowNetwork(TransportConformance):
    large = 200_000

    def make_pair(self) -> Pair:
        clock, rng = VirtualClock(), Random(5)
        network = FaultyNetwork(clock, rng, Faults(delay=0.2, split=0.6, smallest_pipe=256))
        return Pair(*network.pair(), MemorySelector(clock, rng))


class TestMemoryListener(ListenerConformance):
    def make_listener(self) -> Listening:
        network = MemoryNetwork()
        return Listening(network.listen(NAME), network.connect, MemorySelector(VirtualClock()))


# -- names ----------------------------------------------------------------------------------------------------


def test_a_name_in_use_is_refused_until_it_is_free() -> None:
    network = MemoryNetwork()
    listener = network.listen(NAME)
    with pytest.raises(CannotListen) as refused:
        network.listen(NAME)
    assert refused.value.code == ErrorCode.ADDRESS_IN_USE
    listener.close()
    network.listen(NAME)


def test_a_name_that_nobody_has_is_unreachable() -> None:
    with pytest.raises(Unreachable) as failure:
        MemoryNetwork().connect(NAME)
    assert failure.value.code == ErrorCode.UNREACHABLE


def test_a_full_backlog_refuses_one_more() -> None:
    network = MemoryNetwork()
    listener = network.listen(NAME)
    for _ in range(BACKLOG):
        network.connect(NAME)
    with pytest.raises(Unreachable):
        network.connect(NAME)
    assert listener.accept() is not None
    network.connect(NAME)


def test_whoever_waits_to_be_accepted_is_reset_when_the_listener_closes() -> None:
    network = MemoryNetwork()
    listener = network.listen(NAME)
    client = network.connect(NAME)
    listener.close()
    with pytest.raises(ConnectionResetError):
        client.receive(100)


# -- pipes ----------------------------------------------------------------------------------------------------


def test_a_pipe_holds_no_more_than_its_capacity_in_flight_and_arrived() -> None:
    pipe = Pipe(10, carry=lambda _pipe, _size: None)
    assert pipe.write(b"123456") == 6
    pipe.arrive(3)
    assert pipe.write(b"7890abc") == 4
    assert not pipe.is_writable
    assert pipe.read(100) == b"123"
    assert pipe.write(b"abcd") == 3


def test_bytes_in_flight_are_not_readable() -> None:
    pipe = Pipe(10, carry=lambda _pipe, _size: None)
    pipe.write(b"abc")
    assert not pipe.is_readable
    assert pipe.read(100) is None
    pipe.arrive(2)
    assert pipe.read(100) == b"ab"


def test_the_end_does_not_overtake_bytes_in_flight() -> None:
    pipe = Pipe(10, carry=lambda _pipe, _size: None)
    pipe.write(b"abc")
    pipe.end()
    pipe.arrive(2)
    assert pipe.read(100) == b"ab"
    assert pipe.read(100) is None
    pipe.arrive(1)
    assert pipe.read(100) == b"c"
    assert pipe.read(100) == b""


def test_a_break_loses_what_is_in_flight_and_keeps_what_had_arrived() -> None:
    pipe = Pipe(10, carry=lambda _pipe, _size: None)
    pipe.write(b"abcdef")
    pipe.arrive(3)
    pipe.break_off()
    pipe.arrive(3)
    assert pipe.read(100) == b"abc"
    with pytest.raises(ConnectionResetError):
        pipe.read(100)


def test_a_real_selector_refuses_a_memory_transport() -> None:
    client, _ = MemoryNetwork().pair()
    with selectors.DefaultSelector() as selector, pytest.raises(ValueError, match="Invalid file descriptor"):
        selector.register(client, selectors.EVENT_READ)

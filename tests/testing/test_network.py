"""The network with faults, and the selector that waits in virtual time."""

from random import Random
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from chatnet.address import MEMORY, Address
from chatnet.errors import Unreachable
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import Faults, FaultyNetwork, MemorySelector, MemoryWaker, Stalled
from chatnet.transports.memory import MemoryNetwork, MemoryTransport

NAME = Address(MEMORY, "test")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def connected(
    clock: VirtualClock, faults: Faults, seed: int = 1
) -> tuple[FaultyNetwork, MemoryTransport, MemoryTransport]:
    network = FaultyNetwork(clock, Random(seed), faults)
    listener = network.listen(NAME)
    client = network.connect(NAME)
    server = listener.accept()
    assert server is not None
    return network, client, server


def arrivals(clock: VirtualClock, transport: MemoryTransport) -> list[tuple[float, bytes]]:
    """When which bytes arrive, until nothing is planned any more."""
    found = []
    while clock.next_due is not None:
        clock.advance_to(clock.next_due)
        if data := transport.receive(1 << 20):
            found.append((clock.now().monotonic, data))
    return found


# -- faults ---------------------------------------------------------------------------------------------------


def test_without_faults_bytes_arrive_at_once(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults())
    client.send(b"hello")
    assert server.receive(100) == b"hello"


def test_delayed_bytes_arrive_later_within_the_delay(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5))
    client.send(b"hello")
    assert server.receive(100) is None
    clock.advance(0.5)
    assert server.receive(100) == b"hello"


def test_split_bytes_arrive_in_pieces_and_in_order(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5, split=0.9))
    client.send(bytes(range(200)))
    found = arrivals(clock, server)
    assert len(found) >= 3
    assert b"".join(data for _, data in found) == bytes(range(200))


def test_later_bytes_do_not_overtake(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5))
    for i in range(100):
        client.send(bytes([i]))
        clock.advance(0.01)
    clock.advance(1.0)
    assert server.receive(1000) == bytes(range(100))


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    runs = []
    for seed in (1, 1, 2):
        run_clock = VirtualClock()
        _, client, server = connected(run_clock, Faults(delay=0.5, split=0.5), seed)
        for i in range(10):
            client.send(bytes([i]) * 50)
        runs.append(arrivals(run_clock, server))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_nothing_arrives_while_a_link_is_held(clock: VirtualClock) -> None:
    network, client, server = connected(clock, Faults(delay=0.1))
    (link,) = network.links
    link.hold()
    client.send(b"one ")
    server.send(b"reply")
    clock.advance(60.0)
    client.send(b"two")
    client.end()
    clock.advance(60.0)
    assert server.receive(100) is None
    assert client.receive(100) is None
    link.release()
    assert server.receive(100) == b"one two"
    assert server.receive(100) == b""
    assert client.receive(100) == b"reply"


def test_a_reset_loses_what_is_under_way_in_both_directions(clock: VirtualClock) -> None:
    network, client, server = connected(clock, Faults(delay=0.5))
    client.send(b"arrives")
    clock.advance(0.5)
    client.send(b"lost")
    server.send(b"lost too")
    network.links[0].reset()
    clock.advance(1.0)
    assert server.receive(100) == b"arrives"
    for transport in (client, server):
        with pytest.raises(ConnectionResetError):
            transport.receive(100)
        with pytest.raises(ConnectionResetError):
            transport.send(b"more")
    assert network.links == []


def test_a_stall_lasts_its_time(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(stall=1.0, stall_seconds=5.0))
    client.send(b"passes before the stall")
    assert server.receive(100) == b"passes before the stall"
    client.send(b"late")
    clock.advance(4.9)
    assert server.receive(100) is None
    clock.advance(0.1)
    assert server.receive(100) == b"late"


def test_a_random_reset_comes_within_the_delay(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5, reset=1.0))
    client.send(b"hello")
    clock.advance(0.5)
    # What had arrived before the reset can still be read.
    if server.incoming.has_unread:
        assert server.receive(100) == b"hello"
    for transport in (client, server):
        with pytest.raises(ConnectionResetError):
            transport.receive(100)


def test_a_half_close_ends_one_way_and_leaves_the_other(clock: VirtualClock) -> None:
    network, client, server = connected(clock, Faults(half_close=1.0))
    client.send(b"hello")
    assert server.receive(100) == b"hello"
    assert server.receive(100) == b""
    with pytest.raises(BrokenPipeError):
        client.send(b"more")
    assert server.send(b"reply") == 5
    assert client.receive(100) == b"reply"
    assert len(network.links) == 1


def test_a_small_pipe_takes_writes_in_part(clock: VirtualClock) -> None:
    sizes = {connected(clock, Faults(smallest_pipe=1), seed)[1].send(bytes(1 << 20)) for seed in range(20)}
    assert len(sizes) > 10
    assert all(1 <= size <= 64 * 1024 for size in sizes)


def test_a_network_may_refuse_a_connect(clock: VirtualClock) -> None:
    network = FaultyNetwork(clock, Random(1), Faults(refuse=1.0))
    network.listen(NAME)
    with pytest.raises(Unreachable):
        network.connect(NAME)
    network.faults = Faults()
    network.connect(NAME)


def test_a_link_is_open_until_both_sides_have_closed(clock: VirtualClock) -> None:
    network, client, server = connected(clock, Faults())
    client.close()
    assert len(network.links) == 1
    server.close()
    assert network.links == []


# -- the selector ---------------------------------------------------------------------------------------------


def test_a_wait_advances_the_clock_to_what_comes_first(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5))
    selector = MemorySelector(clock)
    selector.register(server, EVENT_READ, "the server")
    client.send(b"hello")
    ((key, events),) = selector.select(10.0)
    assert (key.data, events) == ("the server", EVENT_READ)
    assert 0 < clock.now().monotonic <= 0.5


def test_a_wait_without_an_event_ends_at_its_time_out(clock: VirtualClock) -> None:
    _, _, server = connected(clock, Faults())
    selector = MemorySelector(clock)
    selector.register(server, EVENT_READ)
    assert selector.select(2.5) == []
    assert clock.now().monotonic == 2.5


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_wait_of_no_time_only_looks(clock: VirtualClock, timeout: float) -> None:
    _, client, server = connected(clock, Faults(delay=0.5))
    selector = MemorySelector(clock)
    selector.register(server, EVENT_READ)
    client.send(b"hello")
    assert selector.select(timeout) == []
    assert clock.now().monotonic == 0.0


def test_a_wait_that_nothing_can_end_is_an_error_instead_of_a_hang(clock: VirtualClock) -> None:
    _, _, server = connected(clock, Faults())
    selector = MemorySelector(clock)
    selector.register(server, EVENT_READ)
    with pytest.raises(Stalled):
        selector.select(None)


def test_a_selector_that_does_not_advance_tells_how_long_it_would_have_waited(clock: VirtualClock) -> None:
    _, client, server = connected(clock, Faults(delay=0.5))
    selector = MemorySelector(clock, advances=False)
    selector.register(server, EVENT_READ)
    client.send(b"hello")
    assert selector.select(30.0) == []
    assert clock.now().monotonic == 0.0
    assert selector.wake_at == 30.0
    clock.advance_to(clock.next_due or 0.0)
    assert [key.fileobj for key, _ in selector.ready()] == [server]
    assert len(selector.select(None)) == 1
    assert selector.wake_at is None


def test_only_the_events_that_were_asked_for_are_reported(clock: VirtualClock) -> None:
    client, server = MemoryNetwork().pair()
    selector = MemorySelector(clock)
    selector.register(server, EVENT_READ | EVENT_WRITE)
    client.send(b"x")
    assert selector.select(0)[0][1] == EVENT_READ | EVENT_WRITE
    selector.modify(server, EVENT_WRITE)
    assert selector.select(0)[0][1] == EVENT_WRITE
    assert selector.unregister(server).fileobj is server
    assert selector.select(0) == []


def test_a_closed_transport_is_not_reported_and_can_be_unregistered(clock: VirtualClock) -> None:
    _, server = MemoryNetwork().pair()
    selector = MemorySelector(clock)
    selector.register(server, EVENT_WRITE)
    server.close()
    assert selector.select(0) == []
    selector.unregister(server)


def test_with_a_seed_what_is_ready_comes_in_an_order_of_its_own(clock: VirtualClock) -> None:
    selector = MemorySelector(clock, Random(1))
    for i in range(20):
        selector.register(MemoryNetwork().pair()[0], EVENT_WRITE, i)
    orders = [[key.data for key, _ in selector.select(0)] for _ in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]


def test_wrong_registrations_are_refused(clock: VirtualClock) -> None:
    selector = MemorySelector(clock)
    transport, other = MemoryNetwork().pair()
    selector.register(transport, EVENT_READ)
    with pytest.raises(KeyError):
        selector.register(transport, EVENT_READ)
    with pytest.raises(ValueError, match="no such events"):
        selector.register(other, 0)
    with pytest.raises(ValueError, match="virtual time"):
        selector.register(0, EVENT_READ)
    with pytest.raises(KeyError):
        selector.unregister(other)


def test_a_waker_ends_the_wait_in_which_it_is_notified(clock: VirtualClock) -> None:
    selector, waker = MemorySelector(clock), MemoryWaker()
    selector.register(waker.selectable, EVENT_READ)
    clock.call_later(1.0, waker.notify)
    assert len(selector.select(10.0)) == 1
    assert clock.now().monotonic == 1.0
    waker.drain()
    assert selector.select(10.0) == []
    assert clock.now().monotonic == 11.0

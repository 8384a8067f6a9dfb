"""Letting connections in: until there is no room, and through errors of the system."""

import errno

import pytest

from chatnet.address import MEMORY, Address
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing
from chatnet.net.listening import BACK_OFF_SECONDS, RETRY_SECONDS, Acceptor
from chatnet.transports.memory import MemoryListener, MemoryTransport
from chatnet.wire.codec import decode_event
from chatnet.wire.frames import PREFACE, FrameReader
from tests.net.rig import HELLO, Rig

NAME = Address(MEMORY, host="here")


class FailingListener(MemoryListener):
    """A listener whose next accepts raise these errors."""

    def __init__(self) -> None:
        super().__init__(NAME, lambda: None)
        self.errors: list[OSError] = []
        self.calls = 0

    def accept(self) -> MemoryTransport | None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().accept()


class World(Rig):
    def __init__(self, limits: Limits | None = None, capacity: int = 1000) -> None:
        super().__init__(limits)
        self.listener = FailingListener()
        self.acceptor = Acceptor([self.listener], self.frontend, self.intake, self.connections, capacity)

    def arrive(self, host: str = "") -> MemoryTransport:
        """A client connects."""
        client, server = self.network.pair()
        server.host = host
        self.listener.offer(server)
        return client


def events(transport: MemoryTransport) -> list[object]:
    found: list[object] = []
    reader = FrameReader(65536)
    reader.receive(transport.receive(65536) or b"")
    while (payload := reader.next_frame()) is not None:
        found.append(decode_event(payload))
    return found


FULL = [Closing(ErrorCode.SERVER_FULL, "too many connections; try again later", RETRY_SECONDS)]


def test_connections_are_let_in() -> None:
    world = World()
    clients = [world.arrive() for _ in range(3)]
    for client in clients:
        client.send(PREFACE)
    world.settle()
    assert [events(client) for client in clients] == [[HELLO]] * 3


def test_many_at_once_are_let_in_over_several_turns() -> None:
    world = World()
    for _ in range(200):
        world.arrive()
    world.turn()
    assert 0 < len(world.connections.all) < 200
    world.settle()
    assert len(world.connections.all) == 200


def test_one_stranger_too_many_is_told_when_to_come_back() -> None:
    world = World(Limits(strangers=2))
    clients = [world.arrive() for _ in range(3)]
    world.settle()
    assert [events(client) for client in clients] == [[], [], FULL]
    assert clients[2].receive(1) == b""


def test_there_is_room_again_once_strangers_have_logged_in() -> None:
    world = World(Limits(strangers=1))
    for _ in range(5):
        client = world.arrive()
        client.send(PREFACE)
        world.settle()
        assert events(client) == [HELLO]


def test_one_connection_too_many_is_turned_away_at_once() -> None:
    world = World(capacity=2)
    clients = [world.arrive() for _ in range(3)]
    world.settle()
    assert len(world.connections.all) == 2
    assert events(clients[2]) == FULL
    assert clients[2].receive(1) == b""


def test_one_place_that_only_knocks_is_shut_out_without_a_word_and_others_are_not() -> None:
    world = World(Limits(wasted_connections_per_place=2, wasted_connection_seconds=60.0))
    knocking = [world.arrive("192.0.2.1") for _ in range(3)]
    others = [world.arrive("192.0.2.2"), world.arrive()]
    world.settle()
    assert len(world.connections.all) == world.connections.strangers == 4
    assert [client.receive(1) for client in (*knocking, *others)] == [None, None, b"", None, None]
    knocking[0].close()
    world.settle()
    late = world.arrive("192.0.2.1")
    world.settle()
    assert late.receive(1) == b""
    assert len(world.connections.all) == 3
    world.clock.advance(60.0)
    world.arrive("192.0.2.1")
    world.settle()
    assert len(world.connections.all) == 4


def test_who_logs_in_gives_the_slot_back_and_who_is_told_that_there_is_no_room_does_not() -> None:
    world = World(Limits(wasted_connections_per_place=2, strangers=1))
    for _ in range(10):
        world.arrive("192.0.2.1").send(PREFACE)
        world.settle()
    assert len(world.connections.all) == 10
    clients = [world.arrive("192.0.2.1") for _ in range(3)]
    world.settle()
    assert [events(client) for client in clients] == [[], FULL, []]
    assert clients[2].receive(1) == b""


def test_one_turned_away_that_is_gone_already_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    world = World(capacity=0)
    world.arrive().close()
    world.settle()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_connection_that_was_aborted_before_it_was_accepted_is_passed_over() -> None:
    world = World()
    world.listener.errors = [ConnectionAbortedError(errno.ECONNABORTED, "aborted")]
    world.arrive()
    world.settle()
    assert len(world.connections.all) == 1


def test_without_file_descriptors_it_pauses_instead_of_spinning_and_complains_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.listener.errors = [OSError(errno.EMFILE, "Too many open files") for _ in range(3)]
    world.arrive()
    for calls in range(1, 4):
        world.settle()
        world.settle()
        assert world.listener.calls == calls
        world.clock.advance(BACK_OFF_SECONDS)
    world.settle()
    assert len(world.connections.all) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "cannot accept connections just now: [Errno 24] Too many open files"
    ]


def test_it_complains_again_about_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for _ in range(2):
        world.listener.errors = [OSError(errno.EMFILE, "Too many open files")]
        world.arrive()
        world.settle()
        world.clock.advance(BACK_OFF_SECONDS)
        world.settle()
    assert len(caplog.records) == 2


def test_a_closed_acceptor_lets_nobody_in_not_even_after_a_pause() -> None:
    world = World()
    world.listener.errors = [OSError(errno.EMFILE, "Too many open files")]
    world.arrive()
    world.settle()
    world.acceptor.close()
    world.clock.advance(BACK_OFF_SECONDS)
    world.settle()
    assert world.connections.all == {}
    world.acceptor.close()

"""Peers whose transport has a handshake, or holds bytes back: its deadline, and what waits meanwhile."""

import logging

import pytest

from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing
from chatnet.net.keepalive import Keepalive
from chatnet.net.listening import RETRY_SECONDS
from chatnet.net.peer import CLOSED, CLOSING, LINGERING, OPEN
from chatnet.net.shutdown import Shutdown
from chatnet.wire.frames import PREFACE
from tests.net.rig import HELLO, Client, CountingTransport, Rig
from tests.net.test_listening import World

SHAKE, ANSWER = b"<shake>", b"<answer>"


class ShakingTransport(CountingTransport):
    """Is established once it has read `SHAKE`, which it answers; takes all that it is given, and sends what it may.

    ``room``: bytes that may go out; what is more, it holds.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.is_established = False
        self.room = 1 << 30
        self.held = b""

    @property
    def wants_write(self) -> bool:  # type: ignore[override]
        return bool(self.held)

    def receive(self, limit: int) -> bytes | None:
        data = super().receive(limit)
        if self.is_established or data is None:
            return data
        assert data.startswith(SHAKE), "the handshake was not the first thing"
        self.is_established = True
        self.pass_on(ANSWER)
        return data[len(SHAKE) :] or None

    def send(self, data: bytes | memoryview) -> int:
        self.flush()
        if not self.is_established or self.held:
            return 0
        self.pass_on(bytes(data))
        return len(data)

    def pass_on(self, data: bytes) -> None:
        self.held += data
        self.flush()

    def flush(self) -> None:
        assert not self.is_closed
        now, self.held = self.held[: self.room], self.held[self.room :]
        self.room -= super().send(now) if now else 0

    def readiness(self) -> int:
        return super().readiness() & (3 if self.room else 1)


class Shaking(Rig):
    """Connections with a handshake, and time that passes."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        Keepalive(self.dispatcher, self.connections)

    def arrive(self) -> tuple[Client, ShakingTransport]:
        transport, other = self.network.pair()
        server = ShakingTransport(other.incoming, other.outgoing, other.peer)
        peer = self.connections.add(server, self.frontend(), self.intake)
        return Client(transport, server, peer), server

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.settle()


@pytest.fixture
def rig() -> Shaking:
    return Shaking()


def last_words(client: Client) -> Closing:
    assert client.transport.receive(len(ANSWER)) == ANSWER
    (event,) = client.events()
    assert isinstance(event, Closing)
    return event


def test_a_preface_right_behind_the_handshake_is_heard(rig: Shaking) -> None:
    client, _ = rig.arrive()
    client.transport.send(SHAKE + PREFACE)
    rig.settle()
    assert client.transport.receive(len(ANSWER)) == ANSWER
    assert client.events() == [HELLO]


def test_a_handshake_that_is_not_finished_in_time_is_dropped_without_a_word(
    rig: Shaking, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = rig.arrive()
    with caplog.at_level(logging.DEBUG, "chatnet.net.peer"):
        rig.pass_time(4)
        assert client.peer.state == OPEN
        rig.pass_time(1)
    assert client.peer.state == CLOSED
    assert client.read() == b""
    assert client.sees_end
    assert rig.connections.strangers == 0
    assert [record.getMessage() for record in caplog.records] == [f"{client.peer!r}: no handshake in time"]


def test_a_finished_handshake_leaves_the_rest_of_the_time_to_log_in(rig: Shaking) -> None:
    client, _ = rig.arrive()
    rig.pass_time(4)
    client.transport.send(SHAKE)
    rig.pass_time(5)
    assert client.peer.state == OPEN
    rig.pass_time(1)
    assert last_words(client).code == ErrorCode.AUTH_TIMEOUT


def test_last_words_wait_for_the_handshake_without_spinning(rig: Shaking) -> None:
    client, _ = rig.arrive()
    client.peer.close(ErrorCode.SERVER_FULL, "full")
    assert rig.settle() < 5
    assert client.read() == b""
    client.transport.send(SHAKE)
    rig.settle()
    assert last_words(client).code == ErrorCode.SERVER_FULL
    assert client.peer.state == LINGERING
    assert client.sees_end


def test_one_who_is_closed_and_never_shakes_hands_is_gone_in_time(rig: Shaking) -> None:
    client, _ = rig.arrive()
    client.peer.close(ErrorCode.SERVER_FULL, "full")
    rig.pass_time(5)
    assert client.peer.state == CLOSED
    assert rig.connections.closing == 0


def test_one_stranger_too_many_is_told_so_behind_its_handshake() -> None:
    world = World(Limits(strangers=1))
    world.arrive()
    client, other = world.network.pair()
    world.listener.offer(ShakingTransport(other.incoming, other.outgoing, other.peer))
    world.settle()
    client.send(SHAKE)
    world.settle()
    assert client.receive(len(ANSWER)) == ANSWER
    said = Client(client, other, next(iter(world.connections.all))).events()  # type: ignore[arg-type]
    assert said == [Closing(ErrorCode.SERVER_FULL, "too many connections; try again later", RETRY_SECONDS)]


def test_one_connection_too_many_is_closed_during_its_handshake() -> None:
    world = World(capacity=0)
    client, other = world.network.pair()
    world.listener.offer(ShakingTransport(other.incoming, other.outgoing, other.peer))
    world.settle()
    assert client.receive(100) == b""


def test_a_stopping_server_tells_those_who_shake_hands_just_now(rig: Shaking) -> None:
    client, _ = rig.arrive()
    acceptor = World().acceptor
    shutdown = Shutdown(acceptor, rig.link, rig.files, rig.connections)
    shutdown.step()
    client.transport.send(SHAKE)
    rig.settle()
    assert last_words(client).code == ErrorCode.SHUTTING_DOWN


def test_an_answer_of_the_handshake_that_does_not_fit_goes_out_later(rig: Shaking) -> None:
    client, server = rig.arrive()
    server.room = 3
    client.transport.send(SHAKE)
    rig.settle()
    assert client.read() == ANSWER[:3]
    server.room = 100
    rig.settle()
    assert client.read() == ANSWER[3:]
    assert rig.settle() == 1, "it still waits for room"


def established(rig: Shaking) -> tuple[Client, ShakingTransport]:
    client, server = rig.arrive()
    client.transport.send(SHAKE + PREFACE)
    rig.settle()
    client.read()
    return client, server


def test_bytes_that_the_transport_holds_go_out_when_there_is_room(rig: Shaking) -> None:
    client, server = established(rig)
    server.room = 4
    client.peer.put(b"0123456789")
    rig.settle()
    assert client.read() == b"0123"
    assert client.peer.queue is None
    server.room = 3
    rig.settle()
    client.peer.put(b"abc")
    rig.settle()
    server.room = 100
    rig.settle()
    assert client.read() == b"456789abc"
    assert rig.settle() == 1, "it still waits for room"


def test_an_end_waits_for_what_the_transport_holds(rig: Shaking) -> None:
    client, server = established(rig)
    server.room = 4
    client.peer.close(ErrorCode.INTERNAL, "sorry")
    rig.settle()
    assert client.peer.state == CLOSING
    server.room = 1000
    rig.settle()
    assert client.peer.state == LINGERING
    assert [event.code for event in client.events() if isinstance(event, Closing)] == [ErrorCode.INTERNAL]
    assert client.sees_end


def test_one_who_ended_its_side_still_gets_what_the_transport_holds(rig: Shaking) -> None:
    client, server = established(rig)
    server.room = 4
    client.peer.put(b"0123456789")
    client.transport.end()
    rig.settle()
    assert client.peer.state != CLOSED
    server.room = 1000
    rig.settle()
    assert client.read() == b"0123456789"
    assert client.peer.state == CLOSED


def test_a_farewell_of_the_transport_that_does_not_fit_goes_out_later(rig: Shaking) -> None:
    class Polite(ShakingTransport):
        def end(self) -> None:
            self.room = 0
            self.pass_on(b"<bye>")

    transport, other = rig.network.pair()
    server = Polite(other.incoming, other.outgoing, other.peer)
    peer = rig.connections.add(server, rig.frontend(), rig.intake)
    client = Client(transport, server, peer)
    transport.send(SHAKE + PREFACE)
    rig.settle()
    client.read()
    peer.close(ErrorCode.INTERNAL, "sorry")
    rig.settle()
    assert not client.read().endswith(b"<bye>")
    server.room = 100
    rig.settle()
    assert client.read() == b"<bye>"


def test_a_transport_that_breaks_as_it_flushes_is_dropped(rig: Shaking) -> None:
    client, server = established(rig)
    server.room = 4
    client.peer.put(b"0123456789")
    rig.settle()
    client.transport.close()
    server.room = 100
    rig.settle()
    assert client.peer.state == CLOSED


def test_one_who_is_dropped_with_output_queued_is_left_alone(rig: Shaking) -> None:
    client, server = established(rig)
    client.peer.put(b"x")
    client.peer.drop()
    rig.settle()
    assert client.peer.state == CLOSED
    assert server.is_closed

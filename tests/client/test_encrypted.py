"""A client's way to a server with TLS, and to those who only seem to be one."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.address import TCP, TLS, Address
from chatnet.client.driver import Driver
from chatnet.client.identity import Identity
from chatnet.client.link import Link
from chatnet.client.news import Incoming, Offline
from chatnet.client.outbox import ToUser
from chatnet.client.session import ClientSession, Phase
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, TrustError, Unreachable
from chatnet.events import Hello
from chatnet.net.certificates import CERTIFICATE_NAME, KEY_NAME, Certificates, given_certificates, own_certificates
from chatnet.net.ports import Listener
from chatnet.net.trust import ByAuthority, Pinned, Trust, Unproven
from chatnet.server import Server
from chatnet.transports import registry, tls
from chatnet.transports.stream import StreamTransport
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE
from tests.client.servers import PATIENCE, Wire, listening, running


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    own_certificates(tmp_path)
    return given_certificates(tmp_path / CERTIFICATE_NAME, tmp_path / KEY_NAME)


@pytest.fixture
def server(certificates: Certificates) -> Iterator[Address]:
    listener = tls.listen(Address(TLS, "127.0.0.1", 0), certificates)
    with Server(Config(limits=Limits(farewell_seconds=0.2)), listeners=[listener]) as running_server:
        yield running_server.addresses[0]


def new_session() -> ClientSession:
    return ClientSession("alice", Identity(b"s" * 32, b"d" * 16), random=lambda: 0.0)


def driver(trust: Trust, *, reconnect: bool = False) -> Driver:
    return Driver(new_session(), timeout=PATIENCE, reconnect=reconnect, trust=lambda _: trust)


def seconds_since(start: float) -> float:
    return time.monotonic() - start


@pytest.mark.parametrize("by_pin", [True, False])
def test_a_client_logs_in_to_the_pinned_or_an_unproven_server(
    server: Address, certificates: Certificates, by_pin: bool
) -> None:
    client = driver(Pinned(certificates.current.pin) if by_pin else Unproven())
    assert client.connect([server]) == server
    assert client.session.is_online
    client.close()


def test_another_key_stops_the_client_and_no_other_address_is_tried(
    server: Address, certificates: Certificates
) -> None:
    client = driver(Pinned(bytes(32)))
    with running() as plain, pytest.raises(TrustError) as refused:
        client.connect([server, plain])
    assert (refused.value.expected, refused.value.seen) == (bytes(32), certificates.current.pin)
    assert not client.session.is_online
    client.close()


def test_a_server_that_no_authority_knows_is_refused_with_its_pin(server: Address, certificates: Certificates) -> None:
    client = driver(ByAuthority())
    with pytest.raises(TrustError, match="self-signed certificate") as refused:
        client.connect([server])
    assert (refused.value.expected, refused.value.seen) == (None, certificates.current.pin)
    client.close()


def test_the_pin_that_was_seen_is_the_one_to_connect_with(server: Address) -> None:
    client = driver(ByAuthority())
    with pytest.raises(TrustError) as refused:
        client.connect([server])
    client.close()
    assert refused.value.seen is not None
    client = driver(Pinned(refused.value.seen))
    client.connect([server])
    client.close()


def test_a_plain_server_is_no_fallback(server: Address) -> None:
    del server
    client = driver(Unproven())
    words = r"does not speak TLS; without encryption it may be chatnet\+tcp://"
    with running() as plain, pytest.raises(Unreachable, match=words) as no:
        client.connect([Address(TLS, plain.host, plain.port)])
    assert no.value.code == ErrorCode.TLS_FAILED
    client.close()


def test_a_plain_client_at_a_tls_port_is_only_hung_up_on(server: Address) -> None:
    client = driver(Unproven())
    with pytest.raises(Unreachable):
        client.connect([Address(TCP, server.host, server.port)])
    client.close()
    client = driver(Unproven())
    client.connect([server])
    client.close()


def test_a_server_that_hangs_up_in_the_handshake_is_unreachable() -> None:
    with listening(None, hangs_up=True) as address:
        link = Link(new_session(), lambda _: Unproven())
        with pytest.raises(Unreachable) as failure:
            link.connect(Address(TLS, address.host, address.port), PATIENCE)
        assert failure.value.code in (ErrorCode.TLS_FAILED, ErrorCode.UNREACHABLE)
        assert not link.is_connected
        link.close()


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with listening(None) as address:
        link = Link(new_session(), lambda _: Unproven())
        start = time.monotonic()
        with pytest.raises(Unreachable, match="no TLS handshake with chatnet://") as failure:
            link.connect(Address(TLS, address.host, address.port), 0.2)
        assert 0.2 <= seconds_since(start) < PATIENCE / 2
        assert failure.value.code == ErrorCode.TLS_FAILED
        link.close()


def test_a_wake_during_the_handshake_is_not_lost() -> None:
    with listening(None) as address:
        link = Link(new_session(), lambda _: Unproven())
        waker = threading.Timer(0.05, link.wake)
        waker.start()
        with pytest.raises(Unreachable):
            link.connect(Address(TLS, address.host, address.port), 0.2)
        waker.join()
        assert link.take_woken()
        link.close()


def test_a_key_that_changed_while_the_connection_was_gone_stops_the_client(
    server: Address, certificates: Certificates, tmp_path: Path
) -> None:
    wire = Wire(server)
    client = driver(Pinned(certificates.current.pin), reconnect=True)
    client.connect([Address(TLS, wire.address.host, wire.address.port)])
    client.news.clear()
    for name in (CERTIFICATE_NAME, KEY_NAME):
        (tmp_path / name).unlink()
    new = own_certificates(tmp_path).current
    assert certificates.reload()
    wire.cut()
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(TrustError):
        client.wait(lambda: None, deadline)
    codes = [news.code for news in client.news if isinstance(news, Offline)]
    assert codes[-1] == ErrorCode.UNTRUSTED
    connections = wire.connections
    with pytest.raises(TrustError):
        client.step(deadline)
    assert wire.connections == connections, "it tried again"
    assert new.pin == certificates.current.pin
    client.close()
    wire.close()


def test_large_messages_go_both_ways(server: Address, certificates: Certificates) -> None:
    """What is more than one write, and more than one record."""
    with socket.create_connection((server.host, server.port), PATIENCE):  # one who never shakes hands is no hindrance
        client = driver(Pinned(certificates.current.pin))
        client.connect([server])
        sent = [f"{i} " + "x" * 16000 for i in range(16)]
        for text in sent:
            client.session.post(ToUser("alice"), text)
        heard: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while len(heard) < len(sent):
            assert time.monotonic() < deadline
            client.step(deadline)
            heard += [news.message.body for news in client.news if isinstance(news, Incoming)]
            client.news.clear()
        assert heard == sent
        client.close()


def test_what_comes_right_behind_the_handshake_is_heard() -> None:
    class Hasty(StreamTransport):
        """Its handshake is over with the first bytes, which are no part of it. Other servers' TLS may do that."""

        is_established = False

        def receive(self, limit: int) -> bytes | None:
            data = super().receive(limit)
            self.__class__.is_established = data is not None
            return data

    link, session, theirs = behind(Hasty)
    theirs.sendall(encode(Hello(bytes(16), "")))
    link.connect(ODD, PATIENCE)
    assert session.phase is Phase.LOGIN
    link.close()
    theirs.close()


def test_bytes_that_the_transport_holds_go_out_without_waiting_for_an_answer() -> None:
    class Holding(StreamTransport):
        """Sends only what it is told to flush."""

        held = b""
        wants_write = False

        def send(self, data: bytes | memoryview) -> int:
            Holding.held += data
            Holding.wants_write = True
            return len(data)

        def flush(self) -> None:
            super().send(Holding.held)
            Holding.held, Holding.wants_write = b"", False

    link, _, theirs = behind(Holding)
    link.connect(ODD, PATIENCE)
    start = time.monotonic()
    link.step(start + PATIENCE)
    assert seconds_since(start) < PATIENCE / 2, "it waits while something is to be sent"
    assert theirs.recv(100) == PREFACE
    start = time.monotonic()
    link.step(start + 0.05)
    assert seconds_since(start) > 0.04, "it still waits for room"
    link.close()
    theirs.close()


ODD = Address("chatnet+odd", "somewhere", 1)


def behind(kind: type[StreamTransport]) -> tuple[Link, ClientSession, socket.socket]:
    """A link that will connect by this transport, and the other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(PATIENCE)
    registry.register(ODD.scheme, _no_listener, lambda address, _: kind(ours, str(address), True))
    session = new_session()
    return Link(session), session, theirs


def _no_listener(address: Address) -> Listener:
    raise AssertionError(f"nobody listens at {address}")

"""TCP, over loopback."""

import socket
import struct

import pytest

from chatnet.address import TCP, Address
from chatnet.errors import CannotListen, ErrorCode, Unreachable
from chatnet.net.platform import is_minimal, new_selector
from chatnet.testing.listener_conformance import ListenerConformance, Listening
from chatnet.testing.transport_conformance import PATIENCE, Pair, TransportConformance, fill, wait
from chatnet.transports import tcp
from chatnet.transports.stream import is_connected_to_itself

LOOPBACK = Address(TCP, "127.0.0.1", 0)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def connected_pair(address: Address = LOOPBACK, host: str | None = None) -> Pair:
    selector = new_selector()
    listener = tcp.listen(address)
    port = listener.address.port
    client = tcp.connect(Address(TCP, host or address.host, port), PATIENCE)
    assert wait(selector, listener.selectable, 1)
    server = listener.accept()
    assert server is not None
    listener.close()
    return Pair(client, server, selector)


class TestTcp(TransportConformance):
    def make_pair(self) -> Pair:
        return connected_pair()


class TestTcpThatIsReset(TransportConformance):
    """The same with a reset that the network layer of the system sends of its own accord."""

    def make_pair(self) -> Pair:
        return connected_pair()

    def break_connection(self, pair: Pair) -> None:
        sock = pair.server.selectable
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair.server.close()


class TestTcpListener(ListenerConformance):
    def make_listener(self) -> Listening:
        return Listening(tcp.listen(LOOPBACK), tcp.connect, new_selector())


# -- addresses ------------------------------------------------------------------------------------------------


def test_port_0_is_told_as_the_real_port() -> None:
    listener = tcp.listen(LOOPBACK)
    assert listener.address.host == "127.0.0.1"
    assert listener.address.port > 0
    listener.close()


def test_a_name_is_kept_in_the_address() -> None:
    listener = tcp.listen(Address(TCP, "localhost", 0))
    assert listener.address.host == "localhost"
    tcp.connect(listener.address, PATIENCE).close()
    listener.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_works_and_is_shown_in_brackets() -> None:
    pair = connected_pair(Address(TCP, "::1", 0))
    assert pair.client.peer.startswith("[::1]:")
    assert pair.server.host == "::1"
    assert pair.server.is_local
    pair.client.close()
    pair.server.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_all_addresses_of_ipv6_mean_those_of_ipv4_too() -> None:
    pair = connected_pair(Address(TCP, "::", 0), host="127.0.0.1")
    assert pair.server.peer.startswith("127.0.0.1:")
    assert pair.server.host == "127.0.0.1"
    assert pair.server.is_local
    pair.client.close()
    pair.server.close()


def test_small_writes_are_not_held_back() -> None:
    pair = connected_pair()
    for transport in (pair.client, pair.server):
        sock = transport.selectable
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()


# -- what goes wrong ------------------------------------------------------------------------------------------


needs_unsent_limit = pytest.mark.skipif(
    is_minimal() or not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system takes what it likes"
)


@needs_unsent_limit
def test_one_that_favours_latency_takes_much_less_than_another() -> None:
    taken = []
    for favours in (False, True):
        pair = connected_pair()
        if favours:
            pair.server.favour_latency()
        taken.append(len(fill(pair, pair.server)))
        for each in pair:
            each.close()
    assert taken[1] < taken[0] / 2


def test_a_port_in_use_is_refused() -> None:
    listener = tcp.listen(LOOPBACK)
    with pytest.raises(CannotListen) as refused:
        tcp.listen(listener.address)
    assert refused.value.code == ErrorCode.ADDRESS_IN_USE
    assert str(listener.address) in refused.value.message
    listener.close()


def test_a_port_in_use_by_one_address_of_a_name_is_not_opened_at_another(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = tcp.listen(LOOPBACK)
    port = listener.address.port
    first_is_free = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: first_is_free)
    with pytest.raises(CannotListen) as refused:
        tcp.listen(Address(TCP, "two-addresses", port))
    assert refused.value.code == ErrorCode.ADDRESS_IN_USE
    listener.close()


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(CannotListen, match="no address of this machine") as refused:
        tcp.listen(Address(TCP, "192.0.2.1", 0))
    assert refused.value.code == ErrorCode.CANNOT_LISTEN


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_a_name_that_no_host_can_have_is_not_found(host: str) -> None:
    with pytest.raises(CannotListen, match="cannot be found"):
        tcp.listen(Address(TCP, host, 0))
    with pytest.raises(Unreachable, match="cannot be found"):
        tcp.connect(Address(TCP, host, 1), PATIENCE)


def test_a_name_that_does_not_exist_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(Unreachable, match="'nowhere' cannot be found"):
        tcp.connect(Address(TCP, "nowhere", 1), PATIENCE)


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    listener = tcp.listen(LOOPBACK)
    listener.close()
    with pytest.raises(Unreachable, match="nobody listens at") as failure:
        tcp.connect(listener.address, PATIENCE)
    assert failure.value.code == ErrorCode.UNREACHABLE
    assert "\n" not in failure.value.message


def test_a_connect_that_nobody_answers_ends_in_time(full_listener: socket.socket) -> None:
    host, port = full_listener.getsockname()
    with pytest.raises(Unreachable, match=r"no answer from chatnet\+tcp://127.0.0.1:\d+ within 0.05 s"):
        tcp.connect(Address(TCP, host, port), 0.05)


def test_the_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, full_listener: socket.socket) -> None:
    listener = tcp.listen(LOOPBACK)
    silent_first = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", full_listener.getsockname()),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.address.port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: silent_first)
    transport = tcp.connect(Address(TCP, "two-addresses", 1), 0.2)
    assert transport.peer == f"127.0.0.1:{listener.address.port}"
    transport.close()
    listener.close()


def test_of_several_failures_the_most_telling_is_told(
    monkeypatch: pytest.MonkeyPatch, full_listener: socket.socket
) -> None:
    closed = tcp.listen(LOOPBACK)
    closed.close()
    refused_first = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", closed.address.port)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", full_listener.getsockname()),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: refused_first)
    with pytest.raises(Unreachable, match="nobody listens"):
        tcp.connect(Address(TCP, "two-addresses", 1), 0.1)


def test_a_socket_that_is_connected_to_itself_is_recognised() -> None:
    with socket.socket() as alone:
        alone.bind(("127.0.0.1", 0))
        alone.connect(alone.getsockname())
        assert is_connected_to_itself(alone)
    pair = connected_pair()
    client = pair.client.selectable
    assert isinstance(client, socket.socket)
    assert not is_connected_to_itself(client)
    pair.client.close()
    pair.server.close()

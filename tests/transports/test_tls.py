"""TLS, over loopback."""

import logging
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.address import TLS, Address
from chatnet.errors import ChatnetError, ErrorCode, TrustError, Unreachable
from chatnet.frontends.native import NativeFrontend
from chatnet.net.certificates import CERTIFICATE_NAME, Certificates, given_certificates, own_certificates
from chatnet.net.pins import show_pin
from chatnet.net.platform import is_minimal, new_selector
from chatnet.net.ports import WHOLE_READ
from chatnet.net.sockets import UNSENT_BYTES
from chatnet.net.trust import ByAuthority, Pinned, Trust, Unproven
from chatnet.testing.listener_conformance import ListenerConformance, Listening
from chatnet.testing.transport_conformance import (
    PATIENCE,
    Pair,
    TransportConformance,
    establish,
    read_exactly,
    wait,
    write,
)
from chatnet.transports import tcp, tls
from chatnet.transports.stream import StreamTransport

LOOPBACK = Address(TLS, "127.0.0.1", 0)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return own_certificates(tmp_path_factory.mktemp("tls"))


def unshaken_pair(certificates: Certificates, trust: Trust) -> Pair:
    selector = new_selector()
    listener = tls.listen(LOOPBACK, certificates)
    client = tls.connect(listener.address, PATIENCE, trust)
    assert wait(selector, listener.selectable, 1)
    server = listener.accept()
    assert server is not None
    listener.close()
    return Pair(client, server, selector)


def connected_pair(certificates: Certificates, trust: Trust | None = None) -> Pair:
    pair = unshaken_pair(certificates, trust or Pinned(certificates.current.pin))
    establish(pair)
    return pair


class TestTls(TransportConformance):
    @pytest.fixture(autouse=True)
    def use(self, certificates: Certificates) -> None:
        self.certificates = certificates

    def make_pair(self) -> Pair:
        return connected_pair(self.certificates)


class TestTlsListener(ListenerConformance):
    @pytest.fixture(autouse=True)
    def use(self, certificates: Certificates) -> None:
        self.certificates = certificates

    def make_listener(self) -> Listening:
        listener = tls.listen(LOOPBACK, self.certificates)
        return Listening(listener, lambda address, timeout: tls.connect(address, timeout, Unproven()), new_selector())


# -- who it is ------------------------------------------------------------------------------------------------


def close(pair: Pair) -> None:
    pair.client.close()
    pair.server.close()
    pair.selector.close()


def test_both_sides_know_the_servers_key_and_the_binding_to_it(certificates: Certificates) -> None:
    pair = connected_pair(certificates)
    for end in (pair.client, pair.server):
        assert end.server_pin == certificates.current.pin
        assert end.channel_binding == certificates.current.channel_binding
    close(pair)


def test_before_the_handshake_nothing_is_taken_and_the_client_knows_nobody(certificates: Certificates) -> None:
    pair = unshaken_pair(certificates, Unproven())
    for end in (pair.client, pair.server):
        assert not end.is_established
        assert end.send(b"x") == 0
    assert pair.client.server_pin is pair.client.channel_binding is None
    close(pair)


def refusal(pair: Pair) -> ChatnetError:
    with pytest.raises(ChatnetError) as raised:
        establish(pair)
    assert not pair.server.is_established
    assert pair.client.send(b"secret") == 0
    close(pair)
    return raised.value


def test_another_key_than_the_pinned_one_ends_it_before_anything_is_said(certificates: Certificates) -> None:
    expected = bytes(range(32))
    error = refusal(unshaken_pair(certificates, Pinned(expected)))
    assert isinstance(error, TrustError)
    assert error.code == ErrorCode.UNTRUSTED
    assert (error.expected, error.seen) == (expected, certificates.current.pin)
    assert show_pin(expected) in error.message
    assert show_pin(certificates.current.pin) in error.message


def test_a_renewed_certificate_for_the_pinned_key_alarms_nobody(tmp_path: Path) -> None:
    pin = own_certificates(tmp_path).current.pin
    (tmp_path / CERTIFICATE_NAME).unlink()
    close(connected_pair(own_certificates(tmp_path), Pinned(pin)))


@pytest.mark.skipif(is_minimal() or not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system takes what it likes")
def test_one_that_favours_latency_asks_the_socket_for_it(certificates: Certificates) -> None:
    pair = connected_pair(certificates)
    for end in pair[:2]:
        end.favour_latency()
        sock = end.selectable
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES
    for each in pair:
        each.close()


class Authority:
    """Gives out certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = str(folder / "authority.pem")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority")])
        own = self._certificate(self._name, self._key, x509.BasicConstraints(True, None))
        Path(self.file).write_bytes(own.public_bytes(Encoding.PEM))

    def issue(self, *names: x509.GeneralName, days: int = 1) -> Certificates:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
        issued = self._certificate(subject, key, x509.SubjectAlternativeName(names), days)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(pem)
        (self.folder / "chain.pem").write_bytes(issued.public_bytes(Encoding.PEM))
        return given_certificates(self.folder / "chain.pem", self.folder / "key.pem")

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, days: int = 1
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA384())


LOOPBACK_NAME = x509.IPAddress(ip_address("127.0.0.1"))


def test_a_certificate_of_a_trusted_authority_for_the_host_is_enough(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue(LOOPBACK_NAME)
    pair = connected_pair(issued, ByAuthority(authority.file))
    assert pair.client.server_pin == issued.current.pin
    assert pair.client.channel_binding == issued.current.channel_binding
    assert len(issued.current.channel_binding) == 48  # SHA-384, as in its signature
    close(pair)


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [
        (x509.DNSName("example.org"), 1, "127.0.0.1"),
        (LOOPBACK_NAME, -1, "expired"),
    ],
)
def test_a_certificate_for_another_host_or_time_is_refused(
    tmp_path: Path, name: x509.GeneralName, days: int, words: str
) -> None:
    authority = Authority(tmp_path)
    error = refusal(unshaken_pair(authority.issue(name, days=days), ByAuthority(authority.file)))
    assert isinstance(error, TrustError)
    assert error.code == ErrorCode.UNTRUSTED
    assert words in error.message
    assert (error.expected, error.seen) == (None, None)


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    authority = Authority(tmp_path)
    assert isinstance(refusal(unshaken_pair(certificates, ByAuthority(authority.file))), TrustError)
    assert isinstance(refusal(unshaken_pair(authority.issue(LOOPBACK_NAME), ByAuthority())), TrustError)


def test_a_file_of_authorities_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"nowhere\.pem: No such file"):
        tls.connect(Address(TLS, "127.0.0.1", 1), PATIENCE, ByAuthority(str(tmp_path / "nowhere.pem")))


def test_a_new_certificate_is_for_new_connections_and_old_ones_go_on(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue(LOOPBACK_NAME)
    listener = tls.listen(LOOPBACK, issued)
    pairs = []
    for _ in range(2):
        client = tls.connect(listener.address, PATIENCE, ByAuthority(authority.file))
        selector = new_selector()
        assert wait(selector, listener.selectable, 1)
        server = listener.accept()
        assert server is not None
        pairs.append(Pair(client, server, selector))
        establish(pairs[-1])
        authority.issue(LOOPBACK_NAME)
        assert issued.reload()
    listener.close()
    assert pairs[0].client.server_pin != pairs[1].client.server_pin
    for pair in pairs:
        write(pair, pair.client, b"hello")
        assert read_exactly(pair, pair.server, 5) == b"hello"
        close(pair)


# -- what goes wrong on the way -------------------------------------------------------------------------------


class Wire:
    """A server's transports, each with the bare other end of its connection, and a clients' engine to talk to it."""

    def __init__(self, certificates: Certificates) -> None:
        self._credentials = certificates.current
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self.buffers = tls.Buffers()
        self._open: list[socket.socket] = []

    def accept(self) -> tuple[tls.TlsTransport, socket.socket]:
        ours, theirs = socket.socketpair()
        self._open += ours, theirs
        ours.setblocking(False)
        theirs.settimeout(PATIENCE)
        engine = self._credentials.context.wrap_bio(self.buffers.incoming, self.buffers.outgoing, server_side=True)
        return tls.TlsTransport(StreamTransport(ours, "test", True), engine, self.buffers), theirs

    def client(
        self, maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, group: str = ""
    ) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
        self._context.maximum_version = maximum
        if group:
            self._context.set_ecdh_curve(group)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return self._context.wrap_bio(incoming, outgoing), incoming, outgoing

    def establish(self, step: int = 1 << 20) -> tuple[tls.TlsTransport, socket.socket, ssl.SSLObject, ssl.MemoryBIO]:
        """A connection whose client sends ``step`` bytes at a time."""
        transport, sock = self.accept()
        engine, incoming, outgoing = self.client()
        while not transport.is_established:
            with suppress(ssl.SSLWantReadError):
                engine.do_handshake()
            for piece in pieces(outgoing.read(), step):
                sock.sendall(piece)
                assert transport.receive(WHOLE_READ) is None
                self.check_empty()
            if not transport.is_established:
                incoming.write(sock.recv(65536))
        return transport, sock, engine, outgoing

    def check_empty(self) -> None:
        assert self.buffers.incoming.pending == self.buffers.outgoing.pending == 0

    def close(self) -> None:
        for sock in self._open:
            sock.close()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@pytest.fixture
def wire(certificates: Certificates) -> Iterator[Wire]:
    wire = Wire(certificates)
    yield wire
    wire.close()


def test_a_handshake_and_a_record_may_come_byte_by_byte(wire: Wire) -> None:
    transport, sock, engine, outgoing = wire.establish(step=1)
    engine.write(b"one record")
    record = outgoing.read()
    for byte in pieces(record[:-1], 1):
        sock.sendall(byte)
        assert transport.receive(WHOLE_READ) is None
        wire.check_empty()
    sock.sendall(record[-1:])
    assert transport.receive(WHOLE_READ) == b"one record"


def test_half_records_of_several_connections_do_not_mix(wire: Wire) -> None:
    ends = [wire.establish() for _ in range(3)]
    records = []
    for i, (transport, sock, engine, outgoing) in enumerate(ends):
        engine.write(b"%d" % i * 2000)
        records.append(outgoing.read())
        sock.sendall(records[i][:1000])
        assert transport.receive(WHOLE_READ) is None
    for i, (transport, sock, _, _) in enumerate(ends):
        sock.sendall(records[i][1000:])
        assert transport.receive(WHOLE_READ) == b"%d" % i * 2000


def test_small_records_and_a_half_one_are_taken_at_once(wire: Wire) -> None:
    transport, sock, engine, outgoing = wire.establish()
    for i in range(50):
        engine.write(b"%03d" % i)
    data = outgoing.read()
    sock.sendall(data[:-1])
    assert transport.receive(WHOLE_READ) == b"".join(b"%03d" % i for i in range(49))
    sock.sendall(data[-1:])
    assert transport.receive(WHOLE_READ) == b"049"


def test_of_nearly_empty_records_little_is_taken_in_one_turn_and_of_full_ones_much(wire: Wire) -> None:
    transport, sock, engine, outgoing = wire.establish()

    def most_at_once(record: bytes, count: int) -> int:
        for _ in range(count):
            engine.write(record)
        sock.sendall(outgoing.read())
        taken = [0]
        while sum(taken) < count * len(record):
            assert wait(selector, transport.selectable, 1)
            taken.append(len(transport.receive(4 * WHOLE_READ) or b""))
        return max(taken)

    with new_selector() as selector:
        assert most_at_once(b"x", 1000) <= tls.CAUTIOUS_BYTES // 22
        assert most_at_once(bytes(16000), 12) > WHOLE_READ
        most_at_once(b"x", 4000)
        assert most_at_once(b"x", 1000) <= tls.CAUTIOUS_BYTES // 22


def test_the_end_may_come_in_one_piece_with_the_last_words_and_without_a_hangup(wire: Wire) -> None:
    transport, sock, engine, outgoing = wire.establish()
    engine.write(b"last words")
    with suppress(ssl.SSLWantReadError):
        engine.unwrap()
    sock.sendall(outgoing.read() + b"garbage behind the end")
    assert transport.receive(WHOLE_READ) == b"last words"
    with new_selector() as selector:
        assert wait(selector, transport.selectable, 1, 1.0)
    assert transport.receive(WHOLE_READ) == transport.receive(WHOLE_READ) == b""


def test_an_end_that_was_not_announced_is_a_break(wire: Wire) -> None:
    transport, sock, engine, outgoing = wire.establish()
    engine.write(b"pay 100")
    sock.sendall(outgoing.read())
    sock.shutdown(socket.SHUT_WR)
    assert transport.receive(WHOLE_READ) == b"pay 100"
    with pytest.raises(ConnectionError, match="cut off"):
        transport.receive(WHOLE_READ)


def test_a_changed_byte_is_a_break_and_harms_no_other_connection(wire: Wire) -> None:
    bad, bad_sock, bad_engine, bad_outgoing = wire.establish()
    good, good_sock, good_engine, good_outgoing = wire.establish()
    bad_engine.write(b"x" * 100)
    bad_engine.write(b"y" * 100)
    record = bytearray(bad_outgoing.read())
    record[20] ^= 1
    bad_sock.sendall(record)
    with pytest.raises(ConnectionError, match="bad record mac"):
        bad.receive(WHOLE_READ)
    wire.check_empty()
    good_engine.write(b"hello")
    good_sock.sendall(good_outgoing.read())
    assert good.receive(WHOLE_READ) == b"hello"


@pytest.mark.parametrize(
    "opening",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CHAT\x01",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        bytes(100),
        b"\x16\x03\x01\xff\xff" + bytes(100),
        b"\x16\x03\x01\x00\x05hello",
        b"\x80\x2e\x01\x00\x02" + bytes(60),
    ],
    ids=["http", "plain chatnet", "ssh", "zeros", "huge record", "no hello", "sslv2"],
)
def test_whoever_speaks_no_tls_is_ended_at_once_with_one_line_in_the_log(
    wire: Wire, caplog: pytest.LogCaptureFixture, opening: bytes
) -> None:
    transport, sock = wire.accept()
    sock.sendall(opening)
    with caplog.at_level(logging.DEBUG), pytest.raises(ConnectionError):
        transport.receive(WHOLE_READ)
    wire.check_empty()
    transport.close()
    (line,) = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert line[0] == "DEBUG"
    assert line[1].startswith("test: no TLS handshake: ")


def test_tls_1_2_is_refused_with_an_alert(wire: Wire) -> None:
    transport, sock = wire.accept()
    engine, incoming, outgoing = wire.client(maximum=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    sock.sendall(outgoing.read())
    with pytest.raises(ConnectionError, match="unsupported protocol"):
        transport.receive(WHOLE_READ)
    incoming.write(sock.recv(100))
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        engine.do_handshake()


def test_groups_that_few_need_are_not_offered(wire: Wire) -> None:
    transport, sock = wire.accept()
    engine, _, outgoing = wire.client(group="secp521r1")
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    sock.sendall(outgoing.read())
    with pytest.raises(ConnectionError, match="no suitable key share"):
        transport.receive(WHOLE_READ)


def test_a_handshake_that_is_cut_off_is_a_break(wire: Wire) -> None:
    transport, sock = wire.accept()
    sock.close()
    with pytest.raises(ConnectionError):
        transport.receive(WHOLE_READ)


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_break_a_handshake_or_wait_for_more(wire: Wire, data: bytes) -> None:
    for opening in (data, b"\x16\x03\x01" + data):
        transport, sock = wire.accept()
        sock.sendall(opening)
        with suppress(ConnectionError):
            assert transport.receive(WHOLE_READ) is None
        wire.check_empty()
        assert not transport.is_established
        transport.close()
        sock.close()


def test_a_close_says_so_unless_something_was_not_heard(wire: Wire) -> None:
    transport, sock, _, _ = wire.establish()
    transport.close()
    assert sock.recv(100)
    assert sock.recv(100) == b""
    transport, sock, engine, outgoing = wire.establish()
    engine.write(b"unheard")
    sock.sendall(outgoing.read())
    transport.close()
    with pytest.raises(ConnectionResetError):
        sock.recv(100)


# -- what a client meets --------------------------------------------------------------------------------------


def met(answer: bytes) -> Unreachable:
    """What becomes of a client whose server answers so, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener, new_selector() as selector:
        client = tls.connect(Address(TLS, *listener.getsockname()), PATIENCE, Unproven())
        sock, _ = listener.accept()
        with sock:
            sock.recv(65536)
            sock.sendall(answer)
            sock.shutdown(socket.SHUT_WR)
            assert wait(selector, client.selectable, 1)
            with pytest.raises(Unreachable) as raised:
                client.receive(WHOLE_READ)
        client.close()
    assert raised.value.code == ErrorCode.TLS_FAILED
    assert "\n" not in raised.value.message
    return raised.value


def test_a_plain_chatnet_server_is_recognised_with_the_address_to_use() -> None:
    frontend = NativeFrontend(4096, 65536)
    error = met(frontend.farewell(ErrorCode.BAD_MAGIC, "chatnet's own protocol is spoken here", 0.0))
    assert re.search(r"does not speak TLS; without encryption it may be chatnet\+tcp://127.0.0.1:\d+$", error.message)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_another_kind_of_server_is_recognised(answer: bytes) -> None:
    assert "does not speak TLS" in met(answer).message


def test_a_server_that_hangs_up_is_told_as_that() -> None:
    assert met(b"").message.endswith("it was cut off")


def test_a_server_of_an_older_tls_is_told_as_that() -> None:
    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    assert met(alert).message.endswith("chatnet needs TLS 1.3")


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    listener = tcp.listen(LOOPBACK)
    listener.close()
    with pytest.raises(Unreachable, match=r"nobody listens at chatnet://127.0.0.1:\d+") as failure:
        tls.connect(listener.address, PATIENCE, Unproven())
    assert failure.value.code == ErrorCode.UNREACHABLE


def test_a_client_loads_nothing_that_only_servers_need() -> None:
    program = """
import sys
import chatnet.client.link
assert "ssl" not in sys.modules
import chatnet.transports.tls
assert "cryptography" not in sys.modules
assert "chatnet.net.certificates" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr

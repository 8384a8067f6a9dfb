"""TLS, over loopback."""

import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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

LOOPBACK = Address(TLS, "127.0.0.1", 0)


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

"""TLS as it comes over the wire: in pieces, broken, changed, or not at all."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.net.certificates import Certificates
from chatnet.net.platform import new_selector
from chatnet.net.ports import WHOLE_READ
from chatnet.testing.transport_conformance import (
    PATIENCE,
    wait,
)
from chatnet.transports import tls
from chatnet.transports.stream import StreamTransport


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

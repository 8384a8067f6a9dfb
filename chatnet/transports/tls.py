"""TLS 1.3 over TCP: ``chatnet://HOST[:PORT]``.

OpenSSL only turns bytes into bytes here; the socket is a `chatnet.transports.stream.StreamTransport`. That way one
read takes what is there with one system call and has a bound, whatever records a hostile peer makes of it, and one
write sends many records at once. All connections of a listener share one pair of buffers to talk to OpenSSL, since
each use leaves them empty: an idle connection owns none. So a listener and what it accepts stay in one thread.

The rule of endings: an end that was announced (``close_notify``) is an end, and one that was not is a broken
connection, since anybody on the way could have forged it (RFC 8446 section 6.1).
"""

import logging
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from chatnet.address import TCP, Address
from chatnet.errors import ErrorCode, TrustError, Unreachable
from chatnet.net.pins import channel_binding_of, pin_of, show_pin
from chatnet.net.ports import Selectable
from chatnet.net.trust import ByAuthority, Pinned, Trust
from chatnet.transports import tcp
from chatnet.transports.stream import StreamTransport

if TYPE_CHECKING:  # a server's part, which a client need not load
    from chatnet.net.certificates import Certificates, Credentials

RECORD_BYTES = 16 * 1024
"""The most that one record carries (RFC 8446 section 5.1)."""
_RECORD_ON_WIRE = RECORD_BYTES + 256 + 5
SEND_BYTES = 4 * RECORD_BYTES
"""Encrypted at once. It bounds what is kept of a connection that takes no more."""
CAUTIOUS_BYTES = 2 * 1024
"""Taken at once from whoever sends records with little or nothing in them. A KeyUpdate (RFC 8446 section 4.6.3) has 27
bytes, costs some 10 microseconds and says nothing: a full read of them would hold up everybody for 20 milliseconds."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""What OpenSSL says of bytes that are no TLS at all."""
_TOO_OLD = ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")
_log = logging.getLogger(__name__)


class Buffers:
    """The way into OpenSSL and out of it, for the connections of one thread; empty between two uses."""

    __slots__ = ("incoming", "outgoing")

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()

    def clear(self) -> None:
        """Drop what a failure has left, or it would be taken for the next connection's."""
        if self.incoming.pending:
            self.incoming.read()
        if self.outgoing.pending:
            self.outgoing.read()


class TlsTransport:
    """The server's end of a TLS connection; see `chatnet.net.ports.Transport`."""

    __slots__ = (
        "_buffers",
        "_emptiness",
        "_engine",
        "_has_ended",
        "_held",
        "_is_over",
        "_stream",
        "_unsent",
        "channel_binding",
        "is_established",
        "server_pin",
        "wants_write",
    )

    def __init__(self, stream: StreamTransport, engine: ssl.SSLObject, buffers: Buffers) -> None:
        self._stream = stream
        self._engine = engine
        self._buffers = buffers
        self._held = b""
        """Decrypted, but more than a reader wanted."""
        self._unsent = b""
        """Encrypted, but more than the socket took."""
        self._emptiness = 2 * _RECORD_ON_WIRE
        """Bytes received beyond twice what they carried; what is within one record may be the beginning of one."""
        self._is_over = False
        """Has the other side said that nothing more comes?"""
        self._has_ended = False
        self.is_established = False
        self.wants_write = False
        self.channel_binding: bytes | None = None
        self.server_pin: bytes | None = None

    @property
    def selectable(self) -> Selectable:
        return self._stream.selectable

    @property
    def peer(self) -> str:
        return self._stream.peer

    @property
    def host(self) -> str:
        return self._stream.host

    @property
    def is_local(self) -> bool:
        return self._stream.is_local

    @property
    def uid(self) -> int:
        return self._stream.uid

    # -- input ------------------------------------------------------------------------------------------------

    def receive(self, limit: int) -> bytes | None:
        if not self._held and not self._is_over:
            raw = self._stream.receive(self._appetite(limit))
            if raw is None:
                return None
            self._held = self._decrypt(raw)
            emptiness = self._emptiness + len(raw) - 2 * len(self._held)
            self._emptiness = min(max(0, emptiness), 2 * _RECORD_ON_WIRE)
        if not self._held:
            return b"" if self._is_over else None
        data, self._held = self._held[:limit], self._held[limit:]
        return data

    def _appetite(self, limit: int) -> int:
        """How many bytes to take from the socket for at most ``limit`` of decrypted ones."""
        if self._emptiness > _RECORD_ON_WIRE:
            return CAUTIOUS_BYTES
        # The beginning of a record, which was received before, comes on top.
        return max(limit - _RECORD_ON_WIRE, CAUTIOUS_BYTES)

    def _decrypt(self, raw: bytes) -> bytes:
        """Everything that comes of these bytes; no whole record stays behind in OpenSSL."""
        if not raw:
            raise self._failure("it was cut off")
        buffers = self._buffers
        buffers.incoming.write(raw)
        pieces: list[bytes] = []
        try:
            if not self.is_established:
                self._shake_hands()
            self._read_records(pieces)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            with suppress(OSError):  # the alert, if it still can be sent
                self._stream.send(buffers.outgoing.read())
            raise self._failure(_words(error), error) from error
        finally:
            answer = buffers.outgoing.read() if buffers.outgoing.pending else b""
            buffers.clear()
        if answer:
            self._pass_on(answer)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_records(self, pieces: list[bytes]) -> None:
        engine, incoming = self._engine, self._buffers.incoming
        # Asking only while something is there spares the exception that says that nothing is.
        while incoming.pending or engine.pending():
            try:
                piece = engine.read(RECORD_BYTES)
            except ssl.SSLZeroReturnError:  # raised where our own side has ended too
                piece = b""
            if not piece:
                self._is_over = True
                incoming.read()
                # What was sent in front of the end is returned first: so let the selector tell of the end as well.
                with suppress(OSError):
                    self._stream.deafen()
                return
            pieces.append(piece)

    # -- the handshake ----------------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        """Go on as far as what has come allows.

        :raises ssl.SSLWantReadError: more must come.
        """
        self._engine.do_handshake()
        self.is_established = True

    def _failure(self, reason: str, error: ssl.SSLError | None = None) -> Exception:
        """What to raise when the connection cannot go on."""
        del error
        if not self.is_established:
            _log.debug("%s: no TLS handshake: %s", self.peer, reason)
        return ConnectionAbortedError(f"TLS: {reason}")

    # -- output -----------------------------------------------------------------------------------------------

    def send(self, data: bytes | memoryview) -> int:
        if self._has_ended:
            raise BrokenPipeError("the end was sent already")
        self.flush()
        if not self.is_established:
            return 0
        taken = 0
        while taken < len(data) and not self.wants_write:
            piece = data[taken : taken + SEND_BYTES]
            self._pass_on(self._encrypt(piece))
            taken += len(piece)
        return taken

    def _encrypt(self, data: bytes | memoryview) -> bytes:
        try:
            self._engine.write(data)
            return self._buffers.outgoing.read()
        except ssl.SSLError as error:
            self._buffers.clear()
            raise self._failure(_words(error)) from error

    def flush(self) -> None:
        if self.wants_write:
            unsent, self._unsent = self._unsent, b""
            self._pass_on(unsent)

    def _pass_on(self, data: bytes) -> None:
        """Send what is encrypted, behind what could not be sent before."""
        if self._unsent:
            self._unsent += data
            return
        sent = self._stream.send(data)
        self._unsent = data[sent:]
        self.wants_write = sent < len(data)
        if self._has_ended and not self.wants_write:
            self._stream.end()

    def favour_latency(self) -> None:
        self._stream.favour_latency()

    # -- the end ----------------------------------------------------------------------------------------------

    def end(self) -> None:
        self._has_ended = True
        if self.is_established:
            with suppress(ssl.SSLWantReadError):  # it would wait for the other side's end
                self._engine.unwrap()
        farewell = self._buffers.outgoing.read()
        self._buffers.clear()
        self._pass_on(farewell)

    def close(self) -> None:
        if self._stream.is_closed:
            return
        if not self._has_ended and not self.wants_write and not self._held and not self._stream.has_unread():
            # Otherwise what was said was not heard, or not said, to the end: the other side must learn of it.
            with suppress(OSError):
                self.end()
        self.wants_write = False
        self._stream.close()


class TlsClientTransport(TlsTransport):
    """The client's end. Until the handshake is over, `receive` raises TrustError or Unreachable if it fails."""

    __slots__ = ("_address", "_trust")

    def __init__(
        self, stream: StreamTransport, engine: ssl.SSLObject, buffers: Buffers, address: Address, trust: Trust
    ) -> None:
        super().__init__(stream, engine, buffers)
        self._address = address
        self._trust = trust

    def begin(self) -> None:
        """Send the first flight."""
        with suppress(ssl.SSLWantReadError):
            self._engine.do_handshake()
        self._pass_on(self._buffers.outgoing.read())

    def _shake_hands(self) -> None:
        self._engine.do_handshake()
        certificate = self._engine.getpeercert(binary_form=True)
        assert certificate is not None, "no cipher suite of TLS 1.3 does without one"
        self.server_pin = pin_of(certificate)
        if isinstance(self._trust, Pinned) and self.server_pin != self._trust.pin:
            raise self._stranger(self._trust.pin, self.server_pin)
        self.channel_binding = channel_binding_of(certificate)
        self.is_established = True

    def _stranger(self, expected: bytes, seen: bytes) -> TrustError:
        message = (
            f"the server at {self._address} has another key than the one that was trusted; nothing was sent to it.\n"
            f"Trusted: {show_pin(expected)}, shown: {show_pin(seen)}"
        )
        return TrustError(ErrorCode.UNTRUSTED, message, expected, seen)

    def _failure(self, reason: str, error: ssl.SSLError | None = None) -> Exception:
        if self.is_established:
            return super()._failure(reason, error)
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"the server at {self._address} cannot prove who it is: {error.verify_message}"
            return TrustError(ErrorCode.UNTRUSTED, message)
        message = f"no encrypted connection to {self._address}: {reason}"
        if error is not None and error.reason in _NOT_TLS:
            plain = Address(TCP, self._address.host, self._address.port)
            message = f"what answers at {self._address} does not speak TLS; without encryption it may be {plain}"
        elif error is not None and error.reason in _TOO_OLD:
            message += "; chatnet needs TLS 1.3"
        return Unreachable(ErrorCode.TLS_FAILED, message)


class TlsListener:
    """An open port."""

    def __init__(self, listener: tcp.TcpListener, certificates: "Certificates") -> None:
        self._listener = listener
        self._certificates = certificates
        self._buffers = Buffers()

    @property
    def selectable(self) -> socket.socket:
        return self._listener.selectable

    @property
    def address(self) -> Address:
        return self._listener.address

    def accept(self) -> TlsTransport | None:
        stream = self._listener.accept()
        return None if stream is None else _accept(stream, self._certificates.current, self._buffers)

    def close(self) -> None:
        self._listener.close()


def _accept(stream: StreamTransport, credentials: "Credentials", buffers: Buffers) -> TlsTransport:
    engine = credentials.context.wrap_bio(buffers.incoming, buffers.outgoing, server_side=True)
    transport = TlsTransport(stream, engine, buffers)
    transport.channel_binding = credentials.channel_binding
    transport.server_pin = credentials.pin
    return transport


def listen(address: Address, certificates: "Certificates") -> TlsListener:
    """Open a port; each connection is given what is the current certificate when it comes.

    :raises CannotListen: ADDRESS_IN_USE or CANNOT_LISTEN.
    """
    return TlsListener(tcp.listen(address), certificates)


def connect(address: Address, timeout: float, trust: Trust) -> TlsClientTransport:
    """Connect within ``timeout`` seconds. The handshake has only begun then: `receive` goes on with it.

    :raises Unreachable: UNREACHABLE, with a line that says why.
    :raises TrustError: UNTRUSTED, for a file of authorities that cannot be read.
    """
    context = _client_context(trust)
    name = address.host if isinstance(trust, ByAuthority) else None
    buffers = Buffers()
    engine = context.wrap_bio(buffers.incoming, buffers.outgoing, server_hostname=name)
    stream = tcp.connect(address, timeout)
    transport = TlsClientTransport(stream, engine, buffers, address, trust)
    try:
        transport.begin()
    except OSError as error:
        stream.close()
        message = f"the connection to {address} was lost at once: {error.strerror or error}"
        raise Unreachable(ErrorCode.UNREACHABLE, message) from error
    return transport


def _client_context(trust: Trust) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if not isinstance(trust, ByAuthority):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the pin is compared instead; that the key is there, TLS itself proves
    elif trust.file is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(trust.file)
        except OSError as error:
            message = f"the authorities to trust cannot be read from {trust.file}: {error.strerror or error}"
            raise TrustError(ErrorCode.UNTRUSTED, message) from error
    return context


def _words(error: ssl.SSLError) -> str:
    """What OpenSSL says, for people: ``wrong version number``."""
    return (error.reason or error.strerror or "failed").replace("_", " ").lower()

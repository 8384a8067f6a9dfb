"""What was heard on the way, said again: a whole TLS connection, and the messages of a SCRAM exchange inside another.

Neither lets anybody in, for the server has its own part in both: a new key share each time, and a new nonce.
"""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from random import Random

from _hostile_attacks import PLACES, Attack
from _hostile_lines import Line, Target, Wrong, login, open_socket, trusting

from chatnet.address import TLS, UNIX, Address
from chatnet.auth.scram import SALT_BYTES, ClientExchange, make_nonce, make_verifier
from chatnet.errors import ErrorCode
from chatnet.events import Challenge, Proven, Refused, Registered, UserPage, Welcome
from chatnet.net.pins import channel_binding_of
from chatnet.requests import CreateAccount, Enter, FinishScram, ListUsers, Proof, StartScram
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

_PASSWORD = "correct horse"
_RECEIVE_BYTES = 65536


class Recorder:
    """A TLS client that keeps all that it sends, as it goes over the wire."""

    def __init__(self, address: Address) -> None:
        self.sent = b""
        self._socket = open_socket(address, next(PLACES))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trusting().wrap_bio(self._incoming, self._outgoing)
        self._frames = FrameReader(MAX_PAYLOAD)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            else:
                self._flush()
                return

    def _flush(self) -> None:
        data = self._outgoing.read()
        self.sent += data
        self._socket.sendall(data)

    def _feed(self) -> None:
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise Wrong("the server has hung up on somebody who does nothing wrong")
        self._incoming.write(data)

    def log_in(self, name: str) -> None:
        """Be a guest."""
        self._tls.write(PREFACE + encode(login(name)))
        self._flush()
        while True:
            try:
                self._frames.receive(self._tls.read(_RECEIVE_BYTES))
            except ssl.SSLWantReadError:
                self._feed()
            while (payload := self._frames.next_frame()) is not None:
                if isinstance(decode_event(payload), Welcome):
                    return

    def close(self) -> None:
        """Go away."""
        self._socket.close()


def replayed_connections(target: Target, count: int, random: Random) -> None:
    """A guest's whole connection, bit by bit, once it is over."""
    for address in target.of(TLS):
        for _ in range(count):
            name = f"replay{random.randrange(1 << 40)}"
            recorder = Recorder(address)
            recorder.log_in(name)
            recorder.close()
            with Line(address, next(PLACES)) as watching:
                watching.log_in("watching")
                while _is_online(watching, name):
                    pass
                _say_again(address, recorder.sent)
                if _is_online(watching, name):
                    raise Wrong("a connection was replayed, and its guest is there again")


def _say_again(address: Address, sent: bytes) -> None:
    with Line(address, next(PLACES), is_plain=True) as line:
        with suppress(OSError):
            line.send(sent)
            line.socket.shutdown(socket.SHUT_WR)
        line.rest()


def _is_online(line: Line, name: str) -> bool:
    page = line.ask(ListUsers(1), UserPage)
    return name in {user.name for user in page.users}


def replayed_passwords(target: Target, count: int, random: Random) -> None:
    """The messages of a password's proof, on another connection: as they were, and as an answer to a new challenge."""
    if not target.of(UNIX):
        return
    name = f"account{random.randrange(1 << 40)}"
    with Line(target.of(UNIX)[0]) as admin:
        admin.greet()
        admin.ask(Enter(1, bytes(16)), Welcome)
        verifier = make_verifier(_PASSWORD, os.urandom(SALT_BYTES))
        admin.ask(CreateAccount(2, name, verifier=verifier), Registered)
    for address in target.of(TLS):
        start, finish = _prove(address, name)
        # Few enough that it is the proof which is refused, and not the rate.
        for _ in range(min(count, 4)):
            with Line(address, next(PLACES)) as line:
                line.greet()
                line.ask(start, Challenge)
                refused = line.ask(finish, Refused)
                if refused.code != ErrorCode.BAD_CREDENTIALS:
                    raise Wrong(f"a replayed proof was answered with {refused}")
                refused = line.ask(Enter(3, bytes(16)), Refused)
                if refused.code != ErrorCode.FORBIDDEN:
                    raise Wrong(f"after a replayed proof the login was answered with {refused}")


def _prove(address: Address, name: str) -> tuple[StartScram, FinishScram]:
    """Show the password; the messages that do."""
    with Line(address, next(PLACES)) as line:
        line.greet()
        assert isinstance(line.socket, ssl.SSLSocket)
        certificate = line.socket.getpeercert(binary_form=True)
        assert certificate is not None
        exchange = ClientExchange(name, _PASSWORD, channel_binding_of(certificate), make_nonce(os.urandom))
        start = StartScram(1, Proof.PASSWORD, exchange.first)
        finish = FinishScram(2, exchange.respond(line.ask(start, Challenge).message))
        line.ask(finish, Proven)
        line.ask(Enter(3, bytes(16)), Welcome)
    return start, finish


def by_name() -> Iterator[tuple[str, Attack, int]]:
    """Each attack with the count of a whole run."""
    yield "replayed TLS connections", replayed_connections, 50
    yield "replayed proofs of a password", replayed_passwords, 4

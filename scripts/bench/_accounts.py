"""Accounts of a server that is measured, and how they come in: with tokens, and with passwords that cost no time here.

A client takes a quarter of a second to derive its keys from a password. Here all accounts have the same password and
salt, so that is done once, and one load can make hundreds of proofs a second: to the server, proofs like any others.
Source: RFC 5802 section 3, RFC 7677.
"""

import hashlib
import hmac
import os
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from _hostile_lines import Line, Wrong

from chatnet.address import Address
from chatnet.auth.scram import SALT_BYTES, make_nonce
from chatnet.events import Challenge, Event, Proven, Refused, Registered, TokenCreated, Welcome
from chatnet.model import DEVICE_ID_BYTES, ITERATIONS, Verifier
from chatnet.net.pins import channel_binding_of
from chatnet.requests import CreateAccount, CreateToken, Enter, FinishScram, Proof, StartScram, TokenLogin
from chatnet.wire.codec import encode

_HASH = "sha256"
_MOST_AT_ONCE = 100
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Keys:
    """What a client derives from a password, and what the server keeps of it."""

    client_key: bytes
    verifier: Verifier


def derive(password: str = "correct horse") -> Keys:
    """Takes a quarter of a second."""
    salt = os.urandom(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac(_HASH, password.encode(), salt, ITERATIONS)
    client_key, server_key = (hmac.digest(salted, label, _HASH) for label in (b"Client Key", b"Server Key"))
    return Keys(client_key, Verifier(salt, ITERATIONS, hashlib.sha256(client_key).digest(), server_key))


def create(address: Address, accounts: dict[str, Verifier], *, tokens: Sequence[tuple[str, bytes]] = ()) -> None:
    """Make accounts, and tokens of them, over the local socket of a server that this user runs."""
    with Line(address) as admin:
        admin.greet()
        admin.ask(Enter(1, bytes(DEVICE_ID_BYTES)), Welcome)
        made = [encode(CreateAccount(1, name, verifier=verifier)) for name, verifier in accounts.items()]
        _pipeline(admin, made, Registered)
        _pipeline(admin, [encode(CreateToken(1, token, "", user=name)) for name, token in tokens], TokenCreated)


def _pipeline(line: Line, frames: list[bytes], kind: type[Registered] | type[TokenCreated]) -> None:
    for i in range(0, len(frames), _MOST_AT_ONCE):
        some = frames[i : i + _MOST_AT_ONCE]
        line.send(b"".join(some))
        for _ in some:
            _answer(line, kind)


def binding_of(line: Line) -> bytes | None:
    """The channel binding of a connection; None without TLS."""
    if not isinstance(line.socket, ssl.SSLSocket):
        return None
    certificate = line.socket.getpeercert(binary_form=True)
    assert certificate is not None
    return channel_binding_of(certificate)


def show_password(line: Line, name: str, keys: Keys) -> bool:
    """One exchange on a connection that has greeted; was the proof good?

    :raises Wrong: neither yes nor no.
    """
    binding = binding_of(line)
    header = "n,," if binding is None else "p=tls-server-end-point,,"
    bare = f"n={name},r={make_nonce(os.urandom)}"
    line.send(encode(StartScram(1, Proof.PASSWORD, header + bare)))
    challenge = _answer(line, Challenge).message
    ending = f"c={_base64(header.encode() + (binding or b''))},{challenge.partition(',')[0]}"
    said = f"{bare},{challenge},{ending}".encode()
    signature = hmac.digest(keys.verifier.stored_key, said, _HASH)
    proof = bytes(a ^ b for a, b in zip(keys.client_key, signature, strict=True))
    line.send(encode(FinishScram(2, f"{ending},p={_base64(proof)}")))
    answer = line.event()
    if isinstance(answer, Proven):
        if answer.message != f"v={_base64(hmac.digest(keys.verifier.server_key, said, _HASH))}":
            raise Wrong("the server does not know the password either")
        return True
    if isinstance(answer, Refused) and answer.code == "BAD_CREDENTIALS":
        return False
    raise Wrong(f"a proof was answered with {answer}")


def enter(line: Line) -> None:
    """Log in as who the connection has shown to be."""
    line.send(encode(Enter(3, os.urandom(DEVICE_ID_BYTES))))
    _answer(line, Welcome)


def show_token(line: Line, token: bytes) -> None:
    """Log in with a token, on a connection that has greeted."""
    line.send(encode(TokenLogin(1, token, os.urandom(DEVICE_ID_BYTES))))
    _answer(line, Welcome)


def _answer(line: Line, kind: type[E]) -> E:
    """The next event of a kind; a refusal is a failure."""
    while True:
        event = line.event()
        if isinstance(event, kind):
            return event
        if event is None or isinstance(event, Refused):
            raise Wrong(f"no {kind.__name__}, but {event}")


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

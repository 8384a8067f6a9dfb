"""What a login shows, and over which connections it lets itself be seen.

The rule kept here: a token goes only where nobody else can read it, and a password never goes anywhere. On TLS the
proof of a password is bound to the connection; a client does not do without that by itself.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from chatnet.auth.names import fold
from chatnet.auth.scram import ClientExchange, make_nonce
from chatnet.client.dialogue import Steps, expect
from chatnet.client.identity import Identity
from chatnet.errors import ErrorCode, TrustError
from chatnet.events import Challenge, Proven, Welcome
from chatnet.model import DeviceId, SessionId, User
from chatnet.requests import Enter, FinishScram, Login, Proof, StartScram, TokenLogin

Entropy = Callable[[int], bytes]
"""Gives so many random bytes."""


class Channel(Protocol):
    """What is known of an established connection. Every `chatnet.net.ports.Transport` is one."""

    @property
    def is_local(self) -> bool:
        """Is the other end certainly on this machine?"""
        ...

    @property
    def channel_binding(self) -> bytes | None:
        """``tls-server-end-point`` (RFC 5929); None without TLS."""
        ...

    @property
    def server_pin(self) -> bytes | None:
        """The SHA-256 of the server's public key; None without TLS."""
        ...


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel by its description. The default is the worst one: far away, and not encrypted."""

    is_local: bool = False
    channel_binding: bytes | None = None
    server_pin: bytes | None = None


UNKNOWN_CHANNEL = KnownChannel()


def is_private(channel: Channel) -> bool:
    """Can nobody else read it on the way?"""
    return channel.is_local or channel.server_pin is not None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a login is made of besides the credentials."""

    server: bytes
    """The server's id, from `Hello`."""
    channel: Channel
    me: User
    """Oneself, as far as is known: a rename since the last login counts."""
    device: DeviceId
    live: bool = False
    replaces: SessionId = 0


class Credentials(Protocol):
    """Who one is, to be shown anew at every connection."""

    @property
    def me(self) -> User:
        """Oneself before the first login; the name is empty where only the server can tell."""
        ...

    @property
    def key(self) -> str:
        """Tells these credentials from others of the same installation, without giving anything away."""
        ...

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        """The requests that log in. May raise `TrustError`, and `Refused` for what no server would take."""
        ...


@dataclass(frozen=True, slots=True)
class GuestCredentials:
    """A name for a while. The secret that the identity has for this server shows that it is the same guest."""

    name: str
    display: str
    identity: Identity = field(repr=False)

    @property
    def me(self) -> User:
        return User(0, self.name, self.display)

    @property
    def key(self) -> str:
        return fold(self.name)

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        me, secret = arrival.me, self.identity.secret_for(arrival.server)
        make = partial(
            Login,
            name=me.name,
            secret=secret,
            device=arrival.device,
            display=me.display,
            live=arrival.live,
            replaces=arrival.replaces,
        )
        return expect(Welcome, (yield make))


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A device's or a script's token: an account, without any password."""

    token: bytes = field(repr=False)

    @property
    def me(self) -> User:
        return User(0, "")

    @property
    def key(self) -> str:
        return f"token {hashlib.sha256(self.token).hexdigest()}"

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        return (yield from token_login(self.token, arrival))


@dataclass(frozen=True, slots=True)
class LocalCredentials:
    """The operating system says who calls, on a unix socket."""

    @property
    def me(self) -> User:
        return User(0, "")

    @property
    def key(self) -> str:
        return "local user"

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        return (yield from enter(arrival))


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """An account's name and password, shown by SCRAM at every login: for servers without TLS, and for one time."""

    name: str
    password: str = field(repr=False)
    entropy: Entropy = field(default=os.urandom, repr=False)

    @property
    def me(self) -> User:
        return User(0, self.name)

    @property
    def key(self) -> str:
        return f"account {fold(self.name)}"

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        yield from prove(Proof.PASSWORD, arrival.me.name, self.password, arrival.channel, self.entropy)
        return (yield from enter(arrival))


# -- steps of which logins and enrolments are made ------------------------------------------------------------


def prove(proof: Proof, name: str, secret: str, channel: Channel, entropy: Entropy) -> Steps[Proven]:
    """Show knowledge of a secret, and have the server show it too. Takes a quarter of a second of computing.

    :raises Refused: BAD_CREDENTIALS, or BAD_NAME and BAD_PASSWORD for what nobody can have.
    :raises TrustError: UNTRUSTED: the server does not know the secret.
    """
    if channel.server_pin is not None and channel.channel_binding is None:
        raise TrustError(
            ErrorCode.UNTRUSTED,
            "this encrypted connection has nothing that a proof could be bound to, so none is shown on it",
        )
    exchange = ClientExchange(name, secret, channel.channel_binding, make_nonce(entropy))
    challenge = expect(Challenge, (yield partial(StartScram, proof=proof, first=exchange.first)))
    final = exchange.respond(challenge.message)
    proven = expect(Proven, (yield partial(FinishScram, final=final)))
    exchange.verify(proven.message)
    return proven


def enter(arrival: Arrival) -> Steps[Welcome]:
    """Log in as who the connection has shown to be."""
    make = partial(Enter, device=arrival.device, live=arrival.live, replaces=arrival.replaces)
    return expect(Welcome, (yield make))


def token_login(token: bytes, arrival: Arrival) -> Steps[Welcome]:
    """Log in with a token.

    :raises TrustError: UNTRUSTED: others could read it on the way, so it was not sent.
    """
    require_private(arrival.channel, "to show a token")
    make = partial(TokenLogin, token=token, device=arrival.device, live=arrival.live, replaces=arrival.replaces)
    return expect(Welcome, (yield make))


def require_private(channel: Channel, what_for: str) -> None:
    """:raises TrustError: UNTRUSTED: others could read along on this connection."""
    if not is_private(channel):
        raise TrustError(
            ErrorCode.UNTRUSTED,
            f"this connection is not encrypted, and others could read along: it is not safe {what_for} on it.\n"
            "Use an address that starts with chatnet:// (TLS), or do it on the server's own machine.",
        )

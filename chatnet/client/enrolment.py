"""How a device gets its token: with a join code, which makes an account, or with the password of one that exists.

Whoever knows the code or the password proves it, and has the server prove it too. Only then the server's key is worth
remembering (its pin), and only then it gets the token. The token is made here, before it is sent, and stays the same
over lost connections: if the answer is lost, a login with the token shows whether the server has it. So there is never
a second account, and no token that nobody knows.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from chatnet.address import Address
from chatnet.auth.codes import Code
from chatnet.auth.names import check_display, check_name
from chatnet.auth.scram import SALT_BYTES, make_verifier
from chatnet.auth.tokens import make_token
from chatnet.client.credentials import (
    Arrival,
    Channel,
    Credentials,
    Entropy,
    enter,
    prove,
    require_private,
    token_login,
)
from chatnet.client.dialogue import Steps, expect
from chatnet.client.errand import run
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.events import Done, Hello, Registered, TokenCreated
from chatnet.model import DEVICE_ID_BYTES, User
from chatnet.net.trust import Trust, TrustFor, Unproven, by_authority
from chatnet.requests import CreateToken, Proof, Register, SetPassword

ChooseName = Callable[[str | None], str]
"""Asked for a login name: first with None, then with why the last one cannot be had. To give up, it raises."""


def unproven(address: Address) -> Trust:
    """For a server that proves itself by knowing a join code."""
    del address
    return Unproven()


# -- for programs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a profile is made of."""

    address: Address
    server: bytes
    """The server's id."""
    user: User
    token: bytes = field(repr=False)
    pin: bytes | None
    """The SHA-256 of the server's public key, which it has proven to belong to it; None without TLS."""


def join(
    address: Address,
    code: Code,
    choose_name: ChooseName,
    *,
    display: str = "",
    label: str = "",
    timeout: float = 10.0,
    trust: TrustFor = unproven,
) -> Enrolment:
    """Make an account with a join code, blocking. Nothing need be known of the server: knowing the code proves it.

    ``choose_name`` is called in this thread once the code is known to be good, and may take its time.
    ``label``: what the device is called in lists of tokens. ``timeout``: seconds for the rest.
    :raises Refused: BAD_CREDENTIALS: no such code, or not any more; BAD_NAME for ``display`` or ``label``.
    :raises TrustError: UNTRUSTED: it is not the code's server, or the connection is not private.
    :raises TimedOut, Unreachable: the text says whether the account may have been made.
    """
    plan = Joining(code, choose_name, display=display, label=label)
    return plan.enrolment(address, run(plan, address, timeout, trust))


def enrol(
    address: Address,
    name: str,
    password: str,
    *,
    label: str = "",
    timeout: float = 10.0,
    trust: TrustFor = by_authority,
) -> Enrolment:
    """Get a token for another device of an account by its password, blocking.

    By default the server needs a certificate that this system trusts. With `unproven` it is enough that it knows the
    password, but a false one could then try passwords against what it is shown.
    :raises Refused: BAD_CREDENTIALS...
    :raises TrustError, TimedOut, Unreachable: as `join`.
    """
    plan = Enrolling(name, password, label=label)
    return plan.enrolment(address, run(plan, address, timeout, trust))


def change_password(
    address: Address,
    credentials: Credentials,
    new: str,
    *,
    old: str | None = None,
    timeout: float = 10.0,
    trust: TrustFor = by_authority,
) -> User:
    """Give an account a new password, blocking. Its other sessions and tokens end; a token in ``credentials`` stays.

    ``old``: None if there was no password so far, or if the credentials are the old password.
    :raises Refused: BAD_PASSWORD: the new one cannot be used; BAD_CREDENTIALS: the old one is wrong...
    :raises TrustError, TimedOut, Unreachable: as `join`.
    """
    return run(PasswordChange(credentials, new, old), address, timeout, trust)


# -- without I/O ----------------------------------------------------------------------------------------------


class _Procedure:
    """What all have in common: a device for the moment, and one server over all connections."""

    def __init__(self, entropy: Entropy) -> None:
        self.is_unsure = False
        self._entropy = entropy
        self._device = entropy(DEVICE_ID_BYTES)
        self._seen: tuple[bytes, bytes | None] | None = None

    def _arrive(self, hello: Hello, channel: Channel, what_for: str) -> Arrival:
        """Is this a connection to go on with?

        :raises TrustError: UNTRUSTED: others could read along, or it is another server than before.
        """
        require_private(channel, what_for)
        seen = hello.server, channel.server_pin
        if self._seen is not None and self._seen != seen:
            message = "another server answers than before; nothing was sent to it"
            raise TrustError(ErrorCode.UNTRUSTED, message, self._seen[1], seen[1])
        return Arrival(hello.server, channel, User(0, ""), self._device)

    def _proven(self, arrival: Arrival) -> None:
        """Whoever is at the other end has shown to be the right one."""
        self._seen = arrival.server, arrival.channel.server_pin


class _TokenProcedure(_Procedure):
    """One that ends with a token."""

    def __init__(self, entropy: Entropy, label: str) -> None:
        super().__init__(entropy)
        self._token = make_token(entropy)
        self._label = check_display(label, "label")

    def enrolment(self, address: Address, user: User) -> Enrolment:
        """What a profile is made of, once there is a user."""
        assert self._seen is not None
        server, pin = self._seen
        return Enrolment(address, server, user, self._token, pin)

    def _find_out(self, arrival: Arrival) -> Steps[User | None]:
        """Does the server have the token by now? Then whose is it?"""
        try:
            welcome = yield from token_login(self._token, arrival)
        except Refused as refused:
            if refused.code != ErrorCode.BAD_CREDENTIALS:
                raise
            return None
        return welcome.user


class Joining(_TokenProcedure):
    """Makes an account with a join code; see `join`."""

    def __init__(
        self,
        code: Code,
        choose_name: ChooseName,
        *,
        display: str = "",
        label: str = "",
        entropy: Entropy = os.urandom,
    ) -> None:
        super().__init__(entropy, label)
        self._code = code
        self._choose_name = choose_name
        # What is refused as a bad name by the server must be the name, since it is asked for again.
        self._display = check_display(display)
        self._name = ""

    def steps(self, hello: Hello, channel: Channel) -> Steps[User]:
        """Show the code, then ask for names until one can be had."""
        arrival = self._arrive(hello, channel, "to make an account")
        # From here on a refusal may be the work of an earlier connection, whose answer was lost.
        was_lost = self.is_unsure
        if was_lost and (user := (yield from self._find_out(arrival))):
            return user
        try:
            yield from prove(Proof.CODE, self._code.name, self._code.secret, channel, self._entropy)
        except Refused:
            if was_lost and (user := (yield from self._find_out(arrival))):
                return user
            self.is_unsure = False
            raise
        self._proven(arrival)
        return (yield from self._register(arrival, was_lost))

    def _register(self, arrival: Arrival, was_lost: bool) -> Steps[User]:
        reason = None
        while True:
            self._name = self._name or self._choose(reason)
            self.is_unsure = True
            try:
                make = partial(Register, name=self._name, display=self._display, token=self._token, label=self._label)
                return expect(Registered, (yield make)).user
            except Refused as refused:
                if was_lost and (user := (yield from self._find_out(arrival))):
                    return user
                self.is_unsure = was_lost = False
                if refused.code not in (ErrorCode.NAME_IN_USE, ErrorCode.BAD_NAME):
                    raise
                reason, self._name = refused.message, ""

    def _choose(self, reason: str | None) -> str:
        while True:
            name = self._choose_name(reason)
            try:
                return check_name(name)
            except Refused as refused:
                reason = refused.message


class Enrolling(_TokenProcedure):
    """Gets a token by a password; see `enrol`."""

    def __init__(self, name: str, password: str, *, label: str = "", entropy: Entropy = os.urandom) -> None:
        super().__init__(entropy, label)
        self._name = name
        self._password = password

    def steps(self, hello: Hello, channel: Channel) -> Steps[User]:
        """Show the password, log in, and leave the token."""
        arrival = self._arrive(hello, channel, "to make a token")
        if self.is_unsure and (user := (yield from self._find_out(arrival))):
            return user
        self.is_unsure = False
        yield from prove(Proof.PASSWORD, self._name, self._password, channel, self._entropy)
        self._proven(arrival)
        welcome = yield from enter(arrival)
        self.is_unsure = True
        try:
            expect(TokenCreated, (yield partial(CreateToken, token=self._token, label=self._label)))
        except Refused:
            self.is_unsure = False
            raise
        return welcome.user


class PasswordChange(_Procedure):
    """Sets a new password; see `change_password`."""

    def __init__(
        self, credentials: Credentials, new: str, old: str | None = None, *, entropy: Entropy = os.urandom
    ) -> None:
        """:raises Refused: BAD_PASSWORD."""
        super().__init__(entropy)
        self._credentials = credentials
        self._new, self._old = new, old
        self._verifier = make_verifier(new, entropy(SALT_BYTES))
        self._me = credentials.me

    def steps(self, hello: Hello, channel: Channel) -> Steps[User]:
        """Log in, show the old password if there is one, and leave what can check the new one."""
        arrival = self._arrive(hello, channel, "to set a password")
        was_lost = self.is_unsure
        if was_lost and (yield from self._is_set(channel)):
            return self._me
        try:
            yield from self._log_in(arrival)
        except Refused:
            # The request of before may have come through in the meantime.
            if was_lost and (yield from self._is_set(channel)):
                return self._me
            self.is_unsure = False
            raise
        self._proven(arrival)
        self.is_unsure = True
        try:
            expect(Done, (yield partial(SetPassword, verifier=self._verifier)))
        except Refused:
            self.is_unsure = False
            raise
        return self._me

    def _log_in(self, arrival: Arrival) -> Steps[None]:
        known_as = replace(arrival, me=self._credentials.me)
        self._me = (yield from self._credentials.login(known_as)).user
        if self._old is not None:
            yield from prove(Proof.PASSWORD, self._me.name, self._old, arrival.channel, self._entropy)

    def _is_set(self, channel: Channel) -> Steps[bool]:
        """Is the new password the account's by now?"""
        try:
            yield from prove(Proof.PASSWORD, self._me.name, self._new, channel, self._entropy)
        except Refused as refused:
            if refused.code != ErrorCode.BAD_CREDENTIALS:
                raise
            return False
        return True

"""Getting in: who one is, shown by a guest's secret, a token, a password, a join code, or the operating system.

A password or a join code is shown once for each device, by SCRAM (RFC 5802, RFC 7677), so that the server never sees
it: `StartScram`, `FinishScram`, and for a join code `Register`. It is the client that makes the token by which the
device logs in from then on: if an answer gets lost, it can still find out whether the server knows the token.
"""

from enum import IntEnum

from chatnet.model import DeviceId, Natural, Secret, SessionId
from chatnet.requests.base import Request


class Proof(IntEnum):
    """What a SCRAM exchange shows knowledge of."""

    PASSWORD = 0
    CODE = 1
    """A join code: its first four characters are the SCRAM user name, the other eight the password."""


class Login(Request, frozen=True, tag=1):
    """Say who you are: the first request of a connection. Reply: `Welcome`.

    A guest is a name and a secret: whoever shows the same secret again is the same guest.
    """

    id: Natural
    name: str
    secret: Secret
    """32 bytes that only this guest knows, different for every server."""
    device: DeviceId
    display: str = ""
    live: bool = True
    """Deliver what is said in one's personal chats from now on; otherwise only those asked for by `Follow`."""
    replaces: SessionId = 0
    """An own session that this one takes the place of (a connection that broke); 0 for none."""


class Enter(Request, frozen=True, tag=18):
    """Log in as who this connection has shown to be by SCRAM or `Register`. Reply: `Welcome`.

    On a local socket nothing has to be shown: the operating system says who calls, and an account of its login name
    is made at the first time.
    """

    id: Natural
    device: DeviceId
    live: bool = True
    replaces: SessionId = 0


class TokenLogin(Request, frozen=True, tag=19):
    """Log in with a device's token. Refused where others could read it on the way. Reply: `Welcome`."""

    id: Natural
    token: Secret
    device: DeviceId
    live: bool = True
    replaces: SessionId = 0


class StartScram(Request, frozen=True, tag=20):
    """Begin to show knowledge of a password or a join code; possible after the login too. Reply: `Challenge`."""

    id: Natural
    proof: Proof
    first: str
    """SCRAM's client-first-message, with the channel binding ``tls-server-end-point`` on TLS."""


class FinishScram(Request, frozen=True, tag=21):
    """The answer to `Challenge`. Reply: `Proven`, or `Refused` with ``BAD_CREDENTIALS``, whatever was wrong."""

    id: Natural
    final: str
    """SCRAM's client-final-message."""


class Register(Request, frozen=True, tag=22):
    """Make an account, once a join code was shown on this connection. Reply: `Registered`.

    If the name is taken, another one can be tried at once; only success uses up the code.
    """

    id: Natural
    name: str
    display: str
    token: Secret
    """32 random bytes made by the client: the token of this device."""
    label: str = ""
    """What the token's owner calls the device."""

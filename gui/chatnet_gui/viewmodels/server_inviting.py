"""What the server window tells others: where the server is, by which key they know it, and a join code.

These functions run in the client's thread and share nothing.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from chatnet import Client
from chatnet.address import TLS, Address
from chatnet.auth.codes import make_link
from chatnet.client.discovery import server_address, short_address
from chatnet.client.first_contact import look
from chatnet.client.reach import places
from chatnet.errors import ChatnetError
from chatnet.net.pins import show_pin

_EVERYWHERE = ("0.0.0.0", "::")
_LOOK_SECONDS = 2.0
_HOUR = 3600
SPANS: Sequence[tuple[str, int]] = (("1 hour", _HOUR), ("1 day", 24 * _HOUR), ("7 days", 7 * 24 * _HOUR))
"""How long a code may be good, in seconds."""
MOST_USES = 10_000


@dataclass(frozen=True, slots=True)
class Outside:
    """How the server looks to others."""

    places: Sequence[str] = ()
    """Where other machines reach it, the best first."""
    here: str = ""
    """Where this machine reaches it by TLS; empty if it does not."""
    pin: str = ""
    """The fingerprint of its key; empty where an authority vouches for it."""

    @property
    def place(self) -> str:
        """What to tell others, or else what holds on this machine."""
        return self.places[0] if self.places else self.here

    @property
    def pin_in_lines(self) -> str:
        """The fingerprint, broken in the middle."""
        groups = self.pin.split("-")
        half = len(groups) // 2
        return "-\n".join(("-".join(groups[:half]), "-".join(groups[half:]))) if self.pin else ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A join code, alone and as a link; both are good in a window and in a terminal."""

    code: str = field(repr=False)
    link: str = field(repr=False)
    """Place and code in one; empty where the server does no TLS."""


def look_outside(addresses: Iterable[Address]) -> Outside:
    """Find out how a server that listens there looks to others. Blocking."""
    listening = [address for address in addresses if address.scheme == TLS]
    if not listening:
        return Outside()
    here = [replace(a, host="127.0.0.1") if a.host in _EVERYWHERE else a for a in listening]
    near = min(here, key=lambda address: not address.is_local)
    try:
        pin = look(near, _LOOK_SECONDS)
    except ChatnetError:
        pin = None  # it has gone again: then nobody has to know its key
    return Outside(places(listening), short_address(near), "" if pin is None else show_pin(pin))


def invite(chat: Client, outside: Outside, uses: int, seconds: int) -> Invitation:
    """Make a join code."""
    code = chat.admin.invite(uses=uses, expires=int((time.time() + seconds) * 1000))
    return Invitation(str(code), make_link(server_address(outside.place), code) if outside.place else "")

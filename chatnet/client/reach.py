"""Where others reach a server that is known on its own machine: what is told to people together with a join code."""

import socket
from collections.abc import Iterable
from dataclasses import replace

from chatnet.address import DEFAULT_PORT, TLS, Address
from chatnet.client.discovery import short_address
from chatnet.errors import ChatnetError
from chatnet.net.interfaces import lan_addresses

_EVERYWHERE = ("0.0.0.0", "::")
_LOOK_SECONDS = 1.0


def places(addresses: Iterable[Address]) -> list[str]:
    """How others may write where a server is reached by TLS that listens there, the best first: HOST, or HOST:PORT."""
    found: dict[str, None] = {}
    for address in addresses:
        if address.scheme != TLS or address.is_local:
            continue
        everywhere = address.host in _EVERYWHERE
        for host in (lan_addresses() or [socket.gethostname()]) if everywhere else [address.host]:
            found[short_address(replace(address, host=host))] = None
    return list(found)


def place_of(address: Address) -> Address | None:
    """Where others find the server that was reached at ``address``; None if that cannot be known.

    Blocking: it looks for the server at the addresses of this machine.
    """
    if address.scheme == TLS and not address.is_local:
        return address
    if not address.is_local:
        return None
    from chatnet.client.first_contact import look

    port = address.port if address.scheme == TLS else DEFAULT_PORT
    for host in lan_addresses():
        place = Address(TLS, host, port)
        try:
            look(place, _LOOK_SECONDS)
        except ChatnetError:
            continue
        return place
    return None

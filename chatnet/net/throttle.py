"""How many connections from one place may come to nothing: so few that nobody keeps the server busy with knocking.

Each connection takes one of its place's slots for a minute, and a login gives it back. So those who log in are never
counted, however many they are and however often they come; and of 256 places for strangers nobody can hold them all.
Who has no slot left is closed before a byte was read: no handshake is done, and no word is said, for him.

What is kept is bounded: of the latest places only. Sockets that have no address, on this machine, are not counted.
"""

import socket
from array import array
from collections import OrderedDict

from chatnet.core.limits import Limits

_SUBNET_BYTES = 8
"""A /64 is what one customer has at least, to choose addresses from (RFC 6177)."""


def place_of(host: str) -> str:
    """Where an address (`chatnet.net.ports.Transport.host`) is: an IPv4 address itself, of IPv6 its /64; "" of ""."""
    if ":" not in host:
        return host
    numeric = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    subnet = numeric[:_SUBNET_BYTES] + bytes(len(numeric) - _SUBNET_BYTES)
    return f"{socket.inet_ntop(socket.AF_INET6, subnet)}/64"


class Throttle:
    """The slots of all places. Times are monotonic seconds."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.wasted_connections_per_place
        self._seconds = limits.wasted_connection_seconds
        self._places = limits.wasted_connection_places
        self._taken: OrderedDict[str, array[float]] = OrderedDict()
        """When the slots of each place were taken, in order; the place from which somebody came last is last."""

    def take(self, host: str, now: float) -> bool:
        """Is there a slot for a connection from there? Then it is taken."""
        if not host:
            return True
        place = place_of(host)
        taken = self._taken.setdefault(place, array("d"))
        self._taken.move_to_end(place)
        while taken and taken[0] <= now - self._seconds:
            del taken[0]
        if len(taken) >= self._most:
            return False
        taken.append(now)
        if len(self._taken) > self._places:
            self._taken.popitem(last=False)
        return True

    def give_back(self, host: str, since: float) -> None:
        """The connection that took a slot at that time has logged in."""
        place = place_of(host)
        taken = self._taken.get(place)
        # It may have been forgotten meanwhile, or be over.
        if taken is not None and since in taken:
            taken.remove(since)
            if not taken:
                del self._taken[place]

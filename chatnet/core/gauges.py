"""What only the network knows of itself, as the core asks for it when an admin wants to see it.

So the core needs neither sockets nor a clock to show them, and nothing is counted up or looked at for nobody.
"""

from typing import Protocol

import msgspec

from chatnet.core.entries import Handle
from chatnet.model import Time


class LinkFigures(msgspec.Struct, frozen=True):
    """Of one connection. Bytes are those of frames, without what TLS adds."""

    address: str
    """Of the other end, for people."""
    transport: str
    """``tls``, ``tcp`` or ``unix``."""
    received: int
    sent: int
    queued: int
    silent: float
    """Seconds since anything was heard of it."""


class HostFigures(msgspec.Struct, frozen=True):
    """Of the whole server. Counters begin at its start."""

    started: Time
    addresses: list[str]
    """Where it listens."""
    connections: int
    """Open, whoever is at the other end."""
    admitted: int
    """How many of them have logged in."""
    received: int
    sent: int
    queued: int
    """Bytes that wait for clients to read them."""
    lag: float
    """Seconds: the longest that the loop kept anybody waiting within the last second."""
    batches: int
    """Batches that wait for the store."""
    stored: int
    """Bytes of the store's files."""
    cpu: float
    """Seconds of the processor."""
    memory: int
    """Bytes; 0 where the system does not say."""


class Gauges(Protocol):
    """The network, as one that can be asked how it fares."""

    def link(self, session: Handle) -> LinkFigures:
        """How one connection fares."""
        ...

    def host(self) -> HostFigures:
        """How the whole server fares."""
        ...


class NoGauges:
    """Of a hub that no network runs: nothing is known."""

    def link(self, session: Handle) -> LinkFigures:
        """Nothing."""
        del session
        return LinkFigures("", "", 0, 0, 0, 0.0)

    def host(self) -> HostFigures:
        """Nothing."""
        return HostFigures(0, [], 0, 0, 0, 0, 0, 0.0, 0, 0, 0.0, 0)

"""How the network fares, for admins: what the core asks for by `chatnet.core.gauges`.

Nothing here is counted for the sake of these figures but the bytes of each connection, once for each read and each
write. All else is looked up when somebody asks.
"""

import time
from collections.abc import Callable
from typing import cast

from chatnet.core.entries import Handle
from chatnet.core.gauges import HostFigures, LinkFigures
from chatnet.net.connections import Connections
from chatnet.net.peer import GONE, Peer
from chatnet.net.platform import resident_bytes
from chatnet.net.ports import Transport
from chatnet.net.storing import StoreLink


class NetworkGauges:
    """Looks at the connections of one server. ``stored`` says how many bytes the message store's files have."""

    def __init__(
        self, connections: Connections, link: StoreLink, addresses: list[str], stored: Callable[[], int]
    ) -> None:
        self._connections = connections
        self._link = link
        self._addresses = addresses
        self._stored = stored
        self._started = connections.loop.now.wall
        self._cpu_before = time.process_time()

    def link(self, session: Handle) -> LinkFigures:
        """How one connection fares; it may just have been closed."""
        peer = cast(Peer, session)
        silent = self._connections.loop.now.monotonic - peer.last_heard
        transport = peer.transport
        return LinkFigures(transport.peer, _kind(transport), peer.received, peer.sent, _queued(peer), max(0.0, silent))

    def host(self) -> HostFigures:
        """How the whole server fares. Goes through all connections once."""
        connections = self._connections
        received, sent, queued = connections.received, connections.sent, 0
        for peer in connections.all:
            received += peer.received
            sent += peer.sent
            if peer.queue is not None or peer.bulk is not None:
                queued += _queued(peer)
        return HostFigures(
            started=self._started,
            addresses=self._addresses,
            connections=len(connections.all),
            admitted=len(connections.all) - connections.strangers - connections.closing,
            received=received,
            sent=sent,
            queued=queued,
            lag=connections.loop.lateness.worst,
            batches=self._link.unanswered,
            stored=self._stored(),
            cpu=time.process_time() - self._cpu_before,
            memory=resident_bytes(),
        )


def _queued(peer: Peer) -> int:
    """What waits for a client, files included."""
    chat = sum(map(len, peer.queue or ())) if peer.queued >= GONE else peer.queued
    return chat + (0 if peer.bulk is None else peer.bulk.size)


def _kind(transport: Transport) -> str:
    if transport.channel_binding is not None:
        return "tls"
    return "tcp" if transport.host else "unix"

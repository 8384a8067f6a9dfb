"""All peers there are, and what has to be done about some of them before the turn ends.

Peers note here what happened to them. Nothing acts on a note while it is written, so no list of peers ever changes
under somebody who goes through it.
"""

from collections import deque

from chatnet.core.limits import Limits
from chatnet.net.loop import READ, EventLoop, Handler
from chatnet.net.peer import Peer
from chatnet.net.ports import Frontend, Transport
from chatnet.net.throttle import Throttle


class Connections:
    """The peers of one server. Dicts rather than sets: the order is that of arrival, the same in every run."""

    def __init__(self, loop: EventLoop, limits: Limits) -> None:
        self.loop = loop
        self.limits = limits
        self.throttle = Throttle(limits)
        self.all: dict[Peer, None] = {}
        self.strangers = 0
        """Peers that have not logged in and are not being closed."""
        self.closing = 0
        """Peers that are being closed but are not gone yet."""
        self.received = self.sent = 0
        """Bytes from and to those that are gone."""
        self.dirty: list[Peer] = []
        """Peers with output that was queued in this turn."""
        self.drained: list[Peer] = []
        """Peers that were waiting for their queue to become short, and it is."""
        self.bulk_sent: list[Peer] = []
        """Peers of which a frame of the second lane was handed over whole, once for each."""
        self.resumed: list[Peer] = []
        """Peers whose pause is over, perhaps with requests that came before it."""
        self.ended: list[Peer] = []
        """Peers whose other side has ended its side."""
        self.gone: deque[Peer] = deque()
        """Peers that the core knows and that take nothing more."""

    def add(self, transport: Transport, frontend: Frontend, handler: Handler[Peer]) -> Peer:
        """A new connection; ``handler`` is called when it can be read or written."""
        peer = Peer(transport, frontend, self)
        peer.watch = self.loop.watch(transport.selectable, handler, peer)
        peer.watch.want(READ)
        self.all[peer] = None
        self.strangers += 1
        return peer

    def flush(self) -> None:
        """Write once to every peer that has something new."""
        dirty, self.dirty = self.dirty, []
        for peer in dirty:
            peer.flush()

    def drop_all(self) -> None:
        """Close all of them at once."""
        for peer in list(self.all):
            peer.drop()

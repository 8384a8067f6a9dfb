"""From a readable peer to requests handled by the core.

A peer is read once a turn and has a bounded number of requests handled in it; what is left waits in its front-end,
which is bounded too. So no client can make the others wait, however fast it sends.
"""

import logging
from typing import Final

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.net.callers import caller_of
from chatnet.net.connections import Connections
from chatnet.net.dispatch import INTERNAL_REASON, Core, Dispatcher
from chatnet.net.loop import READ, WRITE
from chatnet.net.peer import OPEN, Peer

REQUESTS_PER_TURN: Final = 256
_log = logging.getLogger(__name__)


class Intake:
    """The `chatnet.net.loop.Handler` of all peers."""

    def __init__(self, core: Core, dispatcher: Dispatcher, connections: Connections) -> None:
        self._core = core
        self._handle = core.handle
        self._dispatcher = dispatcher
        self._connections = connections
        self._loop = connections.loop

    def ready(self, subject: Peer, mask: int) -> None:
        """A peer can be written or read."""
        if mask & WRITE:
            subject.go_on()
            if not subject.watch.mask & READ:
                return
        if mask & READ:
            data = subject.receive()
            if data is not None:
                frontend = subject.frontend
                frontend.receive(data)
                if not subject.known and frontend.ready:
                    subject.known = True
                    caller = caller_of(subject.transport)
                    self._dispatcher.carry_out(self._core.connected(subject, caller, self._loop.now))
                self._handle_requests(subject)

    def failed(self, subject: Peer, error: Exception) -> None:
        """Our own mistake; this client pays for it, the others notice nothing."""
        del error
        subject.close(ErrorCode.INTERNAL, INTERNAL_REASON)

    def go_on(self) -> None:
        """Handle what had come from peers before they were paused. Called once a turn."""
        resumed, self._connections.resumed = self._connections.resumed, []
        for peer in resumed:
            try:
                self._handle_requests(peer)
            except Exception as error:
                _log.exception("error in a request of %r", peer)
                self.failed(peer, error)

    def _handle_requests(self, peer: Peer) -> None:
        frontend = peer.frontend
        for _taken in range(REQUESTS_PER_TURN):  # a compiler makes an object of what is just called _
            if peer.state != OPEN:
                return
            try:
                request = frontend.next_request()
            except ProtocolError as error:
                peer.close(error.code, error.message)
                return
            if request is None:
                return
            effects = self._handle(peer, request, self._loop.now)
            if effects:
                self._dispatcher.carry_out(effects)
        peer.pause(self._loop.now.monotonic)

"""Lets connections in, as many as there is room for.

Rule kept here: whatever goes wrong with one connection or with accepting at all, the server goes on with those that
it has. Whoever finds no room is told so, and when to come back; but who knocks and knocks and never logs in is not
even heard (`chatnet.net.throttle`).
"""

import logging
from collections.abc import Callable, Sequence

from chatnet.errors import ErrorCode
from chatnet.net.connections import Connections
from chatnet.net.loop import READ, Handler, Watch
from chatnet.net.peer import Peer
from chatnet.net.ports import Frontend, Listener, Transport

ACCEPTS_PER_TURN = 16
BACK_OFF_SECONDS = 1.0
"""After an accept that failed, for instance for want of file descriptors: trying at once would spin."""
RETRY_SECONDS = 5.0
"""When somebody who found no room may come back."""
_FULL = (ErrorCode.SERVER_FULL, "too many connections; try again later", RETRY_SECONDS)
_log = logging.getLogger(__name__)


class Acceptor:
    """The `chatnet.net.loop.Handler` of all listeners."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        make_frontend: Callable[[], Frontend],
        peer_handler: Handler[Peer],
        connections: Connections,
        capacity: int,
    ) -> None:
        """``capacity``: how many connections there may be at once."""
        self._make_frontend = make_frontend
        self._peer_handler = peer_handler
        self._connections = connections
        self._capacity = capacity
        self._has_complained = False
        self._watches: list[Watch[Listener]] = []
        for listener in listeners:
            self._watches.append(connections.loop.watch(listener.selectable, self, listener))
        self._listen()

    def close(self) -> None:
        """Stop listening and free the addresses."""
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.want(0)
            watch.subject.close()

    def ready(self, subject: Listener, mask: int) -> None:
        """Accept some connections; more of them in the next turn."""
        del mask
        for _ in range(ACCEPTS_PER_TURN):
            try:
                transport = subject.accept()
            except ConnectionError:
                continue  # that one was gone before we came to it
            except OSError as error:
                self._back_off(error)
                return
            if transport is None:
                return
            self._has_complained = False
            self._let_in(transport)

    def failed(self, subject: Listener, error: Exception) -> None:
        """A mistake in a transport or front-end: do not spin on it."""
        del subject
        self._back_off(error)

    def _let_in(self, transport: Transport) -> None:
        connections = self._connections
        if not connections.throttle.take(transport.host, connections.loop.now.monotonic):
            self._shut_out(transport)
            return
        if len(connections.all) >= self._capacity:
            self._turn_away(transport)
            return
        peer = connections.add(transport, self._make_frontend(), self._peer_handler)
        if connections.strangers > connections.limits.strangers:
            peer.close(*_FULL)

    def _shut_out(self, transport: Transport) -> None:
        """Not a word, for that would take a handshake; and not a line in the log for each, which fills disks."""
        _log.debug("%s: too many connections from there that did not log in", transport.peer)
        transport.close()

    def _turn_away(self, transport: Transport) -> None:
        """There is not even room to wait until it has read why."""
        try:
            transport.send(self._make_frontend().farewell(*_FULL))
            transport.end()
        except OSError as error:
            _log.debug("%s was turned away unheard: %s", transport.peer, error)
        transport.close()

    def _back_off(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            _log.error("cannot accept connections just now: %s", error)
        for watch in self._watches:
            watch.want(0)
        self._connections.loop.call_later(BACK_OFF_SECONDS, self._listen)

    def _listen(self) -> None:
        for watch in self._watches:
            watch.want(READ)

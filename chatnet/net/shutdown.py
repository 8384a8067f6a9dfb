"""How a server stops without losing a word.

No new connections and no new requests; then the answers to what was asked before; then the last words, which tell
clients to come back; and no more than the farewell time for all of it, whatever anybody else does. A transfer is not
waited for: what was granted of it still moves, and the rest goes on after the restart.
"""

from chatnet.errors import ErrorCode
from chatnet.net.connections import Connections
from chatnet.net.filing import FileLink
from chatnet.net.listening import Acceptor
from chatnet.net.storing import StoreLink

COME_BACK_SECONDS = 2.0
"""When clients should try again: a restart takes about that long, and each adds its own jitter."""


class Shutdown:
    """Begins when it is made; then `step` goes on with it after each turn."""

    def __init__(self, acceptor: Acceptor, link: StoreLink, files: FileLink, connections: Connections) -> None:
        self._link = link
        self._files = files
        self._connections = connections
        self._has_told = False
        self._deadline = connections.loop.now.monotonic + connections.limits.farewell_seconds
        connections.loop.call_at(self._deadline, connections.loop.again)
        acceptor.close()
        for peer in connections.all:
            peer.hold()

    def step(self) -> bool:
        """Do what can be done now; True when nothing is left to do, or no time to do it."""
        late = self._connections.loop.now.monotonic >= self._deadline
        if not self._has_told and (late or not self._is_waiting):
            self._tell()
        return late or not (self._connections.all or self._is_waiting)

    @property
    def _is_waiting(self) -> bool:
        return self._link.is_waiting or self._files.is_waiting

    def _tell(self) -> None:
        self._has_told = True
        for peer in list(self._connections.all):
            peer.close(ErrorCode.SHUTTING_DOWN, "the server is stopping", COME_BACK_SECONDS)
        self._connections.flush()

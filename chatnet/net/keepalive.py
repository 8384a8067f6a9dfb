"""What happens because time passes: pings, time-outs, and the core's own clock.

One sweep over all peers each second, in place of a timer for each: what is swept needs no accuracy, and moving a
timer with every packet would cost more than the packet.
"""

from chatnet.errors import ErrorCode
from chatnet.events import AreYouThere
from chatnet.net.connections import Connections
from chatnet.net.dispatch import Dispatcher
from chatnet.net.peer import ENDED, OPEN, Peer

TICK_SECONDS = 1.0
_ARE_YOU_THERE = AreYouThere()


class Keepalive:
    """Ticks from the moment it is made."""

    def __init__(self, dispatcher: Dispatcher, connections: Connections) -> None:
        self._dispatcher = dispatcher
        self._connections = connections
        self._plan()

    def _plan(self) -> None:
        self._connections.loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._plan()
        self._connections.loop.lateness.next_second()
        self._dispatcher.tick()
        now = self._connections.loop.now.monotonic
        for peer in list(self._connections.all):
            self._check(peer, now)

    def _check(self, peer: Peer, now: float) -> None:
        if peer.state >= ENDED:
            if now >= peer.deadline:
                peer.drop()
        elif not peer.admitted:
            if now >= peer.deadline:
                peer.close(ErrorCode.AUTH_TIMEOUT, "you have not logged in in time")
        elif peer.state == OPEN:  # a paused peer may have sent something: it just has not been read
            self._check_silence(peer, now - peer.last_heard)

    def _check_silence(self, peer: Peer, silence: float) -> None:
        limits = self._connections.limits
        if silence >= limits.silence_seconds:
            peer.close(ErrorCode.TIMED_OUT, f"nothing was heard of you for {limits.silence_seconds:.0f} s")
        elif silence >= limits.ping_seconds and not peer.asked:
            peer.asked = True
            peer.put(peer.encode(_ARE_YOU_THERE))

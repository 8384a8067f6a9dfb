"""One connection: its transport, its front-end, and what waits to be written to it.

A peer knows nothing of the chat. It queues references to encoded events, writes them once a turn, and asks the
selector for writability only while something was left over. It is as lean as it can be, since there may be tens of
thousands: everything that an idle connection does not need is made on first use.

    OPEN      requests are read and handled, once the transport's handshake is over
    PAUSED    it is over its rate, or the server stops: nothing is read, all else goes on
    ENDED     the other side has ended its side; it still gets the answers to what it asked
    CLOSING   the last words are queued, nothing more goes in, what comes is thrown away
    LINGERING all is written and our side is ended: wait for the other side to end its own. Closing a TCP socket with
              unread input resets the connection, and the reset may overtake the last words (RFC 2525, 2.17)
    CLOSED    gone
"""

import logging
import math
from typing import TYPE_CHECKING, Final

from chatnet.core.limits import KIB
from chatnet.errors import ErrorCode
from chatnet.net.bulk import BulkLane
from chatnet.net.loop import READ, WRITE, Timer
from chatnet.net.ports import Frontend, Transport

if TYPE_CHECKING:
    from chatnet.net.connections import Connections
    from chatnet.net.loop import Watch

OPEN: Final = 0
PAUSED: Final = 1
ENDED: Final = 2
CLOSING: Final = 3
LINGERING: Final = 4
CLOSED: Final = 5
READ_BYTES: Final = 64 * KIB
"""Taken from one peer in one turn, so that nobody starves the others."""
DISCARD_BYTES = 256 * KIB
"""Thrown away for the sake of the last words; who goes on sending after that may lose them."""
GONE: Final = 1 << 62
"""``queued`` of a peer that takes nothing more: over every limit, so that the fast path needs no second question."""
_log = logging.getLogger(__name__)


class Peer:
    """One connection. What the rest of the network layer reads is public; only the peer itself changes it."""

    __slots__ = (
        "_connections",
        "_deaf",
        "_discarded",
        "_pause",
        "admitted",
        "asked",
        "awaiting_drain",
        "bulk",
        "came",
        "deadline",
        "encode",
        "frontend",
        "is_shaking",
        "known",
        "last_heard",
        "limit",
        "queue",
        "queued",
        "received",
        "sent",
        "state",
        "transport",
        "watch",
    )
    watch: "Watch[Peer]"

    def __init__(self, transport: Transport, frontend: Frontend, connections: "Connections") -> None:
        limits = connections.limits
        self.transport = transport
        self.frontend = frontend
        self._connections = connections
        self.state = OPEN
        self.encode = frontend.encode
        self.queue: list[bytes] | None = None
        """What is to be written; None exactly when there is nothing."""
        self.queued = 0
        """Bytes in the queue, or GONE."""
        self.bulk: BulkLane | None = None
        """What goes behind all that is queued; None before its first file."""
        self.received = self.sent = 0
        """Bytes."""
        self.limit = limits.output_before_login
        self.admitted = False
        self.known = False
        """Has the core been told of it, and not been told that it is gone?"""
        self.awaiting_drain = False
        self.asked = False
        """Has it been asked whether it is there, since it was last heard?"""
        self.came = self.last_heard = connections.loop.now.monotonic
        self.is_shaking = not transport.is_established
        """Is its transport's handshake still under way?"""
        self.deadline = self.last_heard + (limits.handshake_seconds if self.is_shaking else limits.login_seconds)
        """When its time is over: for the handshake, to log in before it is admitted, to be gone once it has ENDED or
        is CLOSING; infinity while it is admitted."""
        self._pause: Timer | None = None
        self._deaf = False
        """Will nothing more be read?"""
        self._discarded = 0

    def __repr__(self) -> str:
        return f"<Peer {self.transport.peer}>"

    # -- output -----------------------------------------------------------------------------------------------

    def put(self, frame: bytes) -> None:
        """Queue some bytes; a peer that reads too slowly for its limit is closed."""
        size = len(frame)
        if self.queued + size > self.limit:
            self.close(ErrorCode.TOO_SLOW, "too much output is waiting for you to read it")
            return
        if self.queue is None:
            self.queue = [frame]
            self._connections.dirty.append(self)
        else:
            self.queue.append(frame)
        self.queued += size

    def put_bulk(self, frame: bytes) -> None:
        """Queue some bytes behind all that is not bulk; `Connections.bulk_sent` notes when they are handed over."""
        if self.state >= CLOSING:
            return
        if self.bulk is None:
            self.transport.favour_latency()
            self.bulk = BulkLane()
        self.bulk.add(frame)
        self._connections.dirty.append(self)

    def go_on(self) -> None:
        """The way is open again. With a second lane it is written at the turn's end, behind what is said till then."""
        if self.bulk is None:
            self.flush()
        else:
            self.bulk.is_due = True
            self._connections.dirty.append(self)

    def flush(self) -> None:
        """Write all that is queued, in one piece."""
        queue, transport = self.queue, self.transport
        if queue is None or self.bulk is not None or self.state >= CLOSING:
            self._flush_rest()
            return
        data = queue[0] if len(queue) == 1 else b"".join(queue)
        try:
            taken = transport.send(data)
        except OSError:
            self.drop()
            return
        self.sent += taken
        if taken == len(data) and not transport.wants_write and self.watch.mask == READ:
            self.queue = None
            self.queued = 0
            if self.awaiting_drain:
                self._notice_drain()
        else:
            self._written(data[taken:])

    def _flush_rest(self) -> None:
        """All that is rarer: two lanes, last words, and bytes that the transport holds."""
        if self.state == CLOSED:
            return
        rest, waiting = b"", 0
        try:
            if self.bulk is not None:
                rest, waiting = self._write_both(self.bulk)
            elif self.queue is None:
                self.transport.flush()
            else:
                data = b"".join(self.queue)
                taken = self.transport.send(data) if data else 0
                self.sent += taken
                rest = data[taken:]
        except OSError:
            self.drop()
            return
        self._written(rest, waiting)

    def _written(self, rest: bytes, waiting: int = 0) -> None:
        """This is left of what was queued, and so many bytes of the second lane."""
        transport, mask = self.transport, self.watch.mask
        self.queue = [rest] if rest else None
        # While it shakes hands it takes nothing, however writable it is.
        blocked = transport.wants_write or ((waiting > 0 or len(rest) > 0) and transport.is_established)
        if blocked != bool(mask & WRITE):
            self.watch.want(mask ^ WRITE)
        if self.state < CLOSING:
            self.queued = len(rest)
            if self.awaiting_drain:
                self._notice_drain()
        elif self.state == CLOSING and not rest and not blocked:
            self._linger()

    def _write_both(self, bulk: BulkLane) -> tuple[bytes, int]:
        """Write both lanes; what is left of the queue, and how many bytes of the second lane."""
        before = bulk.taken
        rest, done = bulk.write(self.transport, self.queue or [])
        self.sent += bulk.taken - before
        self._connections.bulk_sent.extend([self] * done)
        return bytes(rest), bulk.size

    def await_drain(self) -> None:
        """Note it in `Connections.drained` once the queue is short, perhaps at once."""
        if self.state < CLOSING:
            self.awaiting_drain = True
            self._notice_drain()

    def _notice_drain(self) -> None:
        if self.queued <= self._connections.limits.output_low:
            self.awaiting_drain = False
            self._connections.drained.append(self)

    # -- input ------------------------------------------------------------------------------------------------

    def receive(self) -> bytes | None:
        """What has come, at most READ_BYTES; None if there is nothing to handle."""
        try:
            data = self.transport.receive(READ_BYTES)
        except OSError:
            self.drop()
            return None
        if self.is_shaking:
            self._shake_hands()
        if data is None:
            return None
        if self.state != OPEN:
            self._discard(data)
            return None
        if not data:
            self._end()
            return None
        self.last_heard = self._connections.loop.now.monotonic
        self.asked = False
        self.received += len(data)
        return data

    def _shake_hands(self) -> None:
        """The transport has gone on with its handshake."""
        if self.transport.is_established:
            self.is_shaking = False
            if self.state < CLOSING:
                limits = self._connections.limits
                self.deadline += limits.login_seconds - limits.handshake_seconds
        if self.queue is not None or self.transport.wants_write:
            self.flush()

    def admit(self) -> None:
        """It has logged in."""
        if self.state < CLOSING and not self.admitted:
            self.admitted = True
            self._connections.strangers -= 1
            self._connections.throttle.give_back(self.transport.host, self.came)
            self.limit = self._connections.limits.output_hard
            self.deadline = math.inf
            self.frontend.admit()

    def hold(self) -> None:
        """Read nothing more, for good."""
        if self.state <= PAUSED:
            self._stop_timer()
            self.state = PAUSED
            self.watch.want(self.watch.mask & ~READ)

    def pause(self, until: float) -> None:
        """Read nothing until this monotonic time, then note it in `Connections.resumed`."""
        if self.state == PAUSED and (self._pause is None or until <= self._pause.when):
            return
        if self.state <= PAUSED:
            self.hold()
            self._pause = self._connections.loop.call_at(until, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self.state = OPEN
        self.last_heard = self._connections.loop.now.monotonic
        self.watch.want(self.watch.mask | READ)
        self._connections.resumed.append(self)

    def _stop_timer(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _end(self) -> None:
        self.state = ENDED
        self._deaf = True
        self._set_deadline()
        self.watch.want(self.watch.mask & ~READ)
        self._connections.ended.append(self)

    # -- the end ----------------------------------------------------------------------------------------------

    def close(self, code: str, reason: str, retry_after: float = 0.0) -> None:
        """Say why, flush, and close; what was queued before is still written if the other side reads it in time."""
        if self.is_shaking and self._connections.loop.now.monotonic >= self.deadline:
            _log.debug("%r: no handshake in time", self)
            self.drop()
        elif self.state < CLOSING:
            self._begin_closing(self.frontend.farewell(code, reason, retry_after))

    def finish(self) -> None:
        """Flush and close without a word: the other side has ended its side already."""
        if self.state < CLOSING:
            self._begin_closing(b"")

    def drop(self) -> None:
        """Close at once."""
        if self.state == CLOSED:
            return
        if self.state < CLOSING:
            self._leave()
        else:
            self._connections.closing -= 1
        self.state = CLOSED
        self._connections.received += self.received
        self._connections.sent += self.sent
        self.queue = self.bulk = None
        self.watch.want(0)
        self.transport.close()
        del self._connections.all[self]

    def _begin_closing(self, last_words: bytes) -> None:
        if self.queue is None:
            self.queue = []
            self._connections.dirty.append(self)
        self.queue.append(last_words)
        self._leave()
        self.state = CLOSING
        self._set_deadline()
        self._connections.closing += 1
        if not self.admitted and self._connections.closing > self._connections.limits.strangers:
            self.flush()
            self.drop()
        elif not self._deaf:
            self.watch.want(self.watch.mask | READ)

    def _leave(self) -> None:
        """From here on it is nobody's peer."""
        self._stop_timer()
        self.queued = GONE
        self.awaiting_drain = False
        if self.bulk is not None:
            self.bulk.forget()
        if not self.admitted:
            self._connections.strangers -= 1
        if self.known:
            self._connections.gone.append(self)

    def _set_deadline(self) -> None:
        limits = self._connections.limits
        self.deadline = self._connections.loop.now.monotonic + limits.farewell_seconds

    def _linger(self) -> None:
        if self._deaf:
            self.drop()
            return
        self.state = LINGERING
        try:
            self.transport.end()
        except OSError:
            self.drop()
            return
        if self.transport.wants_write:
            self.watch.want(self.watch.mask | WRITE)

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if data and self._discarded <= DISCARD_BYTES:
            return
        if self.state == LINGERING:
            self.drop()
        else:
            self._deaf = True
            self.watch.want(self.watch.mask & ~READ)

"""Connections within one process, for tests and simulations: ``chatnet+memory://NAME``.

A `Pipe` carries bytes one way and holds only so many, so that "would block" and backpressure are as real as on a
socket. What was written is *in flight* until the pipe's carrier lets it arrive; by default that is at once, and a
simulation hands in a carrier that takes its time. Ends and resets are what a unix socket makes of them.

No operating system's selector can wait for these; `chatnet.testing.network` has one that can.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from selectors import EVENT_READ, EVENT_WRITE

from chatnet.address import MEMORY, Address
from chatnet.errors import CannotListen, ErrorCode, Unreachable

CAPACITY = 64 * 1024
"""Bytes that a pipe holds, in flight and arrived together."""
BACKLOG = 1024
"""Connections that wait for a listener to accept them; one more is refused."""

_numbers = count(2)


class MemorySelectable:
    """What a memory selector waits for."""

    def __init__(self) -> None:
        self._number = -next(_numbers)

    def fileno(self) -> int:
        """A negative number of its own: no file descriptor, so that a real selector refuses it at once."""
        return self._number

    def readiness(self) -> int:
        """What could be done now without blocking: EVENT_READ and EVENT_WRITE, joined by ``|``; 0 for neither."""
        raise NotImplementedError


class Pipe:
    """One direction of a connection. ``carry(pipe, n)`` is told of each write of n bytes, and of the end with 0."""

    def __init__(self, capacity: int, carry: "Carrier | None" = None) -> None:
        self.capacity = capacity
        self._carry = carry if carry is not None else Pipe.arrive
        self._flight = bytearray()
        self._arrived = bytearray()
        self._ended = self._end_arrived = False
        self._broken = self._abandoned = False

    # -- the writer's side ------------------------------------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Would a write take something, or fail?"""
        return self._broken or self._abandoned or self._room > 0

    @property
    def _room(self) -> int:
        return self.capacity - len(self._flight) - len(self._arrived)

    def write(self, data: bytes | memoryview) -> int:
        """Take what there is room for and return how much that was.

        :raises ConnectionError: the pipe is broken, or nobody will read from it, or its end was written.
        """
        if self._broken:
            raise ConnectionResetError("connection reset")
        if self._abandoned or self._ended:
            raise BrokenPipeError("broken pipe")
        taken = max(0, min(len(data), self._room))
        if taken:
            self._flight += data[:taken]
            self._carry(self, taken)
        return taken

    def end(self) -> None:
        """Write the end, after all bytes."""
        if not self._ended:
            self._ended = True
            self._carry(self, 0)

    # -- the carrier's side -----------------------------------------------------------------------------------

    def arrive(self, size: int) -> None:
        """Let the next ``size`` bytes arrive, and the end if it is next; nothing of what a break has lost."""
        self._arrived += self._flight[:size]
        del self._flight[:size]
        self._end_arrived = self._ended and not self._flight and not self._broken

    def break_off(self) -> None:
        """Lose what is in flight; either side learns of it once it has read what had arrived."""
        self._broken = True
        self._flight.clear()

    # -- the reader's side ------------------------------------------------------------------------------------

    @property
    def is_readable(self) -> bool:
        """Would a read give something, the end or an error?"""
        return bool(self._arrived) or self._broken or self._end_arrived

    @property
    def has_unread(self) -> bool:
        """Is there anything that was written and not read?"""
        return bool(self._arrived or self._flight)

    def read(self, limit: int) -> bytes | None:
        """Up to ``limit`` bytes, ``b""`` at the end, None if neither is there yet.

        :raises ConnectionResetError: the pipe is broken, and all that had arrived was read.
        """
        if self._arrived:
            data = bytes(self._arrived[:limit])
            del self._arrived[:limit]
            return data
        if self._broken:
            raise ConnectionResetError("connection reset")
        return b"" if self._end_arrived else None

    def abandon(self) -> None:
        """Nobody will read any more."""
        self._abandoned = True
        self._flight.clear()
        self._arrived.clear()


Carrier = Callable[[Pipe, int], None]


class MemoryTransport(MemorySelectable):
    """One end of a connection of two pipes."""

    host = ""
    uid = -1
    is_local = True
    is_established = True
    wants_write = False
    channel_binding = None
    server_pin = None

    def __init__(self, incoming: Pipe, outgoing: Pipe, peer: str) -> None:
        super().__init__()
        self.incoming = incoming
        self.outgoing = outgoing
        self.peer = peer
        self.is_closed = False

    @property
    def selectable(self) -> MemorySelectable:
        return self

    def readiness(self) -> int:
        if self.is_closed:
            return 0
        return EVENT_READ * self.incoming.is_readable | EVENT_WRITE * self.outgoing.is_writable

    def receive(self, limit: int) -> bytes | None:
        return self.incoming.read(limit)

    def send(self, data: bytes | memoryview) -> int:
        return self.outgoing.write(data)

    def flush(self) -> None:
        """It holds nothing back."""

    def favour_latency(self) -> None:
        """Its pipe holds little in any case."""

    def end(self) -> None:
        self.outgoing.end()

    def reset(self) -> None:
        """Break the connection both ways, as a network may at any time."""
        self.incoming.break_off()
        self.outgoing.break_off()

    def close(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        if self.incoming.has_unread:
            # What the other side said was not heard in full; a socket tells it so by a reset.
            self.outgoing.break_off()
        self.incoming.abandon()
        self.outgoing.end()


class MemoryListener(MemorySelectable):
    """A name that is listened on."""

    def __init__(self, address: Address, release: Callable[[], None]) -> None:
        super().__init__()
        self.address = address
        self._release = release
        self._waiting: deque[MemoryTransport] = deque()
        self._closed = False

    @property
    def selectable(self) -> MemorySelectable:
        return self

    @property
    def is_full(self) -> bool:
        """Would one more connection be refused?"""
        return len(self._waiting) >= BACKLOG

    def readiness(self) -> int:
        return EVENT_READ if self._waiting else 0

    def offer(self, transport: MemoryTransport) -> None:
        """Let a connection wait to be accepted."""
        self._waiting.append(transport)

    def accept(self) -> MemoryTransport | None:
        return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._release()
        while self._waiting:
            transport = self._waiting.popleft()
            transport.reset()
            transport.close()


class MemoryNetwork:
    """The names that are listened on. Each network is a world of its own."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._listeners: dict[str, MemoryListener] = {}

    def listen(self, address: Address) -> MemoryListener:
        """Open a name.

        :raises CannotListen: ADDRESS_IN_USE.
        """
        name = address.host
        if name in self._listeners:
            raise CannotListen(ErrorCode.ADDRESS_IN_USE, f"{address} is in use in this process")
        listener = MemoryListener(Address(MEMORY, host=name), lambda: self._release(name))
        self._listeners[name] = listener
        return listener

    def _release(self, name: str) -> None:
        del self._listeners[name]

    def connect(self, address: Address, timeout: float = 0.0) -> MemoryTransport:
        """Connect to a name; it never takes any time.

        :raises Unreachable: nobody listens there, or too many connections wait there already.
        """
        del timeout
        listener = self._listeners.get(address.host)
        if listener is None or listener.is_full:
            raise Unreachable(ErrorCode.UNREACHABLE, f"nobody accepts connections at {address}")
        client, server = self.pair(address.host)
        listener.offer(server)
        return client

    def pair(self, name: str = "pair") -> tuple[MemoryTransport, MemoryTransport]:
        """Two connected ends, the client's and the server's."""
        there, back = Pipe(self._capacity), Pipe(self._capacity)
        return MemoryTransport(back, there, f"memory: {name}"), MemoryTransport(there, back, f"memory: {name}")


_network = MemoryNetwork()
"""The one that addresses mean, unless another is handed in."""
listen = _network.listen
connect = _network.connect

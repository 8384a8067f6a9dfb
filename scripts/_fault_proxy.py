"""A bad network between clients and a server: a TCP proxy that delays, splits, stalls, resets and half-closes.

It never changes, drops or reorders a byte that it passes on, and whatever it withholds ends in a closed connection or
is passed on later: all that happens here happens to TCP connections in the wild. What is to go wrong is drawn from a
seed, connection by connection; when, is up to the machine.
"""

import selectors
import socket
import struct
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from chatnet.net.sockets import send_at_once

READ_BYTES = 16 * 1024
HELD_BYTES = 64 * 1024
"""In one direction of a connection; past it the proxy stops reading, as a full network does."""
_LONGEST_WAIT = 0.02
"""Seconds in which the thread notices that it is to be calm, or to end."""
_BACKLOG = 64
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST."""
SERVER_GONE = "server gone"
"""Counted beside the faults: connections that came while no server was there."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what goes wrong: chances for each piece of data that is read."""

    delay: float = 0.2
    split: float = 0.2
    stall: float = 0.004
    reset: float = 0.004
    half_close: float = 0.004
    delay_seconds: float = 0.06
    """At most."""
    stall_seconds: float = 4.0
    """At most; longer than clients and server are silent before they ask who is there."""


class Lane:
    """One direction of a connection: what was read from ``source`` and is still to be written to ``sink``."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.pieces: deque[tuple[float, bytes]] = deque()
        """What is held, and until when."""
        self.held = 0
        self.has_ended = False
        """No more is read: the source has ended, or is cut off."""
        self.is_closed = False
        """The sink was told so."""

    def hold(self, data: bytes, until: float) -> None:
        """Keep data behind what is held already."""
        self.pieces.append((max(until, self.pieces[-1][0]) if self.pieces else until, data))
        self.held += len(data)

    @property
    def due(self) -> float | None:
        """When there is something to write; None if there is nothing."""
        return self.pieces[0][0] if self.pieces else None

    def write(self, now: float) -> bool:
        """Write what is due. True if the sink takes no more now."""
        while self.pieces and self.pieces[0][0] <= now:
            until, data = self.pieces[0]
            try:
                taken = self.sink.send(data)
            except BlockingIOError:
                return True
            self.held -= taken
            if taken < len(data):
                self.pieces[0] = until, data[taken:]
                return True
            self.pieces.popleft()
        if self.has_ended and not self.pieces and not self.is_closed:
            self.is_closed = True
            self.sink.shutdown(socket.SHUT_WR)
        return False


class Pair:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.lanes = (Lane(client, server), Lane(server, client))

    def close(self, *, reset: bool) -> None:
        """End both, by RST if asked for."""
        for sock in (self.client, self.server):
            if reset:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sock.close()


class FaultProxy:
    """Listens on a port of 127.0.0.1 and passes everything on to another one. One thread does it all.

    ``faults`` may be exchanged at any time. `counts` tells how often what was done.
    """

    def __init__(self, server_port: int, *, seed: str, faults: Faults | None = None) -> None:
        self.faults = Faults() if faults is None else faults
        self.counts: Counter[str] = Counter()
        self.connections = 0
        self._random = Random(seed)
        self._server = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._pairs: dict[socket.socket, Pair] = {}
        self._is_calm = self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()

    # -- from other threads -----------------------------------------------------------------------------------

    def calm(self) -> None:
        """Do no more harm; what is held or stalled goes on at once."""
        self._is_calm = True

    def close(self) -> None:
        """End all connections and the thread."""
        self._is_ended = True
        self._thread.join()

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_ended:
            for key, events in self._selector.select(self._wait()):
                if key.fileobj is self._listener:
                    self._accept()
                elif events & selectors.EVENT_READ and key.fileobj in self._pairs:
                    self._read(key.data, key.fileobj)
            for pair in set(self._pairs.values()):
                self._move(pair)
        for pair in set(self._pairs.values()):
            self._end(pair, reset=False)
        self._listener.close()
        self._selector.close()

    def _wait(self) -> float:
        dues = [lane.due for pair in set(self._pairs.values()) for lane in pair.lanes]
        due = min((due for due in dues if due is not None), default=None)
        return _LONGEST_WAIT if due is None else min(_LONGEST_WAIT, max(0.0, due - time.monotonic()))

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._server, timeout=1.0)
        except OSError:
            self.counts[SERVER_GONE] += 1
            client.close()
            return
        self.connections += 1
        pair = Pair(client, server)
        for sock in (client, server):
            sock.setblocking(False)
            send_at_once(sock)
            self._pairs[sock] = pair
            self._selector.register(sock, selectors.EVENT_READ, pair)

    def _read(self, pair: Pair, source: object) -> None:
        lane = next(lane for lane in pair.lanes if lane.source is source)
        if lane.has_ended:
            return
        try:
            data = lane.source.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._end(pair, reset=True)
            return
        if not data:
            lane.has_ended = True
        elif self._is_calm:
            lane.hold(data, 0.0)
        else:
            self._harm(pair, lane, data)

    def _move(self, pair: Pair) -> None:
        """Write what is due in both directions, and see what to wait for next."""
        now = time.monotonic() if not self._is_calm else float("inf")
        try:
            full = [lane.write(now) for lane in pair.lanes]
        except OSError:
            self._end(pair, reset=True)
            return
        if all(lane.is_closed for lane in pair.lanes):
            self._end(pair, reset=False)
        elif pair.client in self._pairs:
            up, down = pair.lanes
            self._watch(pair, pair.client, up, is_full=full[1])
            self._watch(pair, pair.server, down, is_full=full[0])

    def _watch(self, pair: Pair, sock: socket.socket, reads_for: Lane, *, is_full: bool) -> None:
        """Read from a socket unless its lane is full or has ended; write where the last write did not fit."""
        reads = not reads_for.has_ended and reads_for.held < HELD_BYTES
        events = selectors.EVENT_READ * reads | selectors.EVENT_WRITE * is_full
        known = self._selector.get_map().get(sock)
        if known is None:
            if events:
                self._selector.register(sock, events, pair)
        elif not events:
            self._selector.unregister(sock)
        elif events != known.events:
            self._selector.modify(sock, events, pair)

    def _end(self, pair: Pair, *, reset: bool) -> None:
        for sock in (pair.client, pair.server):
            if self._pairs.pop(sock, None) is not None and sock in self._selector.get_map():
                self._selector.unregister(sock)
        pair.close(reset=reset)

    # -- harm -------------------------------------------------------------------------------------------------

    def _harm(self, pair: Pair, lane: Lane, data: bytes) -> None:
        """Pass on one piece of data, or not quite."""
        now, faults, chance = time.monotonic(), self.faults, self._random.random
        until = now
        if chance() < faults.delay:
            self.counts["delay"] += 1
            until += chance() * faults.delay_seconds
        if chance() < faults.stall:
            self.counts["stall"] += 1
            until += chance() * faults.stall_seconds
        if chance() < faults.reset:
            self.counts["reset"] += 1
            self._cut(pair, lane, data)
            self._end(pair, reset=True)
        elif chance() < faults.half_close:
            self.counts["half-close"] += 1
            lane.hold(data[: self._random.randint(0, len(data))], until)
            lane.has_ended = True
        elif chance() < faults.split and len(data) > 1:
            self.counts["split"] += 1
            place = self._random.randint(1, len(data) - 1)
            lane.hold(data[:place], until)
            lane.hold(data[place:], until + chance() * faults.delay_seconds)
        else:
            lane.hold(data, until)

    def _cut(self, pair: Pair, lane: Lane, data: bytes) -> None:
        """Before a reset a part of the data may still get through, ending at any byte, unless more waits before it."""
        if not lane.pieces and pair.client in self._pairs:
            with suppress(OSError):
                lane.sink.send(data[: self._random.randint(0, len(data))])

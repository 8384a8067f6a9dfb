"""A network with a will of its own, and a selector that waits in virtual time.

Whatever happens, happens on one `VirtualClock` and by one seeded `random.Random`: bytes arrive late and in pieces,
connections stall, end on one side, or break with all that was under way. The same seed gives the same run.

A simulation in one thread hands `FaultyNetwork.listen`, a `MemorySelector` and the clock to a server, lets its clients
`connect`, and then decides step by step: let the server take a turn, let a client read or write, or let time pass
(`VirtualClock.advance_to`) to the earliest of ``clock.next_due``, ``selector.wake_at`` and what its clients wait for.
"""

import selectors
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING

from chatnet.address import Address
from chatnet.errors import ErrorCode, Unreachable
from chatnet.testing.clock import VirtualClock
from chatnet.transports.memory import CAPACITY, MemoryNetwork, MemorySelectable, MemoryTransport, Pipe

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


@dataclass(frozen=True, slots=True)
class Faults:
    """How badly a network behaves. Times are in virtual seconds; chances go from 0 to 1, each for one write."""

    delay: float = 0.0
    """The longest time that bytes are under way; no piece overtakes another."""
    split: float = 0.0
    """That what was written arrives in two pieces; and the second again in two, and so on."""
    stall: float = 0.0
    """That nothing more arrives either way for `stall_seconds`."""
    stall_seconds: float = 5.0
    reset: float = 0.0
    """That the connection breaks within `delay`, and both sides lose what is under way."""
    half_close: float = 0.0
    """That the way ends behind these bytes, as if the writer had ended it; its next write fails."""
    refuse: float = 0.0
    """That a connect is refused."""
    smallest_pipe: int = CAPACITY
    """Bytes that a way holds: from this to `CAPACITY`, for each connection anew. A small one takes writes in part."""


class Link:
    """One connection, as the network sees it: for tests that want a fault now."""

    def __init__(self, clock: VirtualClock, rng: Random, faults: Faults, name: str) -> None:
        self._clock, self._rng, self._faults = clock, rng, faults
        self._held = False
        self._broken = False
        self._waiting: list[tuple[Pipe, int]] = []
        self._there, self._back = self._pipe(), self._pipe()
        self.client = MemoryTransport(self._back, self._there, f"memory: {name}")
        self.server = MemoryTransport(self._there, self._back, f"memory: {name}")

    def _pipe(self) -> Pipe:
        return Pipe(self._rng.randint(self._faults.smallest_pipe, CAPACITY), self._carry)

    @property
    def is_open(self) -> bool:
        """Is anybody still using it, and is it not broken?"""
        return not self._broken and not (self.client.is_closed and self.server.is_closed)

    def hold(self) -> None:
        """From now on nothing arrives, either way."""
        self._held = True

    def release(self) -> None:
        """What was held arrives now, and all else as before."""
        self._held = False
        waiting, self._waiting = self._waiting, []
        for pipe, size in waiting:
            pipe.arrive(size)

    def reset(self) -> None:
        """Break it. Both sides lose what is under way, and learn of it once they have read what had arrived."""
        self._broken = True
        self.client.reset()

    # -- how bytes travel -------------------------------------------------------------------------------------

    def _carry(self, pipe: Pipe, size: int) -> None:
        """A `chatnet.transports.memory.Carrier` for both ways."""
        for piece in self._pieces(size):
            self._send_off(pipe, piece)
        if size:
            self._misbehave(pipe)

    def _pieces(self, size: int) -> list[int]:
        pieces = []
        while size > 1 and self._rng.random() < self._faults.split:
            pieces.append(self._rng.randint(1, size - 1))
            size -= pieces[-1]
        return [*pieces, size]

    def _send_off(self, pipe: Pipe, size: int) -> None:
        """Plan an arrival. Whichever of several comes first brings the first bytes, so none overtakes another."""
        delay = self._rng.uniform(0.0, self._faults.delay)
        if delay:
            self._clock.call_later(delay, lambda: self._land(pipe, size))
        else:
            self._land(pipe, size)

    def _land(self, pipe: Pipe, size: int) -> None:
        if self._held:
            self._waiting.append((pipe, size))
        else:
            pipe.arrive(size)

    def _misbehave(self, pipe: Pipe) -> None:
        if self._rng.random() < self._faults.stall:
            self.hold()
            self._clock.call_later(self._faults.stall_seconds, self.release)
        if self._rng.random() < self._faults.half_close:
            pipe.end()
        if self._rng.random() < self._faults.reset:
            self._clock.call_later(self._rng.uniform(0.0, self._faults.delay), self.reset)


class FaultyNetwork(MemoryNetwork):
    """A `MemoryNetwork` whose connections are `Link`s. ``faults`` may be set anew; open links keep their own."""

    def __init__(self, clock: VirtualClock, rng: Random, faults: Faults | None = None) -> None:
        super().__init__()
        self.faults = faults if faults is not None else Faults()
        self._clock, self._rng = clock, rng
        self._links: list[Link] = []

    @property
    def links(self) -> list[Link]:
        """The open connections, oldest first."""
        self._links = [link for link in self._links if link.is_open]
        return list(self._links)

    def connect(self, address: Address, timeout: float = 0.0) -> MemoryTransport:
        if self._rng.random() < self.faults.refuse:
            raise Unreachable(ErrorCode.UNREACHABLE, f"{address} refused the connection")
        return super().connect(address, timeout)

    def pair(self, name: str = "pair") -> tuple[MemoryTransport, MemoryTransport]:
        link = Link(self._clock, self._rng, self.faults, name)
        self._links = [*self.links, link]
        return link.client, link.server


class MemoryWaker(MemorySelectable):
    """Ends a memory selector's wait; the `chatnet.net.loop.Waker` for a loop under a virtual clock."""

    def __init__(self) -> None:
        super().__init__()
        self._notified = False

    @property
    def selectable(self) -> MemorySelectable:
        return self

    def readiness(self) -> int:
        return selectors.EVENT_READ if self._notified else 0

    def notify(self) -> None:
        """End the wait that is under way, or the next one."""
        self._notified = True

    def drain(self) -> None:
        """Notifications from now on are new ones."""
        self._notified = False


class Stalled(AssertionError):
    """A wait without end, while nothing is planned that could end it: in real life a program that hangs."""


Ready = list[tuple[selectors.SelectorKey, int]]


class MemorySelector(selectors.BaseSelector):
    """Waits for `MemorySelectable` objects in virtual time; never sleeps.

    With ``advances`` (the default) a wait moves the clock to whatever comes first: something is ready, or the
    time-out. Without, a wait returns at once with what is ready, since time is somebody else's to move; `wake_at` tells
    until when it would have lasted. With ``rng``, what is ready is returned in random order.
    """

    def __init__(self, clock: VirtualClock, rng: Random | None = None, *, advances: bool = True) -> None:
        self._clock, self._rng, self._advances = clock, rng, advances
        self._keys: dict[FileDescriptorLike, selectors.SelectorKey] = {}
        self.wake_at: float | None = None
        """The monotonic time at which the last wait ends if nothing happens; None for never."""

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> selectors.SelectorKey:
        """Watch something.

        :raises ValueError: it cannot be watched in virtual time, or there are no such events.
        :raises KeyError: it is watched already.
        """
        if not isinstance(fileobj, MemorySelectable):
            raise ValueError(f"{fileobj!r} cannot be watched in virtual time")
        if not events or events & ~(selectors.EVENT_READ | selectors.EVENT_WRITE):
            raise ValueError(f"there are no such events: {events!r}")
        if fileobj in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        key = selectors.SelectorKey(fileobj, fileobj.fileno(), events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        """Watch it no more.

        :raises KeyError: it was not watched.
        """
        return self._keys.pop(fileobj)

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        """All that is watched."""
        return MappingProxyType(self._keys)

    def close(self) -> None:
        """Watch nothing any more."""
        self._keys.clear()

    def ready(self) -> Ready:
        """What is ready at this moment, without any wait."""
        found = [(key, key.events & _readiness(key)) for key in self._keys.values()]
        return [(key, events) for key, events in found if events]

    def select(self, timeout: float | None = None) -> Ready:
        """Wait for ``timeout`` virtual seconds, None for ever, until something is ready.

        :raises Stalled: it would wait for ever.
        """
        self.wake_at = None if timeout is None else self._clock.now().monotonic + timeout
        self._clock.advance(0.0)
        if self._advances:
            self._advance_until_ready()
        ready = self.ready()
        if self._rng is not None:
            self._rng.shuffle(ready)
        return ready

    def _advance_until_ready(self) -> None:
        while not self.ready():
            ends = [time for time in (self.wake_at, self._clock.next_due) if time is not None]
            if not ends:
                raise Stalled("nothing is planned that could end this wait")
            self._clock.advance_to(min(ends))
            if self.wake_at is not None and self._clock.now().monotonic >= self.wake_at:
                return


def _readiness(key: selectors.SelectorKey) -> int:
    assert isinstance(key.fileobj, MemorySelectable)
    return key.fileobj.readiness()

"""The network of a simulation: every connection may be bad in its own way, and the server's end of each is tapped."""

from collections.abc import Callable
from random import Random

from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import Faults, FaultyNetwork, Link
from chatnet.testing.simulation.kills import Fate, ServerStep
from chatnet.testing.simulation.tapped import TappedTransport
from chatnet.testing.simulation.wiretap import Turn, Wiretap
from chatnet.transports.memory import MemoryTransport, Pipe

PIPE_SIZES = (200, 1000, 4000, 16_000, 64_000)
FILE_PIPE_SIZES = (4000, 16_000, 64_000)
"""Where files move: else little of them would."""


class SimulatedNetwork(FaultyNetwork):
    """``make_tap(name)`` makes the tap of a new connection; ``turn`` and ``fate`` are those of the server."""

    def __init__(
        self,
        clock: VirtualClock,
        rng: Random,
        faults: Faults,
        make_tap: Callable[[str], Wiretap],
        turn: Turn,
        fate: Fate[ServerStep],
        sizes: tuple[int, ...] = PIPE_SIZES,
    ) -> None:
        super().__init__(clock, rng, faults)
        self._make_tap = make_tap
        self._turn = turn
        self._fate = fate
        self._sizes = sizes
        self._count = 0
        self._is_well = False
        self.taps: dict[Link, Wiretap] = {}

    def pair(self, name: str = "pair") -> tuple[MemoryTransport, MemoryTransport]:
        self._count += 1
        client, server = super().pair(f"{name} {self._count}")
        link = self.links[-1]
        for pipe in (client.incoming, client.outgoing):
            pipe.capacity = max(self._sizes) if self._is_well else self._rng.choice(self._sizes)
        tap = self._make_tap(f"connection {self._count}")
        link.server = TappedTransport(server, tap, self._turn, self._fate)
        self.taps = {open: self.taps[open] for open in self.links if open in self.taps} | {link: tap}
        return client, link.server

    def cut(self, client: MemoryTransport) -> None:
        """Nothing more arrives on this connection, and neither side is told; not even `heal` mends it."""
        for pipe in (client.incoming, client.outgoing):
            pipe._carry = _swallow

    def kill_server(self) -> None:
        """The server's process is gone. What it had written still arrives, or is lost with the connection."""
        for link in self.links:
            if self._rng.random() < 0.5:
                link.reset()
            assert isinstance(link.server, TappedTransport)
            link.server.die()

    def heal(self) -> None:
        """From now on nothing goes wrong any more, on open connections neither."""
        self.faults = Faults()
        self._is_well = True
        for link in self.links:
            link._faults = self.faults
            for pipe in (link.client.incoming, link.client.outgoing):
                pipe.capacity = max(self._sizes)
            link.release()


def _swallow(pipe: Pipe, size: int) -> None:
    """What is written stays under way for ever."""
    del pipe, size

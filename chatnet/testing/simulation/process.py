"""The server's processes, one after the other: started from what is stored, killed, and started again.

A kill drops every object of the server; what stays is what a process leaves behind: its files, and bytes on their way.
"""

from random import Random

from chatnet.address import MEMORY, Address
from chatnet.config import Config
from chatnet.server import Server
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector, MemoryWaker
from chatnet.testing.simulation.audit import AuditedStore
from chatnet.testing.simulation.checks import Insides
from chatnet.testing.simulation.file_disk import FileStorage
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.network import SimulatedNetwork
from chatnet.testing.simulation.storage import Storage
from chatnet.testing.simulation.trace import Trace

ADDRESS = Address(MEMORY, host="simulation")


class ServerProcess:
    """The server that is running now, or the one that will be at ``due``."""

    def __init__(
        self,
        config: Config,
        clock: VirtualClock,
        rng: Random,
        network: SimulatedNetwork,
        storage: Storage,
        ledger: Ledger,
        trace: Trace,
        files: FileStorage | None,
    ) -> None:
        """``files``: where it keeps the contents of files; None if it keeps none."""
        self._config, self._clock, self._rng, self._network = config, clock, rng, network
        self._storage, self._ledger, self._trace, self._files = storage, ledger, trace, files
        self.due: float | None = None
        """When it starts again; None while it runs."""
        self.start()

    def start(self) -> None:
        """Compose a server from what is stored.

        :raises Killed: before it listens.
        """
        self.due = None
        self.selector = MemorySelector(self._clock, self._rng, advances=False)
        self.store = AuditedStore(self._storage.open(), self._ledger, self._trace)
        self._listener = self._network.listen(ADDRESS)
        self.server = Server(
            self._config,
            selector=self.selector,
            waker=MemoryWaker(),
            clock=self._clock,
            entropy=self._rng.randbytes,
            store=self.store,
            files=self._files.open() if self._files is not None else None,
            listeners=[self._listener],
        )
        self.server.start()
        self.inside = Insides(self.selector, self._config.limits, self._ledger)

    @property
    def is_up(self) -> bool:
        """Is it running?"""
        return self.due is None

    @property
    def is_waiting(self) -> bool:
        """Has one of the stores yet to answer?"""
        return self.store.is_waiting or (self._files is not None and self._files.store.is_waiting)

    @property
    def wake_at(self) -> float | None:
        """When it has something to do, even if nothing arrives."""
        loop = self.server._loop
        return loop.next_due() if self.due is None and loop is not None else self.due

    @property
    def is_ready(self) -> bool:
        """Has anything come that it has to look at now?"""
        if self.due is not None:
            return self.wants_turn
        return bool(self.selector.ready())

    @property
    def wants_turn(self) -> bool:
        """Has it something to do now, be it only that its time has come?"""
        due = self.wake_at
        return (due is not None and due <= self._clock.now().monotonic) or bool(self.selector.ready())

    def turn(self) -> None:
        """A turn of its loop, if it is there; or its next start, if that is due."""
        if self.due is not None:
            if self._clock.now().monotonic < self.due:
                return
            self._trace.add("server", "starts again")
            self.start()
        self.server.turn()

    def killed(self, why: str, downtime: float) -> None:
        """It has ended, in the middle of whatever it did."""
        self._trace.add("server", f"is killed when {why}")
        self._listener.close()
        self._network.kill_server()
        self.store.killed(self._storage.kill())
        if self._files is not None:
            self._files.kill()
        self.selector = MemorySelector(self._clock, self._rng, advances=False)
        self.due = self._clock.now().monotonic + downtime

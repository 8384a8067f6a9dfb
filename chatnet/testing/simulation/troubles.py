"""What goes wrong in a simulation: connections, the store, programs, and the server itself."""

from enum import Enum
from random import Random

from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.behaviour import Behaviour
from chatnet.testing.simulation.clients import SimulatedClient
from chatnet.testing.simulation.file_disk import FileStorage
from chatnet.testing.simulation.kills import CLIENT_FILE_STEPS, FILE_STEPS, RARE, ClientStep, Fate, ServerStep
from chatnet.testing.simulation.network import SimulatedNetwork
from chatnet.testing.simulation.storage import Storage
from chatnet.testing.simulation.trace import Trace

_PAUSES = (1.0, 5.0, 15.0)
DOWNTIMES = (0.0, 0.5, 3.0, 20.0)
"""Seconds until a process that has ended is there again; the longest is more than any silence that is borne."""


class Troubles:
    """Makes them. A server that keeps nothing is not killed: nobody expects anything of it afterwards."""

    def __init__(
        self,
        rng: Random,
        clock: VirtualClock,
        network: SimulatedNetwork,
        storage: Storage,
        files: FileStorage | None,
        server: Fate[ServerStep],
        people: Fate[ClientStep],
        trace: Trace,
        *,
        may_kill: bool,
    ) -> None:
        self._rng, self._clock, self._network, self._storage = rng, clock, network, storage
        self._files = files
        self._server, self._people, self._trace = server, people, trace
        self._may_kill = may_kill
        has_files = files is not None
        self._server_steps = [step for step in ServerStep if has_files or step not in FILE_STEPS for _ in _often(step)]
        self._client_steps = [
            step for step in ClientStep if has_files or step not in CLIENT_FILE_STEPS for _ in _often(step)
        ]

    def one(self, client: SimulatedClient, behaviour: Behaviour) -> None:
        """Something breaks, perhaps of this client.

        :raises Killed: the client ends at once.
        """
        if self._may_kill and self._rng.random() < 0.3:
            is_about_files = client.moving is not None and self._rng.random() < 0.5
            self._server.choose(self._rng.choice(FILE_STEPS if is_about_files else self._server_steps))
        elif client.has_memory and self._rng.random() < 0.4:
            self._crash(client)
        else:
            self._break(client, behaviour)

    def _crash(self, client: SimulatedClient) -> None:
        """Whoever gets to the step first ends there; this client does so at once if it has a file half over."""
        under_way = client.moving
        if under_way is not None and self._rng.random() < 0.5:
            self._people.end(under_way)
        step = self._rng.choice(self._client_steps)
        self._people.choose(step)
        if step is ClientStep.IDLE:
            self._people.end(step)

    def _break(self, client: SimulatedClient, behaviour: Behaviour) -> None:
        rng, now = self._rng, self._clock.now().monotonic
        match rng.randrange(9):
            case 0:
                client.vanish()
            case 1:
                client.end()
            case 2:
                client.frozen_until = now + rng.choice(_PAUSES)
                self._trace.add(client.label, f"does nothing until {client.frozen_until:.3f}")
            case 3 | 4:
                self._trace.add(client.label, "reads nothing for some time")
                behaviour.stop_reading(client, now + rng.choice(_PAUSES))
            case 5 if self._files is not None and rng.random() < 0.5:
                self._trace.add("files", self._files.trouble())
            case 5:
                self._trace.add("store", self._storage.trouble())
            case 6:
                self._break_a_link()
            case 7:
                client.go_dark(notices=rng.random() < 0.5)
            case 8 if not (client.is_only_one or client.has_memory):
                client.start()

    def _break_a_link(self) -> None:
        links = self._network.links
        if links:
            link = self._rng.choice(links)
            self._trace.add(self._network.taps[link].name, "is reset")
            link.reset()

    def end(self) -> None:
        """From now on all goes well."""
        self._server.spare()
        self._people.spare()
        self._storage.heal()
        if self._files is not None:
            self._files.heal()
        self._network.heal()


def _often(step: Enum) -> range:
    """As many as make all steps about equally likely."""
    return range(3 if step in RARE else 1)

"""One simulated world: a whole server and its clients, in one thread, under one clock and one seed.

The rule kept here: everything that could go one way or another is decided by the one `Random`, and everything that
happens later hangs on the one `VirtualClock`; so a seed is all that it takes to see the same again.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from chatnet.address import MEMORY, Address
from chatnet.config import Config
from chatnet.core.state import Session
from chatnet.model import SessionId, UserId
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector, MemoryWaker
from chatnet.testing.simulation.audit import AuditedStore
from chatnet.testing.simulation.behaviour import Behaviour
from chatnet.testing.simulation.checks import Alarm, Insides, check_client
from chatnet.testing.simulation.clients import SimulatedClient, Surroundings
from chatnet.testing.simulation.network import SimulatedNetwork
from chatnet.testing.simulation.settings import some_faults, some_limits, some_window
from chatnet.testing.simulation.trace import Trace, Violation
from chatnet.testing.simulation.wiretap import Wiretap
from chatnet.testing.stores import FailingStore, LateStore

NAMES = ("ann", "bob", "cat", "dan")
"""Guests; the last never comes."""
SETTLE_SECONDS = 300.0
"""Virtual time in which all must be quiet once the network is well again: back-offs and time-outs are shorter."""
_SPINNING = 1000
"""Rounds in which neither time nor any byte moves."""
_ADDRESS = Address(MEMORY, host="simulation")


@dataclass(frozen=True, slots=True)
class Report:
    """One run without a violation."""

    seed: int
    messages: int
    """Stored."""
    deliveries: int
    """Messages sent to clients, those again that were sent twice."""
    connections: int
    seconds: float
    """Of virtual time."""
    digest: str
    """Of the trace."""


class World:
    """Made and run for one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._rng = rng = Random(seed)
        self._clock = VirtualClock()
        self.trace = Trace(self._clock)
        self._limits = some_limits(rng)
        self._selector = MemorySelector(self._clock, rng, advances=False)
        self._failing = FailingStore(MemoryStore(**some_window(rng)), lambda _: rng.random() < self._store_fails)
        self._failing.fails_read = lambda _: rng.random() < self._store_fails
        self._store_fails = 0.0
        store_delay = rng.choice((0.0, 0.01, 0.3))
        late = LateStore(
            self._failing,
            lambda action: self._clock.call_later(rng.uniform(0.0, store_delay), action),
            commits_early=rng.random() < 0.5,
        )
        self.store = AuditedStore(late, self.trace)
        self._taps: list[Wiretap] = []
        self._network = SimulatedNetwork(self._clock, rng, some_faults(rng), self._tap)
        self._server = Server(
            Config(limits=self._limits),
            selector=self._selector,
            waker=MemoryWaker(),
            clock=self._clock,
            entropy=rng.randbytes,
            store=self.store,
            listeners=[self._network.listen(_ADDRESS)],
        )
        self._server.start()
        self._inside = Insides(self._selector, self._limits, self.store)
        around = Surroundings(rng, self._clock, self._network, _ADDRESS, self.store, self.trace)
        self.clients = list(_clients(rng, around))
        self._behaviour = Behaviour(rng, self._limits, NAMES)
        self._haste = rng.choice((0.3, 1.0, 3.0))
        """How often the server has its turn, compared with clients and time."""

    def _tap(self, name: str) -> Wiretap:
        tap = Wiretap(name, self.store, self.trace, self._limits, self._session_ids)
        self._taps.append(tap)
        return tap

    def _session_ids(self, user: UserId) -> Iterator[SessionId]:
        known = self._inside.state.users.get(user)
        return (session.id for session in known.sessions.values()) if known is not None else iter(())

    # -- a run ------------------------------------------------------------------------------------------------

    def run(self, steps: int) -> Report:
        """Let ``steps`` things happen, then let all become quiet, then stop the server.

        :raises Violation: an invariant does not hold.
        """
        alarm = Alarm()
        logger = logging.getLogger("chatnet")
        logger.addHandler(alarm)
        propagate, logger.propagate = logger.propagate, False
        try:
            self._act(steps, alarm)
            self._settle(alarm)
            self._stop(alarm)
        finally:
            logger.propagate = propagate
            logger.removeHandler(alarm)
        deliveries = sum(tap.deliveries for tap in self._taps)
        seconds = self._clock.now().monotonic
        return Report(self.seed, self.store.messages, deliveries, len(self._taps), seconds, self.trace.digest())

    def _act(self, steps: int, alarm: Alarm) -> None:
        happenings: dict[Callable[[], None], float] = {
            self._server_turn: 30 * self._haste,
            self._client_step: 40,
            self._somebody_acts: 15,
            self._time_passes: 25,
            self._something_breaks: 1.5,
        }
        for happening in self._rng.choices(list(happenings), list(happenings.values()), k=steps):
            happening()
            alarm.check()

    # -- what may happen --------------------------------------------------------------------------------------

    def _server_turn(self) -> None:
        self._server.turn()
        self._inside.check_buffers()
        self._inside.check_books()

    def _client_step(self) -> None:
        self._step(self._rng.choice(self.clients))

    def _step(self, client: SimulatedClient) -> None:
        client.step()
        check_client(client)

    def _somebody_acts(self) -> None:
        client = self._rng.choice(self.clients)
        if self._clock.now().monotonic >= client.frozen_until:
            self._behaviour.act(client)
            check_client(client)

    def _time_passes(self) -> None:
        """Mostly until something is due; sometimes a little, and now and then for longer than anybody expected."""
        luck = self._rng.random()
        if luck < 0.8:
            self._until_something_is_due()
        else:
            self._clock.advance(self._rng.uniform(0.0, 0.05 if luck < 0.98 else 3.0))

    def _until_something_is_due(self) -> None:
        times = [self._clock.next_due, self._selector.wake_at, *(client.due for client in self.clients)]
        self._clock.advance_to(min(time for time in times if time is not None))

    def _something_breaks(self) -> None:
        rng, now = self._rng, self._clock.now().monotonic
        client = rng.choice(self.clients)
        match rng.randrange(9):
            case 0:
                client.vanish()
            case 1:
                client.end()
            case 2:
                client.frozen_until = now + rng.choice((1.0, 5.0, 15.0))
                self.trace.add(client.label, f"does nothing until {client.frozen_until:.3f}")
            case 3 | 4:
                self._behaviour.stop_reading(client, now + rng.choice((1.0, 5.0, 15.0)))
                self.trace.add(client.label, f"reads nothing until {client.deaf_until:.3f}")
            case 5:
                self._store_fails = 0.0 if self._store_fails else rng.choice((0.1, 0.5, 1.0))
                self.trace.add("store", f"fails with a chance of {self._store_fails}")
            case 6:
                self._break_a_link()
            case 7:
                client.go_dark(notices=rng.random() < 0.5)
            case 8 if not client.is_only_one:
                client.start()

    def _break_a_link(self) -> None:
        links = self._network.links
        if links:
            link = self._rng.choice(links)
            self.trace.add(self._network.taps[link].name, "is reset")
            link.reset()

    # -- becoming quiet ---------------------------------------------------------------------------------------

    def _settle(self, alarm: Alarm) -> None:
        """Heal everything, and let time pass until nothing is left to do."""
        self.trace.add("world", "becomes quiet")
        self._store_fails = 0.0
        self._network.heal()
        for client in self.clients:
            client.frozen_until = client.deaf_until = 0.0
        end, rounds = self._clock.now().monotonic + SETTLE_SECONDS, 0
        while not self._is_quiet() and self._clock.now().monotonic < end:
            before = self._progress()
            self._round()
            alarm.check()
            rounds = rounds + 1 if self._progress() == before else 0
            if rounds > _SPINNING:
                raise Violation("spin", "there is always something to do, and nothing comes of it")
        for client in self.clients:
            self._inside.check_settled(client, self._session_of(client))
        for tap in self._network.taps.values():
            tap.check_settled()
        if len(self._inside.connections.all) != len(self.clients):
            raise Violation("I7", f"{len(self._inside.connections.all)} connections for {len(self.clients)} clients")

    def _progress(self) -> tuple[float, int, int]:
        """What changes whenever anything really happens."""
        return self._clock.now().monotonic, len(self.trace.lines), sum(tap.bytes for tap in self._taps)

    def _round(self) -> None:
        """Everybody has a turn; time passes if nobody has anything to do."""
        self._server_turn()
        for client in self.clients:
            if client.is_ready:
                self._step(client)
        if not self._selector.ready() and not any(client.is_ready for client in self.clients):
            self._until_something_is_due()

    def _is_quiet(self) -> bool:
        """Is nothing on its way any more, and nobody waiting for anything?"""
        if self.store.is_waiting or self._selector.ready() or self._inside.is_busy:
            return False
        everybody_is_here = len(self._inside.connections.all) == len(self.clients)
        return everybody_is_here and not any(client.is_busy for client in self.clients)

    def _session_of(self, client: SimulatedClient) -> Session | None:
        """The core's session of a client, found by its device; None if there is not exactly one."""
        device = client.device
        sessions = [s for s in self._inside.state.sessions.values() if s.device == device]
        return sessions[0] if len(sessions) == 1 else None

    # -- the end ----------------------------------------------------------------------------------------------

    def _stop(self, alarm: Alarm) -> None:
        """Somebody says a last word; the server stops in time, and has stored what it acknowledged."""
        self.trace.add("world", "stops the server")
        for client in self.clients:
            self._behaviour.act(client)
        self._server.stop()
        end = self._clock.now().monotonic + self._limits.farewell_seconds + 1.0
        while not self._server.is_finished:
            if self._clock.now().monotonic > end:
                raise Violation("stop", "the server does not stop")
            self._server.turn()
            for client in self.clients:
                if client.is_ready:
                    self._step(client)
            if not self._server.is_finished:
                self._until_something_is_due()
            alarm.check()


def _clients(rng: Random, around: Surroundings) -> Iterator[SimulatedClient]:
    """One to three processes of each guest but the last."""
    for name in NAMES[:-1]:
        secret, count = rng.randbytes(32), rng.choice((1, 1, 2, 3))
        for number in range(count):
            yield SimulatedClient(f"{name}/{number}", name, secret, around, is_only_one=count == 1)

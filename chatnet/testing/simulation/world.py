"""One simulated world: a whole server and its clients, in one thread, under one clock and one seed.

The rule kept here: everything that could go one way or another is decided by the one `Random`, and everything that
happens later hangs on the one `VirtualClock`; so a seed is all that it takes to see the same again.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from chatnet.config import Config
from chatnet.core.entities import Session
from chatnet.model import SessionId, UserId
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.behaviour import ROOMS, Behaviour
from chatnet.testing.simulation.checks import Alarm, check_client
from chatnet.testing.simulation.clients import SimulatedClient, Surroundings
from chatnet.testing.simulation.errands import Fetching
from chatnet.testing.simulation.file_behaviour import FileBehaviour
from chatnet.testing.simulation.file_disk import FileStorage
from chatnet.testing.simulation.kills import ClientStep, Fate, Killed, ServerStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.network import FILE_PIPE_SIZES, PIPE_SIZES, SimulatedNetwork
from chatnet.testing.simulation.process import ADDRESS, ServerProcess
from chatnet.testing.simulation.profile import Memory
from chatnet.testing.simulation.report import Report
from chatnet.testing.simulation.settings import (
    KINDS_OF_STORE,
    some_faults,
    some_file_manners,
    some_limits,
    some_manners,
    some_retention,
    some_window,
)
from chatnet.testing.simulation.storage import DiskStorage, MemoryStorage, Storage, make_folder
from chatnet.testing.simulation.trace import Trace, Violation
from chatnet.testing.simulation.troubles import DOWNTIMES, Troubles
from chatnet.testing.simulation.wiretap import Turn, Wiretap

NAMES = ("ann", "bob", "cat", "dan")
"""Guests; the last never comes."""
SETTLE_SECONDS = 300.0
"""Virtual time in which all must be quiet once the network is well again: back-offs and time-outs are shorter."""
_WITH_FILES = 0.5
"""The share of worlds whose server keeps files."""
_FETCHED = 6
"""Files that are fetched once more when all is quiet."""
_SPINNING = 1000
"""Rounds in which neither time nor any byte moves."""


class World:
    """Made and run for one seed. ``store``: of this kind; by default the seed decides."""

    def __init__(self, seed: int, store: str | None = None) -> None:
        self.seed = seed
        self._rng = rng = Random(seed)
        self._clock = VirtualClock()
        self.trace = Trace(self._clock)
        self.ledger = Ledger()
        chosen = rng.choice(KINDS_OF_STORE)
        self._kind = chosen if store is None else store
        self._folder: TemporaryDirectory[str] = make_folder()
        self._kills: Fate[ServerStep] = Fate(rng)
        self._crashes: Fate[ClientStep] = Fate(rng)
        with_files = rng.random() < _WITH_FILES
        self._limits = some_limits(rng, with_files=with_files)
        self._turn = Turn()
        self._taps: list[Wiretap] = []
        sizes = FILE_PIPE_SIZES if with_files else PIPE_SIZES
        self._network = SimulatedNetwork(self._clock, rng, some_faults(rng), self._tap, self._turn, self._kills, sizes)
        storage = self._storage = self._make_storage()
        self._files = self._make_file_storage() if with_files else None
        config = Config(limits=self._limits, keep=some_retention(rng))
        self._server = ServerProcess(
            config, self._clock, rng, self._network, storage, self.ledger, self.trace, self._files
        )
        self.clients = list(self._make_clients())
        self._behaviour = Behaviour(rng, self._limits, NAMES)
        self._file_behaviour = FileBehaviour(rng, self.ledger, Path(self._folder.name), NAMES, ROOMS, self.clients)
        self._troubles = Troubles(
            rng,
            self._clock,
            self._network,
            storage,
            self._files,
            self._kills,
            self._crashes,
            self.trace,
            may_kill=self._kind == "sqlite",
        )
        self._haste = rng.choice((0.3, 1.0, 3.0))
        """How often the server has its turn, compared with clients and time."""

    def _make_storage(self) -> Storage:
        clock, rng = self._clock, self._rng
        if self._kind == "memory":
            return MemoryStorage(some_window(rng), clock, rng)
        return DiskStorage(Path(self._folder.name), some_manners(rng), clock, rng, self._kills, self.ledger)

    def _make_file_storage(self) -> FileStorage:
        manners = some_file_manners(self._rng)
        return FileStorage(manners, self._clock, self._rng, self._kills, self.ledger.files, self.trace)

    def _make_clients(self) -> Iterator[SimulatedClient]:
        """One to three processes of each guest but the last."""
        rng, folder = self._rng, Path(self._folder.name)
        around = Surroundings(rng, self._clock, self._network, ADDRESS, self.ledger, self.trace, folder, self._crashes)
        for name in NAMES[:-1]:
            secret, count = rng.randbytes(32), rng.choice((1, 1, 2, 3) if self._files is None else (1, 1, 2))
            for number in range(count):
                memories = (Memory.NONE, Memory.CURSORS, *([Memory.MARKS] if count == 1 else []))
                label, memory = f"{name}-{number}", rng.choice(memories)
                yield SimulatedClient(label, name, secret, around, is_only_one=count == 1, memory=memory)

    def _tap(self, name: str) -> Wiretap:
        tap = Wiretap(name, self.ledger, self.trace, self._limits, self._session_ids, self._turn)
        self._taps.append(tap)
        return tap

    def _session_ids(self, user: UserId) -> Iterator[SessionId]:
        known = self._server.inside.state.users.get(user)
        return (session.id for session in known.sessions) if known is not None else iter(())

    # -- a run ------------------------------------------------------------------------------------------------

    def run(self, steps: int) -> Report:
        """Let ``steps`` things happen, then let all become quiet, then stop the server, and look at what is left.

        :raises Violation: an invariant does not hold.
        """
        alarm = Alarm()
        logger = logging.getLogger("chatnet")
        logger.addHandler(alarm)
        propagate, logger.propagate = logger.propagate, False
        try:
            self._act(steps, alarm)
            self._settle(alarm)
            if self._files is not None:
                self._look_at_files(self._files, alarm)
            self._stop(alarm)
            self._storage.check_closed()
        finally:
            logger.propagate = propagate
            logger.removeHandler(alarm)
            self._clean_up()
        return Report(
            seed=self.seed,
            store=self._kind,
            messages=self.ledger.messages,
            deliveries=sum(tap.deliveries for tap in self._taps),
            connections=len(self._taps),
            kills=dict(self._kills.ends),
            crashes=dict(self._crashes.ends),
            files=dict(self.ledger.files.events),
            seconds=self._clock.now().monotonic,
            digest=self.trace.digest(),
        )

    def _clean_up(self) -> None:
        """Leave no file open, nor any behind, however the run has ended."""
        for client in self.clients:
            client.let_go()
        self._storage.let_go()
        self._folder.cleanup()

    def _act(self, steps: int, alarm: Alarm) -> None:
        talk, share, trouble = (15.0, 0.0, 1.5) if self._files is None else (6.0, 4.0, 3.0)
        happenings: dict[Callable[[], None], float] = {
            self._server_turn: 30 * self._haste,
            self._client_step: 40,
            self._somebody_acts: talk,
            self._somebody_shares: share,
            self._time_passes: 25,
            self._something_breaks: trouble,
        }
        for happening in self._rng.choices(
            list(happenings), list(happenings.values()), k=steps if self._files is None else 2 * steps
        ):
            happening()
            alarm.check()

    # -- what may happen --------------------------------------------------------------------------------------

    def _server_turn(self) -> None:
        """A turn of the server, if there is anything to do in it: all others would be the same, and cost as much."""
        self._with_server(lambda: self._clock.advance(0.0))
        if not self._server.wants_turn:
            return
        self._turn.begin()
        if self._with_server(self._server.turn):
            self._server.inside.check_buffers()
            self._server.inside.check_books()

    def _with_server(self, action: Callable[[], None]) -> bool:
        """Do what may be the end of the server's process. Is it still there afterwards?"""
        try:
            action()
        except Killed as end:
            self._server.killed(str(end), self._rng.choice(DOWNTIMES))
        return self._server.is_up

    def _with_client(self, client: SimulatedClient, action: Callable[[], None]) -> None:
        """Do what may be the end of a client's process."""
        try:
            action()
        except Killed as end:
            client.crash(str(end), self._rng.choice(DOWNTIMES))
            if len(self.clients) > 1 and self._rng.random() < 0.1:
                self.trace.add(client.label, "never comes back")
                client.disappear()
                self.clients.remove(client)
        check_client(client)

    def _client_step(self) -> None:
        """A step of somebody who has something to do, or a file under way: with that half done it may end as well."""
        client = self._rng.choice(self.clients)
        if client.is_ready or client.moving is not None:
            self._step(client)

    def _step(self, client: SimulatedClient) -> None:
        self._with_client(client, client.step)

    def _somebody_acts(self) -> None:
        client = self._rng.choice(self.clients)
        if self._clock.now().monotonic >= client.frozen_until:
            self._with_client(client, lambda: self._behaviour.act(client))

    def _somebody_shares(self) -> None:
        client = self._rng.choice(self.clients)
        if self._clock.now().monotonic >= client.frozen_until:
            self._with_client(client, lambda: self._file_behaviour.act(client))

    def _something_breaks(self) -> None:
        busy = [client for client in self.clients if client.moving is not None]
        client = self._rng.choice(busy if busy and self._rng.random() < 0.7 else self.clients)
        self._with_client(client, lambda: self._troubles.one(client, self._behaviour))

    def _time_passes(self) -> None:
        """Mostly until something is due; sometimes a little, and now and then for longer than anybody expected."""
        luck = self._rng.random()
        if luck < 0.8:
            self._until_something_is_due()
        else:
            seconds = self._rng.uniform(0.0, 0.05 if luck < 0.98 else 3.0)
            self._with_server(lambda: self._clock.advance(seconds))

    def _until_something_is_due(self) -> None:
        times = [self._clock.next_due, self._server.wake_at, *(client.due for client in self.clients)]
        soonest = min((time for time in times if time is not None), default=0.0)
        self._with_server(lambda: self._clock.advance_to(soonest))

    # -- becoming quiet ---------------------------------------------------------------------------------------

    def _settle(self, alarm: Alarm) -> None:
        """Heal everything, and let time pass until nothing is left to do."""
        self.trace.add("world", "becomes quiet")
        self._troubles.end()
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
            self._server.inside.check_settled(client, self._session_of(client))
        for tap in self._network.taps.values():
            tap.check_settled()
        connections = len(self._server.inside.connections.all)
        if connections != len(self.clients):
            raise Violation("I7", f"{connections} connections for {len(self.clients)} clients")

    def _progress(self) -> tuple[float, int, int]:
        """What changes whenever anything really happens."""
        return self._clock.now().monotonic, len(self.trace.lines), self._turn.bytes

    def _round(self) -> None:
        """Everybody has a turn; time passes if nobody has anything to do."""
        self._server_turn()
        for client in self.clients:
            if client.is_ready:
                self._step(client)
        if not self._server.is_ready and not any(client.is_ready for client in self.clients):
            self._until_something_is_due()

    def _is_quiet(self) -> bool:
        """Is nothing on its way any more, and nobody waiting for anything?"""
        server = self._server
        if not server.is_up or server.is_waiting or server.is_ready or server.inside.is_busy:
            return False
        everybody_is_here = len(server.inside.connections.all) == len(self.clients)
        return everybody_is_here and not any(client.is_busy for client in self.clients)

    def _session_of(self, client: SimulatedClient) -> Session | None:
        """The core's session of a client, found by its device; None if there is not exactly one."""
        device = client.device
        sessions = [s for s in self._server.inside.state.sessions.values() if s.device == device]
        return sessions[0] if len(sessions) == 1 else None

    def _look_at_files(self, files: FileStorage, alarm: Alarm) -> None:
        """Once quiet, and after one more restart: is there what should be, and nothing else, and can it be had?"""
        self._server.inside.files.check_settled()
        if not files.has_failed:
            files.check_exact()
        if self._kind == "sqlite":
            self._server.killed("all is quiet", 0.0)
            self._settle(alarm)
            self._server.inside.files.check_settled()
            files.check_exact()
        files.check_contents()
        shared = [id for id, file in self.ledger.files.files.items() if file.seq]
        for id in self._rng.sample(shared, min(len(shared), _FETCHED)):
            place = self.ledger.files.files[id].entry.conversation
            readers = [client for client in self.clients if self.ledger.may_read(client.app.user, place)]
            if readers:
                client = self._rng.choice(readers)
                client.take_on(Fetching(id, client.downloads, self.ledger, must=True))
        for _ in range(self._rng.randint(2, 12)):
            self._round()
        for client in list(self.clients):
            step = client.moving
            if step is not None and self._rng.random() < 0.3:
                self._file_behaviour.remove_fetched(client)
            elif step is not None and client.has_memory and self._rng.random() < 0.5:
                self._with_client(client, partial(self._crashes.end, step))
            elif step is not None:
                client.vanish()
        self._settle(alarm)

    # -- the end ----------------------------------------------------------------------------------------------

    def _stop(self, alarm: Alarm) -> None:
        """Somebody says a last word; the server stops in time, and has stored what it acknowledged."""
        self.trace.add("world", "stops the server")
        for client in self.clients:
            self._behaviour.act(client)
        server = self._server.server
        server.stop()
        end = self._clock.now().monotonic + self._limits.farewell_seconds + 1.0
        while not server.is_finished:
            if self._clock.now().monotonic > end:
                raise Violation("stop", "the server does not stop")
            server.turn()
            for client in self.clients:
                if client.is_ready:
                    self._step(client)
            if not server.is_finished:
                self._until_something_is_due()
            alarm.check()

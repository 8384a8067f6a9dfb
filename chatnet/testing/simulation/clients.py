"""Clients of a simulation: real sessions over a bad network.

A client here does what `chatnet.client.link` does for a session, step by step and in virtual time; and like any
program it stalls, stops reading, loses its network, ends, crashes, and starts again with what is on its disk.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.session import ClientSession, Phase
from chatnet.errors import ErrorCode, Unreachable
from chatnet.model import DEVICE_ID_BYTES
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.application import Application
from chatnet.testing.simulation.errands import Desk, Errand, Sending
from chatnet.testing.simulation.kills import ClientStep, Fate
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.network import SimulatedNetwork
from chatnet.testing.simulation.profile import FragileOutbox, Kept, Memory, make_spool, reopen
from chatnet.testing.simulation.trace import Trace, Violation
from chatnet.transports.memory import MemoryTransport

READ_BYTES = 64 * 1024
_REPEATED = 0.85
"""The chance that a person repeats a command whose process has ended."""
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all clients of a world share."""

    rng: Random
    clock: VirtualClock
    network: SimulatedNetwork
    address: Address
    ledger: Ledger
    trace: Trace
    folder: Path
    """For the files of all of them."""
    fate: Fate[ClientStep]


class SimulatedClient:
    """One process of one guest, who has no other if it ``is_only_one``; ``start`` makes a new one.

    One with a ``memory`` comes back as the same device, and goes on where it was.
    """

    def __init__(
        self, label: str, name: str, secret: bytes, around: Surroundings, *, is_only_one: bool, memory: Memory
    ) -> None:
        self.label = label
        self.name = name
        self.is_only_one = is_only_one
        self._secret = secret
        self._around = around
        self._memory = memory
        self._kept = Kept(memory)
        self._outbox: FragileOutbox | None = None
        self._spool = around.folder / label
        self.downloads = around.folder / f"{label}-downloads"
        """A folder, which like all others survives every process."""
        self.downloads.mkdir()
        self.errands: list[Errand] = []
        """Files that are being sent or fetched."""
        if memory is not Memory.NONE:
            make_spool(self._spool, around.rng.randbytes(DEVICE_ID_BYTES))
        self.transport: MemoryTransport | None = None
        self.unsent = bytearray()
        self.frozen_until = self.deaf_until = 0.0
        """Until when the process does nothing, or reads nothing."""
        self._process = 0
        self.start()

    def start(self) -> None:
        """Be a new process, which knows what the one before has left on its disk, if it left anything."""
        around = self._around
        self._drop()
        self._process += 1
        if self.has_memory:
            self._outbox = reopen(self._spool, self._kept, around.ledger, self._at)
            identity = Identity(self._secret, self._outbox.device)
        else:
            self._kept = Kept()
            identity = Identity(self._secret, around.rng.randbytes(DEVICE_ID_BYTES))
        self.device = identity.device
        around.ledger.files.people[self.device] = self.name
        label = f"{self.label}.{self._process}"
        self.app = Application(label, self.device, self._kept, around.ledger, around.trace, self._at)
        self.session = ClientSession(
            self.name,
            identity,
            random=around.rng.random,
            outbox=self._outbox,
            chat_start=self.app.chat_start if self.has_memory else None,
            answer_seconds=ANSWER_SECONDS,
        )
        self.app.attach(self.session)
        self._desk = Desk(self.app, self.session, self._at)
        self._begin_again()
        self._has_ended = False
        self._next_connect = around.clock.now().monotonic

    def _at(self, step: ClientStep) -> None:
        if self.has_memory:
            self._around.fate.at(step)

    def _begin_again(self) -> None:
        """The person repeats most commands that the process before was busy with; the outbox takes care of posts."""
        unfinished, self.errands = self.errands, []
        for errand in unfinished:
            errand.drop()
            is_kept = self.has_memory and isinstance(errand, Sending) and errand.is_posted
            if not is_kept and self._around.rng.random() < _REPEATED:
                self.take_on(errand)

    @property
    def has_memory(self) -> bool:
        """Does it come back as the same device?"""
        return self._memory is not Memory.NONE

    @property
    def may_change_name(self) -> bool:
        """Will no other process come with the old one?"""
        return self.is_only_one and not self.has_memory

    @property
    def _now(self) -> float:
        return self._around.clock.now().monotonic

    def _note(self, what: str) -> None:
        self._around.trace.add(self.app.label, what)

    # -- files ------------------------------------------------------------------------------------------------

    @property
    def moving(self) -> ClientStep | None:
        """The step that it is at while some bytes of a file are over, and others not."""
        return next((errand.moving for errand in self.errands if errand.is_moving), None)

    def take_on(self, errand: Errand) -> None:
        """Send or fetch a file."""
        self._note(f"begins {errand.name}")
        errand.begin(self._desk, lambda: self._now)
        self.errands.append(errand)

    def cancel(self, errand: Errand) -> None:
        """Do that no more."""
        self._note(f"cancels {errand.name}")
        errand.cancel()
        self.errands.remove(errand)

    def _run_errands(self) -> None:
        for errand in list(self.errands):
            errand.step(self._at)
            if errand.is_over:
                self.errands.remove(errand)
                assert errand.job is not None
                self._note(f"is done with {errand.name}: {errand.job.failure or 'well'}")

    # -- moving bytes -----------------------------------------------------------------------------------------

    @property
    def due(self) -> float | None:
        """When it has something to do, even if nothing arrives."""
        wanted = self._next_connect if self.transport is None else self.session.next_tick
        return None if wanted is None else max(wanted, self.frozen_until)

    @property
    def _can_send(self) -> bool:
        return bool(self.unsent or self.session.has_bulk) and not self._has_ended

    @property
    def is_ready(self) -> bool:
        """Has it something to do now?"""
        now, transport = self._now, self.transport
        if now < self.frozen_until:
            return False
        if transport is not None and now >= self.deaf_until and transport.incoming.is_readable:
            return True
        if transport is not None and transport.outgoing.is_writable and self._can_send:
            return True
        if self.errands and any(errand.wants_step for errand in self.errands):
            return True
        due = self.due
        return due is not None and due <= now

    @property
    def is_busy(self) -> bool:
        """Is anything on its way to it or from it, or does it wait for an answer?"""
        if self.transport is None or not self.session.is_online or self.unsent or self.app.is_waiting:
            return True
        if self.errands:
            return True
        if not self.session.are_marks_settled:
            return True
        return self.transport.incoming.has_unread or self.transport.outgoing.has_unread

    def step(self) -> None:
        """Do what is to be done now: connect, or send, read and send again; then go on with files."""
        if self._now < self.frozen_until:
            return
        self._move()
        self._run_errands()
        self.hear()

    def _move(self) -> None:
        if self.transport is None:
            if self._now >= self._next_connect and self.session.phase is not Phase.STOPPED:
                self._connect()
            return
        self._send()
        if self._now >= self.deaf_until:
            self._receive()
        self.session.tick(self._now)
        self._send()
        if self.session.wants_close:
            self._end(None)
        self.hear()

    def hear(self) -> None:
        """Let the application have its news, and take what is to be sent because of them."""
        self.app.hear()
        self.unsent += self.session.data_to_send()

    def _connect(self) -> None:
        try:
            self.transport = self._around.network.connect(self._around.address)
        except Unreachable as error:
            self._lost(error)
        else:
            self._note("connects")
            self.session.connection_made(self._now)
            self._send()

    def _send(self) -> None:
        self.unsent += self.session.data_to_send()
        if self.transport is None or not self._can_send:
            return
        if not self.unsent:
            # As a link does: the bytes of files go when nothing else waits, a frame at a time.
            self.unsent += self.session.bulk_to_send()
            self.unsent += self.session.data_to_send()
        try:
            taken = self.transport.send(bytes(self.unsent))
        except OSError as error:
            self._receive()
            self._end(error)
            return
        del self.unsent[:taken]

    def _receive(self) -> None:
        rng = self._around.rng
        while self.transport is not None and not self.session.wants_close:
            limit = READ_BYTES if rng.random() < 0.8 else rng.randint(1, 64)
            try:
                data = self.transport.receive(limit)
            except OSError as error:
                self._end(error)
                return
            if not data:
                if data is not None:
                    self._end(None)
                return
            self.session.receive(data, self._now)
            self._at(ClientStep.RECEIVED)
            if rng.random() < (0.5 if self.errands else 0.2):  # a file that comes at once is never caught half over
                return

    def _end(self, error: OSError | None) -> None:
        if self.transport is not None:
            self._end_of_connection(None if error is None else Unreachable(ErrorCode.UNREACHABLE, str(error)))

    def _end_of_connection(self, error: Unreachable | None) -> None:
        self._drop()
        self._lost(error)

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.close()
        self.transport = None
        self.unsent = bytearray()
        self._has_ended = False

    def _lost(self, error: Unreachable | None) -> None:
        retry_at = self.session.connection_lost(self._now, error)
        if retry_at is None:
            raise Violation("client", f"{self.label} gives up: {self.session.failure}")
        self._next_connect = retry_at
        self.hear()

    # -- crashing ---------------------------------------------------------------------------------------------

    def crash(self, why: str, downtime: float) -> None:
        """The process has ended, in the middle of whatever it did; after some time it is there again."""
        self._note(f"crashes when {why}")
        self.disappear()
        self.start()
        self.frozen_until = self._now + downtime
        self.deaf_until = 0.0

    def disappear(self) -> None:
        """The process ends; its files stay."""
        self.app.autopsy()
        self.let_go()
        if self.transport is not None and self._around.rng.random() < 0.3:
            self.transport.reset()
        self._drop()

    def let_go(self) -> None:
        """The system closes its files."""
        for errand in self.errands:
            errand.drop()
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.let_go()

    # -- misbehaving ------------------------------------------------------------------------------------------

    def vanish(self) -> None:
        """Close the connection without a word; the session connects again by itself."""
        if self.transport is not None:
            self._note("vanishes")
            self._end(None)

    def go_dark(self, *, notices: bool) -> None:
        """Be cut off without a word to either side; the client ``notices``, or has to find out as the server does."""
        if self.transport is None:
            return
        self._note("goes dark")
        self._around.network.cut(self.transport)
        if notices:
            self.transport = None
            self._end_of_connection(None)

    def end(self) -> None:
        """End one's own side, and wait for the server to end its own."""
        if self.transport is not None and not self._has_ended:
            self._note("ends its side")
            self._has_ended = True
            self.transport.end()

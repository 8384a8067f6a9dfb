"""The load: some who speak and some who hear it, in one process and one thread, by a job that another process gives it.

All that is said is counted where it is heard. A run ends only when every message has its ack and every listener has
all of them, or when nothing has come for so long that the rest is lost.
"""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from enum import Enum
from multiprocessing import get_context
from selectors import EVENT_READ, BaseSelector, DefaultSelector, SelectSelector

from _lines import Line, Listener, Lost, Sender
from _serving import cpu, resident

from chatnet.requests import Alive

ALIVE_SECONDS = 5.0
SLEEPER_BUFFER = 1 << 16


class Sleeper(Enum):
    """One more who is connected."""

    NONE = "none"
    IDLE = "idle"
    """Follows nothing."""
    SLOW = "slow"
    """Is in the room, but reads nothing until all is said."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be said. ``seconds`` are measured, or ``count`` messages are."""

    port: int
    pid: int
    """The server's."""
    encrypted: bool = False
    """Is it TLS that listens at the port?"""
    senders: int = 1
    in_flight: int = 1
    """Of each sender: as soon as one is answered, the next is sent."""
    rate: float = 0.0
    """Messages a second, of all together, whatever the answers; 0 for as many as are answered."""
    listeners: int = 1
    seconds: float = 0.0
    count: int = 0
    warm_up: float = 0.5
    size: int = 100
    """Of a text, in bytes."""
    sleeper: Sleeper = Sleeper.NONE
    patience: float = 20.0
    """Seconds without anything new: what is missing then will not come."""


@dataclass(frozen=True)
class Outcome:
    """What came of a job. Times are in seconds, sorted: of all that was sent while it was measured."""

    acks: list[float]
    deliveries: list[float]
    """One for each listener and message."""
    said: int
    """Answered while it was measured."""
    seconds: float
    """Measured."""
    server_cpu: float
    """Seconds."""
    busy: float
    """Which part of the time this load itself was at work; near 1, it was not the server that was measured."""
    resident: int
    """Of the server, in bytes, when all was said and heard."""
    catch_up_seconds: float
    """Until the sleeper had all that it had missed."""
    faults: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.said / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of the server's CPU for each message."""
        return 1e6 * self.server_cpu / self.said


def elsewhere(workers: int = 1) -> ProcessPoolExecutor:
    """Processes beside this one."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def load(job: Job) -> Outcome:
    """Do a job in another process."""
    with elsewhere() as process:
        return process.submit(run, job).result()


def run(job: Job) -> Outcome:
    """Do a job in this process."""
    with ExitStack() as connections:
        return _Run(job, connections).run()


class _Run:
    def __init__(self, job: Job, connections: ExitStack) -> None:
        self._job = job
        self._senders = [
            Sender(job.port, f"sender{i}", job.in_flight, job.size, encrypted=job.encrypted) for i in range(job.senders)
        ]
        self._listeners = [
            Listener(job.port, f"listener{i}", job.size, encrypted=job.encrypted) for i in range(job.listeners)
        ]
        self._by_user = {sender.user: sender for sender in self._senders}
        self._sleeper = self._make_sleeper()
        # `select` waits with a precision of microseconds, epoll of milliseconds: too coarse to keep a pace.
        self._selector: BaseSelector = SelectSelector() if job.rate else DefaultSelector()
        connections.enter_context(closing(self._selector))
        for line in (*self._senders, *self._listeners):
            connections.enter_context(closing(line))
            self._selector.register(line, EVENT_READ, line)
        if self._sleeper is not None:
            connections.enter_context(closing(self._sleeper))
        self._spoken = 0
        self._most = sys.maxsize
        """To be spoken in all."""
        self._is_held_up = False
        self._paced_since = self._next_alive = time.perf_counter()

    def _make_sleeper(self) -> Line | None:
        match self._job.sleeper:
            case Sleeper.NONE:
                return None
            case Sleeper.IDLE:
                return Line(self._job.port, "sleeper", encrypted=self._job.encrypted, receive_buffer=SLEEPER_BUFFER)
            case Sleeper.SLOW:
                return Listener(
                    self._job.port,
                    "sleeper",
                    self._job.size,
                    encrypted=self._job.encrypted,
                    receive_buffer=SLEEPER_BUFFER,
                )

    def run(self) -> Outcome:
        job = self._job
        if job.warm_up:
            self._speak(time.perf_counter() + job.warm_up)
        began, said = time.perf_counter(), self._acked()
        used, own = cpu(job.pid), time.process_time()
        self._note_from(began)
        if job.count:
            self._most = self._spoken + job.count
            self._speak(sys.maxsize)
            self._hear_out()
        else:
            self._speak(began + job.seconds)
        seconds, said = time.perf_counter() - began, self._acked() - said
        used, own = cpu(job.pid) - used, time.process_time() - own
        self._hear_out()
        memory, catch_up = resident(job.pid), self._wake_sleeper()
        return Outcome(
            sorted(t for sender in self._senders for t in sender.times),
            sorted(t for listener in self._listeners for t in listener.times),
            said,
            seconds,
            used,
            own / seconds,
            memory,
            catch_up,
            tuple(f"{count} x {what}" for what, count in self._faults().items()),
        )

    def _note_from(self, moment: float) -> None:
        for sender in self._senders:
            sender.since = moment
        for listener in self._listeners:
            listener.since = moment

    # -- saying -----------------------------------------------------------------------------------------------

    def _speak(self, until: float) -> None:
        """Go on until some time, or until all is said."""
        self._post()
        while self._spoken < self._most and (left := until - time.perf_counter()) > 0:
            self._turn(min(left, self._until_due()))
            self._post()

    def _post(self) -> None:
        if self._job.rate:
            self._keep_pace()
        else:
            for sender in self._senders:
                self._refill(sender)

    def _until_due(self) -> float:
        if not self._job.rate:
            return 1.0
        return max(0.0, self._paced_since + (self._spoken + 1) / self._job.rate - time.perf_counter())

    def _keep_pace(self) -> None:
        """Say what is due. What had to wait for answers counts from when it was due, or a stall would hide itself."""
        job, start = self._job, self._paced_since
        due = int((time.perf_counter() - start) * job.rate)
        while self._spoken < min(due, self._most):
            sender = self._senders[self._spoken % len(self._senders)]
            if not sender.room_left:
                self._is_held_up = True
                return
            self._spoken += 1
            sender.say(1, start + self._spoken / job.rate if self._is_held_up else time.perf_counter())
        self._is_held_up = False

    def _refill(self, sender: Sender) -> None:
        count = min(sender.room_left, self._most - self._spoken)
        if count:
            sender.say(count, time.perf_counter())
            self._spoken += count

    # -- hearing ----------------------------------------------------------------------------------------------

    def _turn(self, patience: float) -> bool:
        """Take what has come; False if nothing came."""
        ready = self._selector.select(patience)
        for key, _ in ready:
            line = key.data
            events = line.receive()
            now = time.perf_counter()
            if type(line) is Sender:
                line.take(events, now)
            else:
                line.take(events, self._by_user, now)
        self._stay_alive()
        return bool(ready)

    def _stay_alive(self) -> None:
        """Who does not read cannot see that he is asked."""
        now = time.perf_counter()
        if now >= self._next_alive:
            self._next_alive = now + ALIVE_SECONDS
            for line in (self._sleeper, *self._listeners):
                if line is not None:
                    line.send(Alive())

    def _hear_out(self) -> None:
        """Until all that was said has been answered and heard."""
        last = time.perf_counter()
        while not self._is_quiet() and time.perf_counter() < last + self._job.patience:
            if self._turn(min(1.0, self._job.patience)):
                last = time.perf_counter()

    def _is_quiet(self) -> bool:
        return self._acked() == self._spoken and not any(self._missed(listener) for listener in self._listeners)

    def _missed(self, listener: Listener) -> int:
        return sum(sender.n - listener.ledger.last.get(sender.user, 0) for sender in self._senders)

    def _wake_sleeper(self) -> float:
        sleeper = self._sleeper
        if not isinstance(sleeper, Listener):
            return 0.0
        began = time.perf_counter()
        try:
            while self._missed(sleeper):
                sleeper.take(sleeper.receive(), {}, 0.0)
        except (Lost, OSError) as error:
            sleeper.ledger.faults[f"slow reader: {error}"] += 1
        self._listeners.append(sleeper)
        return time.perf_counter() - began

    # -- counting ---------------------------------------------------------------------------------------------

    def _acked(self) -> int:
        return sum(sender.acked for sender in self._senders)

    def _faults(self) -> Counter[str]:
        faults = Counter({"unanswered": self._spoken - self._acked()})
        for sender in self._senders:
            faults += sender.faults
        for listener in self._listeners:
            faults += listener.ledger.faults
            faults["not heard"] += self._missed(listener)
        return +faults

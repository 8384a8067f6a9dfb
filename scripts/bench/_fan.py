"""The load that compares servers: rooms of clients, some of whom speak, by whatever protocol the server has.

It runs in a process of its own, on a core of its own. Either each sender keeps some messages under way, and sends the
next as soon as one is back, or messages leave at a fixed pace whatever the server does; then it is measured how long
they take. What comes is checked by `_hearing`, and a run ends when everybody has heard everything, or when nothing has
come for so long that the rest is lost.
"""

import gc
import os
import time
from collections import Counter
from collections.abc import Sequence
from selectors import EVENT_READ, DefaultSelector

from _coming_in import Client, NotLetIn, come_in, receive
from _fan_job import Arrival, Fan, Fanned
from _fan_room import Hall, Listener, Voice
from _hearing import Ear, Solo, stamp_in
from _known_peers import KNOWN
from _peer import Peer
from _serving import busy_cores, cpu, resident

_SETTLE_SECONDS = 0.3
_IDLE_SECONDS = 2.0
_FILL_SECONDS = 120.0
"""At most."""
_TURN_SECONDS = 0.02
_PATIENCE_SECONDS = 15.0
_ALIVE_SECONDS = 20.0
_SAMPLE_SECONDS = 1.0


def fan(job: Fan) -> Fanned:
    """Do a job in this process, which should have nothing else to do."""
    if job.core:
        os.sched_setaffinity(0, job.core)
    peer = KNOWN[job.peer]()
    memory, used, begun = resident(job.pid), cpu(job.pid), time.perf_counter()
    try:
        clients = come_in(peer, job.port, job.rooms + job.idle_rooms, job.size)
    except NotLetIn as error:
        return Fanned(Arrival(0, 1.0, 0.0, 0), faults=(str(error),))
    took, used = time.perf_counter() - begun, cpu(job.pid) - used
    try:
        load = _Load(job, peer, clients)
        load.settle(_SETTLE_SECONDS if job.senders else _IDLE_SECONDS)
        arrival = Arrival(len(clients), took, used, resident(job.pid) - memory)
        if not job.senders:
            return Fanned(arrival, faults=load.faults_of_silence())
        # What is here stays; looking for garbage in it would hold everything up for a moment.
        gc.collect()
        gc.freeze()
        return load.run(arrival)
    finally:
        for client in clients:
            client.sock.close()


class _Load:
    def __init__(self, job: Fan, peer: Peer, clients: Sequence[Client]) -> None:
        self._job, self._peer, self._clients = job, peer, clients
        self._selector = DefaultSelector()
        for client in clients:
            self._selector.register(client.sock, EVENT_READ, client)
        self._hall = Hall()
        self._window = 0
        """Of each sender at this moment; 0 while nothing new is to be said."""
        self._is_held_up = False
        """Has a message to wait that should keep a pace?"""
        self._times: list[int] | None = None
        """Nanoseconds."""
        self._faults: Counter[str] = Counter()
        self._last = 0.0
        """When something came last."""
        self._alive, self._alive_at, self._told_alive = peer.alive(), time.perf_counter(), 0

    # -- before anything is said --------------------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        """Until nothing has come for so long: each who came may have to be told to others."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            for key, _ in self._selector.select(left):
                try:
                    key.data.got += receive(key.data)
                except OSError as error:
                    self._hang_up(key.data, error)
                until = time.perf_counter() + seconds

    def faults_of_silence(self) -> tuple[str, ...]:
        """Is everybody still there, and has everybody been told of the others?"""
        size = self._job.size
        for client in self._clients:
            others = {number for number in client.others() if number // size == client.room}
            if len(others) < self._peer.to_be_told_of(client.number, size):
                self._faults["was not told of all others in its room"] += 1
            if len(others) < len(client.others()):
                self._faults["was told of somebody in another room"] += 1
        return self._found()

    def _hang_up(self, client: Client, error: OSError) -> None:
        self._faults[str(error)] += 1
        self._selector.unregister(client.sock)

    # -- saying -------------------------------------------------------------------------------------------------

    def run(self, arrival: Arrival) -> Fanned:
        """All of it, and what came of it."""
        job = self._job
        self._open_hall()
        try:
            if job.fill:
                self._fill(job.fill)
            self._speak(job.warm_up, 1, job.rate)
            self._times = [] if job.rate else None
            said, began, begun = self._hall.said(), self._used(), time.perf_counter()
            samples = self._speak(job.seconds, job.window, job.rate)
            seconds, said = self._last - begun, self._hall.said() - said
            used, own, total = (after - before for before, after in zip(began, self._used(), strict=True))
        except OSError as error:
            self._faults[f"{type(error).__name__}: {error}"] += 1
            return Fanned(arrival, faults=self._found())
        self._faults += self._hall.faults()
        heard = said * (job.size if self._peer.echo else job.size - 1)
        times = [time / 1e9 for time in sorted(self._times or [])]
        others = max(0.0, total - used - own) / seconds
        return Fanned(arrival, said, heard, seconds, used, own / seconds, others, times, samples, self._found())

    def _open_hall(self) -> None:
        job, clients = self._job, self._clients
        for start in range(0, job.rooms * job.size, job.size):
            members = clients[start : start + job.size]
            self._hall.add_room(self._peer, members, job.senders, is_stamped=bool(job.rate))
        for listener in self._hall.listeners:
            self._selector.modify(listener.client.sock, EVENT_READ, listener)
        for client in clients[job.rooms * job.size :]:
            self._selector.unregister(client.sock)
        if self._alive:
            # What a server makes for each client at its first word is no growth.
            for client in clients:
                client.sock.send(self._alive)

    def _used(self) -> tuple[float, float, float]:
        """Seconds of CPU: of the server, of this process, of all."""
        return cpu(self._job.pid), time.process_time(), busy_cores()

    def _fill(self, count: int) -> None:
        """As fast as it goes, until every sender has said so many."""
        until = time.perf_counter() + _FILL_SECONDS
        self._start_talk(self._job.window)
        while self._fewest_said() < count and time.perf_counter() < until:
            self._turn(_TURN_SECONDS)
            self._stay_alive(time.perf_counter())
        self._window = 0
        self._hear_out()
        if self._fewest_said() < count:
            self._faults["could not say enough before it was measured"] += 1

    def _start_talk(self, window: int) -> None:
        self._window = window
        for voice in self._hall.voices:
            voice.say(window - (voice.n - voice.acked))

    def _fewest_said(self) -> int:
        return min(voice.acked for voice in self._hall.voices)

    def _speak(self, seconds: float, window: int, rate: float) -> list[int]:
        """For so long, and until all is heard; the server's memory once a second meanwhile."""
        begun = time.perf_counter()
        samples: list[int] = []
        until, spoken = begun + seconds, 0
        if not rate:
            self._start_talk(window)
        while (now := time.perf_counter()) < until:
            if now >= begun + len(samples) * _SAMPLE_SECONDS:
                samples.append(resident(self._job.pid))
            if rate:
                spoken = self._keep_pace(begun, rate, spoken)
            # Waiting for less than a millisecond is not what selectors can do, and a pace needs that.
            self._turn(0.0 if rate else min(_TURN_SECONDS, until - now))
            self._stay_alive(now)
        self._window = 0
        self._hear_out()
        return samples

    def _keep_pace(self, begun: float, rate: float, spoken: int) -> int:
        """Say what is due; how many messages are said.

        What had to wait for answers counts from when it was due, or a stall would hide itself.
        """
        due, most = int((time.perf_counter() - begun) * rate), self._peer.unanswered
        for n in range(spoken, due):
            voice = self._hall.voices[n % len(self._hall.voices)]
            if most and voice.n - voice.acked >= most:
                self._is_held_up = True
                return n
            voice.say(1, int(1e9 * (begun + (n + 1) / rate)) if self._is_held_up else time.perf_counter_ns())
        self._is_held_up = False
        return max(spoken, due)

    def _stay_alive(self, now: float) -> None:
        """Whoever says nothing would be asked whether it is there, which is not what is measured here."""
        if not self._alive:
            return
        due = int((now - self._alive_at) * len(self._clients) / _ALIVE_SECONDS)
        for n in range(self._told_alive, due):
            self._clients[n % len(self._clients)].sock.send(self._alive)
        self._told_alive = max(self._told_alive, due)

    # -- hearing ------------------------------------------------------------------------------------------------

    def _turn(self, patience: float) -> bool:
        """Take what has come; did anything?"""
        ready = self._selector.select(patience)
        for key, _ in ready:
            listener: Listener = key.data
            try:
                data = receive(listener.client)
            except OSError as error:
                self._hang_up(listener.client, error)
                continue
            if self._times is not None and not isinstance(listener.ear, Solo):
                items = self._take_in_time(listener.ear, data, self._times)
            else:
                items = listener.ear.feed(data)
            if items and listener.waited_for:
                self._let_go_on(listener.waited_for, items)
        if ready:
            self._last = time.perf_counter()
        return bool(ready)

    def _take_in_time(self, ear: Ear, data: bytes, times: list[int]) -> list[bytes]:
        now, before = time.perf_counter_ns(), ear.heard
        items = ear.feed(data)
        times += [now - stamp_in(item) for item in ear.log.items[before : ear.heard]]
        return items

    def _let_go_on(self, voices: list[Voice], items: list[bytes]) -> None:
        for voice in voices:
            name, end = voice.name, len(voice.name)
            count = len([item for item in items if item[:end] == name])
            voice.acked += count
            if count and self._window:
                voice.say(self._window - (voice.n - voice.acked))

    def _hear_out(self) -> None:
        """Until everybody has heard everything."""
        self._last = time.perf_counter()
        while time.perf_counter() < self._last + _PATIENCE_SECONDS:
            if not self._turn(_TURN_SECONDS) and self._hall.is_all_heard():
                return

    def _found(self) -> tuple[str, ...]:
        return tuple(f"{count} x {what}" for what, count in (+self._faults).items())

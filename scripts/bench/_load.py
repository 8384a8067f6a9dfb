"""Senders that keep some messages in flight, and a pinger, each in a process of its own; and what they measure."""

import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from select import select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _talkers import Talker

from chatnet.events import Opened, Pong
from chatnet.requests import CreateRoom, Open, Ping

TEXT = "a message of the length that people write, more or less; some are longer "
ROOM = "bench"
_WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Figures:
    """Seconds, sorted: how long each took that was begun and ended within the time measured."""

    times: list[float]
    seconds: float
    """The time measured."""
    total: int = 0
    """Of all, those before the time measured too."""

    @property
    def rate(self) -> float:
        """Of these a second."""
        return len(self.times) / self.seconds

    def percentile(self, percent: float) -> float:
        """Within so many seconds, this part of all was over."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * percent / 100))]

    def __str__(self) -> str:
        p50, p99, most = (1000 * t for t in (self.percentile(50), self.percentile(99), self.times[-1]))
        return f"{self.rate:,.0f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {most:.2f} ms"


def send(port: int, senders: int, in_flight: int, seconds: float) -> Figures:
    """Every sender keeps so many posts unanswered; from sending to the ack."""
    talkers = [Talker(f"sender{i}") for i in range(senders)]
    for talker in talkers:
        talker.connect(port)
    room = talkers[0].ask(lambda id: Open(id, room=ROOM), Opened).conversation.id
    sent: dict[tuple[int, int], float] = {}
    times: list[float] = []
    total = 0
    began = time.perf_counter() + _WARM_UP_SECONDS
    by_socket = {talker.fileno(): i for i, talker in enumerate(talkers)}

    def fill(i: int) -> None:
        talker = talkers[i]
        posts = [talker.post(room, TEXT) for _ in range(in_flight - talker.outstanding)]
        now = time.perf_counter()
        sent.update({(i, post.n): now for post in posts})
        talker.send(*posts)

    for i in range(senders):
        fill(i)
    while (now := time.perf_counter()) < began + seconds:
        for number in select(list(by_socket), [], [], 0.1)[0]:
            i = by_socket[number]
            talkers[i].receive()
            now = time.perf_counter()
            for n in talkers[i].acks:
                start = sent.pop((i, n))
                total += 1
                if start >= began:
                    times.append(now - start)
            talkers[i].acks.clear()
            talkers[i].said.clear()
            fill(i)
    return Figures(sorted(times), now - began, total)


def ping(port: int, seconds: float) -> Figures:
    """One ping after the other, with a little time between them."""
    talker = Talker("pinger")
    talker.connect(port)
    times = []
    began = time.perf_counter() + _WARM_UP_SECONDS
    while (start := time.perf_counter()) < began + seconds:
        talker.ask(Ping, Pong)
        end = time.perf_counter()
        if start >= began:
            times.append(end - start)
        time.sleep(0.002)
    return Figures(sorted(times), seconds)


def make_room(port: int) -> None:
    """The room in which all is said."""
    talker = Talker("founder")
    talker.connect(port)
    talker.ask(lambda id: CreateRoom(id, ROOM), Opened)
    talker.close()


def _run(work: object, arguments: tuple[object, ...], pipe: Connection) -> None:
    assert callable(work)
    pipe.send(work(*arguments))


@contextmanager
def elsewhere(work: object, *arguments: object) -> Iterator[Connection]:
    """Call something in another process; its result comes through the pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(work, arguments, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.join(60)
        process.kill()
        ours.close()

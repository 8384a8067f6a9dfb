"""How long a client takes to get what it has missed: 100,000 messages of one room, in order and whole.

Once from the memory store with a window as wide, once from a database. Bar: over 20,000 messages a second from either,
so that a week's silence in a busy room is made up for in seconds.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from _figures import Bar, Benchmark, Row
from _filled import fill
from _lines import Listener
from _load import Job, elsewhere, load
from _serving import Serving, cpu, serve
from _setting import Setting

SIZE = 100


@dataclass(frozen=True)
class Resumed:
    seconds: float
    own_cpu: float
    faults: tuple[str, ...]


def measure(setting: Setting) -> Iterator[Row]:
    count = setting.pick(10_000, 100_000)
    with serve(None, "--window", str(2 * count)) as serving:
        said = load(
            Job(
                port=serving.port,
                pid=serving.pid,
                senders=10,
                in_flight=25,
                listeners=0,
                count=count,
                warm_up=0.0,
                size=SIZE,
            )
        )
        yield _row("memory", serving, count, said.faults)
    with setting.folder() as folder:
        fill(folder, count, size=SIZE)
        with serve(folder, "--no-index") as serving:
            yield _row("on disk", serving, count)


def _row(case: str, serving: Serving, count: int, faults: tuple[str, ...] = ()) -> Row:
    used = cpu(serving.pid)
    with elsewhere() as process:
        resumed = process.submit(resume, serving.port, count).result()
    used = cpu(serving.pid) - used
    figures = {
        "seconds": resumed.seconds,
        "messages/s": count / resumed.seconds,
        "server us/message": 1e6 * used / count,
        "load busy": resumed.own_cpu / resumed.seconds,
    }
    return Row(case, figures, faults + resumed.faults)


def resume(port: int, count: int) -> Resumed:
    """Get so many messages, all that there are."""
    start, own = time.perf_counter(), time.process_time()
    listener = Listener(port, "returner", SIZE, after=0)
    while listener.ledger.head < count:
        listener.take(listener.receive(), {}, 0.0)
    seconds, own = time.perf_counter() - start, time.process_time() - own
    listener.close()
    faults = listener.ledger.faults
    faults["more than were said"] += listener.ledger.head - count
    return Resumed(seconds, own, tuple(f"{n} x {what}" for what, n in (+faults).items()))


BENCHMARK = Benchmark(
    "resume",
    "to get 100,000 missed messages",
    measure,
    (Bar("memory", "messages/s", least=20_000), Bar("on disk", "messages/s", least=20_000)),
)

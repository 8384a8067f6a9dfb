"""Ten thousand people are connected, and in each room of a hundred somebody says something every second.

What stays for long is what counts here: nothing is lost, nobody waits, and the server does not grow. Both ends are on
one machine. Before it is measured, each room has so much said in it that whatever the server keeps of the last messages
is full. Bars: p99 of a delivery under 250 ms; from the first quarter of the time to the last one, memory grows by no
more than 2 %.
"""

import statistics
from collections.abc import Iterator

from _fan import fan
from _fan_job import Fan, Fanned
from _figures import Bar, Benchmark, Row, percentile
from _known_peers import KNOWN
from _load import elsewhere
from _pinning import LOAD_CORE, allow_open_files, core
from _setting import Setting
from _starting import started
from _workloads import DURABLE, MEMORY

SIZE, SMALL, FULL = 100, 20, 100
"""Of a room; rooms."""
_MORE_FILES = 1000
_FILL = 1100
"""Messages in each room: more than a server in memory keeps there."""
_MIB = 1 << 20


def measure(setting: Setting) -> Iterator[Row]:
    rooms = setting.pick(SMALL, FULL)
    allow_open_files(rooms * SIZE + _MORE_FILES)
    load_core = frozenset(core(LOAD_CORE))
    for name in (MEMORY, DURABLE):
        with setting.folder() as folder, started(KNOWN[name](), folder) as server, elsewhere() as process:
            job = Fan(
                peer=name,
                port=server.port,
                pid=server.pid,
                core=load_core,
                rooms=rooms,
                size=SIZE,
                senders=1,
                window=8,
                rate=float(rooms),
                seconds=60 * setting.minutes,
                fill=_FILL,
            )
            yield _row(name, process.submit(fan, job).result())


def _row(name: str, fanned: Fanned) -> Row:
    samples = fanned.samples or [0]
    quarter = max(1, len(samples) // 4)
    before, after = statistics.median(samples[:quarter]), statistics.median(samples[-quarter:])
    figures = {
        "clients": float(fanned.arrival.clients),
        "deliveries/s": fanned.deliveries / fanned.seconds,
        "p50 ms": 1000 * percentile(fanned.times, 50),
        "p99 ms": 1000 * percentile(fanned.times, 99),
        "max ms": 1000 * percentile(fanned.times, 100),
        "us/delivery": fanned.cost,
        "server busy": fanned.server_cpu / fanned.seconds,
        "MiB": after / _MIB,
        "memory, times before": after / before if before else 0.0,
    }
    return Row(name, figures, fanned.faults)


BENCHMARK = Benchmark(
    "crowd",
    "10,000 clients, with --full (2,000 without): a message a second in each room of 100",
    measure,
    tuple(
        bar
        for name in (MEMORY, DURABLE)
        for bar in (Bar(name, "p99 ms", most=250.0), Bar(name, "memory, times before", most=1.02))
    ),
)

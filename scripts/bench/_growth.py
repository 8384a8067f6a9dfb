"""Does a delivery cost more the more there is: rooms, idle connections, history?

The same two workloads as in the comparison with other servers, A (one room of 100) and C (200 rooms of 5), on servers
of which each has much of one thing that the workload does not touch, and each time just before on one that has none of
it. Bars: no more than a fifth above that, which is what two runs of the same differ by on a busy machine.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from _fan import fan
from _fan_job import Fan, Fanned
from _figures import Bar, Benchmark, Row
from _filled import fill
from _known_peers import KNOWN
from _lines import Denied, Line
from _load import elsewhere
from _pinning import LOAD_CORE, allow_open_files, core
from _setting import Setting
from _starting import Started, started
from _workloads import DURABLE, MEMORY, WORKLOADS

from chatnet.events import Opened, Refused
from chatnet.requests import CreateRoom

ROOMS, IDLE, HISTORY = (2_000, 99_000), (1_000, 10_000), (20_000, 1_000_000)
"""Small, and full sizes."""
GROWN = ("A", "C")
"""Workloads, in memory."""
_AT_ONCE = 100
_MOST = 1.2
_MORE_FILES = 2000
Prepare = Callable[[Started], None]


def measure(setting: Setting) -> Iterator[Row]:
    rooms, idle, history = (setting.pick(*sizes) for sizes in (ROOMS, IDLE, HISTORY))
    allow_open_files(idle + _MORE_FILES)
    for name in GROWN:
        job = _job(name, setting)
        crowded = replace(job, idle_rooms=idle // job.size)
        fresh = _run(MEMORY, job, setting)
        yield _row(f"{name}, nothing else", fresh, fresh)
        yield _row(f"{name}, idle connections", _run(MEMORY, crowded, setting), fresh)
        fresh = _run(MEMORY, job, setting)
        yield _row(f"{name}, nothing else", fresh, fresh)
        many = _run(MEMORY, job, setting, lambda server: make_rooms(server.port, rooms))
        yield _row(f"{name}, many rooms", many, fresh)
    job = _job("A", setting)
    with setting.folder() as full:
        fill(full, history, rooms=20, size=100)
        fresh = _run(DURABLE, job, setting)
        yield _row("A durable, new database", fresh, fresh)
        yield _row("A durable, long history", _run(DURABLE, job, setting, history=full), fresh)


def _job(name: str, setting: Setting) -> Fan:
    """The server's port and process are put in later."""
    return Fan(
        peer=MEMORY,
        port=0,
        pid=0,
        core=frozenset(core(LOAD_CORE)),
        seconds=setting.seconds,
        **WORKLOADS[name].settings,  # type: ignore[arg-type]
    )


def _run(name: str, job: Fan, setting: Setting, prepare: Prepare | None = None, history: Path | None = None) -> Fanned:
    """On a new server, prepared by something, or with a data folder that is there."""
    with setting.folder() as folder:
        if history is not None:
            shutil.copytree(history, folder / "data")
        with started(KNOWN[name](), folder) as server, elsewhere() as process:
            if prepare is not None:
                prepare(server)
            return process.submit(fan, replace(job, peer=name, port=server.port, pid=server.pid)).result()


def make_rooms(port: int, count: int) -> None:
    """So many rooms of one guest, who goes away.

    :raises Denied: the server has no place for them.
    """
    with closing(Line(port, "founder")) as founder:
        for start in range(0, count, _AT_ONCE):
            some = range(start, min(count, start + _AT_ONCE))
            founder.send(*(CreateRoom(n + 1, f"other{n}") for n in some))
            made = 0
            while made < len(some):
                for event in founder.receive():
                    if isinstance(event, Refused):
                        raise Denied(event.code)
                    made += isinstance(event, Opened)


def _row(case: str, fanned: Fanned, fresh: Fanned) -> Row:
    figures = {
        "us/delivery": fanned.cost,
        "times fresh": fanned.cost / fresh.cost if fresh.cost else 0.0,
        "deliveries/s": fanned.deliveries / fanned.seconds,
        "server busy": fanned.server_cpu / fanned.seconds,
    }
    return Row(case, figures, fanned.faults)


BENCHMARK = Benchmark(
    "growth",
    "what a delivery costs on a server that has much of something else",
    measure,
    tuple(
        Bar(case, "times fresh", most=_MOST)
        for case in (
            "A, idle connections",
            "A, many rooms",
            "C, idle connections",
            "C, many rooms",
            "A durable, long history",
        )
    ),
)

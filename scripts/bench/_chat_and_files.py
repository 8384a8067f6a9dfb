"""Does chat stay quick while files are under way? The same chat without transfers, and beside four of them.

Two go up and two come down, all the time, as fast as they can. Bar: at 100 messages a second the p99 of deliveries is
at most twice what it is without them. The server's memory tells whether it grows with the files' size: with ones of 16
MiB it must need about as much.

All clients stand for other machines, so on this one those who carry the files leave the cores to whoever else wants
them, and those who chat do not wait for one, if the system lets them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from _figures import Bar, Benchmark, Row, percentile
from _load import Job, Outcome, elsewhere, run
from _serving import peak, serve
from _setting import Setting
from _transfers import Carried, Traffic, carry, share

from chatnet.core.limits import GIB, MIB

RATE, SENDERS, LISTENERS = 100.0, 10, 10
_SMALL = 16 * MIB
_WARM_UP_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_LEAST_URGENT, _URGENT = 19, -10


def measure(setting: Setting) -> Iterator[Row]:
    for name, options in (("TCP", ()), ("TLS", ("--tls",))):
        alone: Outcome | None = None
        for case, transfers, bytes_ in (
            ("no transfer", 0, _SMALL),
            ("4 small", 4, _SMALL),
            ("4 transfers", 4, setting.pick(64 * MIB, GIB)),
        ):
            row, said = measure_beside(setting, f"{case}, {name}", options, transfers, bytes_, alone)
            yield row
            alone = alone or said


def measure_beside(
    setting: Setting, case: str, options: tuple[str, ...], transfers: int, size: int, alone: Outcome | None
) -> tuple[Row, Outcome]:
    """The chat beside so many transfers, compared with that ``alone``."""
    seconds, encrypted = float(setting.pick(3, 20)), "--tls" in options
    # What was left behind by the case before is on the disk then, and in nobody's way.
    getattr(os, "sync", lambda: None)()
    with setting.folder() as data, serve(data, *options) as serving, elsewhere(2) as processes:
        file = processes.submit(share, serving.port, size, encrypted=encrypted).result() if transfers else 0
        traffic = Traffic(
            port=serving.port,
            encrypted=encrypted,
            uploads=transfers // 2,
            downloads=transfers // 2,
            file=file,
            size=size,
            seconds=2 * _WARM_UP_SECONDS + seconds,
            begun=data / "begun",
        )
        carrying = processes.submit(_aside, traffic)
        while not (data / "begun").exists() and not carrying.done():
            time.sleep(_LOOK_SECONDS)
        time.sleep(_WARM_UP_SECONDS)
        job = Job(
            port=serving.port,
            pid=serving.pid,
            encrypted=encrypted,
            senders=SENDERS,
            in_flight=32,
            rate=RATE,
            listeners=LISTENERS,
            seconds=seconds,
        )
        said = processes.submit(_ahead, job).result()
        carried = carrying.result()
        return _row(case, said, alone, carried, peak(serving.pid)), said


def _ahead(job: Job) -> Outcome:
    if hasattr(os, "setpriority"):
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, _URGENT)
    return run(job)


def _aside(traffic: Traffic) -> Carried:
    os.nice(_LEAST_URGENT)
    if hasattr(os, "SCHED_IDLE"):
        # Linux lets the least nice of others have whole slices of some milliseconds; these give way at once.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    return carry(traffic)


def _row(case: str, said: Outcome, alone: Outcome | None, carried: Carried, memory: int) -> Row:
    p99 = percentile(said.deliveries, 99)
    figures = {
        "delivery p50 ms": 1000 * percentile(said.deliveries, 50),
        "delivery p99 ms": 1000 * p99,
        "p99, times without": p99 / percentile((alone or said).deliveries, 99),
        "up MiB/s": carried.up / carried.seconds / MIB,
        "down MiB/s": carried.down / carried.seconds / MIB,
        "server MiB at most": memory / MIB,
    }
    return Row(case, figures, (*said.faults, *carried.faults))


BENCHMARK = Benchmark(
    "chat_and_files",
    "chat at 100 messages a second, alone and beside four transfers",
    measure,
    (
        Bar("4 transfers, TCP", "p99, times without", most=2.0),
        Bar("4 transfers, TLS", "p99, times without", most=2.0),
    ),
)

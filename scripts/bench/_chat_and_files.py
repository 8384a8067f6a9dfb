"""Does chat stay quick while files are under way? The same chat without transfers, and beside four of them.

Two go up and two come down, all the time, as fast as they can. Bar: at 100 messages a second the p99 of deliveries is
at most twice what it is without them. The server's memory tells whether it grows with the files' size: with ones of 16
MiB it must need about as much.

Those who carry the files stand for other machines, so on this one they leave the cores to whoever else wants them.
"""

import os
import time
from collections.abc import Iterator

from _figures import Bar, Benchmark, Row, percentile
from _load import Job, Outcome, elsewhere, run
from _serving import peak, serve
from _setting import Setting
from _transfers import Carried, Traffic, carry, share

from chatnet.core.limits import GIB, MIB

RATE, SENDERS, LISTENERS = 100.0, 10, 10
_SMALL = 16 * MIB
_WARM_UP_SECONDS = 1.0
_LEAST_URGENT = 19


def measure(setting: Setting) -> Iterator[Row]:
    size, seconds = setting.pick(64 * MIB, GIB), float(setting.pick(3, 20))
    for name, options in (("TCP", ()), ("TLS", ("--tls",))):
        alone: Outcome | None = None
        for case, transfers, bytes_ in (("no transfer", 0, _SMALL), ("4 small", 4, _SMALL), ("4 transfers", 4, size)):
            with setting.folder() as data, serve(data, *options) as serving, elsewhere(2) as processes:
                tls = bool(options)
                file = processes.submit(share, serving.port, bytes_, encrypted=tls).result() if transfers else 0
                traffic = Traffic(
                    port=serving.port,
                    encrypted=tls,
                    uploads=transfers // 2,
                    downloads=transfers // 2,
                    file=file,
                    size=bytes_,
                    seconds=2 * _WARM_UP_SECONDS + seconds,
                )
                carrying = processes.submit(_aside, traffic)
                time.sleep(_WARM_UP_SECONDS)
                job = Job(
                    port=serving.port,
                    pid=serving.pid,
                    encrypted=tls,
                    senders=SENDERS,
                    in_flight=32,
                    rate=RATE,
                    listeners=LISTENERS,
                    seconds=seconds,
                )
                said = processes.submit(run, job).result()
                carried = carrying.result()
                yield _row(f"{case}, {name}", said, alone, carried, peak(serving.pid))
                alone = alone or said


def _aside(traffic: Traffic) -> Carried:
    os.nice(_LEAST_URGENT)
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

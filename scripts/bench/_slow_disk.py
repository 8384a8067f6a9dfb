"""What a disk that takes 20 ms more for every sync does to a server: to pings, and to messages a second.

``strace`` delays each fsync and fdatasync; that it did so is checked. Bars: the loop does not wait for the disk, so
pings stay under 5 ms (p99), while 64 senders with 8 messages unanswered each store over 2,000 messages a second.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

from _figures import Bar, Benchmark, Row, percentile
from _lines import Line
from _load import Job, elsewhere, run
from _serving import serve
from _setting import Setting

from chatnet.events import Pong
from chatnet.requests import Ping

DELAY_MILLISECONDS = 20
SENDERS, IN_FLIGHT = 64, 8
_PAUSE_SECONDS = 0.002
_SYNC = re.compile(r"(?P<thread>\d+) +(?P<at>\d+\.\d+) .*(?:fsync|fdatasync)(?:\(.*\)| resumed>\)) += 0 \(DELAYED\)")


def measure(setting: Setting) -> Iterator[Row]:
    seconds = float(setting.pick(3, 15))
    with setting.folder() as folder:
        trace, data = folder / "strace", folder / "data"
        data.mkdir(mode=0o700)
        delay = f"inject=fsync,fdatasync:delay_exit={1000 * DELAY_MILLISECONDS}"
        # With --seccomp-bpf only these calls are slower.
        strace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", "trace=fsync,fdatasync", "-e", delay, "-o", str(trace)]
        with serve(data, under=strace) as serving:
            job = Job(port=serving.port, pid=serving.pid, senders=SENDERS, in_flight=IN_FLIGHT, seconds=seconds)
            with elsewhere(2) as processes:
                said = processes.submit(run, job)
                pinged = processes.submit(ping, serving.port, job.warm_up, seconds)
                outcome, pings = said.result(), pinged.result()
        syncs = sorted(gaps(trace))
    faults = list(outcome.faults)
    if len(syncs) < 5 * seconds:
        faults.append(f"only {len(syncs)} syncs: most of the time nobody waited for one")
    if syncs and 1000 * syncs[0] < DELAY_MILLISECONDS:
        faults.append(f"two syncs within {1000 * syncs[0]:.1f} ms: they were not delayed")
    figures = {
        "messages/s": outcome.rate,
        "ping p50 ms": 1000 * percentile(pings, 50),
        "ping p99 ms": 1000 * percentile(pings, 99),
        "ack p50 ms": 1000 * percentile(outcome.acks, 50),
        "ack p99 ms": 1000 * percentile(outcome.acks, 99),
        "syncs/s": len(syncs) / seconds,
        "server us/message": outcome.cost,
    }
    yield Row("20 ms a sync", figures, tuple(faults))


def ping(port: int, warm_up: float, seconds: float) -> list[float]:
    """One ping after the other, with a little time between them: how long each took, sorted."""
    line = Line(port, "pinger")
    times = []
    began = time.perf_counter() + warm_up
    while (start := time.perf_counter()) < began + seconds:
        line.ask(Ping, Pong)
        end = time.perf_counter()
        if start >= began:
            times.append(end - start)
        time.sleep(_PAUSE_SECONDS)
    line.close()
    return sorted(times)


def gaps(trace: Path) -> Iterator[float]:
    """Seconds from each delayed sync of a thread to its next."""
    last: dict[str, float] = {}
    for line in trace.read_text().splitlines():
        found = _SYNC.match(line)
        if found:
            thread, at = found["thread"], float(found["at"])
            if thread in last:
                yield at - last[thread]
            last[thread] = at


BENCHMARK = Benchmark(
    "slow_disk",
    "pings and messages a second while every sync takes 20 ms more",
    measure,
    (Bar("20 ms a sync", "ping p99 ms", most=5.0), Bar("20 ms a sync", "messages/s", least=2000.0)),
)

"""What four transfers do to the loop, two up and two down: on the disk as it is, and where each operation takes 50 ms.

It is the file store's own operations that are slower then, each of them: a look at the free space, a read, a write, a
sync. The loop notes itself how late it comes to what is due every 5 ms, and somebody who is logged in asks for answers.
Bar: the loop does not wait for the file worker, so it is late by less than 5 ms at p99.

Beside it is what the same server measures with no transfer, and which part of the time it could not run because others
had the cores: at full speed the load needs more of the machine than the server.
"""

import time
from collections.abc import Iterator

from _figures import Bar, Benchmark, Row
from _load import elsewhere
from _serving import serve
from _setting import Setting
from _slow_disk import ping
from _storm import Watch
from _transfers import Carried, Traffic, carry, share

from chatnet.core.limits import MIB
from chatnet.model import CHUNK_BYTES

DELAY_MILLISECONDS = 50
SLOW = f"4, {DELAY_MILLISECONDS} ms an operation"
_FILE_BYTES = 64 * MIB
_WARM_UP_SECONDS = 0.5


def measure(setting: Setting) -> Iterator[Row]:
    seconds = float(setting.pick(2, 15))
    with setting.folder() as data, serve(data, "--lag") as serving, elsewhere(2) as processes:
        file = processes.submit(share, serving.port, _FILE_BYTES).result()
        for case, transfers, delay in (("no transfer", 0, 0), ("4 transfers", 4, 0), (SLOW, 4, DELAY_MILLISECONDS)):
            serving.slow_files(delay)
            traffic = Traffic(
                port=serving.port,
                uploads=transfers // 2,
                downloads=transfers // 2,
                file=file,
                size=_FILE_BYTES,
                seconds=_WARM_UP_SECONDS + seconds,
            )
            carrying = processes.submit(carry, traffic)
            pinging = processes.submit(ping, serving.port, _WARM_UP_SECONDS, seconds)
            time.sleep(_WARM_UP_SECONDS)
            watch = Watch(serving)
            figures = watch.figures(pinging.result())
            carried = carrying.result()
            moved = {"up MiB/s": carried.up, "down MiB/s": carried.down}
            figures |= {name: size / carried.seconds / MIB for name, size in moved.items()}
            yield Row(case, figures, (*carried.faults, *_doubts(carried, transfers, delay)))


def _doubts(carried: Carried, transfers: int, delay: int) -> Iterator[str]:
    """Was it what it says?"""
    if transfers and not (carried.up and carried.down):
        yield f"{carried.up} bytes were taken, and {carried.down} given: not all transfers were under way"
    most = carried.seconds * 1000 / delay * CHUNK_BYTES if delay else float("inf")
    if carried.up + carried.down > most:
        yield "more was moved than such a disk lets through: it was not slow"


BENCHMARK = Benchmark(
    "slow_files",
    "how late the loop is with four transfers, also on a disk that takes 50 ms for everything",
    measure,
    (Bar(SLOW, "lag p99 ms", most=5.0),),
)

"""What somebody who stops reading costs the server and the others, while 100,000 messages are said in the room.

Two servers run side by side, so that whatever else the machine does befalls both: at the one, somebody is connected and
follows nothing; at the other he is in the room, says that he is there, and reads nothing until all is said. Then he
gets every message, in order. Bars: at most 1 MiB more memory than with the idle one, at most 1 MiB queued for him, and
the others' deliveries at p99 at most a half slower.
"""

from collections.abc import Iterator
from threading import Event, Thread

from _figures import Bar, Benchmark, Row, percentile
from _load import Job, Outcome, Sleeper, elsewhere, run
from _serving import Serving, serve
from _setting import Setting

from chatnet.core.limits import MIB, Limits

RATE = 1000.0
SIZE = 500
"""So that also a few messages are more than the system holds for a connection: some MiB, over loopback."""
_LOOK_SECONDS = 0.2


def measure(setting: Setting) -> Iterator[Row]:
    count = setting.pick(10_000, 100_000)
    with (
        setting.folder() as one,
        setting.folder() as other,
        serve(one) as with_idle,
        serve(other) as with_slow,
        elsewhere(2) as processes,
    ):
        watch = _Watch(with_slow)
        runs = [
            processes.submit(run, _job(serving, sleeper, count))
            for serving, sleeper in ((with_idle, Sleeper.IDLE), (with_slow, Sleeper.SLOW))
        ]
        idle, slow = (outcome.result() for outcome in runs)
        queued = watch.end()
    yield Row("beside an idle one", _figures(idle), idle.faults)
    more = {
        "memory over idle MiB": (slow.resident - idle.resident) / MIB,
        "queued KiB": queued / 1024,
        "p99, times idle": percentile(slow.deliveries, 99) / percentile(idle.deliveries, 99),
        "catch-up s": slow.catch_up_seconds,
    }
    behind = () if queued > Limits().output_soft // 2 else (f"it was never behind: only {queued} bytes were queued",)
    yield Row("beside a slow one", _figures(slow) | more, slow.faults + behind)


def _figures(outcome: Outcome) -> dict[str, float]:
    return {
        "messages/s": outcome.rate,
        "delivery p50 ms": 1000 * percentile(outcome.deliveries, 50),
        "delivery p99 ms": 1000 * percentile(outcome.deliveries, 99),
        "server us/message": outcome.cost,
        "server MiB": outcome.resident / MIB,
        "load busy": outcome.busy,
    }


def _job(serving: Serving, sleeper: Sleeper, count: int) -> Job:
    return Job(
        port=serving.port,
        pid=serving.pid,
        senders=10,
        in_flight=32,
        rate=RATE,
        listeners=10,
        count=count,
        size=SIZE,
        sleeper=sleeper,
    )


class _Watch:
    """Looks how much is queued, now and then."""

    def __init__(self, serving: Serving) -> None:
        self._serving, self._most = serving, 0
        self._ending = Event()
        self._thread = Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            self._most = max(self._most, self._serving.queued())

    def end(self) -> int:
        self._ending.set()
        self._thread.join()
        return self._most


BENCHMARK = Benchmark(
    "slow_reader",
    "what a reader that stops for 100,000 messages costs",
    measure,
    (
        Bar("beside a slow one", "memory over idle MiB", most=1.0),
        Bar("beside a slow one", "queued KiB", most=1024.0),
        Bar("beside a slow one", "p99, times idle", most=1.5),
    ),
)

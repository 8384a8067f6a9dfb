"""How long a message takes at a quiet pace: 100 a second, from sending to its ack and to those who hear it.

Beside it, how long the same disk takes to sync in the same minute: no durable ack can come sooner than that.
Bar: in memory p99 of a delivery under 5 ms. On disk the figures are read beside the disk's own.
"""

from collections.abc import Iterator

from _figures import Bar, Benchmark, Row, percentile
from _load import Job, load
from _serving import serve
from _setting import Setting, sync_times

RATE, SENDERS, LISTENERS = 100.0, 10, 10


def measure(setting: Setting) -> Iterator[Row]:
    seconds = float(setting.pick(3, 20))
    with setting.folder() as folder:
        for case, data in (("memory", None), ("on disk", folder)):
            with serve(data) as serving:
                before = sync_times(setting.scratch)
                outcome = load(
                    Job(
                        port=serving.port,
                        pid=serving.pid,
                        senders=SENDERS,
                        in_flight=32,
                        rate=RATE,
                        listeners=LISTENERS,
                        seconds=seconds,
                    )
                )
            syncs = sorted(before + sync_times(setting.scratch))
            figures = {
                "messages/s": outcome.rate,
                "ack p50 ms": 1000 * percentile(outcome.acks, 50),
                "ack p99 ms": 1000 * percentile(outcome.acks, 99),
                "delivery p50 ms": 1000 * percentile(outcome.deliveries, 50),
                "delivery p99 ms": 1000 * percentile(outcome.deliveries, 99),
                "fdatasync p50 ms": 1000 * percentile(syncs, 50),
                "fdatasync p99 ms": 1000 * percentile(syncs, 99),
            }
            yield Row(case, figures, outcome.faults)


BENCHMARK = Benchmark(
    "latency",
    "from sending to ack and to delivery, at 100 messages a second",
    measure,
    (Bar("memory", "delivery p99 ms", most=5.0),),
)

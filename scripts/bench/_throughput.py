"""What durability costs: messages a second and the server's CPU for each, in memory, on disk, and with a long history.

The same senders talk to three servers, with 1, 10, 100 and 1000 messages unanswered; one listener counts what arrives.
There is no bar here: the bars against other servers are per delivery, and this shows what one message costs.
"""

from collections.abc import Iterator
from pathlib import Path

from _figures import Benchmark, Row, percentile
from _filled import fill, index
from _load import Job, Outcome, load
from _serving import serve
from _setting import Setting

IN_FLIGHT = {1: (1, 1), 10: (1, 10), 100: (4, 25), 1000: (40, 25)}
"""Messages unanswered: senders, and how many each."""
ROOMS = 20


def measure(setting: Setting) -> Iterator[Row]:
    count = setting.pick(20_000, 1_000_000)
    with setting.folder() as new, setting.folder() as full:
        index(full, fill(full, count, rooms=ROOMS, size=100))
        in_memory = dict(_measure(setting, None))
        yield from (_row(f"memory, {flying} in flight", outcome) for flying, outcome in in_memory.items())
        for name, folder in (("new database", new), (f"{count:,} messages", full)):
            for flying, outcome in _measure(setting, folder):
                yield _row(f"{name}, {flying} in flight", outcome, in_memory[flying])


def _measure(setting: Setting, folder: Path | None) -> Iterator[tuple[int, Outcome]]:
    with serve(folder) as serving:
        for flying, (senders, each) in IN_FLIGHT.items():
            job = Job(
                port=serving.port, pid=serving.pid, senders=senders, in_flight=each, seconds=setting.seconds, size=100
            )
            yield flying, load(job)


def _row(case: str, outcome: Outcome, in_memory: Outcome | None = None) -> Row:
    figures = {
        "messages/s": outcome.rate,
        "server us/message": outcome.cost,
        "ack p50 ms": 1000 * percentile(outcome.acks, 50),
        "ack p99 ms": 1000 * percentile(outcome.acks, 99),
        "load busy": outcome.busy,
    }
    if in_memory is not None:
        figures["CPU, times memory"] = outcome.cost / in_memory.cost
    return Row(case, figures, outcome.faults)


BENCHMARK = Benchmark("throughput", "messages a second and what each costs, in memory and on disk", measure)

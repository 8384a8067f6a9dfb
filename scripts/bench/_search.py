"""How soon what is said can be found, and what the index costs those who say it.

Bar: at 1,000 messages a second, found at most 2 s after its ack. Above that, with as many messages as the server takes,
the index may fall behind, and catches up when it is quiet again; beside it, the same load without an index.
"""

import time
from collections.abc import Iterator

from _figures import Bar, Benchmark, Row, percentile
from _lines import Line, Lost
from _load import Job, Outcome, elsewhere, run
from _serving import Serving, serve
from _setting import Setting

from chatnet.events import Ack, SearchPage
from chatnet.requests import Post, Search

RATE = 1000.0
MARK = "needle"
_LOOK_SECONDS, _BETWEEN_SECONDS, _GIVE_UP_SECONDS = 0.05, 0.4, 300.0
_UNINDEXED = "--no-index"


def measure(setting: Setting) -> Iterator[Row]:
    seconds = float(setting.pick(3, 20))
    yield from _at_a_pace(setting, seconds)
    yield from _with_all_it_takes(setting, seconds)


def _at_a_pace(setting: Setting, seconds: float) -> Iterator[Row]:
    """Side by side, so that whatever else the machine does befalls both."""
    with (
        setting.folder() as one,
        setting.folder() as other,
        serve(one, _UNINDEXED) as plain,
        serve(other) as indexed,
        elsewhere(3) as processes,
    ):
        runs = [processes.submit(run, _job(serving, seconds, RATE)) for serving in (plain, indexed)]
        found = processes.submit(find, indexed.port, 0.0, seconds).result()
        without, outcome = (each.result() for each in runs)
    yield Row("1,000/s, no index", _figures(without), without.faults)
    yield Row("1,000/s", _figures(outcome) | _compared(outcome, without) | _found(found), outcome.faults)


def _with_all_it_takes(setting: Setting, seconds: float) -> Iterator[Row]:
    """One after the other. One needle tells enough: how long it takes until the index has caught up."""
    with setting.folder() as folder, serve(folder, _UNINDEXED) as serving, elsewhere() as process:
        without = process.submit(run, _job(serving, seconds)).result()
    yield Row("all it takes, no index", _figures(without), without.faults)
    with setting.folder() as folder, serve(folder) as serving, elsewhere(2) as processes:
        said = processes.submit(run, _job(serving, seconds))
        found = processes.submit(find, serving.port, seconds / 2, 0.0).result()
        outcome = said.result()
    yield Row("all it takes", _figures(outcome) | _compared(outcome, without) | _found(found), outcome.faults)


def _job(serving: Serving, seconds: float, rate: float = 0.0) -> Job:
    return Job(port=serving.port, pid=serving.pid, senders=40, in_flight=25, rate=rate, seconds=seconds)


def _figures(outcome: Outcome) -> dict[str, float]:
    return {
        "messages/s": outcome.rate,
        "server us/message": outcome.cost,
        "ack p50 ms": 1000 * percentile(outcome.acks, 50),
        "ack p99 ms": 1000 * percentile(outcome.acks, 99),
    }


def _compared(outcome: Outcome, without: Outcome) -> dict[str, float]:
    return {
        "ack p99, times no index": percentile(outcome.acks, 99) / percentile(without.acks, 99),
        "CPU, times no index": outcome.cost / without.cost,
    }


def _found(times: list[float]) -> dict[str, float]:
    return {"found p50 s": percentile(times, 50), "found at most s": times[-1]}


def find(port: int, begin: float, end: float) -> list[float]:
    """From then till then, in seconds, say something and look for it: the time from its ack until it is found, sorted.

    :raises Lost: it is not found for minutes.
    """
    line = Line(port, "seeker")
    room = line.room()
    start = time.perf_counter()
    times: list[float] = []
    time.sleep(begin)
    while not times or time.perf_counter() < start + end:
        n = len(times) + 1
        line.send(Post(n, room, f"{MARK}{n} in the hay"))
        line.wait_for(Ack)
        times.append(_until_found(line, f"{MARK}{n}"))
        time.sleep(_BETWEEN_SECONDS)
    line.close()
    return sorted(times)


def _until_found(line: Line, word: str) -> float:
    start = time.perf_counter()
    while not line.ask(lambda id: Search(id, word), SearchPage).hits:
        if time.perf_counter() > start + _GIVE_UP_SECONDS:
            raise Lost(f"{word} is not found")
        time.sleep(_LOOK_SECONDS)
    return time.perf_counter() - start


BENCHMARK = Benchmark(
    "search",
    "how soon what is said can be found, and what the index costs",
    measure,
    (Bar("1,000/s", "found at most s", most=2.0),),
)

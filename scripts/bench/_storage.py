"""What a history costs: bytes on disk for each message, and what it adds to the next message and to the next start.

Texts have 128 bytes. Bars: at most 256 bytes a message for the messages themselves, so at most as much again as was
said; and neither may grow with the history: the next message costs the store's thread at most 1.25 times the CPU that
it costs in a new database, and a start is at most 0.5 s longer than with nothing.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from _figures import Bar, Benchmark, Row
from _filled import cost, file_bytes, fill, index
from _lines import Line
from _serving import cpu, resident, serve
from _setting import Setting

from chatnet.core.limits import MIB
from chatnet.store import search
from chatnet.store.opening import FILE_NAME

SIZE, ROOMS = 128, 20


def measure(setting: Setting) -> Iterator[Row]:
    count = setting.pick(20_000, 1_000_000)
    with setting.folder() as empty, setting.folder() as full:
        none = fill(empty, 0, rooms=ROOMS, size=SIZE)  # what is made at the very first start is no part of this
        nothing = _start(empty)
        nothing["store us/message"] = 1e6 * cost(empty, none, 0, size=SIZE)
        yield Row("nothing", nothing)
        start = time.perf_counter()
        rooms = fill(full, count, rooms=ROOMS, size=SIZE)
        filled = time.perf_counter()
        messages = file_bytes(full / FILE_NAME)
        index(full, rooms)
        figures = {
            "bytes/message": messages / count,
            "index bytes/message": file_bytes(full / search.FILE_NAME) / count,
            "stored/s": count / (filled - start),
            "indexed/s": count / (time.perf_counter() - filled),
        }
        more = _start(full)
        more["start longer s"] = more["start s"] - nothing["start s"]
        more["store us/message"] = 1e6 * cost(full, rooms, count, size=SIZE)
        more["times that of nothing"] = more["store us/message"] / nothing["store us/message"]
        yield Row("full", {"messages": count} | figures | more)


def _start(folder: Path) -> dict[str, float]:
    with serve(folder) as serving:
        start = time.perf_counter()
        Line(serving.port, "first").close()
        return {
            "start s": serving.start_seconds,
            "login ms": 1000 * (time.perf_counter() - start),
            "start CPU s": cpu(serving.pid),
            "server MiB": resident(serving.pid) / MIB,
        }


BENCHMARK = Benchmark(
    "storage",
    "bytes for each message, and what the next message and the next start cost with many",
    measure,
    (
        Bar("full", "bytes/message", most=256.0),
        Bar("full", "start longer s", most=0.5),
        Bar("full", "times that of nothing", most=1.25),
    ),
)

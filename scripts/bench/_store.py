"""What durability costs: messages a second and the server's CPU for each, in memory and on disk, new and full.

The same senders talk to three servers: with the memory store, with a new database, and with one that has a million
messages already. With 1, 10, 100 and 1000 messages in flight. Beside them, how long the disk itself needs to sync.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from _load import ROOM, TEXT, Figures, elsewhere, make_room, send

from chatnet.core.entries import Batch, PutMessage, PutRoom, PutUser
from chatnet.model import Kind
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME

IN_FLIGHT = {1: (1, 1), 10: (1, 10), 100: (4, 25), 1000: (40, 25)}
"""Messages in flight: senders, and how many each."""
_SERVER = Path(__file__).resolve().parents[1] / "_store_server.py"
_ROOMS = range(2, 22)
_AT_ONCE = 4000
_TICKS = os.sysconf("SC_CLK_TCK")


def fill(folder: Path, count: int) -> None:
    """Store so many messages of 64 devices in 20 rooms."""
    devices = [bytes([i]) * 16 for i in range(64)]
    with closing(Database(folder)) as database:
        rooms = [PutRoom(id, ROOM if id == _ROOMS[0] else f"room{id}", 1, False) for id in _ROOMS]
        database.write([[PutUser(1, "founder", "", True, bytes(32)), *rooms]])
        for start in range(0, count, _AT_ONCE):
            batch: Batch = [
                PutMessage(_ROOMS[i % 20], 1, "founder", "", Kind.TEXT, TEXT, 0, i, devices[i % 64], 1 + i // 64, None)
                for i in range(start, min(count, start + _AT_ONCE))
            ]
            database.write([batch])
            database.trim_log()


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its number and its port."""
    command = [sys.executable, str(_SERVER), str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        listening = json.loads(process.stdout.readline())
        try:
            yield listening["pid"], listening["port"]
        finally:
            os.kill(listening["pid"], signal.SIGTERM)
            process.wait(60)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def measure(pid: int, port: int, in_flight: int, seconds: float) -> tuple[Figures, float]:
    """Send to ack, and the server's CPU seconds for each message."""
    senders, each = IN_FLIGHT[in_flight]
    before = cpu(pid)
    with elsewhere(send, port, senders, each, seconds) as posts:
        figures: Figures = posts.recv()
    # The warm-up is in both.
    return figures, (cpu(pid) - before) / figures.total


def sync_times(folder: Path, count: int = 200) -> list[float]:
    """Seconds that the disk needs to sync 8 KiB, sorted."""
    times = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(os.urandom(8192))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    (folder / "probe").unlink()
    return sorted(times)


def show(what: str, folder: Path, seconds: float, *options: str) -> None:
    """Measure one server with each number of messages in flight."""
    with server(folder, *options) as (pid, port):
        if not (folder / "filled").exists():
            make_room(port)
        for in_flight in IN_FLIGHT:
            figures, cost = measure(pid, port, in_flight, seconds)
            print(f"{what:>20}  {in_flight:>4} in flight: {1e6 * cost:5.1f} us of CPU a message; {figures}", flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench/store", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--messages", type=int, default=1_000_000, help="in the full database")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: where temporary files are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatnet-bench-", dir=options.folder) as scratch:
        folders = {name: Path(scratch) / name for name in ("none", "new", "full")}
        for folder in folders.values():
            folder.mkdir(mode=0o700)
        syncs = sync_times(folders["none"])
        p50, p99 = (1000 * syncs[len(syncs) * percent // 100] for percent in (50, 99))
        print(f"the disk syncs 8 KiB in {p50:.2f} ms (p50), {p99:.2f} ms (p99)")
        show("memory", folders["none"], options.seconds, "--memory")
        show("new database", folders["new"], options.seconds)
        fill(folders["full"], options.messages)
        size = (folders["full"] / FILE_NAME).stat().st_size
        print(f"{options.messages:,} messages of {len(TEXT)} characters: {size / options.messages:.0f} bytes each")
        (folders["full"] / "filled").touch()
        show(f"{options.messages:,} messages", folders["full"], options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The server that is measured, in a process of its own, and what the system says of that process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatnet.address import Address, parse

_SERVER = Path(__file__).resolve().with_name("_bench_server.py")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
_PROCESSES = Path("/proc")
_END_SECONDS = 60


class CannotMeasure(Exception):
    """The message says why."""


def check_system() -> None:
    """Can what a process uses be told?

    :raises CannotMeasure: no.
    """
    if not (_PROCESSES / "self" / "stat").exists():
        raise CannotMeasure("what a server uses is read from /proc, as Linux has it: nothing is measured here")


@dataclass(frozen=True)
class Serving:
    """A server that listens."""

    pid: int
    addresses: tuple[Address, ...]
    """First that with a port, then the local socket if it was asked for."""
    start_seconds: float
    """From the start of its process until it listened."""
    _process: "subprocess.Popen[str]"

    @property
    def port(self) -> int:
        return self.addresses[0].port

    def queued(self) -> int:
        """The most bytes that are queued for one peer just now."""
        return int(self._ask("queued"))

    def lag(self) -> list[float]:
        """By how many milliseconds the loop was late, each time since the last call; sorted. Needs ``--lag``."""
        return sorted(json.loads(self._ask("lag")))

    def slow_files(self, milliseconds: int) -> None:
        """From now on, each operation of the file store takes so much longer."""
        self._ask(f"slow {milliseconds}")

    def _ask(self, question: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


@contextmanager
def serve(data: Path | None, *options: str, under: Sequence[str] = ()) -> Iterator[Serving]:
    """A server that keeps everything in a folder, or in memory; perhaps ``under`` another program.

    :raises CannotMeasure: it does not start.
    """
    where = [] if data is None else ["--data", str(data)]
    command = [*under, sys.executable, str(_SERVER), *where, *options]
    start = time.perf_counter()
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise CannotMeasure(f"there is no {command[0]}") from None
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise CannotMeasure("the server did not start")
        listening = json.loads(line)
        try:
            addresses = tuple(map(parse, listening["addresses"]))
            yield Serving(listening["pid"], addresses, time.perf_counter() - start, process)
        finally:
            os.kill(listening["pid"], signal.SIGTERM)
            process.wait(_END_SECONDS)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all threads together."""
    fields = (_PROCESSES / f"{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_cores() -> float:
    """Seconds of CPU that the whole machine has used; 0 where that cannot be told."""
    total = _PROCESSES / "stat"
    if not total.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, total.read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def held_up(pid: int) -> float:
    """Seconds in which the main thread of a process could run, but others had the cores (Linux, sched-stats.rst)."""
    return int((_PROCESSES / f"{pid}/schedstat").read_text().split()[1]) / 1e9


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    for line in (_PROCESSES / f"{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise CannotMeasure(f"there is no process {pid}")


def peak(pid: int) -> int:
    """The most memory that a process has ever held, in bytes."""
    for line in (_PROCESSES / f"{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise CannotMeasure(f"there is no process {pid}")

"""How fast a file goes up and comes down, over TCP and TLS, and what each side's CPU pays for a GiB of it.

Beside it, in the same minute and over loopback too: a program that only copies a file through a socket, and rsync and
scp where they are installed. The client is the real one: it hashes before it sends, and verifies what it gets. What it
is compared with does less: the copy verifies nothing, and nobody else syncs.
"""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from _copies import Copy, plain_copy, rsync, scp
from _figures import Benchmark, Row
from _load import elsewhere
from _serving import Serving, cpu, peak, serve
from _setting import Setting

from chatnet import Client
from chatnet.address import TCP, TLS, Address
from chatnet.core.limits import GIB, MIB
from chatnet.model import LOBBY
from chatnet.net.trust import Unproven

_BLOCK = 4 * MIB


@dataclass(frozen=True)
class Moved:
    """What a client has done."""

    seconds: float
    """Of the clock, from the first byte read to the last one told as done."""
    cpu: float
    peak: int
    """The most memory that the client's process has ever held, in bytes."""


def measure(setting: Setting) -> Iterator[Row]:
    size = setting.pick(64 * MIB, GIB)
    with setting.folder() as folder:
        source = folder / "source"
        make(source, size)
        for copy in (plain_copy, rsync, scp):
            done = copy(source, folder / "copied", folder)
            if done is not None:
                yield _copied(copy.__name__.replace("_", " "), size, done, source, folder / "copied")
        for transport in (TCP, TLS):
            with setting.folder() as data, serve(data, *(["--tls"] if transport == TLS else [])) as serving:
                yield from _both_ways(transport, serving, source, folder)


def _both_ways(transport: str, serving: Serving, source: Path, folder: Path) -> Iterator[Row]:
    address, target = Address(transport, "127.0.0.1", serving.port), folder / f"received-{transport}"
    name = "TLS" if transport == TLS else "TCP"
    for way, work in (("up", upload), ("down", download)):
        before = cpu(serving.pid)
        with elsewhere() as process:
            moved = process.submit(work, address, source, target).result()
        used, size = cpu(serving.pid) - before, source.stat().st_size
        figures = {
            "MiB/s": size / MIB / moved.seconds,
            "server CPU s/GiB": used * GIB / size,
            "client CPU s/GiB": moved.cpu * GIB / size,
            "server MiB at most": peak(serving.pid) / MIB,
            "client MiB at most": moved.peak / MIB,
        }
        yield Row(f"{way}, {name}", figures, _differences(source, target) if way == "down" else ())
    target.unlink()


def upload(address: Address, source: Path, target: Path) -> Moved:
    """Share the file, as a guest."""
    del target
    return _measured(address, lambda chat: chat.upload(source, room=LOBBY))


def download(address: Address, source: Path, target: Path) -> Moved:
    """Fetch what was shared first."""
    del source
    return _measured(address, lambda chat: chat.download(1, path=target))


def _measured(address: Address, work: Callable[[Client], object]) -> Moved:
    with Client(address, name=f"guest{os.getpid()}", trust=lambda _: Unproven()) as chat:
        own, start = time.process_time(), time.perf_counter()
        work(chat)
        seconds, own = time.perf_counter() - start, time.process_time() - own
    return Moved(seconds, own, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def _copied(case: str, size: int, done: Copy, source: Path, target: Path) -> Row:
    figures = {"MiB/s": size / MIB / done.seconds, "client CPU s/GiB": done.sender_cpu * GIB / size}
    if done.receiver_cpu is not None:
        figures["server CPU s/GiB"] = done.receiver_cpu * GIB / size
    row = Row(case, figures, _differences(source, target))
    target.unlink()
    return row


def make(path: Path, size: int) -> None:
    """A file that cannot be compressed."""
    with path.open("wb") as file:
        for _ in range(size // _BLOCK):
            file.write(os.urandom(_BLOCK))


def _differences(source: Path, target: Path) -> tuple[str, ...]:
    same = subprocess.run(["cmp", "-s", source, target], check=False).returncode == 0
    return () if same else (f"{target.name} is not what was sent",)


BENCHMARK = Benchmark("files", "a file up and down, beside a plain copy through a socket, rsync and scp", measure)

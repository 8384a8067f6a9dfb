"""What a disk that needs 20 ms more for every sync does to a server: pings, messages a second, send to ack.

The server must not wait for it: pings stay under 5 ms (p99) while 64 senders with 8 messages in flight each store more
than 2,000 messages a second. ``strace`` delays each fsync and fdatasync; that it did is asserted.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from _load import Figures, elsewhere, make_room, ping, send

DELAY_MICROSECONDS = 20_000
SENDERS, IN_FLIGHT = 64, 8
LEAST_RATE, MOST_PING_SECONDS = 2000.0, 0.005
EX_UNAVAILABLE = 69
_SERVER = Path(__file__).resolve().parents[1] / "_store_server.py"
_SYNC = re.compile(r"(?P<thread>\d+) +(?P<at>\d+\.\d+) .*(?:fsync|fdatasync)(?:\(.*\)| resumed>\)) += 0 \(DELAYED\)")


class CannotMeasure(Exception):
    """The message says why."""


def measure(folder: Path, seconds: float, switch_interval: float) -> tuple[Figures, Figures, list[float]]:
    """Pings, posts, and the seconds from each delayed sync of a thread to its next.

    :raises CannotMeasure: there is no strace, or it may not be used.
    """
    trace = folder / "strace"
    data = folder / "data"
    data.mkdir(mode=0o700)
    delay = f"inject=fsync,fdatasync:delay_exit={DELAY_MICROSECONDS}"
    # With --seccomp-bpf only these calls are slower.
    strace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", "trace=fsync,fdatasync", "-e", delay, "-o", str(trace)]
    server = [sys.executable, str(_SERVER), str(data), "--switch-interval", str(switch_interval)]
    try:
        process = subprocess.Popen([*strace, *server], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise CannotMeasure("there is no strace, which makes the disk slow") from None
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if not line:
            raise CannotMeasure(f"the server did not start under strace: {process.stderr.read().decode()}")
        listening = json.loads(line)
        port = listening["port"]
        make_room(port)
        with elsewhere(send, port, SENDERS, IN_FLIGHT, seconds) as posts, elsewhere(ping, port, seconds) as pings:
            figures = pings.recv(), posts.recv()
        os.kill(listening["pid"], signal.SIGTERM)
        process.wait(60)
    return *figures, sorted(_gaps(trace))


def _gaps(trace: Path) -> Iterator[float]:
    last: dict[str, float] = {}
    for line in trace.read_text().splitlines():
        found = _SYNC.match(line)
        if found:
            thread, at = found["thread"], float(found["at"])
            if thread in last:
                yield at - last[thread]
            last[thread] = at


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench/slow_disk", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--switch-interval", type=float, default=sys.getswitchinterval(), help="of the server's Python")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatnet-slow-") as folder:
        try:
            pings, posts, syncs = measure(Path(folder), options.seconds, options.switch_interval)
        except CannotMeasure as error:
            print(f"slow_disk: {error}", file=sys.stderr)
            return EX_UNAVAILABLE
    assert len(syncs) > 5 * options.seconds, "most of the time somebody waits for a sync"
    assert syncs[0] >= DELAY_MICROSECONDS / 1e6, "every one of them was delayed"
    print(f"{len(syncs)} syncs, from one to the next at least {1000 * syncs[0]:.1f} ms")
    print(f"{SENDERS} senders with {IN_FLIGHT} messages in flight each, send to ack: {posts}")
    print(f"pings meanwhile: {pings}")
    missed = []
    if posts.rate <= LEAST_RATE:
        missed.append(f"not more than {LEAST_RATE:,.0f} messages a second")
    if pings.percentile(99) >= MOST_PING_SECONDS:
        missed.append(f"pings over {1000 * MOST_PING_SECONDS:.0f} ms at p99")
    for what in missed:
        print(f"MISSED: {what}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

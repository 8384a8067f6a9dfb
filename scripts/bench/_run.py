"""Measures what chatnet costs: all benchmarks, or those that are named. Small sizes take a few minutes, --full an hour.

Exit code 1 if anything was lost, came twice, out of order or damaged: then the figures mean nothing. A missed bar is
shown, and is no failure: a machine may be slow, or busy.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import _chat_and_files
import _delivery
import _files
import _gui
import _latency
import _logins
import _resume
import _search
import _slow_disk
import _slow_files
import _slow_reader
import _startup
import _storage
import _storm
import _throughput
from _figures import Benchmark, Result, percentile
from _report import as_data, table
from _serving import CannotMeasure
from _setting import Setting, file_system, sync_times

import chatnet

BENCHMARKS: dict[str, Benchmark] = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        _throughput,
        _latency,
        _delivery,
        _resume,
        _slow_reader,
        _slow_disk,
        _slow_files,
        _files,
        _chat_and_files,
        _search,
        _storage,
        _logins,
        _storm,
        _startup,
        _gui,
    )
}
EX_UNAVAILABLE = 69
_LASTING = Path("/var/tmp")
"""Where temporary files survive a restart, and so are on a disk."""


def machine(scratch: Path) -> dict[str, object]:
    """What the figures were measured on."""
    syncs = sync_times(scratch)
    return {
        "chatnet": chatnet.__version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "load average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "disk": file_system(scratch),
        "fdatasync p50 ms": round(1000 * percentile(syncs, 50), 3),
        "fdatasync p99 ms": round(1000 * percentile(syncs, 99), 3),
    }


def measure(names: list[str], setting: Setting, rounds: int) -> Iterator[Result]:
    """One after the other, each in several rounds.

    :raises CannotMeasure: what it takes is not there.
    """
    for name in names:
        result = Result(BENCHMARKS[name])
        for i in range(rounds):
            print(f"{name}, round {i + 1} of {rounds}", file=sys.stderr, flush=True)
            for row in BENCHMARKS[name].measure(setting):
                result.add(row)
        yield result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of these: {', '.join(BENCHMARKS)}")
    parser.add_argument("--full", action="store_true", help="the sizes of a report")
    parser.add_argument("--rounds", type=int, help="how often each is measured; default: 1, with --full 3")
    parser.add_argument("--seconds", type=float, help="for each figure of throughput; default: 1, with --full 5")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: /var/tmp, if there is one")
    parser.add_argument("--json", action="store_true", help="for programs, once all is done")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}, but {', '.join(BENCHMARKS)}")
    options.rounds = options.rounds or (3 if options.full else 1)
    options.seconds = options.seconds or (5.0 if options.full else 1.0)
    options.folder = options.folder or (_LASTING if _LASTING.is_dir() else Path(gettempdir()))
    return options


def main() -> int:
    """The command."""
    options = _arguments()
    results = []
    with TemporaryDirectory(prefix="chatnet-bench-", dir=options.folder) as scratch:
        where = machine(Path(scratch))
        if not options.json:
            print(", ".join(f"{name} {value}" for name, value in where.items()), flush=True)
        setting = Setting(Path(scratch), options.full, options.seconds)
        try:
            for result in measure(options.names or list(BENCHMARKS), setting, options.rounds):
                results.append(result)
                if not options.json:
                    print(f"\n{table(result)}", flush=True)
        except CannotMeasure as error:
            print(f"bench: {error}", file=sys.stderr)
            return EX_UNAVAILABLE
    if options.json:
        print(json.dumps(as_data(results, where), indent=2))
    return 1 if any(result.faults for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

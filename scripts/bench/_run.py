"""Measures what chatnet costs: all benchmarks, or those that are named. Small sizes take a few minutes, --full an hour.

Exit code 1 if anything was lost, came twice, out of order or damaged: then the figures mean nothing. A missed bar is
shown, and is no failure: a machine may be slow, or busy.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import _chat_and_files
import _crowd
import _delivery
import _files
import _growth
import _gui
import _latency
import _logins
import _micro
import _resume
import _search
import _slow_disk
import _slow_files
import _slow_reader
import _startup
import _storage
import _storm
import _throughput
from _figures import Benchmark, Result
from _machine import EX_UNAVAILABLE, default_folder, machine
from _output import add_options, draw, failed, is_read_later, show, told
from _report import table
from _serving import CannotMeasure, check_system
from _setting import Setting

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
        _growth,
        _crowd,
        _micro,
        _gui,
    )
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
    parser.add_argument("--minutes", type=float, help="of `crowd`; default: 0.2, with --full 10")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="on the disk to be measured")
    add_options(parser)
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}, but {', '.join(BENCHMARKS)}")
    options.rounds = options.rounds or (3 if options.full else 1)
    options.seconds = options.seconds or (5.0 if options.full else 1.0)
    options.minutes = options.minutes or (10.0 if options.full else 0.2)
    return options


def main() -> int:
    """The command."""
    options = _arguments()
    results = []
    try:
        check_system()
    except CannotMeasure as error:
        print(f"bench: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    with TemporaryDirectory(prefix="chatnet-bench-", dir=options.folder) as scratch:
        where = machine(Path(scratch))
        if not is_read_later(options):
            print(told(where), flush=True)
        setting = Setting(Path(scratch), options.full, options.seconds, options.minutes)
        try:
            for result in measure(options.names or list(BENCHMARKS), setting, options.rounds):
                results.append(result)
                if not is_read_later(options):
                    print(f"\n{table(result)}", flush=True)
        except CannotMeasure as error:
            print(f"bench: {error}", file=sys.stderr)
            return EX_UNAVAILABLE
    if is_read_later(options):
        return show(results, where, options)
    draw(results, options)
    return failed(results)


if __name__ == "__main__":
    sys.exit(main())

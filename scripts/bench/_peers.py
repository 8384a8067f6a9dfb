"""Measures chatnet and other chat servers in turn, each alone on one core, and compares what was measured side by side.

A machine is not as fast in one minute as in the next. So all servers take their turn in each round, and ratios are
those of one round: of five rounds there are five ratios to each server, whose median and spread are told.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from _fan import fan
from _fan_job import Fan, Fanned
from _figures import Benchmark, Result, Row
from _known_peers import KNOWN
from _load import elsewhere
from _peer import Peer
from _pinning import LOAD_CORE, core
from _serving import CannotMeasure
from _setting import Setting
from _starting import started
from _workloads import WORKLOADS, Workload, pair

_SECONDS_PER_RATE = 2.0
"""A pace takes longer to tell what is rare."""
_MOST_OTHERS = 0.15


def absolute(name: str) -> Benchmark:
    """The benchmark of a workload; it is measured by `measure`."""
    workload = WORKLOADS[name]
    return Benchmark(name, workload.what, _no_rows, workload.bars)


def ratios(name: str) -> Benchmark:
    """The benchmark of a workload's ratios."""
    workload = WORKLOADS[name]
    return Benchmark(f"{name}, ratios", f"{workload.what}: one by the other", _no_rows, workload.pair_bars)


def _no_rows(setting: Setting) -> Iterator[Row]:
    raise AssertionError(f"servers are measured in turn, not by {setting}")


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark for name in WORKLOADS for benchmark in (absolute(name), ratios(name))
}


@dataclass(frozen=True)
class Installed:
    """The servers that are here, and why others are not measured."""

    names: frozenset[str]
    missing: tuple[str, ...]
    versions: dict[str, str]


def installed(names: Iterable[str]) -> Installed:
    """Which of these there are."""
    versions, missing = {}, []
    for name in names:
        peer = KNOWN[name]()
        try:
            peer.find()
        except CannotMeasure as error:
            missing.append(str(error))
        else:
            versions[name] = f"{peer.version()}; {peer.tuned}" if peer.tuned else peer.version()
    return Installed(frozenset(versions), tuple(missing), versions)


def measure(name: str, servers: Sequence[str], setting: Setting, tries: int) -> tuple[list[Row], list[Row]]:
    """One round of a workload: what each server did, and the ratios."""
    workload = WORKLOADS[name]
    rows: dict[str, Row] = {}
    for server in servers:
        try:
            rows[server] = _run(workload, KNOWN[server](), setting, tries)
        except CannotMeasure as error:
            # What is wrong with another server is no reason to lose all that was measured.
            print(f"bench: {error}", file=sys.stderr, flush=True)
            if server in workload.own:
                rows[server] = Row(server, {}, (str(error),))
    compared = [
        _compare(workload, rows[own], rows[other])
        for own in workload.own
        for other in workload.others
        if own in rows and other in rows
    ]
    return list(rows.values()), compared


def _run(workload: Workload, peer: Peer, setting: Setting, tries: int) -> Row:
    """What others take of the machine meanwhile spoils it: then once more."""
    for left in reversed(range(tries)):
        fanned = _load(workload, peer, setting)
        if fanned.others <= _MOST_OTHERS or fanned.faults:
            break
        told = "once more" if left else "there is no better"
        print(f"{peer.name}: others used {fanned.others:.0%} of a core, {told}", file=sys.stderr, flush=True)
    return Row(peer.name, workload.figures(fanned), fanned.faults)


def _load(workload: Workload, peer: Peer, setting: Setting) -> Fanned:
    seconds = setting.seconds * (_SECONDS_PER_RATE if "rate" in workload.settings else 1.0)
    load_core = frozenset(core(LOAD_CORE))
    with setting.folder() as folder, started(peer, folder) as server, elsewhere() as process:
        job = Fan(
            peer=peer.name,
            port=server.port,
            pid=server.pid,
            core=load_core,
            seconds=seconds,
            **workload.settings,  # type: ignore[arg-type]
        )
        return process.submit(fan, job).result()


def _compare(workload: Workload, own: Row, other: Row) -> Row:
    return Row(
        pair(own.case, other.case),
        {
            figure: own.figures[figure] / other.figures[figure]
            for figure in workload.ratios
            if other.figures.get(figure) and not own.faults and not other.faults
        },
    )


def add(results: dict[str, Result], name: str, rows: tuple[list[Row], list[Row]]) -> None:
    """A round of a workload, to the results by their names."""
    for benchmark, some in zip((absolute(name), ratios(name)), rows, strict=True):
        for row in some:
            results.setdefault(benchmark.name, Result(benchmark)).add(row)

"""Takes the power from a server at every moment of a recorded run, and starts again on what the disk may hold then.

Records what the server wrote and synced, and what it told its clients. For each moment the files are rebuilt as they
may be found: what was synced is there, each sector that was written later is there or not. The store is started on
each of these states, and everything that clients had been told must be in it, and nothing that nobody said (I1 to I4 of
the design).
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from _power_loss_check import Promises, find_losses
from _power_loss_disk import Disk, put
from _power_loss_record import Book, CannotRecord, record
from _power_loss_trace import NotUnderstood, Sync, Told, Write

MEMORY = Path("/dev/shm")
_MOST_TOLD = 5
_UNAVAILABLE = 69


@dataclass
class Findings:
    """What became of many states."""

    kinds: Counter[str] = field(default_factory=Counter)
    moments: set[int] = field(default_factory=set)
    losses: list[str] = field(default_factory=list)


def try_states(work: tuple[Book, int, int, int, int]) -> Findings:
    """One process's share of ``count`` states, which are spread evenly over all moments."""
    book, count, seed, share, shares = work
    findings, disk, promises = Findings(), Disk(), Promises()
    moments = len(book.steps)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-power-") as scratch:
        folder = Path(scratch)
        for moment, step in enumerate(book.steps):
            disk.apply(step)
            if isinstance(step, Told):
                promises.note(step.events)
            due = count * (moment + 1) // moments - count * moment // moments
            if moment % shares == share:
                chance = random.Random(seed << 32 | moment)
                for kind, files in disk.states(chance, due):
                    put(folder, files)
                    findings.kinds[kind] += 1
                    findings.moments.add(moment)
                    losses = find_losses(folder, promises, book)
                    if losses:
                        findings.losses.append(f"after step {moment} ({type(step).__name__}, {kind}): {losses[0]}")
    return findings


def try_all(book: Book, count: int, seed: int, processes: int) -> Findings:
    """``count`` states, or a few more."""
    every = Findings()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for some in pool.map(try_states, [(book, count, seed, i, processes) for i in range(processes)]):
            every.kinds += some.kinds
            every.moments |= some.moments
            every.losses += some.losses
    return every


def describe(book: Book) -> str:
    """What was recorded."""
    promises = Promises()
    for step in book.steps:
        if isinstance(step, Told):
            promises.note(step.events)
    writes = [step for step in book.steps if isinstance(step, Write)]
    checkpoints = sum(isinstance(step, Sync) and step.file.endswith(".db") for step in book.steps)
    syncs = sum(isinstance(step, Sync) for step in book.steps)
    return (
        f"recorded {len(book.steps)} steps: {len(writes)} writes, {syncs} syncs, {checkpoints} checkpoints, "
        f"{len(promises.acks)} messages acked, {len(promises.rooms)} rooms, {len(promises.marks)} marks"
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/power_loss_test", description=__doc__)
    parser.add_argument("count", type=int, metavar="N", help="how many states to start on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15, help="how much is said in each life of the server")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full", help="normal must lose something")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-power-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir(mode=0o700)
        try:
            book = record(folder, options.seed, synchronous=options.synchronous, rounds=options.rounds)
        except (CannotRecord, NotUnderstood) as error:
            print(f"power_loss_test: {error}", file=sys.stderr)
            return _UNAVAILABLE
    print(describe(book), flush=True)
    began = time.monotonic()
    findings = try_all(book, options.count, options.seed, options.processes)
    for loss in sorted(findings.losses)[:_MOST_TOLD]:
        print(f"LOST: {loss}", file=sys.stderr)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(findings.kinds.items()))
    print(
        f"started on {findings.kinds.total()} states at {len(findings.moments)} moments ({kinds}) "
        f"in {time.monotonic() - began:.0f} s: {len(findings.losses)} of them with losses"
    )
    return 1 if findings.losses else 0


if __name__ == "__main__":
    sys.exit(main())

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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from _power_loss_check import Promises, find_losses
from _power_loss_disk import Disk, put
from _power_loss_record import Book, CannotRecord, record
from _power_loss_trace import NotUnderstood, Sync, Told, Write

MEMORY = Path("/dev/shm")
STATES_A_RECORDING = 1000
_IN_COMMON = 60
"""Of them, fewer are those of any other recording too: while a database is made, and before anybody says anything."""
_DRAWS = 6
"""For each state that is due, so many are drawn at most; what is missing then is due at later moments."""
_MOST_TOLD = 10
_UNAVAILABLE = 69


@dataclass
class Findings:
    """What became of many states, of one recording or of several."""

    recorded: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    moments: int = 0
    different: set[bytes] = field(default_factory=set)
    """The digests of all states, without regard to what had been promised."""
    losses: list[tuple[str, str]] = field(default_factory=list)
    """Where, and what."""

    def add(self, other: "Findings") -> None:
        """Take in those of another recording."""
        self.recorded += other.recorded
        self.kinds += other.kinds
        self.moments += other.moments
        self.different |= other.different
        self.losses += other.losses


@dataclass(frozen=True)
class Work:
    """One recording, and how many states to start on."""

    seed: int
    count: int
    rounds: int
    synchronous: str


def try_recording(work: Work) -> Findings:
    """Make a recording and take the power from it.

    :raises CannotRecord, NotUnderstood: there is no recording.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-power-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir(mode=0o700)
        book = record(folder, work.seed, synchronous=work.synchronous, rounds=work.rounds)
        findings = Findings(recorded=describe(book))
        _try_states(folder, book, work, findings)
    return findings


def _try_states(folder: Path, book: Book, work: Work, findings: Findings) -> None:
    """As many different states as are wanted, spread evenly over all moments; if there are so many.

    Whenever something was promised, what certainly is on the disk is looked at again.
    """
    disk, promises, chance = Disk(), Promises(), random.Random(work.seed)
    for moment, step in enumerate(book.steps, start=1):
        disk.apply(step)
        states: list[tuple[str, dict[str, bytes]]] = []
        if isinstance(step, Told) and step.events:
            promises.note(step.events)
            states.append(("nothing", disk.state("nothing", chance)))
        wanted = work.count * moment // len(book.steps) - len(findings.different)
        states += _new_states(disk, chance, wanted, findings.different)
        for kind, files in states:
            findings.different.add(digest(files))
            findings.kinds[kind] += 1
            put(folder, files)
            losses = find_losses(folder, promises, book)
            if losses:
                place = f"seed {work.seed}, after step {moment} ({type(step).__name__}, {kind})"
                findings.losses.append((place, losses[0]))
        findings.moments += bool(states)


def _new_states(
    disk: Disk, chance: random.Random, wanted: int, known: set[bytes]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """So many that are not known; or fewer, if they are not found soon."""
    here: set[bytes] = set()
    for kind, files in disk.states(chance, _DRAWS * wanted):
        state = digest(files)
        if state not in known and state not in here:
            here.add(state)
            yield kind, files
        if len(here) == wanted:
            return


def digest(files: dict[str, bytes]) -> bytes:
    """The same for the same files."""
    whole = blake2b(digest_size=16)
    for name, content in sorted(files.items()):
        whole.update(f"{name} {len(content)} ".encode())
        whole.update(content)
    return whole.digest()


def try_all(work: Work, processes: int) -> Findings:
    """At least as many states as are wanted, no two of them alike; a new recording for each thousand."""
    every, seed = Findings(), work.seed
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        while (missing := work.count - len(every.different)) > 0:
            seeds = range(seed, seed + -(-missing // STATES_A_RECORDING))
            share = replace(work, count=-(-missing // len(seeds)) + _IN_COMMON)
            for some in pool.imap_unordered(try_recording, [replace(share, seed=s) for s in seeds]):
                every.add(some)
            seed = seeds.stop
    return every


def describe(book: Book) -> Counter[str]:
    """What was recorded, in numbers."""
    promises = Promises()
    for step in book.steps:
        if isinstance(step, Told):
            promises.note(step.events)
    return Counter(
        {
            "recordings": 1,
            "steps": len(book.steps),
            "writes": sum(isinstance(step, Write) for step in book.steps),
            "syncs": sum(isinstance(step, Sync) for step in book.steps),
            "checkpoints": sum(isinstance(step, Sync) and step.file.endswith(".db") for step in book.steps),
            "messages acked": len(promises.acks),
            "rooms": len(promises.rooms),
            "marks": len(promises.marks),
        }
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/power_loss_test", description=__doc__)
    parser.add_argument("count", type=int, metavar="N", help="how many different states to start on")
    parser.add_argument("--seed", type=int, default=1, help="of the first recording; the next ones follow")
    parser.add_argument("--rounds", type=int, default=15, help="how much is said in each life of the server")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full", help="normal must lose something")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        findings = try_all(Work(options.seed, options.count, options.rounds, options.synchronous), options.processes)
    except (CannotRecord, NotUnderstood) as error:
        print(f"power_loss_test: {error}", file=sys.stderr)
        return _UNAVAILABLE
    places = {loss: place for place, loss in reversed(findings.losses)}
    for loss, place in list(reversed(places.items()))[:_MOST_TOLD]:
        print(f"LOST: {place}: {loss}", file=sys.stderr)
    print(", ".join(f"{count} {what}" for what, count in findings.recorded.items()))
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(findings.kinds.items()))
    print(
        f"started on {len(findings.different)} different states at {findings.moments} moments, "
        f"{findings.kinds.total()} times in all ({kinds}), "
        f"in {time.monotonic() - began:.0f} s: {len(findings.losses)} times with losses"
    )
    return 1 if findings.losses else 0


if __name__ == "__main__":
    sys.exit(main())

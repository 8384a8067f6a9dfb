"""Lets one sync after the other fail, and sees that the server promises nothing more and ends.

A first run counts the syncs: those at start, of commits, of checkpoints and at the end. Then each of them fails once
(EIO), in a run of its own. If it was one of the database, nothing more may be written to it (but while it is made,
before anybody was told anything), no message may be acked but those that were durable before, the server must end with
74 within a second, and everything that was acked must be there: in the files as they are, and in what would be left of
them if the power had failed as well. A sync of anything else may fail without harm, but for the same promises.

``strace`` counts the syncs of each thread, and fdatasync and fsync, by themselves. To let one of the writer's fail and
none at start, the main thread begins to count at `AHEAD`.
"""

import argparse
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from _power_loss_check import Promises, find_losses
from _power_loss_disk import Disk, put
from _power_loss_record import FILES, Book, CannotRecord, DidNotStart, traced_server
from _power_loss_trace import NotUnderstood, Sync, SyncFailed, Told, TraceReader, Truncate, Unlink, Write
from _talk_load import TalkLoad
from _talkers import Lost

from chatnet.events import Ack

MEMORY = Path("/dev/shm")
CHECKPOINT_BYTES = 32 * 1024
ROUNDS = 6
AHEAD = 500
EX_IOERR, EX_UNAVAILABLE = 74, 69
MOST_SECONDS = 1.0
_PATIENCE_SECONDS = 20.0
_SYNC = re.compile(r"(\d+) +\S+ (fdatasync|fsync)\(-?\d+(?:<([^>]*)>)?")


@dataclass
class Run:
    """One run of a server."""

    exit_code: int
    book: Book
    ended: float
    """By the clock on the wall."""


@dataclass(frozen=True)
class Nth:
    """One sync of a run: the ``n``-th ``call`` of its thread."""

    call: str
    n: int


def run(folder: Path, failing: Nth | None) -> Run:
    """Let a server live and be talked to, with one of its syncs failing, or none.

    :raises CannotRecord: strace is not there, or may not be used.
    """
    trace = folder.with_name("strace")
    load = TalkLoad(random.Random(1))
    inject = (f"{failing.call}:error=EIO:when={failing.n}",) if failing else ()
    options = ("--checkpoint-bytes", str(CHECKPOINT_BYTES), "--ahead", str(AHEAD))
    try:
        with traced_server(folder, trace, *options, inject=inject) as server:
            try:
                load.begin(server.port, guests_leave=False)
                load.talk(ROUNDS)
                os.kill(server.pid, signal.SIGTERM)
            except Lost:
                pass  # as it must be, if the exit code is right
            load.hang_up()
            exit_code = server.process.wait(_PATIENCE_SECONDS)
    except DidNotStart as error:
        if not failing:
            raise
        exit_code = error.exit_code
    reader = TraceReader(folder, FILES)
    return Run(exit_code, Book(load.said, load.dropped, reader.read(trace)), reader.ended)


def judge(folder: Path, done: Run) -> tuple[str, list[str]]:
    """What failed, and what is wrong about how the server took it."""
    failures = [(i, step) for i, step in enumerate(done.book.steps) if isinstance(step, SyncFailed)]
    if not failures:
        return "none", [] if done.exit_code == 0 else [f"it ended with {done.exit_code}"]
    of_database = [failure for failure in failures if failure[1].file in FILES]
    wrong = []
    if of_database or done.exit_code:
        place, failure = (of_database or failures)[0]
        if any(isinstance(step, Told) for step in done.book.steps[:place]):
            after = [step for step in done.book.steps[place:] if isinstance(step, Write | Truncate | Unlink | Sync)]
            wrong += [f"{type(step).__name__} of {step.file} afterwards" for step in after]
        wrong += [f"it ended with {done.exit_code}"] * (done.exit_code != EX_IOERR)
        seconds = done.ended - failure.at
        wrong += [f"it ended {seconds:.2f} s later"] * (seconds > MOST_SECONDS)
    return (of_database or failures)[0][1].file or "the folder", wrong + _losses(folder, done.book)


def _losses(folder: Path, book: Book) -> list[str]:
    """In the files as they are, and as they would be without all that was not synced."""
    disk, promises = Disk(), Promises()
    for step in book.steps:
        disk.apply(step)
        if isinstance(step, Told):
            promises.note(step.events)
    losses = find_losses(folder, promises, book)
    durable = folder.with_name("durable")
    durable.mkdir(mode=0o700)
    put(durable, {name: inode.durable for name, inode in disk.names[0].items()})
    return losses + [f"with a power loss besides, {loss}" for loss in find_losses(durable, promises, book)]


def late_acks(book: Book) -> int:
    """Acks after the first failing sync of the database; of messages that were durable by then, if nothing is wrong."""
    kinds = [isinstance(step, SyncFailed) and step.file in FILES for step in book.steps]
    after = book.steps[kinds.index(True) :] if any(kinds) else []
    return sum(isinstance(event, Ack) for step in after if isinstance(step, Told) for event in step.events)


def try_one(failing: Nth) -> tuple[str, int, list[str]]:
    """One run and what is to be said of it: of which file the sync was, how many acks came later, what is wrong."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-eio-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir(mode=0o700)
        late = 0
        try:
            done = run(folder, failing)
            late = late_acks(done.book)
            file, wrong = judge(folder, done)
        except (CannotRecord, NotUnderstood, OSError) as error:
            file, wrong = "?", [repr(error)]
        return file, late, [f"{failing.call} {failing.n} ({file}): {text}" for text in wrong]


def find_syncs() -> list[Nth]:
    """All syncs of a run in which none fails, those of each thread and file in turn.

    :raises CannotRecord: strace is not there, or may not be used.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-eio-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir(mode=0o700)
        run(folder, None)
        lines = folder.with_name("strace").read_text("ascii").splitlines()
    done: Counter[tuple[str, str]] = Counter()
    sorts: dict[tuple[str, str], list[Nth]] = {}
    for line in lines:
        found = _SYNC.match(line)
        if found:
            thread, call, file = found.groups()
            done[thread, call] += 1
            if file is not None:  # not one of those of nothing, by which the main thread is ahead
                sorts.setdefault((thread, file), []).append(Nth(call, done[thread, call]))
    for some in sorts.values():
        random.Random(1).shuffle(some)
    in_turn = [sync for some in zip_longest(*sorts.values()) for sync in some if sync is not None]
    return list(dict.fromkeys(in_turn))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/io_error_test", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", metavar="N", help="let so many fail; or all")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    try:
        syncs = find_syncs()
    except CannotRecord as error:
        print(f"io_error_test: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    count = min(options.count or len(syncs), len(syncs))
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        results = pool.map(try_one, syncs[:count], chunksize=1)
    wrong = [text for *_, texts in results for text in texts]
    for text in wrong:
        print(f"WRONG: {text}", file=sys.stderr)
    files = ", ".join(f"{n} of {file}" for file, n in sorted(Counter(file for file, *_ in results).items()))
    print(
        f"{count} of {len(syncs)} syncs failed, each in a run of its own ({files}), "
        f"{sum(late for _, late, _ in results)} acks came later: {len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

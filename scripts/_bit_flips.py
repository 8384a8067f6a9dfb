"""Flips bits of a closed database and its search index, one at a time, and sees what a server makes of it.

It may refuse to start, or show damaged messages as damaged, or it may not notice because nothing that counts has
changed. It must never serve anything that was not stored. A search may fail, or find other messages than it should,
but none that nobody wrote. And whatever a server does not take, or finds otherwise, must be named by
`chatnet.store.check`.
"""

import argparse
import logging
import multiprocessing
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from _bit_flips_made import CONVERSATIONS, FILES, UNSHARED, Index, Truth, make, place_of

from chatnet.core.entries import (
    Batch,
    CheckMessage,
    PutMessage,
    ReadDeeds,
    ReadMessages,
    SavedFile,
    Stale,
)
from chatnet.model import Deed, Kind, Message
from chatnet.store.check import Damage, check
from chatnet.store.database import Database
from chatnet.store.failures import DamagedRow, DatabaseTooNew, StoreUnusable
from chatnet.store.opening import FILE_NAME
from chatnet.store.rows import damaged

MEMORY = Path("/dev/shm")
HEADER_BITS = 800
"""Of the file's first 100 bytes: those that say what all others mean."""
PAGE = 60


class Wrong(Exception):
    """Something was served that was not stored, or a damage was not named."""


@dataclass
class Outcome:
    """What a server made of one database."""

    refused: str = ""
    damaged: int = 0
    """Messages that were shown as damaged, or could not be read."""
    stale: int = 0
    """Devices that were refused."""
    searches: int = 0
    """Those that failed, or found something else."""
    wrong: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        if self.refused:
            return "refused"
        if self.damaged or self.stale:
            return "shown as damaged"
        return "search impaired" if self.searches else "harmless"


# -- what a server makes of it ----------------------------------------------------------------------------------


def serve(folder: Path, truth: Truth) -> Outcome:
    """Start, read everything, say something in each conversation and send something again; then start once more."""
    outcome = Outcome()
    try:
        database = Database(folder)
    except (StoreUnusable, DatabaseTooNew) as error:
        outcome.refused = error.message
        return outcome
    with closing(database):
        if database.snapshot != truth.snapshot:
            outcome.wrong.append(f"the snapshot is {database.snapshot}")
        for conversation, messages in truth.messages.items():
            _read(database, conversation, messages, outcome)
        _read_deeds(database, truth.deeds, outcome)
        with closing(Index(folder, database)) as index:
            _search(index, truth, outcome)
        files = _write(database, truth, outcome)
    if not outcome.refused:
        _read_files(folder, files, outcome)
    return outcome


def _read(database: Database, conversation: int, messages: list[Message], outcome: Outcome) -> None:
    for after in range(0, len(messages), PAGE):
        expected = messages[after : after + PAGE]
        try:
            page = database.page(ReadMessages(conversation, PAGE, 1 << 30, after=after)).messages
        except (sqlite3.Error, DamagedRow):
            outcome.damaged += len(expected)
            continue
        if len(page) != len(expected):
            outcome.wrong.append(f"a page of {conversation} after {after} has {len(page)} messages")
        for message, right in zip(page, expected, strict=False):
            if message != right:
                outcome.damaged += 1
                if message != damaged(right.seq):
                    outcome.wrong.append(f"{conversation}#{right.seq} is {message}")


def _read_deeds(database: Database, deeds: list[Deed], outcome: Outcome) -> None:
    """A damaged line of the audit log is left out."""
    try:
        found = database.deeds(ReadDeeds(0, 1000)).deeds
    except sqlite3.Error:
        outcome.damaged += len(deeds)
        return
    outcome.damaged += len(deeds) - len(found)
    outcome.wrong += [f"{deed} is in the audit log" for deed in found if deed not in deeds]


def _search(index: Index, truth: Truth, outcome: Outcome) -> None:
    try:
        index.catch_up()
    except sqlite3.Error:
        outcome.searches += 1
    for words, right in truth.found.items():
        try:
            found = index.search(words)
        except (sqlite3.Error, DamagedRow):
            outcome.searches += 1
            continue
        outcome.searches += [place for place, _ in found] != right
        for (conversation, seq), message in found:
            if message not in (truth.messages[conversation][seq - 1], damaged(seq)):
                outcome.wrong.append(f"a search finds {conversation}#{seq} as {message}")


def _read_files(folder: Path, files: list[SavedFile], outcome: Outcome) -> None:
    try:
        database = Database(folder)
    except StoreUnusable as error:
        outcome.refused = f"at the second start: {error.message}"
        return
    with closing(database):
        outcome.wrong += [f"{kept} is among the files" for kept in database.snapshot.files if kept not in files]
        outcome.wrong += [f"{kept} is not among the files" for kept in files if kept not in database.snapshot.files]


def _write(database: Database, truth: Truth, outcome: Outcome) -> list[SavedFile]:
    """A store that has noticed something may refuse to write; what it says it must keep. Each message shares a file.

    Returns the files with their seqs as they must be then.
    """
    again: Batch = [CheckMessage(device, n, "", "", None) for device, (n, _) in truth.answers.items()]
    shared = {place_of(file): file for file in UNSHARED}
    new: Batch = [
        PutMessage(id, 1, "user1", "", Kind.FILE, f"new in {id}", 0, 1, bytes([id]) * 16, 1, None, file=shared[id])
        for id in CONVERSATIONS
    ]
    try:
        answered, stored = database.write([again, new])
    except (sqlite3.Error, DamagedRow) as error:
        outcome.refused = f"cannot write: {error}"
        return []
    for (_, right), answer in zip(truth.answers.values(), answered.outcomes, strict=True):
        if isinstance(answer, Stale):
            outcome.stale += 1
        elif answer != right:
            outcome.wrong.append(f"{answer} in place of {right}")
    seqs: dict[int, int] = {}
    for id, message in zip(CONVERSATIONS, stored.outcomes, strict=True):
        seq = len(truth.messages[id]) + 1
        if isinstance(message, Stale):
            outcome.stale += 1  # the new device may be the neighbour of a damaged one
        elif not isinstance(message, Message) or message.seq != seq:
            outcome.wrong.append(f"{message} in place of {id}#{seq}")
        elif database.page(ReadMessages(id, 1, 1 << 30, after=seq - 1)).messages not in ([message], [damaged(seq)]):
            outcome.wrong.append(f"{id}#{seq} is not what was said")
        if isinstance(message, Message):
            seqs[shared[id]] = message.seq
    return [SavedFile(kept.file, seqs.get(kept.file.id, kept.seq)) for kept in truth.snapshot.files]


# -- flips ----------------------------------------------------------------------------------------------------


def flips(count: int, size: int, seed: int) -> list[int]:
    """Which bits of ``size`` bytes: all that are in the header if there is time for that, and any others."""
    chance = random.Random(seed)
    header = chance.sample(range(HEADER_BITS), min(HEADER_BITS, count // 8))
    return header + [chance.randrange(8 * size) for _ in range(count - len(header))]


def try_flip(original: Path, folder: Path, truth: Truth, bit: int) -> tuple[Outcome, list[Damage]]:
    """Flip one bit of a copy, and see.

    :raises Wrong: somebody would have been told something wrong.
    """
    for old in folder.iterdir():
        old.unlink()
    start = 0
    for name in FILES:
        content = bytearray((original / name).read_bytes())
        if start <= bit // 8 < start + len(content):
            content[bit // 8 - start] ^= 1 << bit % 8
        start += len(content)
        (folder / name).write_bytes(content)
    try:
        damages = list(check(folder / FILE_NAME, alone=True))
    except DatabaseTooNew as error:
        damages = [Damage("the file", error.message)]
    outcome = serve(folder, truth)
    if outcome.wrong:
        raise Wrong(f"bit {bit}: {outcome.wrong[0]}")
    if outcome.kind != "harmless" and not damages:
        raise Wrong(f"bit {bit}: the check names nothing, but {outcome}")
    return outcome, damages


def run(work: tuple[Path, Truth, list[int]]) -> tuple[Counter[str], list[str]]:
    """Try many flips; how they went, and what is wrong."""
    original, truth, bits = work
    logging.disable()  # a server would say which devices it refuses
    kinds: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(dir=original) as folder:
        for bit in bits:
            try:
                outcome, damages = try_flip(original, Path(folder), truth, bit)
            except Exception as error:
                wrong.append(str(error) if isinstance(error, Wrong) else f"bit {bit}: {error!r}")
                continue
            kinds[outcome.kind] += 1
            kinds["harmless, but named"] += outcome.kind == "harmless" and bool(damages)
    return kinds, wrong


def flip_many(count: int, seed: int, processes: int, only: list[int] | None = None) -> tuple[Counter[str], list[str]]:
    """Make a database and try ``count`` flips of it, or some chosen ones."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="chatnet-flips-") as folder:
        original = Path(folder)
        truth = make(original)
        bits = only or flips(count, sum((original / name).stat().st_size for name in FILES), seed)
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            done = pool.map(run, [(original, truth, bits[i::processes]) for i in range(processes)])
    kinds: Counter[str] = Counter()
    for some, _ in done:
        kinds += some
    return kinds, [text for _, wrong in done for text in wrong]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bit_flip_test", description=__doc__)
    parser.add_argument("count", type=int, metavar="N", help="how many bits to flip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bits", type=int, nargs="+", metavar="BIT", help="flip these, and no others")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    kinds, wrong = flip_many(options.count, options.seed, options.processes, options.bits)
    for text in wrong:
        print(f"WRONG: {text}", file=sys.stderr)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{options.count} flipped bits (seed {options.seed}): {counts}; {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

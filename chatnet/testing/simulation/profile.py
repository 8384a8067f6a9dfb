"""What a client's program keeps on its disk, and what everybody must be able to rely on after a crash of it.

The outbox is the real one. How far each conversation was applied is kept by the program itself, together with what it
does with a message: that is what "applied exactly once" takes. A program that trusts the server's marks instead keeps
nothing, and may hear a message again, but never misses one.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from chatnet.client.outbox import Draft, Target
from chatnet.client.spool import DiskOutbox, Spool
from chatnet.model import ConversationId, DeviceId, FileId, Kind, Seq
from chatnet.testing.simulation.kills import ClientStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Violation


@dataclass(frozen=True, slots=True)
class Posted:
    """A post, and the codes with which it may be refused."""

    target: Target
    body: str
    refusals: tuple[str, ...]


class Memory(Enum):
    """How a program knows what it has applied, when it comes back."""

    NONE = "it does not come back"
    CURSORS = "it keeps them"
    MARKS = "the server's marks tell"


@dataclass(slots=True)
class Kept:
    """What outlives a process: that which is on its disk, and what is known of it from outside."""

    memory: Memory = Memory.NONE
    applied: dict[ConversationId, Seq] = field(default_factory=dict)
    """The last message that was applied in each conversation that is followed."""
    reached: dict[ConversationId, Seq] = field(default_factory=dict)
    """The same, but what is applied again after a restart does not move it back."""
    rooms: dict[ConversationId, str] = field(default_factory=dict)
    """Those of them that are rooms, with their names."""
    posts: dict[int, Posted] = field(default_factory=dict)
    """Without an answer."""
    writing: Posted | None = None
    """What is being put into the outbox."""
    last: int = 0
    """The greatest number that was given out."""

    def keep(self, n: int) -> None:
        """What was being written has this number."""
        if n <= self.last:
            raise Violation("I3", f"the outbox gives out the number {n} after {self.last}")
        assert self.writing is not None
        self.last = n
        self.posts[n], self.writing = self.writing, None


class FragileOutbox:
    """A real outbox on disk. At each step of it the process may end: ``at(step)`` raises what ends it."""

    def __init__(self, outbox: DiskOutbox, ledger: Ledger, at: Callable[[ClientStep], None]) -> None:
        self.device: DeviceId = outbox.device
        self._outbox = outbox
        self._ledger = ledger
        self._at = at

    def add(self, target: Target, body: str, kind: Kind, reference: Seq, file: FileId = 0) -> Draft:
        """Keep a new draft."""
        draft = self._outbox.add(target, body, kind, reference, file)
        self._at(ClientStep.KEPT)
        return draft

    def after(self, n: int) -> Draft | None:
        """The first draft with a greater number than ``n``."""
        return self._outbox.after(n)

    def remove(self, n: int) -> Draft | None:
        """Forget a draft that is answered."""
        self._at(ClientStep.ANSWERED)
        draft = self._outbox.remove(n)
        if (self.device, n) in self._ledger.places:  # of one that was refused, nobody else would know
            self._at(ClientStep.FORGOTTEN)
        return draft

    def __iter__(self) -> Iterator[Draft]:
        return iter(self._outbox)

    def __len__(self) -> int:
        return len(self._outbox)

    def let_go(self) -> None:
        """The process is gone, and the system closes its files."""
        self._outbox.close()


def make_spool(folder: Path, device: DeviceId) -> None:
    """An empty outbox, whose device comes from the seed and not from the system."""
    with Spool(folder).claim():
        pass
    with closing(sqlite3.connect(folder / "1" / "outbox.db", isolation_level=None)) as database:
        database.execute("UPDATE device SET id = ?", (device,))


def reopen(folder: Path, kept: Kept, ledger: Ledger, at: Callable[[ClientStep], None]) -> FragileOutbox:
    """What the next process finds; it must be all that is without an answer, and nothing else."""
    claimed = Spool(folder).claim()
    # A process ends between two statements here, never in one: a journal on disk would be written and never be read.
    claimed._database.execute("PRAGMA journal_mode = MEMORY").fetchone()
    outbox = FragileOutbox(claimed, ledger, at)
    try:
        _compare(outbox, kept, ledger)
    except Violation:
        outbox.let_go()
        raise
    return outbox


def _compare(outbox: FragileOutbox, kept: Kept, ledger: Ledger) -> None:
    drafts = {draft.n: draft for draft in outbox}
    for n in list(kept.posts):
        if n in drafts:
            continue
        if (outbox.device, n) not in ledger.places:
            raise Violation("I1", f"draft {n} has left the outbox without having been stored or refused")
        del kept.posts[n]
    for n, draft in drafts.items():
        if n not in kept.posts:
            if kept.writing is None:
                raise Violation("I3", f"draft {n} is in the outbox again")
            kept.keep(n)
        if (draft.target, draft.body) != (kept.posts[n].target, kept.posts[n].body):
            raise Violation("I1", f"draft {n} is not what was put into the outbox")
    kept.writing = None

"""Where a simulated server keeps the contents of files: the real file store, step by step, on a disk in memory.

The disk outlives the server's processes. Each may end between any two steps of the file store, or in the middle of one;
and with it the power may be cut, so that what was not synced is lost, torn or full of zeros. The database of the same
machine keeps all that it had committed then, and perhaps had not told: that is one of the ways in which a power cut can
end. What is known to be stored must be there whatever happens.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

from chatnet.core.file_jobs import DropFile, FileAnswer, FileFailed, FileJob, FinishPart, PartOpened, PartWritten
from chatnet.files import content, parts
from chatnet.files.parts import Pace
from chatnet.testing.clock import VirtualClock
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk, Stopped
from chatnet.testing.simulation.file_ledger import FileEvent, FileLedger
from chatnet.testing.simulation.kills import Fate, ServerStep
from chatnet.testing.simulation.trace import Trace, Violation

_FINISH_OPERATIONS = 7
"""About what it takes to make a file of a part."""


@dataclass(frozen=True, slots=True)
class FileManners:
    """How a file store behaves, in one world."""

    delay: float
    """The longest time, in virtual seconds, that any step takes."""
    pace: Pace
    power_cuts: float
    """The chance that a server's end is one of the whole machine."""


class FileStorage:
    """The disk, and the file store of each process on it."""

    def __init__(
        self,
        manners: FileManners,
        clock: VirtualClock,
        rng: Random,
        fate: Fate[ServerStep],
        ledger: FileLedger,
        trace: Trace,
    ) -> None:
        self._manners, self._clock, self._rng, self._fate = manners, clock, rng, fate
        self._ledger, self._trace = ledger, trace
        self._chance = 0.0
        self.disk = MemoryDisk()
        self._durable: dict[int, int] = {}
        """How much of each part was said to be durable, by whichever process."""
        self.has_failed = False
        """Was there a job that this process could not do? Then orphans may stay until the next start."""
        self.store = self._make()

    def _make(self) -> "ProcessFiles":
        self.disk.fails = self._fail
        return ProcessFiles(
            self.disk, self._manners, self._clock, self._rng, self._fate, self._durable, self._asked, self._answered
        )

    def open(self) -> "ProcessFiles":
        """The file store of a new process."""
        self.store = self._make()
        return self.store

    def kill(self) -> None:
        """The process is gone, or with it the power."""
        self.store.is_gone = True
        self.has_failed = False
        room = self.disk.room
        if self._rng.random() < self._manners.power_cuts:
            self._trace.add("power", "is cut")
            self._ledger.events[FileEvent.POWER_CUT] += 1
            self.disk = self.disk.after_power_cut(self._rng)
        else:
            self.disk = self.disk.after_kill()
        self.disk.room = room
        self.check_contents()

    def check_contents(self) -> None:
        """Is the content of every file on the disk, as it was uploaded?"""
        kept = self.disk.contents()
        for id, file in self._ledger.files.items():
            if kept.get(content.path_of(file.entry.digest)) != self._ledger.contents[file.entry.digest]:
                raise Violation("F1", f"the content of the file {id} is not on the disk")

    def check_exact(self) -> None:
        """Is nothing else on the disk? Uploads under way may have a part, or a content that no file has yet."""
        parts_there = parts.all_parts(self.disk)
        if not parts_there <= self._ledger.uploads.keys():
            raise Violation("F4", f"there are parts {parts_there}, and uploads {list(self._ledger.uploads)}")
        there = {name.rpartition("/")[2] for name in self.disk.contents() if name.startswith(f"{content.FOLDER}/")}
        wanted = {digest.hex() for digest in self._ledger.digests()}
        allowed = wanted | {row.digest.hex() for row in self._ledger.uploads.values()}
        if not wanted <= there <= allowed:
            raise Violation("F4", f"there are the contents {sorted(there)}; files have {sorted(wanted)}")

    # -- trouble ----------------------------------------------------------------------------------------------

    def trouble(self) -> str:
        """From now on it fails, or no longer fails; in a few words."""
        if self._rng.random() < 0.5:
            self._chance = 0.0 if self._chance else self._rng.choice((0.02, 0.2, 1.0))
            return f"fails with a chance of {self._chance}"
        is_full = self.disk.room < 1 << 40
        self.disk.room = 1 << 40 if is_full else self._rng.choice((0, 100_000, 500_000))
        return "has room again" if is_full else f"has room for {self.disk.room} bytes"

    def heal(self) -> None:
        """It fails no more."""
        self._chance, self.disk.room = 0.0, 1 << 40

    def _fail(self, operation: str, number: int) -> None:
        del operation, number
        if self._chance and self._rng.random() < self._chance:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _asked(self, job: FileJob) -> None:
        match job:
            case DropFile(digest=digest) if digest in self._ledger.digests():
                raise Violation("F1", f"the content {digest.hex()} is dropped while there are files of it")
            case FinishPart(part=part) if self._ledger.is_fake(part):
                self._durable.pop(part, None)  # goes as soon as that is noticed

    def _answered(self, answer: FileAnswer) -> None:
        if isinstance(answer, FileFailed):
            self.has_failed = True
            self._ledger.events[FileEvent.DISK_FAILED] += 1
            self._trace.add("files", f"cannot do {type(answer.job).__name__}: {answer.code}")


class ProcessFiles:
    """A `chatnet.net.ports.FileStore` for one server process, held to its contract."""

    def __init__(
        self,
        disk: MemoryDisk,
        manners: FileManners,
        clock: VirtualClock,
        rng: Random,
        fate: Fate[ServerStep],
        durable: dict[int, int],
        asked: Callable[[FileJob], None],
        answered: Callable[[FileAnswer], None],
    ) -> None:
        self._disk, self._manners, self._clock, self._rng, self._fate = disk, manners, clock, rng, fate
        self._durable, self._asked, self._answered = durable, asked, answered
        self._inner = SteppedFileStore(disk, self._later, pace=manners.pace)
        self._unanswered = 0
        self.is_gone = False
        """Has the process ended?"""

    @property
    def is_waiting(self) -> bool:
        """Is any job unanswered?"""
        return self._unanswered > 0

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> None:
        fails, self._disk.fails = self._disk.fails, lambda *_: None
        self._inner.load()
        self._disk.fails = fails

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._inner.bind(wakeup)

    def submit(self, job: FileJob) -> None:
        self._asked(job)
        self._unanswered += 1
        self._inner.submit(job)

    def completions(self) -> list[FileAnswer]:
        answers = self._inner.completions()
        for answer in answers:
            self._unanswered -= 1
            self._check(answer)
            self._answered(answer)
        return answers

    def close(self) -> None:
        if not self.is_gone:
            self._inner.close()

    def _check(self, answer: FileAnswer) -> None:
        """What is durable stays so, whatever fails."""
        match answer:
            case PartOpened(job, offset):
                if offset < self._durable.get(job.part, 0):
                    raise Violation("F3", f"of the part {job.part}, {offset} bytes are left; more were durable")
                self._durable[job.part] = offset
            case PartWritten(job, durable):
                self._durable[job.part] = max(durable, self._durable.get(job.part, 0))

    # -- the work of its thread -------------------------------------------------------------------------------

    def _later(self, action: Callable[[], None]) -> None:
        self._clock.call_later(self._rng.uniform(0.0, self._manners.delay), partial(self._do, action))

    def _do(self, action: Callable[[], None]) -> None:
        if self.is_gone:
            return
        self._fate.at(ServerStep.FILING)
        jobs = self._inner._jobs
        if self._fate.is_now(ServerStep.TEARING):
            self._end_in(action, ServerStep.TEARING, 3)
        if jobs and isinstance(jobs[0], FinishPart) and self._fate.is_now(ServerStep.FINISHING):
            self._end_in(action, ServerStep.FINISHING, _FINISH_OPERATIONS)
        action()

    def _end_in(self, action: Callable[[], None], step: ServerStep, most: int) -> None:
        """The process ends in one of the next operations of its disk, or behind them."""
        self._disk.stop_at = self._disk.operations + self._rng.randint(0, most)
        self._disk.torn = self._rng.random()
        with suppress(Stopped):
            action()
        self._fate.end(step)

"""A server's database on a real file, in one thread: each batch is submitted, committed and told of at its own moment.

The database is the real one, `chatnet.store.database.Database`; what the threads of `chatnet.store.sqlite` do with it
is done here step by step, each step at a moment that the seed decides, and the process may end between any two.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from chatnet.core.entries import (
    Batch,
    Committed,
    Completion,
    Failed,
    PageRead,
    Query,
    ReadFailed,
    ReadMessages,
    Snapshot,
)
from chatnet.errors import ErrorCode
from chatnet.store.database import Database
from chatnet.store.failures import is_full
from chatnet.store.writer import Writer
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.kills import Fate, ServerStep

_ALL_PAGES = 2**30
_RESUME = None
"""Stands among the batches where the core had heard of a failure."""


@dataclass(frozen=True, slots=True)
class DiskManners:
    """How a disk behaves, in one world."""

    delay: float
    """The longest time, in virtual seconds, that anything takes."""
    checkpoint_bytes: int
    """Length of the log past which it is moved into the database."""


class SimulatedDisk:
    """A `chatnet.net.ports.Store` for one server process. ``inspect(database)`` looks at what a start has found,
    and a page cannot be read where ``fails_read()`` says so.
    """

    history = "durable"

    def __init__(
        self,
        folder: Path,
        manners: DiskManners,
        clock: VirtualClock,
        rng: Random,
        fate: Fate[ServerStep],
        inspect: Callable[[Database], None],
        fails_read: Callable[[], bool],
    ) -> None:
        self._folder, self._manners, self._clock, self._rng, self._fate = folder, manners, clock, rng, fate
        self._inspect, self._fails_read = inspect, fails_read
        self._wakeup: Callable[[], None] = lambda: None
        self._database: Database | None = None
        self._fuse: _Fuse | None = None
        self._jobs: deque[Batch | None] = deque()
        self._is_refusing = False
        self._untold: deque[list[Committed] | list[Failed]] = deque()
        self._queries: deque[ReadMessages] = deque()
        self._unread: deque[PageRead | ReadFailed] = deque()
        self._completions: list[Completion] = []

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> Snapshot:
        """Open the database, as a server that starts does."""
        database = self._database = Database(
            self._folder, checkpoint_bytes=self._manners.checkpoint_bytes, entropy=self._rng.randbytes
        )
        self._fuse = _Fuse(database._writing, self._fate, self._rng)
        database._writer = Writer(cast(sqlite3.Connection, self._fuse))
        self._inspect(database)
        return database.snapshot

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._wakeup = wakeup

    def submit(self, batch: Batch) -> None:
        self._fate.at(ServerStep.DECIDED)
        self._jobs.append(batch)
        self._later(self._commit)
        self._fate.at(ServerStep.SUBMITTED)

    def read(self, query: Query) -> None:
        assert isinstance(query, ReadMessages)
        self._queries.append(query)
        self._later(self._read)

    def completions(self) -> list[Completion]:
        told, self._completions = self._completions, []
        return told

    def acknowledge_failure(self) -> None:
        self._jobs.append(_RESUME)

    def close(self) -> None:
        """Finish what was submitted, as a server that is stopped does."""
        if self._database is not None:
            while self._jobs:
                self._commit()
            database, self._database = self._database, None
            database.close()

    # -- what befalls it --------------------------------------------------------------------------------------

    def kill(self) -> list[Committed | Failed]:
        """The process is gone: let go of all files as they are. What became of batches without being told of?"""
        database, self._database = self._database, None
        if database is not None:
            database.close(is_sound=False)
        answers = [*self._completions, *(answer for group in self._untold for answer in group)]
        self._jobs.clear()
        self._untold.clear()
        self._completions.clear()
        return [answer for answer in answers if isinstance(answer, Committed | Failed)]

    def fill_up(self, *, is_full: bool) -> None:
        """The disk has no room for one more page; or it has room again."""
        if self._database is not None:
            writing = self._database._writing
            (pages,) = writing.execute("PRAGMA page_count").fetchone()
            writing.execute(f"PRAGMA max_page_count = {pages if is_full else _ALL_PAGES}").fetchone()

    # -- the work of its threads ------------------------------------------------------------------------------

    def _later(self, action: Callable[[], None]) -> None:
        self._clock.call_later(self._rng.uniform(0.0, self._manners.delay), partial(self._unless_killed, action))

    def _unless_killed(self, action: Callable[[], None]) -> None:
        if self._database is not None:
            action()

    def _commit(self) -> None:
        """All that waits is one transaction, up to where a failure was acknowledged."""
        while self._jobs and self._jobs[0] is _RESUME:
            self._jobs.popleft()
            self._is_refusing = False
        batches: list[Batch] = []
        while self._jobs and self._jobs[0] is not _RESUME:
            batches.append(cast(Batch, self._jobs.popleft()))
        if not batches:
            return
        if self._is_refusing or not self._write(batches):
            self._is_refusing = True
            self._tell([Failed(batch, ErrorCode.STORE_FULL, "the simulated disk is full", 1.0) for batch in batches])

    def _write(self, batches: list[Batch]) -> bool:
        """Commit; False if the disk is full."""
        database, fuse = self._database, self._fuse
        assert database is not None
        assert fuse is not None
        fuse.light()
        try:
            done = database.write(batches)
        except sqlite3.OperationalError as error:
            fuse.put_out()
            if not is_full(error):
                raise
            database.make_room()
            return False
        self._tell(done)
        if fuse.put_out():
            self._fate.end(ServerStep.COMMITTED)
        self._fate.at(ServerStep.COMMITTED)
        database.trim_log()
        return True

    def _tell(self, answers: list[Committed] | list[Failed]) -> None:
        self._untold.append(answers)
        self._later(self._told)

    def _told(self) -> None:
        """The oldest answers that nobody knows of have come."""
        self._completions += self._untold.popleft()
        self._wakeup()

    def _read(self) -> None:
        """There is one thread that reads, so pages come in the order in which they were asked for."""
        assert self._database is not None
        query = self._queries.popleft()
        answer: PageRead | ReadFailed
        if self._fails_read():
            answer = ReadFailed(query, ErrorCode.STORE_FAILING, "the simulation wants it so")
        else:
            answer = self._database.page(query)
        self._unread.append(answer)
        self._later(self._have_read)

    def _have_read(self) -> None:
        self._completions.append(self._unread.popleft())
        self._wakeup()


class _Fuse:
    """The writer's connection. The process may end in front of any statement of a transaction."""

    def __init__(self, database: sqlite3.Connection, fate: Fate[ServerStep], rng: Random) -> None:
        self._database = database
        self._fate, self._rng = fate, rng
        self._left: int | None = None
        """Statements until the end."""
        self._has_burnt = False

    def light(self) -> None:
        """A transaction begins. A process that is to end in it does so after some statements."""
        self._left = self._rng.randint(1, 12) if self._fate.is_now(ServerStep.WRITING) else None

    def put_out(self) -> bool:
        """The transaction has ended. Should the process have ended in it?"""
        was_lit, self._left = self._left is not None, None
        return was_lit

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        self._burn(statement)
        return self._database.execute(statement, values)

    def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
        self._burn(statement)
        return self._database.executemany(statement, rows)

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction and not self._has_burnt

    def _burn(self, statement: str) -> None:
        if self._left is None:
            return
        self._left = max(0, self._left - 1)
        if self._left == 0 or (statement == "COMMIT" and self._rng.random() < 0.5):
            self._has_burnt = True
            self._fate.end(ServerStep.WRITING)

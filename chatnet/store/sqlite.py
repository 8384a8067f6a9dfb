"""The durable store: one SQLite file, one thread that writes, one that reads.

An answer is a promise: `Committed` is posted only after COMMIT has returned with ``synchronous=FULL``, so what it
says survives a kill and a power cut.

A full disk passes: the batch is rolled back, and its senders try again. After any other error of a commit, a sync or a
checkpoint nobody can say what is on the disk; `completions` raises it, and the server stops. Nothing more is done to
the files then: the next start finds out what they hold.

Source: SQLite's documentation of WAL mode, of PRAGMA synchronous and of wal_checkpoint_v2.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from chatnet.core.entries import (
    Batch,
    Completion,
    Failed,
    PutMessage,
    Query,
    ReadDeeds,
    ReadFailed,
    ReadMessages,
    Snapshot,
)
from chatnet.errors import ErrorCode
from chatnet.store.database import CHECKPOINT_BYTES, Database
from chatnet.store.failures import DamagedRow, is_full, is_locked
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import Indexer, Searcher

RETRY_SECONDS = 1.0
_GROUP_ENTRIES = 4096
"""Entries in one transaction; more wait for the next."""
_FULL = (ErrorCode.STORE_FULL, "the server's disk is full; messages are taken again as soon as there is room")
_LOCKED = (
    ErrorCode.STORE_FAILING,
    "another program has locked the server's database; messages are taken again when it ends",
)


class _Signal(Enum):
    """What the writer is told between batches."""

    RESUME = 1
    STOP = 2


_RESUME, _STOP = _Signal.RESUME, _Signal.STOP


class SqliteStore:
    """A `chatnet.net.ports.Store` in a folder that is there.

    :param checkpoint_bytes: length of the write-ahead log past which it is moved into the database.
    :param entropy: ``entropy(n)`` gives n random bytes, for the id of a new server and its secret.
    """

    history = "durable"

    def __init__(
        self,
        folder: Path,
        *,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._open = partial(Database, folder, checkpoint_bytes=checkpoint_bytes, entropy=entropy)
        self._database: Database | None = None
        self._completions: deque[Completion] = deque()
        self._wakeup: Callable[[], None] = lambda: None
        self._broken: Exception | None = None
        self._is_told = False
        """Has anybody heard that it is broken?"""
        self._jobs: SimpleQueue[Batch | _Signal] = SimpleQueue()
        self._queries: SimpleQueue[Query | None] = SimpleQueue()
        self._indexer = Indexer(folder / FILE_NAME)
        self._searcher: Searcher | None = None
        self._threads: list[Thread] = []

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> Snapshot:
        """Open the database, bring it up to date, make durable what is in it, and start the threads.

        :raises StoreUnusable: in one line, why; nothing is left open.
        :raises DatabaseTooNew: likewise.
        """
        database = self._database = self._open()
        self._threads = [
            Thread(target=self._run, args=(work, database), name=f"store-{name}", daemon=True)
            for name, work in (("writer", self._write), ("reader", self._read))
        ]
        for thread in self._threads:
            thread.start()
        self._indexer.start(saved.conversation.id for saved in database.snapshot.conversations)
        return database.snapshot

    def bind(self, wakeup: Callable[[], None]) -> None:
        """Call ``wakeup`` whenever an answer has come."""
        self._wakeup = wakeup

    def submit(self, batch: Batch) -> None:
        """Hand a batch to the writer."""
        self._jobs.put(batch)

    def read(self, query: Query) -> None:
        """Hand a query to the reader."""
        self._queries.put(query)

    def completions(self) -> list[Completion]:
        """Answers since the last call.

        :raises Exception: what made the store unusable; no answer is given from then on.
        """
        self._raise_if_broken()
        return [self._completions.popleft() for _ in range(len(self._completions))]

    def acknowledge_failure(self) -> None:
        """Try again from the next batch on."""
        self._jobs.put(_RESUME)

    def close(self) -> None:
        """Finish what was submitted, move the log into the database, and let go of it. May be called at any time.

        :raises Exception: what made the store unusable, if nobody has heard of it; all is let go of nevertheless.
        """
        self._jobs.put(_STOP)
        self._queries.put(None)
        for thread in self._threads:
            thread.join()
        database, self._database, self._threads = self._database, None, []
        with ExitStack() as last:
            if database is not None:
                last.callback(database.close, is_sound=self._broken is None)
            last.callback(self._indexer.stop)
            if self._searcher is not None:
                last.callback(self._searcher.close)
        if not self._is_told:
            self._raise_if_broken()

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            self._is_told = True
            raise self._broken

    # -- the threads ------------------------------------------------------------------------------------------

    def _run(self, work: Callable[[Database], None], database: Database) -> None:
        try:
            work(database)
        except Exception as error:
            self._broken = error
            self._wakeup()

    def _write(self, database: Database) -> None:
        """The writer's thread: all that waits is one transaction."""
        refusal: tuple[ErrorCode, str] | None = None
        while (job := self._jobs.get()) is not _STOP:
            if isinstance(job, _Signal):
                refusal = None
                continue
            batches, signal = self._gather(job)
            refusal = refusal or self._commit(database, batches)
            if refusal is not None:
                self._post([Failed(batch, *refusal, RETRY_SECONDS) for batch in batches])
            if signal is _STOP:
                return
            if signal is _RESUME:
                refusal = None

    def _gather(self, first: Batch) -> tuple[list[Batch], _Signal | None]:
        """This batch and those that wait behind it, up to a signal or to the size of one transaction."""
        batches, entries = [first], len(first)
        while entries < _GROUP_ENTRIES:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if isinstance(job, _Signal):
                return batches, job
            batches.append(job)
            entries += len(job)
        return batches, None

    def _commit(self, database: Database, batches: list[Batch]) -> tuple[ErrorCode, str] | None:
        """Store batches and post their answers, or say why that must be tried again."""
        try:
            done = database.write(batches)
        except sqlite3.OperationalError as error:
            if is_locked(error):
                return _LOCKED
            if not is_full(error):
                raise
            database.make_room()
            return _FULL
        self._post(done)
        self._indexer.note({entry.conversation for b in batches for entry in b if type(entry) is PutMessage})
        database.trim_log()
        return None

    def _read(self, database: Database) -> None:
        """The reader's thread."""
        while (query := self._queries.get()) is not None:
            try:
                answer: Completion = self._answer(database, query)
            except (sqlite3.Error, DamagedRow) as error:
                what = "audit log" if isinstance(query, ReadDeeds) else "history"
                answer = ReadFailed(query, ErrorCode.STORE_FAILING, f"the {what} cannot be read: {error}")
            self._post([answer])

    def _answer(self, database: Database, query: Query) -> Completion:
        if isinstance(query, ReadMessages):
            return database.page(query)
        if isinstance(query, ReadDeeds):
            return database.deeds(query)
        if self._searcher is None:
            self._searcher = Searcher(self._indexer, database.page)
        return self._searcher.search(query)

    def _post(self, answers: Sequence[Completion]) -> None:
        self._completions.extend(answers)
        self._wakeup()

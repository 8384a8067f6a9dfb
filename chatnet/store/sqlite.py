"""The durable store: one SQLite file, one thread that writes, one that reads.

An answer is a promise: `Committed` is posted only after COMMIT has returned with ``synchronous=FULL``, so what it
says survives a kill and a power cut. The settings that this rests on are read back at start and the file is refused
if they do not hold. Checkpoints are made here and not by SQLite itself, since its automatic ones swallow errors.

A full disk passes: the batch is rolled back, and tried again when there is room. After any other error of a commit,
a sync or a checkpoint nobody can say what is on the disk; `completions` raises it, and the server stops.

Source: SQLite's documentation of WAL mode, of PRAGMA synchronous and of wal_checkpoint_v2.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from chatnet.core.entries import (
    Batch,
    Completion,
    Failed,
    PutChat,
    PutMarks,
    PutRoom,
    PutUser,
    ReadFailed,
    ReadMessages,
    SavedConversation,
    Snapshot,
)
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.store.reader import Reader
from chatnet.store.schema import migrate, position, row_id
from chatnet.store.writer import Writer

FILE_NAME = "chatnet.db"
RETRY_SECONDS = 1.0
_GROUP_ENTRIES = 4096
"""Entries in one transaction; more wait for the next."""
_CHECKPOINT_BYTES = 4 * 1024 * 1024
"""Size of the write-ahead log past which the writer moves it into the database."""
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""Both are raised before anything of a transaction is durable: no room for the log, or for its index."""


class _Signal(Enum):
    """What the writer is told between batches."""

    RESUME = 1
    STOP = 2


_RESUME, _STOP = _Signal.RESUME, _Signal.STOP


class StoreUnusable(ChatnetError):
    """The database cannot be opened, or not with the guarantees that chatnet gives."""


class SqliteStore:
    """A `chatnet.net.ports.Store` in a folder."""

    history = "durable"

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._completions: deque[Completion] = deque()
        self._wakeup: Callable[[], None] = lambda: None
        self._broken: BaseException | None = None
        self._jobs: SimpleQueue[Batch | _Signal] = SimpleQueue()
        self._queries: SimpleQueue[ReadMessages | None] = SimpleQueue()
        self._threads: list[Thread] = []

    # -- the port ---------------------------------------------------------------------------------------------

    def load(self) -> Snapshot:
        """Open the database, bring it up to date, and start the threads.

        :raises StoreUnusable: and nothing is left open.
        """
        try:
            self._database = _open(self._path)
            migrate(self._database)
            _checkpoint(self._database, "TRUNCATE")
            self._writer = Writer(self._database)
            self._pages = _open_for_reading(self._path)
            self._reader = Reader(self._pages)
            snapshot = _snapshot(self._database)
        except sqlite3.Error as error:
            raise StoreUnusable(ErrorCode.DATA_UNUSABLE, f"cannot use the database {self._path}: {error}") from error
        self._threads = [
            Thread(target=self._write, name="store-writer"),
            Thread(target=self._read, name="store-reader"),
        ]
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        return snapshot

    def bind(self, wakeup: Callable[[], None]) -> None:
        """Call ``wakeup`` whenever an answer has come."""
        self._wakeup = wakeup

    def submit(self, batch: Batch) -> None:
        """Hand a batch to the writer."""
        self._jobs.put(batch)

    def read(self, query: ReadMessages) -> None:
        """Hand a query to the reader."""
        self._queries.put(query)

    def completions(self) -> list[Completion]:
        """Answers since the last call.

        :raises Exception: what made the store unusable; no answer is given from then on.
        """
        if self._broken is not None:
            raise self._broken
        return [self._completions.popleft() for _ in range(len(self._completions))]

    def acknowledge_failure(self) -> None:
        """Try again from the next batch on."""
        self._jobs.put(_RESUME)

    def close(self) -> None:
        """Finish what was submitted, move the log into the database, and let go of it."""
        self._jobs.put(_STOP)
        self._queries.put(None)
        for thread in self._threads:
            thread.join()
        self._pages.close()
        if self._broken is None:
            _checkpoint(self._database, "TRUNCATE")
        self._database.close()

    # -- the threads ------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """The writer's thread: all that waits is one transaction."""
        failing = False
        try:
            while (job := self._jobs.get()) is not _STOP:
                if isinstance(job, _Signal):
                    failing = False
                    continue
                batches, signal = self._gather(job)
                failing = failing or not self._commit(batches)
                if failing:
                    self._post([_full(batch) for batch in batches])
                if signal is _STOP:
                    return
                failing = failing and signal is not _RESUME
        except Exception as error:
            self._break(error)

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

    def _commit(self, batches: list[Batch]) -> bool:
        """Store batches and post their answers; False if the disk is full."""
        try:
            done = self._writer.write(batches)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _FULL:
                raise
            return False
        self._post(list(done))
        if self._jobs.empty() or self._log_size() > 4 * _CHECKPOINT_BYTES:
            self._checkpoint_if_long()
        return True

    def _log_size(self) -> int:
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _checkpoint_if_long(self) -> None:
        if self._log_size() > _CHECKPOINT_BYTES:
            try:
                _checkpoint(self._database, "RESTART")
            except sqlite3.OperationalError as error:
                # The log still has everything; the next checkpoint tries again.
                if error.sqlite_errorcode not in _FULL:
                    raise

    def _read(self) -> None:
        """The reader's thread."""
        while (query := self._queries.get()) is not None:
            try:
                self._post([self._reader.page(query)])
            except sqlite3.Error as error:
                self._post([ReadFailed(query, ErrorCode.STORE_FAILING, f"the history cannot be read: {error}")])

    def _post(self, answers: list[Completion]) -> None:
        self._completions.extend(answers)
        self._wakeup()

    def _break(self, error: Exception) -> None:
        self._broken = error
        self._wakeup()


def _full(batch: Batch) -> Failed:
    reason = "the server's disk is full; messages are taken again as soon as there is room"
    return Failed(batch, ErrorCode.STORE_FULL, reason, RETRY_SECONDS)


# -- opening --------------------------------------------------------------------------------------------------


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("PRAGMA foreign_keys = OFF")
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("wal_autocheckpoint", 0)):
        found = database.execute(f"PRAGMA {pragma}").fetchone()[0]
        if found != wanted:
            raise StoreUnusable(
                ErrorCode.DATA_UNUSABLE,
                f"{path} cannot be kept safely here: {pragma} is {found!r}, not {wanted!r}. Choose another folder.",
            )
    return database


def _open_for_reading(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    database.execute("PRAGMA query_only = ON")
    return database


def _checkpoint(database: sqlite3.Connection, mode: str) -> None:
    """Move the log into the database and sync it. A reader that is in the way only makes it incomplete.

    :raises sqlite3.OperationalError: what SQLite's own checkpoints would not tell.
    """
    database.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()


def _snapshot(database: sqlite3.Connection) -> Snapshot:
    users = [PutUser(i, n, d, bool(g), h) for i, n, d, g, h in database.execute("SELECT * FROM users ORDER BY id")]
    rooms = [PutRoom(i, n, o, bool(a)) for i, n, o, a in database.execute("SELECT * FROM rooms ORDER BY id")]
    chats = [PutChat(*row) for row in database.execute("SELECT * FROM chats ORDER BY id")]
    entries: list[PutRoom | PutChat] = [*rooms, *chats]
    saved = [SavedConversation(entry, *_extent(database, entry.id)) for entry in entries]
    numbers = dict(database.execute("SELECT key, value FROM meta"))
    marks = [PutMarks(*row) for row in database.execute("SELECT * FROM marks")]
    return Snapshot(
        users,
        saved,
        marks,
        next_user=numbers.get("next_user", 1),
        next_conversation=numbers.get("next_conversation", 1),
    )


def _extent(database: sqlite3.Connection, conversation: int) -> tuple[int, int]:
    """(first, head) of a conversation."""
    bounds = (row_id(conversation, 0), row_id(conversation + 1, 0))
    first = database.execute("SELECT min(id) FROM messages WHERE id > ? AND id < ?", bounds).fetchone()[0]
    last = database.execute("SELECT max(id) FROM messages WHERE id > ? AND id < ?", bounds).fetchone()[0]
    return (position(first)[1], position(last)[1]) if last else (1, 0)

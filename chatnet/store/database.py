"""The open database, without any thread: what `chatnet.store.sqlite` calls from its two.

Whoever wants to decide himself when something is written, as a simulation does, uses this.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from chatnet.core.entries import Batch, Committed, DeedsRead, PageRead, ReadDeeds, ReadMessages, Snapshot
from chatnet.net.folders import sync_folder
from chatnet.store.failures import explained
from chatnet.store.log import Log
from chatnet.store.migrations import check_layout, migrate
from chatnet.store.opening import FILE_NAME, check_settings, log_of, open_for_reading, open_for_writing
from chatnet.store.reader import Reader
from chatnet.store.snapshot import read_snapshot
from chatnet.store.writer import Writer

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""Length of the write-ahead log past which it is moved into the database."""
_PATIENCE_MILLISECONDS = 100
"""For which the writer waits for a reader of the log, or for another program that has locked the database."""


class Database:
    """A server's database. `page` and `deeds` are for one thread, all else for one other.

    :param entropy: ``entropy(n)`` gives n random bytes, for the id of a new server and its secret.
    :raises StoreUnusable: in one line, why; nothing is left open.
    :raises DatabaseTooNew: likewise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        path = folder / FILE_NAME
        with explained(path), ExitStack() as undo:
            # SQLite makes a checkpoint when the last connection is closed, which after a failure must not be. A reader
            # that is closed last cannot make one.
            last = undo.enter_context(ExitStack())
            self._writing = open_for_writing(path)
            undo.callback(self._writing.close)
            self._reading = open_for_reading(path)
            last.callback(self._reading.close)
            check_settings(self._writing, self._reading)
            migrate(self._writing)
            check_layout(self._writing)
            self._log = Log(self._writing, log_of(path), checkpoint_bytes)
            undo.callback(self._log.close)
            self.snapshot: Snapshot = read_snapshot(self._writing, entropy)
            self._log.settle()
            # The log is there by now, and a journal gone. SQLite syncs that, too, but takes no notice of errors.
            sync_folder(folder)
            self._writing.execute(f"PRAGMA busy_timeout = {_PATIENCE_MILLISECONDS}")
            undo.pop_all()
        self._writer = Writer(self._writing)
        self._reader = Reader(self._reading)

    def write(self, batches: list[Batch]) -> list[Committed]:
        """Store all of them, durably, in one transaction.

        :raises sqlite3.Error: if `chatnet.store.failures` says that it passes, nothing is stored, and it may be tried
            again. After any other, nobody can say what is on the disk, and only `close` may be called.
        """
        return self._writer.write(batches)

    def trim_log(self) -> None:
        """After a commit, and once it is told: move the log into the database if it is long.

        :raises sqlite3.Error: as after a commit that does not pass.
        """
        self._log.trim()

    def make_room(self) -> None:
        """The disk is full: give back what the log can spare.

        :raises sqlite3.Error: as after a commit that does not pass.
        """
        self._log.empty()

    def page(self, query: ReadMessages) -> PageRead:
        """Read one page.

        :raises sqlite3.Error, DamagedRow: it cannot be read.
        """
        return self._reader.page(query)

    def deeds(self, query: ReadDeeds) -> DeedsRead:
        """Read lines of the audit log.

        :raises sqlite3.Error: it cannot be read.
        """
        return self._reader.deeds(query)

    def close(self, *, is_sound: bool = True) -> None:
        """Move the log into the database, unless that is not sound any more, and let go of all files.

        :raises sqlite3.Error: the disk failed; all is let go of nevertheless.
        """
        with ExitStack() as last:
            last.callback(self._reading.close)
            last.callback(self._writing.close)
            last.callback(self._log.close)
            if is_sound:
                self._log.empty()
                self._reading.close()

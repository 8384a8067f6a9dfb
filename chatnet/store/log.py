"""The write-ahead log: how long it is, and when it is moved into the database.

SQLite's own checkpoints swallow errors, so they are off, and the writer makes them: after a commit that leaves the
log longer than its limit. The log is then written again from its start, over what is there; that is cheaper than to
let its file shrink and grow. So the file's size does not tell how much of it is in use. The salts do: they are new each
time the log starts again, and every frame repeats them.

A reader that is in an old part of the log is waited for, but not for long: it may be a backup that takes minutes. The
log then grows by once its limit until the next attempt.

Source: https://sqlite.org/fileformat2.html#walformat and the documentation of PRAGMA wal_checkpoint.
"""

import sqlite3
from pathlib import Path
from typing import IO

from chatnet.store.failures import is_full

_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_SALTS_AT, _FRAME_SALTS_AT, _SALT_BYTES = 16, 8, 8


class Log:
    """The log of an open database. ``limit`` is the length in bytes past which it is moved."""

    def __init__(self, database: sqlite3.Connection, path: Path, limit: int) -> None:
        self._database = database
        self._path = path
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
        self._frame_bytes: int = _FRAME_HEADER_BYTES + page_bytes
        self._step = max(1, limit // self._frame_bytes)
        self._limit = self._step
        """In frames."""
        self._file: IO[bytes] | None = None
        # After a long reader, give back what the log has grown by meanwhile.
        database.execute(f"PRAGMA journal_size_limit = {2 * limit}")

    def settle(self) -> None:
        """At start: make durable what a server that died has left, before anybody sees it, and empty the log.

        :raises sqlite3.Error: the database cannot be used.
        """
        if not self._checkpoint("TRUNCATE"):
            # Somebody reads the log, so it must stay; but the sync of any commit makes all of it durable.
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            self._database.execute(f"PRAGMA user_version = {version}")

    def trim(self) -> None:
        """After a commit: move the log into the database if it is long.

        :raises sqlite3.Error: nobody can say what is on the disk.
        """
        if self._is_long():
            try:
                done = self._checkpoint("RESTART")
            except sqlite3.OperationalError as error:
                # The log still has everything, and the next attempt may find room.
                if not is_full(error):
                    raise
                done = False
            self._limit = self._step if done else self._limit + self._step

    def empty(self) -> None:
        """Move the log into the database and free its room, as far as that goes now.

        :raises sqlite3.Error: nobody can say what is on the disk.
        """
        try:
            self._checkpoint("TRUNCATE")
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _checkpoint(self, mode: str) -> bool:
        """Was everything moved, and can the log start again?"""
        busy, _, _ = self._database.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not busy

    def _is_long(self) -> bool:
        """Is the frame at the limit one of those that are in use?"""
        if self._file is None:
            self._file = self._path.open("rb", buffering=0)
        salts = self._read(_SALTS_AT)
        return len(salts) == _SALT_BYTES and salts == self._read(
            _HEADER_BYTES + (self._limit - 1) * self._frame_bytes + _FRAME_SALTS_AT
        )

    def _read(self, place: int) -> bytes:
        assert self._file is not None
        self._file.seek(place)
        return self._file.read(_SALT_BYTES)

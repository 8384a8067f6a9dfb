"""Which files a database refers to, for whoever looks after their contents: those are no business of a database."""

import sqlite3
from contextlib import closing
from pathlib import Path

from chatnet.core.entries import PutFile
from chatnet.store.failures import DamagedRow, explained
from chatnet.store.migrations import WITH_FILES, recognise
from chatnet.store.opening import open_for_reading
from chatnet.store.records import to_file
from chatnet.store.rows import FILES


def files_of(path: Path) -> list[PutFile]:
    """All files of the database at ``path``, of one moment, in the order of their ids; damaged rows are left out.

    :raises StoreUnusable, DatabaseTooNew: they cannot be read.
    """
    with explained(path), closing(open_for_reading(path)) as database:
        return read_files(database)


def read_files(database: sqlite3.Connection) -> list[PutFile]:
    """The same of an open database.

    :raises sqlite3.Error, StoreUnusable, DatabaseTooNew: they cannot be read.
    """
    if WITH_FILES not in recognise(database):
        return []
    files = []
    with closing(database.execute(FILES.all)) as rows:
        for raw in rows:
            try:
                files.append(to_file(FILES.open(raw)).file)
            except DamagedRow:
                continue
    return files

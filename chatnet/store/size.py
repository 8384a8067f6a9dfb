"""How much of the disk a message store takes, for whoever looks after the server.

The files are open, so the system knows their sizes without the disk: asking never waits for it.
"""

import os
from pathlib import Path

from chatnet.store.opening import FILE_NAME
from chatnet.store.search import FILE_NAME as INDEX_NAME


def stored_bytes(folder: Path) -> int:
    """Bytes of the database and the search index, with their logs; 0 for those that are not there."""
    paths = (folder / f"{name}{suffix}" for name in (FILE_NAME, INDEX_NAME) for suffix in ("", "-wal"))
    return sum(map(_size, paths))


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # a log comes and goes, and the index may be in the making
        return 0

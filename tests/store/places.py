"""Where tests keep databases, and how they open them."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from chatnet.core.entries import DropChat, PutMarks
from chatnet.store.opening import FILE_NAME
from chatnet.store.sqlite import SqliteStore
from chatnet.testing.store_accounts_model import EVERYTHING
from chatnet.testing.store_driver import Driver
from chatnet.testing.store_model import DEVICES, PREPARATION, deed, post

_MEMORY = Path("/dev/shm")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder, gone afterwards; in memory where there is such a place, as few tests are about the disk."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="chatnet-") as folder:
        yield Path(folder)


@contextmanager
def opened(folder: Path, checkpoint_bytes: int = 1 << 20) -> Iterator[Driver]:
    """A store in a folder, closed afterwards."""
    store = SqliteStore(folder, checkpoint_bytes=checkpoint_bytes)
    with closing(store):
        yield Driver(store)


@contextmanager
def by_hand(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database of a closed store, for a test to do with it what nobody should."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as database:
        yield database


def fill(folder: Path, messages: int = 200) -> None:
    """Make a database with something of everything in it, and close it."""
    with opened(folder) as driver:
        driver.put(*PREPARATION, *EVERYTHING, deed(1), deed(2), deed(3))
        for n in range(1, messages + 1):
            conversation = 1 + n % 4
            text = f"message {n} " + "and more of it " * (n % 7)
            driver.put(post(conversation, n, device=DEVICES[n % 3], body=text), PutMarks(conversation, 1, n, n))
        driver.put(DropChat(4))


def open_files() -> int | None:
    """How many files this process has open, where that can be known."""
    descriptors = Path("/proc/self/fd")
    return len(os.listdir(descriptors)) if descriptors.is_dir() else None

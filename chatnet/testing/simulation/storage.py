"""Where a simulated server keeps what is said: a bounded window in memory, or a real database that survives it.

The folder is in memory where the system has such a place: what is simulated is the end of processes, not of power.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol

from chatnet.core.entries import Committed, Failed, PageRead, ReadMessages
from chatnet.model import ConversationId, Message
from chatnet.net.ports import Store
from chatnet.store.check import check
from chatnet.store.database import Database
from chatnet.store.memory import MemoryStore
from chatnet.store.opening import FILE_NAME
from chatnet.testing.clock import VirtualClock
from chatnet.testing.simulation.disk import DiskManners, SimulatedDisk
from chatnet.testing.simulation.kills import Fate, ServerStep
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Violation
from chatnet.testing.stores import FailingStore, LateStore

_RAM = Path("/dev/shm")
_WHOLE_PAGE = 2**40


class Storage(Protocol):
    """What the server's processes keep their messages in."""

    def open(self) -> Store:
        """The store of a new process."""
        ...

    def kill(self) -> list[Committed | Failed]:
        """The process is gone. What became of its batches without its hearing of it?"""
        ...

    def trouble(self) -> str:
        """From now on it fails, or no longer fails; in a few words."""
        ...

    def heal(self) -> None:
        """It fails no more."""
        ...

    def check_closed(self) -> None:
        """The last process has ended as it should. Is everything there?"""
        ...

    def let_go(self) -> None:
        """Leave no file open."""
        ...


class MemoryStorage:
    """For one process, which is never killed. ``window``: how much it keeps."""

    def __init__(self, window: dict[str, int], clock: VirtualClock, rng: Random) -> None:
        self._rng = rng
        self._chance = 0.0
        self._failing = FailingStore(MemoryStore(**window), lambda _: rng.random() < self._chance)
        self._failing.fails_read = lambda _: rng.random() < self._chance
        delay = rng.choice((0.0, 0.01, 0.3))
        self._late = LateStore(
            self._failing,
            lambda action: clock.call_later(rng.uniform(0.0, delay), action),
            commits_early=rng.random() < 0.5,
        )

    def open(self) -> Store:
        return self._late

    def kill(self) -> list[Committed | Failed]:
        raise AssertionError("nothing outlives this store")

    def trouble(self) -> str:
        self._chance = 0.0 if self._chance else self._rng.choice((0.1, 0.5, 1.0))
        return f"fails with a chance of {self._chance}"

    def heal(self) -> None:
        self._chance = 0.0

    def check_closed(self) -> None:
        """Nothing is left of it."""

    def let_go(self) -> None:
        """It has no files."""


class DiskStorage:
    """A real database in ``folder``."""

    def __init__(
        self,
        folder: Path,
        manners: DiskManners,
        clock: VirtualClock,
        rng: Random,
        fate: Fate[ServerStep],
        ledger: Ledger,
    ) -> None:
        self._folder, self._rng, self._ledger = folder, rng, ledger
        self._is_full = False
        self._chance = 0.0
        self._make: Callable[[], SimulatedDisk] = lambda: SimulatedDisk(
            folder, manners, clock, rng, fate, self._inspect, lambda: rng.random() < self._chance
        )
        self._disk = self._make()

    def open(self) -> Store:
        self._disk = self._make()
        self._is_full = False
        return self._disk

    def kill(self) -> list[Committed | Failed]:
        return self._disk.kill()

    def trouble(self) -> str:
        if self._rng.random() < 0.3:
            self._chance = 0.0 if self._chance else self._rng.choice((0.1, 0.5, 1.0))
            return f"cannot be read with a chance of {self._chance}"
        self._is_full = not self._is_full
        self._disk.fill_up(is_full=self._is_full)
        return "is full" if self._is_full else "has room again"

    def heal(self) -> None:
        self._chance, self._is_full = 0.0, False
        self._disk.fill_up(is_full=False)

    def check_closed(self) -> None:
        database = Database(self._folder)
        self._inspect(database)
        database.close()
        for damage in check(self._folder / FILE_NAME):
            raise Violation("check", str(damage))

    def let_go(self) -> None:
        self._disk.kill()

    def _inspect(self, database: Database) -> None:
        """Compare all that is in the file with all that was ever stored."""
        kept = database.snapshot.conversations
        messages = {saved.conversation.id: _all_messages(database, saved.conversation.id) for saved in kept}
        self._ledger.compare(database.snapshot, messages)


def _all_messages(database: Database, conversation: ConversationId) -> list[Message]:
    page: PageRead = database.page(ReadMessages(conversation, _WHOLE_PAGE, _WHOLE_PAGE, after=0))
    return page.messages


def make_folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder, in memory where that is possible."""
    ram = _RAM if _RAM.is_dir() and os.access(_RAM, os.W_OK | os.X_OK) else None
    return tempfile.TemporaryDirectory(prefix="chatnet-simulation-", dir=ram)

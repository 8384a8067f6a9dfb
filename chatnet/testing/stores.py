"""Stores that behave as a disk may: late, failing for a while, or broken for good. Each wraps any `Store`.

They can be put around one another: ``LateStore(FailingStore(MemoryStore(), fails))`` learns late that a batch failed.
"""

import errno
from collections import deque
from collections.abc import Callable

from chatnet.core.entries import Batch, Committed, Completion, Failed, Query, ReadFailed, Snapshot
from chatnet.errors import ErrorCode
from chatnet.net.ports import Store

_ACKNOWLEDGE = None
"""Stands in a queue of batches where the core had heard of a failure."""


class _Wrapper:
    """Passes all on."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._pages: list[Completion] = []
        self._done: deque[Completion] = deque()
        """What became of batches, in their order, as far as the inner store has said so."""

    @property
    def history(self) -> str:
        return self._inner.history

    def load(self) -> Snapshot:
        return self._inner.load()

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._inner.bind(wakeup)

    def submit(self, batch: Batch) -> None:
        self._inner.submit(batch)

    def read(self, query: Query) -> None:
        self._inner.read(query)

    def completions(self) -> list[Completion]:
        return self._inner.completions()

    def acknowledge_failure(self) -> None:
        self._inner.acknowledge_failure()

    def close(self) -> None:
        self._inner.close()

    def _ask(self) -> None:
        """Sort what the inner store has completed into `_pages` and `_done`."""
        for completion in self._inner.completions():
            if isinstance(completion, Committed | Failed):
                self._done.append(completion)
            else:
                self._pages.append(completion)

    def _take_pages(self) -> list[Completion]:
        pages, self._pages = self._pages, []
        return pages


class LateStore(_Wrapper):
    """Completes when it is told to: each `release` lets one more batch complete, each `release_read` one more read.

    With ``later`` it tells itself: ``later(action)`` is called once for each batch and read, and must run the action at
    some later time, for instance ``lambda action: clock.call_later(0.01, action)``.
    With ``commits_early`` only the news is late: a batch is in the inner store at once, so that reads see messages of
    which the core has not heard yet, as they may see them in a store with a thread of its own.
    """

    def __init__(
        self, inner: Store, later: Callable[[Callable[[], None]], None] | None = None, *, commits_early: bool = False
    ) -> None:
        super().__init__(inner)
        self._later = later
        self._commits_early = commits_early
        self._wakeup: Callable[[], None] = lambda: None
        self._batches: deque[Batch | None] = deque()
        self._reads: deque[Query] = deque()
        self._released = 0

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._wakeup = wakeup
        self._inner.bind(wakeup)

    def submit(self, batch: Batch) -> None:
        self._batches.append(batch)
        if self._commits_early:
            self._commit()
        if self._later is not None:
            self._later(self.release)

    def read(self, query: Query) -> None:
        self._reads.append(query)
        if self._later is not None:
            self._later(self.release_read)

    def release(self) -> None:
        """Let the oldest batch that is not released yet complete."""
        if not self._commits_early:
            self._commit()
        self._released += 1
        self._wakeup()

    def release_read(self) -> None:
        """Let the oldest read that is not released yet complete."""
        self._inner.read(self._reads.popleft())
        self._wakeup()

    def completions(self) -> list[Completion]:
        self._ask()
        told = self._take_pages()
        while self._released and self._done:
            told.append(self._done.popleft())
            self._released -= 1
        return told

    def acknowledge_failure(self) -> None:
        # Batches that wait here were submitted before the core heard of the failure, and so must still fail.
        self._batches.append(_ACKNOWLEDGE)
        self._acknowledge()

    def close(self) -> None:
        while self._batches:
            self._commit()
        self._inner.close()

    def _commit(self) -> None:
        batch = self._batches.popleft()
        assert batch is not None
        self._inner.submit(batch)
        self._acknowledge()

    def _acknowledge(self) -> None:
        while self._batches and self._batches[0] is _ACKNOWLEDGE:
            self._batches.popleft()
            self._inner.acknowledge_failure()


class FailingStore(_Wrapper):
    """Fails the batches for which ``fails(batch)`` is true, and all after one until the core has heard of it.

    A read fails if ``fails_read(query)`` is true. Both may be set anew at any time.
    """

    def __init__(
        self,
        inner: Store,
        fails: Callable[[Batch], bool],
        *,
        code: str = ErrorCode.STORE_FULL,
        retry_after: float = 1.0,
    ) -> None:
        super().__init__(inner)
        self.fails = fails
        self.fails_read: Callable[[Query], bool] = lambda _: False
        self._code, self._retry_after = code, retry_after
        self._failing = False
        self._order: deque[Failed | None] = deque()
        """For each batch that is not completed: its failure, or None for one that the inner store has."""

    def submit(self, batch: Batch) -> None:
        self._failing = self._failing or self.fails(batch)
        if self._failing:
            self._order.append(Failed(batch, self._code, "the test wants it so", self._retry_after))
        else:
            self._order.append(None)
            self._inner.submit(batch)

    def read(self, query: Query) -> None:
        if self.fails_read(query):
            self._pages.append(ReadFailed(query, self._code, "the test wants it so"))
        else:
            self._inner.read(query)

    def completions(self) -> list[Completion]:
        self._ask()
        told = self._take_pages()
        while self._order and (self._order[0] is not None or self._done):
            failed = self._order.popleft()
            told.append(failed if failed is not None else self._done.popleft())
        return told

    def acknowledge_failure(self) -> None:
        self._failing = False


class BrokenStore(_Wrapper):
    """Has a disk error with the first batch for which ``breaks(batch)`` is true: from then on it only raises OSError.

    Nobody can know whether that batch is stored; with ``commits`` it is.
    """

    def __init__(self, inner: Store, breaks: Callable[[Batch], bool], *, commits: bool = False) -> None:
        super().__init__(inner)
        self._breaks, self._commits = breaks, commits
        self._broken = False

    def submit(self, batch: Batch) -> None:
        breaks_now = not self._broken and self._breaks(batch)
        if not self._broken and (self._commits or not breaks_now):
            self._inner.submit(batch)
        self._broken = self._broken or breaks_now

    def completions(self) -> list[Completion]:
        """What was stored.

        :raises OSError: EIO, since the disk broke.
        """
        if self._broken:
            raise OSError(errno.EIO, "the test wants a disk error")
        return self._inner.completions()

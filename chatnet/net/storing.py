"""The server's side of the store: one batch at a time, and the count of what is still to be answered.

While the store has a batch, what comes is gathered for the next: so under load a batch is as large as it can be, and
so is what each peer is then written in one piece. Two that take turns, one with the store while the other is told,
would cost half as much again, and on one core make nothing faster.

Here is what the store's contract asks of its caller. When a batch has failed, what was gathered meanwhile fails with
it, before the core is asked anything else: else a device's next message would overtake the one that has failed.
"""

from collections.abc import Callable, Iterator

from chatnet.core.entries import Batch, Committed, Completion, Failed, Query, Snapshot
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.net.ports import Store

Mark = tuple[int, int]
"""How many batches and queries there had been at some moment."""


class StoreBroken(ChatnetError):
    """The store failed in a way that does not pass: what it holds is not known. The server must stop (exit 74)."""


class StoreLink:
    """Speaks to the store. Every method may raise `StoreBroken`, and whatever the store raises becomes one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.batch: Batch = []
        """Entries to be submitted at the end of this turn, or of that in which the store is free."""
        self.queries: list[Query] = []
        """Pages to be read, likewise."""
        self._submitted = self._answered = 0
        self._asked = self._read = 0

    def open(self, wakeup: Callable[[], None]) -> Snapshot:
        """What was kept before; ``wakeup`` will be called from any thread when there are answers to take."""
        try:
            snapshot = self._store.load()
            self._store.bind(wakeup)
        except Exception as error:
            raise _broken(error) from error
        return snapshot

    def close(self) -> None:
        """Finish what was submitted."""
        try:
            self._store.close()
        except Exception as error:
            raise _broken(error) from error

    @property
    def can_send(self) -> bool:
        """Is there anything that the store would be given now?"""
        return bool(self.queries) or self._can_submit

    @property
    def _can_submit(self) -> bool:
        return bool(self.batch) and not self.under_way

    @property
    def is_waiting(self) -> bool:
        """Is there anything that the store has not answered, or not even been given?"""
        return bool(self.queries) or not self.has_passed(self.mark())

    @property
    def under_way(self) -> int:
        """Batches that the store has and has not answered: at most one."""
        return self._submitted - self._answered

    @property
    def unanswered(self) -> int:
        """Those, and the one that is being gathered."""
        return self.under_way + bool(self.batch)

    def mark(self) -> Mark:
        """What has been sent until now or will be with the next batch, for `has_passed`."""
        return self._submitted + bool(self.batch), self._asked

    def has_passed(self, mark: Mark) -> bool:
        """Has the store answered as much as had been sent at that mark?"""
        return self._answered >= mark[0] and self._read >= mark[1]

    def send(self) -> None:
        """Hand over what was gathered, as far as the store is free for it."""
        if not self.can_send:
            return
        queries, self.queries = self.queries, []
        try:
            self._submit()
            for query in queries:
                self._asked += 1
                self._store.read(query)
        except Exception as error:
            raise _broken(error) from error

    def _submit(self) -> None:
        if self._can_submit:
            batch, self.batch = self.batch, []
            self._submitted += 1
            self._store.submit(batch)

    def take(self) -> Iterator[Completion]:
        """What the store has answered; each is for the core before the next is asked for."""
        for completion in self._completions():
            if isinstance(completion, Committed | Failed):
                self._answered += 1
            else:
                self._read += 1
            if isinstance(completion, Failed):
                yield from self._give_up(completion)
            else:
                yield completion

    def _give_up(self, failure: Failed) -> list[Failed]:
        """A batch failed, and with it all that the core has asked for until now."""
        failures = [failure]
        if self.batch:
            batch, self.batch = self.batch, []
            failures.append(Failed(batch, failure.code, failure.reason, failure.retry_after))
            # For whoever waits for its answer.
            self._submitted += 1
            self._answered += 1
        try:
            self._store.acknowledge_failure()
        except Exception as error:
            raise _broken(error) from error
        return failures

    def _completions(self) -> list[Completion]:
        try:
            return self._store.completions()
        except Exception as error:
            raise _broken(error) from error


def _broken(error: Exception) -> StoreBroken:
    what = str(error) or type(error).__name__
    return StoreBroken(ErrorCode.STORE_FAILING, f"the message store failed, and the server has to stop: {what}")

"""The server's side of the store: one batch a turn, and the count of what is still to be answered.

Here is what the store's contract asks of its caller. Answers to batches come in order, so counting tells which batch
one belongs to. After a failure all that was submitted before it was acknowledged fails too; the core is told so at
once, of all of it, before anything more is submitted. For if it heard of each only when the store says so, it would
go on to post for a device whose earlier messages have failed without its knowing, and those would be overtaken.
"""

from collections import deque
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
        """Entries to be submitted at the end of this turn."""
        self.queries: list[Query] = []
        """Pages to be read, likewise."""
        self._submitted = self._answered = 0
        self._asked = self._read = 0
        self._doomed = 0
        """Batches up to this number have failed, whether the store has said so yet or not."""
        self._under_way: deque[Batch] = deque()
        """Batches of which the core has not heard."""

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
    def has_work(self) -> bool:
        """Is there anything to send?"""
        return bool(self.batch or self.queries)

    @property
    def is_waiting(self) -> bool:
        """Is there anything that the store has not answered, or not even been given?"""
        return self.has_work or not self.has_passed(self.mark())

    @property
    def under_way(self) -> int:
        """Batches that the store has not answered."""
        return self._submitted - self._answered

    def mark(self) -> Mark:
        """What has been sent until now, for `has_passed`."""
        return self._submitted, self._asked

    def has_passed(self, mark: Mark) -> bool:
        """Has the store answered as much as had been sent at that mark?"""
        return self._answered >= mark[0] and self._read >= mark[1]

    def send(self) -> None:
        """Hand over what this turn has gathered."""
        if not self.has_work:
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
        if self.batch:
            batch, self.batch = self.batch, []
            self._under_way.append(batch)
            self._submitted += 1
            self._store.submit(batch)

    def take(self) -> Iterator[Completion]:
        """What the store has answered; each is for the core before the next is asked for."""
        for completion in self._completions():
            if not isinstance(completion, Committed | Failed):
                self._read += 1
                yield completion
                continue
            self._answered += 1
            if self._answered <= self._doomed:
                continue  # the core has been told
            self._under_way.popleft()
            if isinstance(completion, Failed):
                yield from self._give_up(completion)
            else:
                yield completion

    def _give_up(self, failure: Failed) -> list[Failed]:
        """A batch failed, and with it all that the core has asked for until now."""
        doomed = [failure.batch, *self._under_way]
        if self.batch:
            doomed.append(self.batch)
            self.batch = []
        self._under_way.clear()
        self._doomed = self._submitted
        try:
            self._store.acknowledge_failure()
        except Exception as error:
            raise _broken(error) from error
        return [Failed(batch, failure.code, failure.reason, failure.retry_after) for batch in doomed]

    def _completions(self) -> list[Completion]:
        try:
            return self._store.completions()
        except Exception as error:
            raise _broken(error) from error


def _broken(error: Exception) -> StoreBroken:
    what = str(error) or type(error).__name__
    return StoreBroken(ErrorCode.STORE_FAILING, f"the message store failed, and the server has to stop: {what}")

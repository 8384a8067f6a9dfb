"""The server's side of the store: one batch a turn, and the count of what is still to be answered.

Here is what the store's contract asks of its caller: answers to batches come in order, so counting tells which batch
one belongs to; and the first failure of several must be acknowledged once, before the next batch is submitted.
"""

from collections.abc import Callable

from chatnet.core.entries import Batch, Committed, Completion, Failed, ReadMessages, Snapshot
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
        self.queries: list[ReadMessages] = []
        """Pages to be read, likewise."""
        self._submitted = self._answered = 0
        self._asked = self._read = 0
        self._doomed = 0
        """Batches up to this number fail because one before them did, and that was acknowledged."""

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
            self._submitted += 1
            self._store.submit(batch)

    def take(self) -> list[Completion]:
        """What the store has answered."""
        try:
            return self._store.completions()
        except Exception as error:
            raise _broken(error) from error

    def note(self, completion: Completion) -> None:
        """Count an answer, just before the core hears of it."""
        if not isinstance(completion, Committed | Failed):
            self._read += 1
            return
        self._answered += 1
        if isinstance(completion, Failed) and self._answered > self._doomed:
            try:
                # What the core asked for before it heard of the failure must fail as well.
                self._submit()
                self._store.acknowledge_failure()
            except Exception as error:
                raise _broken(error) from error
            self._doomed = self._submitted


def _broken(error: Exception) -> StoreBroken:
    what = str(error) or type(error).__name__
    return StoreBroken(ErrorCode.STORE_FAILING, f"the message store failed, and the server has to stop: {what}")

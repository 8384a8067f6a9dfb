"""The store of one server process, held to its contract: what it answers goes into the ledger.

Rules: batches are answered in order; after one failed, all that were submitted before the core heard of it fail too;
a page has no gaps. What was committed when a process was killed is learned from its disk, not from the process.
"""

from collections import deque
from collections.abc import Callable

from chatnet.core.entries import Batch, Committed, Completion, Failed, PageRead, Query, Snapshot
from chatnet.net.ports import Store
from chatnet.testing.simulation.ledger import Ledger
from chatnet.testing.simulation.trace import Trace, Violation


class AuditedStore:
    """Passes everything on to ``inner``, and raises `Violation` as soon as an answer of it breaks a rule."""

    def __init__(self, inner: Store, ledger: Ledger, trace: Trace) -> None:
        self._inner = inner
        self._ledger = ledger
        self._trace = trace
        self._submitted: deque[Batch] = deque()
        self._doomed = 0
        """How many batches must still fail because one before them did."""
        self._has_failed = False
        """Has a batch failed that the core has not acknowledged?"""

    @property
    def is_waiting(self) -> bool:
        """Is any batch unanswered?"""
        return bool(self._submitted)

    # -- the port ---------------------------------------------------------------------------------------------

    @property
    def history(self) -> str:
        return self._inner.history

    def load(self) -> Snapshot:
        return self._inner.load()

    def bind(self, wakeup: Callable[[], None]) -> None:
        self._inner.bind(wakeup)

    def submit(self, batch: Batch) -> None:
        self._submitted.append(batch)
        self._inner.submit(batch)

    def read(self, query: Query) -> None:
        self._inner.read(query)

    def completions(self) -> list[Completion]:
        completions = self._inner.completions()
        for completion in completions:
            match completion:
                case Committed() | Failed():
                    self._answered(completion)
                case PageRead():
                    self._page(completion)
                case _:
                    self._trace.add("store", "cannot read")
        return completions

    def acknowledge_failure(self) -> None:
        if not self._has_failed:
            raise Violation("store", "a failure was acknowledged that never happened")
        self._has_failed, self._doomed = False, len(self._submitted)
        self._inner.acknowledge_failure()

    def close(self) -> None:
        self._inner.close()

    # -- batches ----------------------------------------------------------------------------------------------

    def killed(self, answers: list[Committed | Failed]) -> None:
        """The process is gone; this became of its batches, but it had not heard so."""
        for answer in answers:
            self._answered(answer)
        self._submitted.clear()

    def _answered(self, answer: Committed | Failed) -> None:
        if not self._submitted or self._submitted.popleft() is not answer.batch:
            raise Violation("store", "a batch was answered out of order")
        doomed, self._doomed = self._has_failed or self._doomed > 0, max(0, self._doomed - 1)
        if isinstance(answer, Failed):
            self._has_failed = self._has_failed or not doomed
            self._trace.add("store", f"fails {len(answer.batch)} entries: {answer.code}")
            return
        if doomed:
            raise Violation("store", "a batch was stored that was submitted after one that failed")
        self._ledger.commit(answer)
        self._trace.add("store", f"commits {len(answer.batch)} entries, {self._ledger.messages} messages in all")

    # -- pages ------------------------------------------------------------------------------------------------

    def _page(self, page: PageRead) -> None:
        """It may be ahead of what was told of batches, so only what is known can be compared."""
        query, seqs = page.query, [message.seq for message in page.messages]
        self._trace.add("store", f"reads {seqs[:1]} to {seqs[-1:]} of {query.conversation}")
        self._ledger.learn_first(query.conversation, page.first)
        if seqs != list(range(seqs[0], seqs[0] + len(seqs))) if seqs else False:
            raise Violation("I2", f"a page of {query.conversation} has a gap: {seqs}")
        if query.after is not None and seqs and seqs[0] != max(query.after + 1, page.first):
            raise Violation("store", f"a page after {query.after} starts at {seqs[0]}; {page.first} is kept")
        for message in page.messages:
            if self._ledger.message(query.conversation, message.seq) not in (message, None):
                raise Violation("store", f"{query.conversation} has two messages {message.seq}")

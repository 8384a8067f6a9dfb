"""What the suites for stores stand on: something that asks a store and waits, and how a suite gets its stores."""

import threading

import pytest

from chatnet.core.entries import (
    Batch,
    Committed,
    Completion,
    DeedsRead,
    Entry,
    Outcome,
    PageRead,
    ReadDeeds,
    ReadMessages,
)
from chatnet.model import ConversationId, Deed, Message, Seq
from chatnet.net.ports import Store
from chatnet.testing.store_model import PREPARATION

PATIENCE = 10.0
"""Seconds for which a test waits for an answer."""
_EVERYTHING = 1 << 30


class Driver:
    """Asks a store and waits for its answers, which may come from another thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.snapshot = store.load()
        self._woken = threading.Event()
        store.bind(self._woken.set)

    def answers(self, count: int) -> list[Completion]:
        """The next ``count`` answers."""
        answers: list[Completion] = []
        while True:
            self._woken.clear()
            answers += self.store.completions()
            if len(answers) >= count:
                assert len(answers) == count
                return answers
            assert self._woken.wait(PATIENCE), f"{len(answers)} of {count} answers, and no wakeup"

    def commit(self, batch: Batch) -> Committed:
        """Store a batch that must not fail."""
        self.store.submit(batch)
        (done,) = self.answers(1)
        assert isinstance(done, Committed)
        assert len(done.outcomes) == len(batch)
        return done

    def put(self, *entries: Entry) -> list[Outcome]:
        """Store entries, and give what became of them."""
        return self.commit(list(entries)).outcomes

    def read(self, query: ReadMessages) -> PageRead:
        """Read a page that must not fail."""
        self.store.read(query)
        (page,) = self.answers(1)
        assert isinstance(page, PageRead)
        assert page.query == query
        return page

    def deeds(self, before: int = 0, limit: int = 1000) -> list[Deed]:
        """Lines of the audit log, the newest first."""
        query = ReadDeeds(before, limit, token=object())
        self.store.read(query)
        (answer,) = self.answers(1)
        assert isinstance(answer, DeedsRead)
        assert answer.query is query
        return answer.deeds

    def after(self, conversation: ConversationId, seq: Seq, limit: int = 1000) -> list[Message]:
        """The messages behind a seq."""
        return self.read(ReadMessages(conversation, limit, _EVERYTHING, after=seq)).messages

    def before(self, conversation: ConversationId, seq: Seq, limit: int = 1000) -> list[Message]:
        """The messages in front of a seq."""
        return self.read(ReadMessages(conversation, limit, _EVERYTHING, before=seq)).messages


def seqs(outcomes: list[Outcome] | list[Message]) -> list[Seq | None]:
    """The seqs of those that are messages as they were stored."""
    return [outcome.seq if isinstance(outcome, Message) else None for outcome in outcomes]


class StoreSuite:
    """Tests of stores: subclass it and define `make_store`."""

    def make_store(self) -> Store:
        """A new, empty store."""
        raise NotImplementedError

    def reopen(self, store: Store) -> Store | None:
        """Close a store, and open what it kept again; None where nothing outlives a store."""
        del store
        return None

    def new(self) -> Driver:
        """A store that knows the users and conversations that messages refer to."""
        driver = Driver(self.make_store())
        driver.put(*PREPARATION)
        return driver

    def new_again(self, driver: Driver) -> Driver:
        """The same content in a new process."""
        store = self.reopen(driver.store)
        if store is None:
            pytest.skip("nothing outlives this store")
        return Driver(store)

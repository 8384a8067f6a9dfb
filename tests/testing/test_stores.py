"""Stores that are late, failing or broken."""

import pytest

from chatnet.core.entries import Batch, Committed, Completion, Failed, PageRead, ReadFailed, ReadMessages
from chatnet.model import Message
from chatnet.net.ports import Store
from chatnet.store.memory import MemoryStore
from chatnet.testing.clock import VirtualClock
from chatnet.testing.store_conformance import StoreConformance
from chatnet.testing.store_model import post
from chatnet.testing.stores import BrokenStore, FailingStore, LateStore


class TestLateStore(StoreConformance):
    def make_store(self) -> Store:
        return LateStore(MemoryStore(), lambda action: action())


class TestLateStoreThatCommitsEarly(StoreConformance):
    def make_store(self) -> Store:
        return LateStore(MemoryStore(), lambda action: action(), commits_early=True)


class TestFailingStoreThatDoesNotFail(StoreConformance):
    def make_store(self) -> Store:
        return FailingStore(MemoryStore(), lambda _: False)


FIRST_PAGE = ReadMessages(1, 100, 1000, after=0)


def batch(n: int) -> Batch:
    return [post(1, n, body=f"message {n}")]


def summary(completions: list[Completion]) -> list[str]:
    """What was completed, shortly: ``stored 1``, ``failed 2``, ``page 3``."""
    words = []
    for done in completions:
        if isinstance(done, Committed):
            words += [f"stored {outcome.seq}" for outcome in done.outcomes if isinstance(outcome, Message)]
        elif isinstance(done, Failed):
            words.append(f"failed {len(done.batch)}")
        elif isinstance(done, PageRead):
            words.append(f"page {len(done.messages)}")
        elif isinstance(done, ReadFailed):
            words.append("no page")
    return words


# -- late -----------------------------------------------------------------------------------------------------


def test_a_late_store_answers_in_order_when_it_is_told_to() -> None:
    store = LateStore(MemoryStore())
    woken = []
    store.bind(lambda: woken.append(True))
    for n in (1, 2, 3):
        store.submit(batch(n))
    assert store.completions() == []
    store.release()
    assert woken == [True]
    assert summary(store.completions()) == ["stored 1"]
    store.release()
    store.release()
    assert summary(store.completions()) == ["stored 2", "stored 3"]
    assert store.completions() == []


def test_a_late_commit_is_not_there_for_reads() -> None:
    store = LateStore(MemoryStore())
    store.submit(batch(1))
    store.read(FIRST_PAGE)
    store.release_read()
    assert summary(store.completions()) == ["page 0"]


def test_an_early_commit_is_there_for_reads_before_it_is_told() -> None:
    store = LateStore(MemoryStore(), commits_early=True)
    store.submit(batch(1))
    store.read(FIRST_PAGE)
    assert store.completions() == []
    store.release_read()
    assert summary(store.completions()) == ["page 1"]
    store.release()
    assert summary(store.completions()) == ["stored 1"]


def test_a_late_store_can_hang_on_a_clock() -> None:
    clock = VirtualClock()
    store = LateStore(MemoryStore(), lambda action: clock.call_later(0.5, action))
    store.submit(batch(1))
    store.read(FIRST_PAGE)
    clock.advance(0.4)
    assert store.completions() == []
    clock.advance(0.1)
    assert summary(store.completions()) == ["page 1", "stored 1"]


def test_a_late_store_finishes_all_before_it_closes() -> None:
    inner = MemoryStore()
    store = LateStore(inner)
    store.submit(batch(1))
    store.submit(batch(2))
    store.close()
    assert summary(inner.completions()) == ["stored 1", "stored 2"]


# -- failing --------------------------------------------------------------------------------------------------


def test_a_failure_takes_all_with_it_until_it_is_acknowledged() -> None:
    plan = iter([False, True, False])
    store = FailingStore(MemoryStore(), lambda _: next(plan))
    for n in (1, 2, 3):
        store.submit(batch(n))
    assert summary(store.completions()) == ["stored 1", "failed 1", "failed 1"]
    store.acknowledge_failure()
    store.submit(batch(4))
    assert summary(store.completions()) == ["stored 2"]


def test_a_failure_is_told_after_what_was_submitted_before_it() -> None:
    late = LateStore(MemoryStore())
    store = FailingStore(late, lambda b: b == batch(2))
    store.submit(batch(1))
    store.submit(batch(2))
    assert store.completions() == []
    late.release()
    assert summary(store.completions()) == ["stored 1", "failed 1"]


def test_what_waits_when_a_failure_is_acknowledged_still_fails() -> None:
    plan = iter([True, False])
    store = LateStore(FailingStore(MemoryStore(), lambda _: next(plan)))
    store.submit(batch(1))
    store.submit(batch(2))
    store.release()
    assert summary(store.completions()) == ["failed 1"]
    store.acknowledge_failure()
    store.submit(batch(3))
    store.release()
    store.release()
    assert summary(store.completions()) == ["failed 1", "stored 1"]


def test_a_read_fails_for_itself_alone() -> None:
    store = FailingStore(MemoryStore(), lambda _: False)
    store.fails_read = lambda query: isinstance(query, ReadMessages) and query.conversation == 2
    store.read(ReadMessages(2, 100, 1000, after=0))
    store.read(FIRST_PAGE)
    assert sorted(summary(store.completions())) == ["no page", "page 0"]


# -- broken ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("commits", "kept"), [(False, 1), (True, 2)])
def test_after_a_disk_error_nobody_is_told_what_was_stored(commits: bool, kept: int) -> None:
    inner = MemoryStore()
    store = BrokenStore(inner, lambda b: b == batch(2), commits=commits)
    store.submit(batch(1))
    assert summary(store.completions()) == ["stored 1"]
    store.submit(batch(2))
    store.submit(batch(3))
    for _ in range(2):
        with pytest.raises(OSError, match="disk error"):
            store.completions()
    inner.completions()
    inner.read(FIRST_PAGE)
    assert summary(inner.completions()) == [f"page {kept}"]

from hypothesis import given
from hypothesis import strategies as st

from chatnet.client.outbox import MemoryOutbox, ToRoom
from chatnet.model import Kind

HERE = ToRoom("lobby")


def test_numbers_start_at_one_and_are_never_used_again() -> None:
    outbox = MemoryOutbox()
    first = outbox.add(HERE, "a", Kind.TEXT, 0)
    outbox.remove(first.n)
    assert (first.n, outbox.add(HERE, "b", Kind.TEXT, 0).n) == (1, 2)


def test_a_draft_is_removed_once() -> None:
    outbox = MemoryOutbox()
    draft = outbox.add(HERE, "a", Kind.ASK, 3)
    assert outbox.remove(1) == draft
    assert outbox.remove(1) is None


@given(st.integers(0, 30), st.sets(st.integers(1, 30)), st.integers(0, 35))
def test_after_finds_the_first_draft_with_a_greater_number(count: int, removed: set[int], n: int) -> None:
    outbox = MemoryOutbox()
    for i in range(count):
        outbox.add(HERE, str(i), Kind.TEXT, 0)
    for gone in removed:
        outbox.remove(gone)
    left = [i for i in range(1, count + 1) if i not in removed]
    assert [draft.n for draft in outbox] == left
    assert len(outbox) == len(left)
    found = outbox.after(n)
    assert (found.n if found else None) == next((i for i in left if i > n), None)

"""Row ids, and words that may never change."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from chatnet.store.schema import MAX_CONVERSATION, MAX_SEQ, MESSAGES, bounds, position, row_id


def test_what_was_published_is_never_changed_not_even_in_its_indentation() -> None:
    published = "3d6cb46c0c9742011ed718841efd82c9c040984d5bd9075387ae5d460549831c"
    assert sha256(MESSAGES.strip().encode()).hexdigest() == published


@given(st.integers(0, MAX_CONVERSATION), st.integers(0, MAX_SEQ))
def test_a_row_id_tells_conversation_and_seq(conversation: int, seq: int) -> None:
    id = row_id(conversation, seq)
    assert position(id) == (conversation, seq)
    assert 0 <= id < 2**63
    low, high = bounds(conversation)
    assert low <= id < high

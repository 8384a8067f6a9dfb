"""Row ids, and words that may never change."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.store.schema import ACCOUNTS, FILES, MAX_CONVERSATION, MAX_SEQ, MESSAGES, bounds, position, row_id


@pytest.mark.parametrize(
    ("statements", "published"),
    [
        (MESSAGES, "3d6cb46c0c9742011ed718841efd82c9c040984d5bd9075387ae5d460549831c"),
        (ACCOUNTS, "d26eea8c19e870aa98858a5c993863a807acadf53c1ba081d9787fa9b47f170f"),
        (FILES, "62d767555285b94089de9be42fc8422ccfc6b5825c44c1d8094088521d0d95dd"),
    ],
)
def test_what_was_published_is_never_changed_not_even_in_its_indentation(statements: str, published: str) -> None:
    assert sha256(statements.strip().encode()).hexdigest() == published


@given(st.integers(0, MAX_CONVERSATION), st.integers(0, MAX_SEQ))
def test_a_row_id_tells_conversation_and_seq(conversation: int, seq: int) -> None:
    id = row_id(conversation, seq)
    assert position(id) == (conversation, seq)
    assert 0 <= id < 2**63
    low, high = bounds(conversation)
    assert low <= id < high

"""What people type to find a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.store.words import Term, parse


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("disk full", [Term("disk"), Term("full")]),
        ('"disk full" now', [Term("disk full"), Term("now")]),
        ("web*", [Term("web", is_prefix=True)]),
        ("from:cron disk", [Term("cron", in_name=True), Term("disk")]),
        ('from:"Alice Smith"', [Term("Alice Smith", in_name=True)]),
        ("from:ali*", [Term("ali", is_prefix=True, in_name=True)]),
        ('"not a prefix*"', [Term("not a prefix")]),
        ("e\u0301t\u00e9", [Term("\u00e9t\u00e9")]),
        ("- * ... :)", []),
        ('"', []),
        ("", []),
    ],
)
def test_what_was_typed_is_understood(typed: str, terms: list[Term]) -> None:
    assert parse(typed) == terms


@given(st.text(max_size=60))
def test_a_term_is_never_without_a_word_and_never_has_a_quote(typed: str) -> None:
    for term in parse(typed):
        assert any(c.isalnum() for c in term.text)
        assert '"' not in term.text

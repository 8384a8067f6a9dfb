"""Nothing that comes from others reaches a terminal as a command to it, or looks like somebody else's line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_cli.safe_text import CONTINUATION, safe_body, safe_name

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
nasty = st.text(st.sampled_from("\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\u2028\u2029" + BIDI_CONTROLS + "\ud800a [<>]"))


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert safe_body("\x1b[2Jgone") == r"\x1b[2Jgone"


def test_a_c1_control_sequence_introducer_is_shown() -> None:
    assert safe_body("\x9b2J") == r"\x9b2J"


def test_a_reversed_text_is_shown_as_it_was_written() -> None:
    assert safe_body("exe.\u202etxt") == r"exe.\u202etxt"


def test_a_carriage_return_cannot_overwrite_the_line() -> None:
    assert safe_body("hi\r[12:00] lobby <bob> bye") == r"hi\x0d[12:00] lobby <bob> bye"


def test_a_further_line_is_indented_so_that_it_is_nobody_elses() -> None:
    assert safe_body("hi\n[12:00] lobby <bob> bye") == f"hi\n{CONTINUATION}[12:00] lobby <bob> bye"


def test_a_name_has_no_lines() -> None:
    assert safe_name("bob\n[12:00] lobby <alice> bye\t") == r"bob\x0a[12:00] lobby <alice> bye\x09"


@pytest.mark.parametrize("text", ["héllo wörld", "日本語", "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "שלום", "می‌خواهم", "a\tb", r"C:\x1b"])
def test_what_people_write_is_left_alone(text: str) -> None:
    assert safe_body(text) == text


@given(st.one_of(st.text(), nasty))
def test_no_control_is_left_in_any_name(text: str) -> None:
    shown = safe_name(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDI_CONTROLS]
    assert len(shown.splitlines()) <= 1


@given(st.one_of(st.text(), nasty))
def test_a_body_has_no_control_but_tab_and_newline_and_every_further_line_is_indented(text: str) -> None:
    shown = safe_body(text)
    assert not [c for c in shown if c in BIDI_CONTROLS or (unicodedata.category(c) == "Cc" and c not in "\t\n")]
    lines = shown.split("\n")
    assert shown.splitlines() in ([], lines, lines[:-1])
    assert all(line.startswith(CONTINUATION) for line in lines[1:])


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_text_without_controls_is_unchanged(text: str) -> None:
    assert safe_name(text) == text
    assert safe_body(text) == text

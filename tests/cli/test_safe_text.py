"""Nothing that comes from others reaches a terminal as a command to it, or looks like somebody else's line."""

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_cli.output import Style, as_json
from chatnet_cli.safe_text import CONTINUATION, MOST_MARKS, neutral, safe_body, safe_name

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
IGNORABLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064"
    "\u2065\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff0\ufff8\ufff9\ufffa\ufffb\U0001bca0\U0001d173\U000e0000\U000e0001\U000e0020"
    "\U000e0061\U000e007f\U000e0100\U000e01ef\U000e0fff"
)
"""Samples of what a terminal does not show, and what may hide in a text (Default_Ignorable_Code_Point)."""
OWN_STYLE = "\x1b["
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


@given(st.text(st.characters(exclude_categories=("C", "M", "Zl", "Zp"), exclude_characters=IGNORABLE)))
def test_text_of_characters_that_are_seen_is_unchanged(text: str) -> None:
    assert safe_name(text) == text
    assert safe_body(text) == text


# -- what is not seen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("char", IGNORABLE, ids=ascii)
def test_nothing_hides_in_a_word_or_between_two(char: str) -> None:
    for text in (f"pay{char}pal", f"a {char} b", char, f"\u0430{char}\u0431", f"{char}{char}"):
        assert char not in safe_name(text)
        assert char not in safe_body(text)


def test_every_format_character_but_those_that_print_something_is_shown() -> None:
    prints = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    formats = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"}
    assert {char for char in formats if char in safe_name(f"a{char}b")} == set(prints)


@pytest.mark.parametrize(
    "text",
    [
        "1\ufe0f\u20e3",
        "\u2764\ufe0f",
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
        "\u845b\U000e0100",
        "\u2139\ufe0f",
        "क्‍ष",
        "र्‍ु",
    ],
    ids=ascii,
)
def test_what_shapes_an_emoji_or_a_letter_stays(text: str) -> None:
    assert safe_body(text) == safe_name(text) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "a\u200db",
        "\u0430\u200c\u0431",
        "\u06cc\u200c\u200c\u062e",
        "\u06cc\u200c",
        "\U0001f469\u200d\u200d\U0001f469",
        "\u2764\ufe0f\ufe0f",
        "a\ufe0f",
        "1\ufe0f",
        "\U0001f3f4\U000e0067",
        "\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f",
        "\u845b\U000e0100\U000e0101",
    ],
    ids=ascii,
)
def test_what_shapes_nothing_is_shown(hidden: str) -> None:
    assert safe_name(hidden) != hidden
    assert safe_body(hidden) != hidden


# -- marks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["שָׁ֑לוֹם", "e\u0302\u0323", "ภาษาที่", "n\u0303", "Z" + "\u0335" * MOST_MARKS])
def test_as_many_marks_as_a_language_needs_stay(text: str) -> None:
    assert safe_body(text) == text


@pytest.mark.parametrize("before", ["", "\n", " ", "\t", "\u3000", "\u202e"])
def test_a_mark_without_a_letter_does_not_go_onto_what_stands_before(before: str) -> None:
    assert "\u0336" not in safe_body(f"{before}\u0336x")
    assert "\u0336" not in safe_name(f"{before}\u0336x")


def test_a_flood_of_marks_is_cut() -> None:
    shown = safe_body("x" + "\u0300" * 1000 + "y")
    assert shown == "x" + "\u0300" * MOST_MARKS + r"\u0300" * (1000 - MOST_MARKS) + "y"


# -- the last gate --------------------------------------------------------------------------------------------


@given(st.one_of(st.text(), nasty))
def test_no_line_leaves_with_a_control_that_is_not_chatnets_own(text: str) -> None:
    shown = neutral(text)
    assert not set(shown) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))} - set(
        "\x1b" if OWN_STYLE in shown else ""
    )
    assert not set(shown) & set(BIDI_CONTROLS)


def test_chatnets_own_style_passes_the_last_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    style = Style(Terminal())
    line = f"{style.dim('[12:00]')} {style.bold('alice')}"
    assert "\x1b" in line
    assert neutral(line) == line
    assert neutral(f"{line}\x1b[31m\x1b[2J") == rf"{line}\x1b[31m\x1b[2J"


@given(st.one_of(st.text(), nasty))
def test_what_is_safe_passes_the_last_gate_unchanged(text: str) -> None:
    assert neutral(safe_name(text)) == safe_name(text)
    assert neutral(safe_body(text)) == safe_body(text)


@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.just("\x7f\x80")))
def test_json_is_printable_ascii_and_says_the_same(text: str) -> None:
    line = as_json({text: text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {text: text}

"""Backspace removes what a person sees as one character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_gui.viewmodels.emoji import EMOJI, find
from chatnet_gui.viewmodels.graphemes import last_grapheme


@pytest.mark.parametrize(
    "character",
    [
        "a",
        "é",
        "e\u0301",
        "😀",
        "👍🏽",
        "👩\u200d💻",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        "3\ufe0f\u20e3",
        "🇫🇷",
        "नि",
        "\n",
        "漢",
    ],
)
def test_the_last_character_goes_as_a_whole(character: str) -> None:
    assert last_grapheme(f"x{character}") == character
    assert last_grapheme(f"😀x{character}{character}") == character


def test_flags_are_pairs() -> None:
    assert last_grapheme("🇫🇷🇩🇪") == "🇩🇪"
    assert last_grapheme("🇫🇷🇩") == "🇩"


def test_there_is_nothing_before_the_beginning() -> None:
    assert last_grapheme("") == ""


@given(st.text())
def test_some_end_of_the_text_is_returned(text: str) -> None:
    found = last_grapheme(text)
    assert text.endswith(found)
    assert bool(found) == bool(text)


def test_the_picker_offers_single_code_points() -> None:
    assert [emoji for emoji, _ in EMOJI if len(emoji) != 1] == []
    assert len({emoji for emoji, _ in EMOJI}) == len(EMOJI)


def test_emoji_are_found_by_their_words() -> None:
    assert find("thumbs up") == ("👍",)
    assert find("no such thing") == ()
    assert len(find("")) == len(EMOJI)

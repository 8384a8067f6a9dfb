"""Names: exactly the documented ones, and a legal one for whatever somebody is called elsewhere."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.auth.names import DISPLAY_MAX, NAME_MAX, check_display, check_name, fold, skeleton, suggest_name
from chatnet.errors import ErrorCode, Refused

FIRST = string.ascii_letters + string.digits
REST = FIRST + "._-"


def is_name(text: str) -> bool:
    """Does `check_name` accept this?"""
    try:
        return check_name(text) == text
    except Refused:
        return False


def is_display(text: str) -> bool:
    """Does `check_display` accept this?"""
    try:
        return check_display(text) == text
    except Refused:
        return False


# -- login and room names -------------------------------------------------------------------------------------


def is_documented(text: str) -> bool:
    """ASCII letters, digits, ``. _ -``, 1 to 32, starting with a letter or digit."""
    return 1 <= len(text) <= 32 and text[0] in FIRST and all(c in REST for c in text)


@given(st.text(REST, max_size=34) | st.text(max_size=34) | st.text(REST + "\u017f\u212aé\n ", max_size=5))
def test_exactly_the_documented_names_are_names(text: str) -> None:
    assert is_name(text) == is_documented(text)


@pytest.mark.parametrize("code", range(0x250))
def test_every_character_at_the_start_and_inside(code: int) -> None:
    assert is_name(chr(code)) == (chr(code) in FIRST)
    assert is_name("a" + chr(code)) == (chr(code) in REST)


def test_a_refusal_says_what_the_name_was_for() -> None:
    with pytest.raises(Refused, match=r"a room name has 1 to 32 letters") as refused:
        check_name("", "room name")
    assert refused.value.code == ErrorCode.BAD_NAME


@given(st.text(REST, min_size=1, max_size=NAME_MAX))
def test_names_are_compared_without_case(name: str) -> None:
    assert fold(name) == fold(name.upper()) == fold(name.lower())


def test_a_name_without_capitals_is_not_kept_twice() -> None:
    name = "".join(["an", "na"])
    assert fold(name) is name
    assert fold(name.upper()) == name


# -- suggestions ----------------------------------------------------------------------------------------------


@given(st.text(max_size=80))
def test_a_suggestion_is_always_a_legal_name(text: str) -> None:
    assert is_name(suggest_name(text))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True))
def test_a_legal_name_is_suggested_as_it_is(name: str) -> None:
    assert suggest_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("José", "Jose"),
        ("Łukasz Ż", "ukasz_Z"),
        ("[nick]^", "nick__"),
        ("DOMAIN\\user", "DOMAIN_user"),
        ("用户", "guest"),
        ("", "guest"),
        ("x" * 99, "x" * 32),
        ("_-.a", "a"),
        ("\N{COMBINING ACUTE ACCENT}", "guest"),
    ],
)
def test_a_suggestion_resembles_what_it_was_made_of(text: str, name: str) -> None:
    assert suggest_name(text) == name


# -- display names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "Älice", "李雷", "a b", "\U0001f600", "x" * DISPLAY_MAX, "\U0001d11e" * DISPLAY_MAX]
)
def test_free_text_of_one_line_is_a_display_name(text: str) -> None:
    assert is_display(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (DISPLAY_MAX + 1),
        "e\N{COMBINING ACUTE ACCENT}",
        " a",
        "a ",
        "a\nb",
        "a\tb",
        "\x1b[31m",
        "\x85",
        "\N{RIGHT-TO-LEFT OVERRIDE}a",
        "a\N{ZERO WIDTH SPACE}b",
        "\N{LINE SEPARATOR}a",
        "\N{PARAGRAPH SEPARATOR}a",
        "\ue000",
        "\U000e0001",
        "\U0010ffff",
        "\ud800",
        " ",
    ],
)
def test_what_cannot_be_seen_or_compared_is_no_display_name(text: str) -> None:
    assert not is_display(text)


@given(st.text(max_size=45))
def test_a_display_name_is_composed_printable_and_short(text: str) -> None:
    if is_display(text):
        assert len(text) <= DISPLAY_MAX
        assert text == text.strip() == unicodedata.normalize("NFC", text)
        assert text.replace("\N{NO-BREAK SPACE}", " ").isprintable() or any(
            unicodedata.category(c) == "Zs" for c in text
        )


# -- names that look alike ------------------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "imitation"),
    [
        ("alice", "ALICE"),
        ("alice", "a1ice"),
        ("alice", "aIice"),
        ("alice", "al_i.c-e"),
        ("bob", "b0b"),
        ("barney", "bamey"),
        ("wanda", "vvanda"),
        ("alice", "\u0430lice"),
        ("alice", "\u0410\u029f\u0456\u0441\u0435".replace("\u029f", "L")),
        ("hannah", "\u041dannah"),
        ("nina", "\u03b7ina"),
        ("alice", "\uff41lice"),
        ("alice", "a l i c e"),
        ("alice", "\u00e1li\u0327ce"),
        ("alice", "alice \u2014"),
        ("Zo\u00eb", "zoe"),
        ("strasse", "stra\u00dfe"),
    ],
)
def test_what_could_be_taken_for_a_name_looks_like_it(name: str, imitation: str) -> None:
    assert skeleton(name) == skeleton(imitation)


@pytest.mark.parametrize(
    ("name", "other"),
    [("alice", "alicia"), ("bob", "rob"), ("anna", "hanna"), ("user2", "user3"), ("\u674e", "\u738b")],
)
def test_what_nobody_would_take_for_a_name_does_not(name: str, other: str) -> None:
    assert skeleton(name) != skeleton(other)


@given(names)
def test_every_login_name_looks_like_something_in_every_case(name: str) -> None:
    assert skeleton(name)
    assert skeleton(name) == skeleton(name.upper()) == skeleton(fold(name))


@given(names, st.data())
def test_swapping_look_alikes_and_adding_separators_changes_nothing(name: str, data: st.DataObject) -> None:
    swaps = {"o": "oO0\u043e\u03bf", "l": "lLiI1|", "a": "aA\u0430\u03b1", "e": "eE\u0435", "p": "pP\u0440\u03c1"}
    imitation = "".join(
        data.draw(st.sampled_from(next((look for look in swaps.values() if c in look), c)))
        + data.draw(st.sampled_from(["", "", "_", ".", "-", " ", "\u0301"]))
        for c in name
    )
    assert skeleton(imitation) == skeleton(name)


@given(st.text())
def test_any_text_looks_like_something_or_like_nothing(text: str) -> None:
    look = skeleton(text)
    assert skeleton(look) == skeleton(skeleton(look))
    assert not any(unicodedata.combining(c) for c in look)


@pytest.mark.parametrize("text", ["", "...", "_-_", " ", "\u200b"])
def test_what_shows_nothing_imitates_nobody(text: str) -> None:
    assert skeleton(text) == ""

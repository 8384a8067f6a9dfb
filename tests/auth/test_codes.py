"""Join codes: made at random, read as people write them."""

import os
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.address import TLS, Address
from chatnet.auth.codes import Code, make_code, make_link, parse_code, parse_link
from chatnet.errors import ConfigError, ErrorCode

CODE = Code("7KQM", "4XDP9TBC")
SERVER = Address(TLS, "192.168.1.20", 5555)


def test_a_code_is_three_groups_of_four() -> None:
    assert str(CODE) == "7KQM-4XDP-9TBC"


def test_the_secret_half_does_not_show_in_a_log() -> None:
    assert "4XDP" not in repr(CODE)
    assert "7KQM" in repr(CODE)


def test_every_character_is_as_likely_as_every_other() -> None:
    entropy = iter([bytes(range(i, i + 12)) for i in range(0, 252, 12)] + [bytes([252, 253, 254, 255] * 3)])
    counts = Counter("".join(str(make_code(lambda n: next(entropy))).replace("-", "") for _ in range(21)))
    assert len(counts) == 32
    assert max(counts.values()) - min(counts.values()) <= 1


@given(st.binary(min_size=12, max_size=12))
def test_what_is_made_can_be_read(entropy: bytes) -> None:
    code = make_code(lambda n: entropy[:n])
    assert parse_code(str(code)) == code
    assert parse_link(make_link(SERVER, code)) == (SERVER, code)


def test_codes_are_different() -> None:
    assert len({make_code(os.urandom) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text",
    ["7KQM-4XDP-9TBC", "7kqm4xdp9tbc", " 7KQM 4XDP 9TBC\n", "7kQm\N{EM DASH}4xDp\N{EN DASH}9tBc", "7-K-Q-M-4XDP9TBC"],
)
def test_case_hyphens_and_spaces_do_not_count(text: str) -> None:
    assert parse_code(text) == CODE


def test_letters_that_look_like_digits_are_those_digits() -> None:
    assert parse_code("oOiI-lL01-2345") == parse_code("0011-1101-2345")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 characters"),
        ("8RWN-5YEQ", "8 characters"),
        ("8RWN-5YEQ-2VCC-0", "13 characters"),
        ("8RWN-5YEQ-2VCU", "no U in a code"),
        ("8RWN-5YEQ-2VC!", "letters"),
        ("8RWN-5YEQ-2VCÄ", "letters"),
        ("8RWN-5YEQ-2VC\N{LATIN SMALL LETTER LONG S}", "letters"),
        ("8RWN-5YEQ-2VC\N{KELVIN SIGN}", "letters"),
    ],
)
def test_what_is_no_code_is_refused_without_being_repeated(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as failure:
        parse_code(text)
    assert failure.value.code == ErrorCode.BAD_OPTION
    assert "5YEQ-2V" not in failure.value.message


@given(st.text(st.characters()))
def test_any_text_is_a_code_or_is_refused(text: str) -> None:
    with suppress(ConfigError):
        code = parse_code(text)
        assert parse_code(str(code)) == code


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("chatnet://192.168.1.20:5555/7KQM-4XDP-9TBC", SERVER),
        ("chatnet://192.168.1.20/7kqm4xdp9tbc", SERVER),
        ("chatnet://chat.example.org:443/7KQM-4XDP-9TBC/", Address(TLS, "chat.example.org", 443)),
        ("chatnet://[fe80::1]:7/7KQM-4XDP-9TBC", Address(TLS, "fe80::1", 7)),
    ],
)
def test_a_link_is_an_address_and_a_code(text: str, address: Address) -> None:
    assert parse_link(text) == (address, CODE)


@pytest.mark.parametrize(
    "text", ["chatnet://host", "chatnet://host/", "host", "7KQM-4XDP-9TBC", "chatnet+tcp://host/7KQM-4XDP-9TBC", ""]
)
def test_an_address_alone_or_a_code_alone_is_no_link(text: str) -> None:
    assert parse_link(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("chatnet://host/8RWN-5YEQ", ErrorCode.BAD_OPTION),
        ("chatnet://host:99999/8RWN-5YEQ-2VBC", ErrorCode.BAD_ADDRESS),
    ],
)
def test_a_link_with_a_wrong_part_says_which(text: str, code: ErrorCode) -> None:
    with pytest.raises(ConfigError) as failure:
        parse_link(text)
    assert failure.value.code == code
    assert "5YEQ" not in failure.value.message

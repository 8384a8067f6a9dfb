"""Tokens, as bytes, as hashes and as words in files."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.auth.tokens import hash_token, is_token, make_token, parse_token, show_token
from chatnet.errors import ConfigError, ErrorCode

tokens = st.binary(min_size=32, max_size=32)


def test_a_token_is_32_random_bytes() -> None:
    assert len({make_token(os.urandom) for _ in range(10)}) == 10
    assert make_token(bytes) == bytes(32)


@given(tokens)
def test_a_token_is_written_as_one_word_and_read_again(token: bytes) -> None:
    word = show_token(token)
    assert word.startswith("chatnet-")
    assert len(word) == 56
    assert parse_token(f"  {word}\n") == token


@given(tokens, st.integers(8, 55), st.characters(codec="ascii"))
def test_a_word_with_a_wrong_character_is_no_token(token: bytes, at: int, character: str) -> None:
    word = show_token(token)
    damaged = word[:at] + character + word[at + 1 :]
    if damaged == word:
        return
    with pytest.raises(ConfigError) as failure:
        parse_token(damaged)
    assert failure.value.code == ErrorCode.BAD_OPTION
    assert damaged[8:40] not in failure.value.message


@given(st.text(st.characters()) | st.text(st.characters()).map("chatnet-".__add__))
def test_any_text_is_a_token_or_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_token(text)


def test_half_a_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="not a token"):
        parse_token(show_token(bytes(32))[:40])


def test_a_hash_belongs_to_one_token() -> None:
    kept = hash_token(b"t" * 32)
    assert len(kept) == 32
    assert is_token(b"t" * 32, kept)
    assert not is_token(b"u" * 32, kept)
    assert b"t" * 8 not in kept

"""Showing that one has a file."""

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.auth.possession import PIECE_BYTES, PIECES, WHOLE_BYTES, answer, are_askable, ask_for

NONCE = bytes(range(32))


@pytest.mark.parametrize("size", [0, 1, 5000, WHOLE_BYTES])
def test_a_short_file_is_asked_for_as_a_whole(size: int) -> None:
    assert ask_for(size, lambda _: pytest.fail("no chance is needed")) == ((0, size),)


@given(size=st.integers(WHOLE_BYTES + 1, 2**40), seed=st.integers())
def test_a_long_file_is_asked_for_in_pieces_of_all_its_stretches(size: int, seed: int) -> None:
    ranges = ask_for(size, Random(seed).randbytes)
    assert len(ranges) == PIECES
    assert are_askable(ranges, size)
    for i, (offset, length) in enumerate(ranges):
        assert length == PIECE_BYTES
        assert size * i // PIECES <= offset <= offset + length <= size * (i + 1) // PIECES


def test_nobody_can_foresee_the_pieces() -> None:
    assert ask_for(2**31, Random(1).randbytes) != ask_for(2**31, Random(2).randbytes)


def test_the_answer_is_a_hash_over_the_question_and_the_bytes() -> None:
    question = b"chatnet possession 1\0" + NONCE + (3).to_bytes(8) + (5).to_bytes(8)
    assert answer(NONCE, ((3, 5),), [b"lo wo"]) == hashlib.sha256(question + b"lo wo").digest()
    assert answer(NONCE, ((3, 5),), [b"lo", b" ", b"wo"]) == answer(NONCE, ((3, 5),), [b"lo wo"])


def test_each_part_of_the_question_changes_the_answer() -> None:
    answers = {
        answer(NONCE, ((0, 4),), [b"abcd"]),
        answer(NONCE[::-1], ((0, 4),), [b"abcd"]),
        answer(NONCE, ((1, 4),), [b"abcd"]),
        answer(NONCE, ((0, 2), (2, 2)), [b"abcd"]),
        answer(NONCE, ((0, 4),), [b"abcx"]),
    }
    assert len(answers) == 5


@pytest.mark.parametrize("ranges", [((0, 11),), ((10, 1),), ((-1, 2),), ((5, -1),), ((0, 1),) * (PIECES + 1)])
def test_a_client_is_not_made_to_read_what_is_not_there_or_without_end(ranges: tuple[tuple[int, int], ...]) -> None:
    assert not are_askable(ranges, 10)


def test_a_client_is_not_made_to_read_more_than_the_most_that_is_asked() -> None:
    assert are_askable(((0, WHOLE_BYTES),), 2**40)
    assert not are_askable(((0, WHOLE_BYTES), (0, 1)), 2**40)

"""What may be said."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.limits import KIB, Limits
from chatnet.core.policy import check_content, text_bytes
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Nack
from chatnet.model import Kind
from chatnet.requests import Post
from tests.core.script import LOBBY_ID, Script, the


def check(body: str, kind: Kind = Kind.TEXT, file: int = 0) -> ErrorCode | None:
    """The code of the refusal, if there is one."""
    refusal = check_content(Post(1, 1, body, kind, file=file), text_bytes(body), Limits())
    return None if refusal is None else refusal[0]


@given(st.text())
def test_text_is_measured_in_utf8(text: str) -> None:
    assert text_bytes(text) == len(text.encode())


@pytest.mark.parametrize("character", ["x", "é", "€", "\U0001f600"])
def test_sixteen_kib_of_any_characters_can_be_said_but_not_one_byte_more(character: str) -> None:
    size = len(character.encode())
    body = character * (16 * KIB // size) + "x" * (16 * KIB % size)
    assert check(body) is None
    assert check(body + "x") == ErrorCode.TOO_LONG


def test_one_character_can_be_two_bytes_too_many() -> None:
    assert check("x" * (16 * KIB - 1) + "é") == ErrorCode.TOO_LONG


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_of_all_controls_only_newline_and_tab_can_be_said(code: int) -> None:
    assert unicodedata.category(chr(code)) == "Cc"
    expected = None if chr(code) in "\n\t" else ErrorCode.BAD_TEXT
    assert check(f"a{chr(code)}b") == expected
    assert check(f"é{chr(code)}") == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100))
def test_anything_else_can_be_said(text: str) -> None:
    assert check(text) is None


def test_an_empty_text_cannot_be_said() -> None:
    assert check("") == ErrorCode.BAD_TEXT


@pytest.mark.parametrize("kind", Kind)
def test_clients_say_all_kinds_of_messages_but_the_servers_own(kind: Kind) -> None:
    file = 55 if kind is Kind.FILE else 0
    assert check("hi", kind, file) == (ErrorCode.FORBIDDEN if kind is Kind.SYSTEM else None)


def test_a_message_of_the_kind_file_says_which() -> None:
    assert check("hi", Kind.FILE, 0) == ErrorCode.BAD_REQUEST


def test_only_what_shares_a_file_needs_no_text() -> None:
    assert check("", Kind.FILE, 55) is None
    assert check("", Kind.TEXT) == ErrorCode.BAD_TEXT
    assert check("\a", Kind.FILE, 55) == ErrorCode.BAD_TEXT


@pytest.mark.parametrize(
    ("kind", "reference", "code"),
    [
        (Kind.TEXT, 0, None),
        (Kind.TEXT, 1, None),
        (Kind.TEXT, 2, ErrorCode.BAD_REQUEST),
        (Kind.ANSWER, 1, None),
        (Kind.ANSWER, 0, ErrorCode.BAD_REQUEST),
        (Kind.ASK, 0, None),
    ],
)
def test_what_is_referred_to_exists_and_answers_refer(kind: Kind, reference: int, code: ErrorCode | None) -> None:
    chat = Script("alice")
    chat.said("alice", 1)
    chat.ask("alice", Post(2, LOBBY_ID, "hi", kind, reference))
    effects = chat.store_all()
    if code is None:
        assert the(Ack, effects, "alice").seq == 2
        stored = chat.store.log[LOBBY_ID][1]
        assert (stored.kind, stored.reference) == (kind, reference)
    else:
        assert the(Nack, effects, "alice").code == code

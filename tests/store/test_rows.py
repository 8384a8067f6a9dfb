"""Rows and their digests."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.entries import PutMessage
from chatnet.model import Kind, Message
from chatnet.store.failures import DamagedRow
from chatnet.store.rows import CHATS, DEVICES, HEADS, META, USERS, Raw, Row, damaged, read_row, seal, to_message, to_row
from chatnet.testing.store_model import messages

_numbers = st.integers(0, 2**63 - 1)


def as_read(row: Row) -> list[object]:
    """A row as SQLite gives it back."""
    return [value.encode() if isinstance(value, str) else value for value in row]


@given(messages(), st.integers(1, 2**32 - 1), _numbers, _numbers)
def test_a_row_gives_the_message_back(entry: PutMessage, seq: int, device: int, previous: int) -> None:
    row = read_row(as_read(to_row(entry, seq, device, previous)))
    assert row is not None
    assert to_message(row) == Message(
        seq, entry.time, entry.sender, entry.name, entry.display, entry.kind, entry.body, entry.reference
    )
    assert row[8:11] == (device, entry.n, previous)


@given(st.tuples(st.text(), st.binary(max_size=300), _numbers))
def test_a_digest_is_64_bits_of_blake2b_over_the_columns_in_msgpack(columns: tuple[object, ...]) -> None:
    digest = hashlib.blake2b(msgspec.msgpack.encode(columns), digest_size=8).digest()
    assert seal(columns) == int.from_bytes(digest, "big", signed=True)


@given(messages(), st.integers(0, 11), st.data())
def test_no_flipped_bit_of_any_column_goes_unnoticed(entry: PutMessage, column: int, data: st.DataObject) -> None:
    raw = as_read(to_row(entry, 7, 8, 9))
    value = raw[column]
    if isinstance(value, bytes):
        if not value:
            return
        bit = data.draw(st.integers(0, 8 * len(value) - 1))
        raw[column] = (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")
    else:
        assert isinstance(value, int)
        raw[column] = value ^ 1 << data.draw(st.integers(0, 62))
    assert read_row(raw) is None


@pytest.mark.parametrize("value", [None, 5, 1.5, b"\xff\xfe"])
def test_text_that_is_no_text_any_more_is_damage(value: object) -> None:
    entry = PutMessage(1, 1, "alice", "", Kind.TEXT, "hello", 0, 1000, b"d" * 16, 1, None)
    raw = as_read(to_row(entry, 1, 1, 0))
    raw[6] = value
    assert read_row(raw) is None


def test_columns_cannot_change_places() -> None:
    entry = PutMessage(1, 1, "alice", "", Kind.TEXT, "hello", 0, 1000, b"d" * 16, 1, None)
    raw = as_read(to_row(entry, 1, 1, 0))
    raw[3], raw[6] = raw[6], raw[3]
    assert read_row(raw) is None


def test_a_damaged_message_is_said_by_nobody() -> None:
    message = damaged(7)
    assert (message.seq, message.sender, message.name, message.kind) == (7, 0, "", Kind.SYSTEM)


# -- other tables ---------------------------------------------------------------------------------------------


def raw_user(name: str = "alice") -> Raw:
    *values, digest = USERS.sealed(1, name, "Al", 1, b"x" * 32, b"s" * 16, 600_000, b"t" * 32, b"u" * 32, -1)
    return [value.encode() if isinstance(value, str) else value for value in values] + [digest]


def test_a_sealed_row_opens_to_what_was_sealed() -> None:
    assert USERS.open(raw_user("Ünsal"))[:5] == (1, "Ünsal", "Al", 1, b"x" * 32)


@pytest.mark.parametrize(
    ("column", "value"), [(0, 2), (1, b"bob"), (1, b"\xff"), (1, None), (3, 0), (4, b""), (6, 1), (9, 0), (10, 0)]
)
def test_a_changed_row_is_named(column: int, value: object) -> None:
    raw = list(raw_user())
    raw[column] = value
    with pytest.raises(DamagedRow, match=r"^user [12] is damaged$"):
        USERS.open(raw)


def test_a_row_does_not_pass_in_another_table() -> None:
    with pytest.raises(DamagedRow, match="the extent of conversation 5"):
        HEADS.open(CHATS.sealed(5, 1, 2))


def test_rows_are_described_by_their_keys() -> None:
    assert DEVICES.describe([b"\x00\xff", 1, 2, 3, 4]) == "device 00ff"
    assert META.describe([b"next_user", 5, 0]) == "the server's own note next_user"

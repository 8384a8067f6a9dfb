"""Payloads made to hurt: each ends in a value or a ProtocolError with a short plain message, and costs no memory."""

import tracemalloc
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import AnyEvent, Closing, Deliver, Event, RoomPage
from chatnet.model import Kind, Message, Room
from chatnet.requests import AnyRequest, Login, Ping, Post, Request
from chatnet.testing.strategies import events, mutations, requests
from chatnet.wire.codec import decode_event, decode_request, encode
from chatnet.wire.frames import HEADER_BYTES, MAX_PAYLOAD

Decode = Callable[[bytes], AnyRequest | AnyEvent | None]
BOTH = pytest.mark.parametrize("decode", [decode_request, decode_event])

ARRAY_OF_2_32 = b"\xdd\xff\xff\xff\xff"
MAP_OF_2_32 = b"\xdf\xff\xff\xff\xff"
PING = b"\x92\x02\x01"
PING_WITH_ONE_MORE = b"\x93\x02\x01"
CLOSING_WITH_ONE_MORE = b"\x95\x03\xa1c\xa1r\x00"


def payload_of(message: Request | Event) -> bytes:
    return encode(message)[HEADER_BYTES:]


def outcome(decode: Decode, payload: bytes) -> AnyRequest | AnyEvent | str | None:
    """The value, or the code of a documented error; the error's message itself where that is not fit to be shown."""
    try:
        return decode(payload)
    except ProtocolError as error:
        message = error.message
        return error.code if len(message) < 160 and message.isascii() and message.isprintable() else message


def peak_of(decode: Decode, payload: bytes) -> int:
    tracemalloc.start()
    try:
        outcome(decode, payload)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- anything at all ------------------------------------------------------------------------------------------


def is_documented(found: AnyRequest | AnyEvent | str | None, kind: type[Request] | type[Event]) -> bool:
    if issubclass(kind, Request):
        return isinstance(found, Request) or found in (ErrorCode.BAD_FRAME, ErrorCode.UNKNOWN_REQUEST)
    return found is None or isinstance(found, Event) or found == ErrorCode.BAD_FRAME


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_documented_error(payload: bytes) -> None:
    assert is_documented(outcome(decode_request, payload), Request)
    assert is_documented(outcome(decode_event, payload), Event)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_payload_gives_a_value_or_a_documented_error(data: st.DataObject) -> None:
    request = data.draw(mutations(payload_of(data.draw(requests()))))
    assert is_documented(outcome(decode_request, request), Request)
    event = data.draw(mutations(payload_of(data.draw(events()))))
    assert is_documented(outcome(decode_event, event), Event)


@settings(deadline=None)
@given(requests(), events())
def test_a_payload_cut_short_or_with_more_behind_it_is_a_bad_frame(request: AnyRequest, event: AnyEvent) -> None:
    def check(decode: Decode, payload: bytes) -> None:
        for size in range(len(payload)):
            assert outcome(decode, payload[:size]) == ErrorCode.BAD_FRAME
        assert outcome(decode, payload + b"\xc0") == ErrorCode.BAD_FRAME

    check(decode_request, payload_of(request))
    check(decode_event, payload_of(event))


@BOTH
@pytest.mark.parametrize(
    "payload", [b"", b"\xc0", b"\xc1", b"\x01", b"\x80", b"\x90", b"\xa1x", b"\xc4\x01x", b"\xcb" + bytes(8)]
)
def test_what_is_no_array_with_a_tag_is_a_bad_frame(decode: Decode, payload: bytes) -> None:
    assert outcome(decode, payload) == ErrorCode.BAD_FRAME


# -- declared sizes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decode", "payload"),
    [
        pytest.param(decode_request, ARRAY_OF_2_32, id="an array of nothing"),
        pytest.param(decode_request, ARRAY_OF_2_32 + PING[1:], id="fields of a request"),
        pytest.param(decode_request, ARRAY_OF_2_32 + PING[1:] + b"\xc0" * 60_000, id="fields after the known ones"),
        pytest.param(decode_request, ARRAY_OF_2_32 + b"\x63", id="fields of an unknown request"),
        pytest.param(decode_request, PING_WITH_ONE_MORE + ARRAY_OF_2_32, id="an array after the known fields"),
        pytest.param(decode_request, PING_WITH_ONE_MORE + MAP_OF_2_32, id="a map after the known fields"),
        pytest.param(decode_request, MAP_OF_2_32, id="a map"),
        pytest.param(decode_request, b"\x93\x08\x01\xdb\xff\xff\xff\xff", id="a text"),
        pytest.param(decode_request, b"\x95\x01\x01\xa1a\xc6\xff\xff\xff\xff", id="bytes"),
        pytest.param(decode_request, PING_WITH_ONE_MORE + b"\xc9\xff\xff\xff\xff\x01", id="an extension type"),
        pytest.param(decode_event, b"\x93\x15\x01" + ARRAY_OF_2_32, id="a list of records"),
        pytest.param(decode_event, b"\x94\x01\xc4\x00\xa0" + ARRAY_OF_2_32, id="a list of texts"),
        pytest.param(decode_event, b"\x93\x1e\x01\x91" + ARRAY_OF_2_32, id="fields of a record"),
    ],
)
def test_a_declared_size_of_2_32_allocates_nothing(decode: Decode, payload: bytes) -> None:
    assert outcome(decode, payload) == ErrorCode.BAD_FRAME
    assert peak_of(decode, payload) < 16 * 1024


def test_a_frame_full_of_the_smallest_records_costs_a_bounded_multiple_of_its_size() -> None:
    smallest = msgspec.msgpack.encode([0, ""])
    count = (MAX_PAYLOAD - 16) // len(smallest)
    payload = b"\x93\x15\x01\xdc" + count.to_bytes(2, "big") + smallest * count
    rooms = decode_event(payload)
    assert rooms == RoomPage(1, [Room(0, "")] * count)
    assert peak_of(decode_event, payload) < 64 * MAX_PAYLOAD


# -- nesting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [60_000, 100_000])
@pytest.mark.parametrize("level", [b"\x91", b"\x81\x01", b"\xdc\x00\x01"], ids=["arrays", "maps", "long arrays"])
@pytest.mark.parametrize(
    ("decode", "start"),
    [
        pytest.param(decode_request, PING_WITH_ONE_MORE, id="after the fields of a request"),
        pytest.param(decode_event, CLOSING_WITH_ONE_MORE, id="after the fields of an event"),
        pytest.param(
            decode_event, b"\x93\x1e\x01\x91\x99\x01\x01\x01\xa0\xa0\x00\xa0\x00", id="after those of a record"
        ),
        pytest.param(decode_request, b"\x92\x63", id="in an unknown request"),
        pytest.param(decode_event, b"\x92\x63", id="in an unknown event"),
        pytest.param(decode_request, b"\x92\x02", id="as a field"),
        pytest.param(decode_request, b"\x92", id="as a tag"),
        pytest.param(decode_request, b"", id="as everything"),
    ],
)
def test_deep_nesting_is_a_bad_frame(decode: Decode, start: bytes, level: bytes, depth: int) -> None:
    assert outcome(decode, start + level * depth + b"\xc0") == ErrorCode.BAD_FRAME


def test_too_deep_nesting_is_named() -> None:
    with pytest.raises(ProtocolError, match="nested too deep"):
        decode_request(PING_WITH_ONE_MORE + b"\x91" * 100_000 + b"\xc0")


def test_modest_nesting_after_the_known_fields_is_ignored_too() -> None:
    nested = b"\x91" * 100 + b"\xc0"
    assert decode_request(PING_WITH_ONE_MORE + nested) == Ping(1)
    assert decode_event(CLOSING_WITH_ONE_MORE + nested) == Closing("c", "r")


# -- text -----------------------------------------------------------------------------------------------------

BAD_UTF8 = pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xff", id="no start byte"),
        pytest.param(b"\x80", id="continuation alone"),
        pytest.param(b"\xc3", id="cut short"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond Unicode"),
    ],
)


def text_of(data: bytes) -> bytes:
    return bytes([0xA0 + len(data)]) + data


@BAD_UTF8
def test_text_that_is_not_utf8_is_a_bad_frame(text: bytes) -> None:
    field = text_of(b"caf" + text)
    with pytest.raises(ProtocolError, match="not UTF-8") as caught:
        decode_request(b"\x94\x04\x01\x01" + field)
    assert caught.value.code == ErrorCode.BAD_FRAME
    with pytest.raises(ProtocolError, match="not UTF-8"):
        decode_event(b"\x93\x03\xa1c" + field)
    with pytest.raises(ProtocolError, match="not UTF-8"):
        decode_event(b"\x93\x1e\x01\x91\x97\x01\x01\x01\xa0\xa0\x00" + field)


@BAD_UTF8
def test_nobody_looks_at_text_after_the_known_fields(text: bytes) -> None:
    assert decode_request(PING_WITH_ONE_MORE + text_of(text)) == Ping(1)


@pytest.mark.parametrize("text", ["", "\0", "\x1b[2J", "\u202e", "\ufeff", "\U0010ffff", "e\u0301", "\r\n"])
def test_text_is_carried_as_it_is(text: str) -> None:
    post = Post(1, 1, text)
    assert decode_request(payload_of(post)) == post
    deliver = Deliver(1, [Message(1, 1, 1, text, text, Kind.TEXT, text)])
    assert decode_event(payload_of(deliver)) == deliver


# -- numbers, and what errors say -----------------------------------------------------------------------------


def test_numbers_beyond_64_bits_do_not_exist_in_msgpack_and_float_is_no_way_round() -> None:
    assert outcome(decode_request, msgspec.msgpack.encode([2, 2.0**64])) == ErrorCode.BAD_FRAME
    assert outcome(decode_request, msgspec.msgpack.encode([2, float("inf")])) == ErrorCode.BAD_FRAME


@settings(deadline=None)
@given(st.lists(st.text(min_size=8, max_size=40) | st.binary(min_size=8, max_size=40), min_size=1, max_size=6))
def test_an_error_repeats_nothing_that_the_other_side_wrote(fields: list[str | bytes]) -> None:
    for tag in range(1, 16):
        payload = msgspec.msgpack.encode([tag, *fields])
        with pytest.raises(ProtocolError) as caught:
            decode_request(payload)
        assert not [field for field in fields if str(field) in caught.value.message]


def test_an_error_does_not_say_a_secret() -> None:
    secret = b"swordfish" * 3
    with pytest.raises(ProtocolError) as caught:
        decode_request(payload_of(Login(1, "alice", secret, bytes(16))))
    assert "swordfish" not in str(caught.value)

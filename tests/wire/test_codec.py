"""The codec: everything there and back, growth in both directions, and the table of tags."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import AreYouThere, Closing, Deliver, Event, Hello, Welcome
from chatnet.model import Kind, Message, Role, User
from chatnet.requests import AnyRequest, GetHistory, Join, Login, Open, Ping, Post, Request
from chatnet.testing.strategies import EVENT_TYPES, REQUEST_TYPES, structs
from chatnet.wire.codec import decode_event, decode_request, encode
from chatnet.wire.frames import FEW_BYTES, HEADER_BYTES, MAX_PAYLOAD, FrameReader

TYPES: tuple[type[Request] | type[Event], ...] = (*REQUEST_TYPES, *EVENT_TYPES)
INT64_MAX = 2**63 - 1


def decode(kind: type[Request] | type[Event], payload: bytes | bytearray | memoryview) -> Request | Event | None:
    return decode_request(payload) if issubclass(kind, Request) else decode_event(payload)


def payload_of(message: Request | Event) -> bytes:
    return encode(message)[HEADER_BYTES:]


def packed(*fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


def refusal(payload: bytes) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        decode_request(payload)
    return caught.value


# -- everything, there and back -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_what_is_encoded_is_decoded_the_same(kind: type[Any]) -> None:
    @settings(deadline=None)
    @given(structs(kind))
    def check(message: Any) -> None:
        frame = encode(message)
        reader = FrameReader(MAX_PAYLOAD)
        reader.receive(frame)
        payload = reader.next_frame()
        assert payload is not None
        assert reader.buffered == 0
        found = decode(kind, payload)
        assert found is not None
        assert found == message
        assert type(found) is kind
        assert encode(found) == frame

    check()


def test_every_request_and_event_is_in_the_codec() -> None:
    def kinds(base: type[msgspec.Struct]) -> set[type]:
        return {kind for kind in base.__subclasses__() if kind.__module__.startswith("chatnet.")}

    assert kinds(Request) == set(REQUEST_TYPES)
    assert kinds(Event) == set(EVENT_TYPES)


def test_tags_never_change() -> None:
    assert {kind.__name__: kind.__struct_config__.tag for kind in REQUEST_TYPES} == {
        "Login": 1,
        "Ping": 2,
        "Alive": 3,
        "Post": 4,
        "Open": 5,
        "Join": 6,
        "Part": 7,
        "CreateRoom": 8,
        "ChangeRoom": 9,
        "Rename": 10,
        "Follow": 11,
        "ListConversations": 12,
        "ListUsers": 13,
        "ListRooms": 14,
        "GetHistory": 15,
        "Mark": 16,
        "Search": 17,
        "Enter": 18,
        "TokenLogin": 19,
        "StartScram": 20,
        "FinishScram": 21,
        "Register": 22,
        "SetPassword": 23,
        "CreateToken": 24,
        "ListTokens": 25,
        "RevokeToken": 26,
        "CreateInvitation": 27,
        "ListInvitations": 28,
        "RevokeInvitation": 29,
        "CreateAccount": 30,
        "SetRole": 31,
        "DropAccount": 32,
        "ListAccounts": 33,
        "Moderate": 34,
        "ListMembers": 35,
        "ListBans": 36,
        "ListAudit": 37,
        "StartUpload": 60,
        "ProveUpload": 61,
        "SendChunk": 62,
        "FinishUpload": 63,
        "StopTransfer": 64,
        "StartDownload": 65,
        "GrantCredit": 66,
        "ListFiles": 67,
        "RemoveFile": 68,
        "Watch": 80,
        "Unwatch": 81,
        "GetStats": 82,
        "ListConnections": 83,
    }
    assert {kind.__name__: kind.__struct_config__.tag for kind in EVENT_TYPES} == {
        "Hello": 1,
        "AreYouThere": 2,
        "Closing": 3,
        "Refused": 10,
        "Done": 11,
        "Pong": 12,
        "Welcome": 13,
        "Opened": 14,
        "Joined": 15,
        "Following": 16,
        "Ack": 17,
        "Nack": 18,
        "ConversationPage": 19,
        "UserPage": 20,
        "RoomPage": 21,
        "HistoryPage": 22,
        "SearchPage": 23,
        "Challenge": 24,
        "Proven": 25,
        "Registered": 26,
        "TokenCreated": 27,
        "TokenPage": 28,
        "InvitationPage": 29,
        "MemberPage": 40,
        "BanPage": 41,
        "AuditPage": 42,
        "Deliver": 30,
        "Truncated": 31,
        "Started": 32,
        "Presence": 33,
        "Renamed": 34,
        "RoomChanged": 35,
        "Marked": 36,
        "Removed": 37,
        "Invited": 38,
        "UploadReady": 60,
        "ProofWanted": 61,
        "Uploaded": 62,
        "Credit": 63,
        "DownloadReady": 64,
        "FileChunk": 65,
        "TransferEnded": 66,
        "FilePage": 67,
        "FileRemoved": 68,
        "Stats": 80,
        "LogLines": 81,
        "ConnectionPage": 82,
        "WatchEnded": 83,
    }


def test_kinds_of_messages_never_change() -> None:
    assert {kind.name: kind.value for kind in Kind} == {
        "TEXT": 0,
        "ACTION": 1,
        "FILE": 2,
        "ASK": 3,
        "ANSWER": 4,
        "SYSTEM": 5,
    }


def test_a_code_is_encoded_as_its_name() -> None:
    closing = decode_event(payload_of(Closing(ErrorCode.SHUTTING_DOWN, "for tonight", 2.5)))
    assert closing == Closing("SHUTTING_DOWN", "for tonight", 2.5)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_decoded(make: Any) -> None:
    assert decode_request(make(payload_of(Ping(7)))) == Ping(7)
    assert decode_event(make(payload_of(AreYouThere()))) == AreYouThere()


# -- encoding -------------------------------------------------------------------------------------------------


def deliver(size: int) -> Deliver:
    message = Message(1, 1, 1, "alice", "", Kind.TEXT, "x" * size)
    return Deliver(1, [message])


def test_the_biggest_frame_can_be_encoded_and_one_byte_more_cannot() -> None:
    overhead = len(payload_of(deliver(60_000))) - 60_000
    assert len(payload_of(deliver(MAX_PAYLOAD - overhead))) == MAX_PAYLOAD
    with pytest.raises(ValueError, match="a Deliver of 65537 bytes"):
        encode(deliver(MAX_PAYLOAD - overhead + 1))


@pytest.mark.parametrize("size", range(FEW_BYTES - 2, FEW_BYTES + 3))
def test_the_header_tells_the_payloads_length_where_they_are_looked_up_and_where_they_are_not(size: int) -> None:
    overhead = len(payload_of(deliver(300))) - 300
    frame = encode(deliver(size - overhead))
    assert frame[:HEADER_BYTES] == size.to_bytes(HEADER_BYTES)
    assert len(frame) == HEADER_BYTES + size


def test_text_that_is_not_unicode_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode(Post(1, 1, "caf\udce9"))


# -- growth ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [None, 1, "text", [1, [2]], {"a": {"b": 3}}, msgspec.msgpack.Ext(5, b"x")])
def test_fields_after_the_known_ones_are_ignored(extra: object) -> None:
    assert decode_request(packed(2, 9, extra, extra)) == Ping(9)
    assert decode_event(packed(3, "BAD_FRAME", "why", 0.0, extra)) == Closing("BAD_FRAME", "why")


def test_fields_after_the_known_ones_of_a_record_are_ignored() -> None:
    user = (1, "bob", "Bob", 1, "of a later version")
    assert decode_event(packed(13, 1, user, 5, "none", 6)) == Welcome(
        1, User(1, "bob", "Bob", Role.MEMBER), 5, "none", 6
    )


def test_fields_with_a_default_may_be_left_out() -> None:
    assert decode_request(packed(6, 1, "lobby")) == Join(1, "lobby", None)
    assert decode_event(packed(1, b"s", "0.1")) == Hello(b"s", "0.1", [])


@pytest.mark.parametrize("tag", [0, 38, 99, -1, 2**63, 2**64 - 1, -(2**63)])
def test_an_unknown_request_is_refused_by_its_tag(tag: int) -> None:
    error = refusal(packed(tag, "whatever", [1]))
    assert error.code == ErrorCode.UNKNOWN_REQUEST
    assert str(tag) in error.message


@pytest.mark.parametrize("tag", [0, 4, 99, -1, 2**64 - 1])
def test_an_unknown_event_is_skipped(tag: int) -> None:
    assert decode_event(packed(tag, "whatever", [1])) is None
    assert decode_event(packed(tag)) is None


def test_an_unknown_tag_does_not_excuse_a_broken_frame() -> None:
    broken = packed(99, "whatever")[:-1]
    assert refusal(broken).code == ErrorCode.BAD_FRAME
    with pytest.raises(ProtocolError, match="truncated"):
        decode_event(broken)


# -- bounds ---------------------------------------------------------------------------------------------------


LOGIN = (1, 1, "alice", bytes(32), bytes(16))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (LOGIN, Login(1, "alice", bytes(32), bytes(16))),
        ((2, INT64_MAX), Ping(INT64_MAX)),
        ((4, INT64_MAX, INT64_MAX, "", 5, INT64_MAX), Post(INT64_MAX, INT64_MAX, "", Kind.SYSTEM, INT64_MAX)),
        ((5, 1, "", ""), Open(1)),
        ((6, 1, "", INT64_MAX), Join(1, "", INT64_MAX)),
        ((15, 1, 2, 0, 0, 1), GetHistory(1, 2, 0, 0, 1)),
        ((15, 1, 2, 0, None, 1000), GetHistory(1, 2, 0, None, 1000)),
    ],
)
def test_what_is_just_within_bounds_is_taken(fields: tuple[object, ...], expected: AnyRequest) -> None:
    assert decode_request(packed(*fields)) == expected


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((2, -1), id="negative id"),
        pytest.param((2, INT64_MAX + 1), id="id over 63 bits"),
        pytest.param((2, 2**64 - 1), id="id of 64 bits"),
        pytest.param((2, 1.0), id="float id"),
        pytest.param((2, float("nan")), id="NaN id"),
        pytest.param((2, True), id="boolean id"),
        pytest.param((2, None), id="no id"),
        pytest.param((2, msgspec.msgpack.Ext(1, b"1")), id="extension type as id"),
        pytest.param((2,), id="too few fields"),
        pytest.param((*LOGIN[:3], bytes(31), LOGIN[4]), id="short secret"),
        pytest.param((*LOGIN[:3], bytes(33), LOGIN[4]), id="long secret"),
        pytest.param((*LOGIN[:3], "x" * 32, LOGIN[4]), id="text as secret"),
        pytest.param((*LOGIN[:4], bytes(15)), id="short device"),
        pytest.param((*LOGIN[:4], bytes(17)), id="long device"),
        pytest.param((*LOGIN, "", 1), id="number as boolean"),
        pytest.param((*LOGIN, "", True, -1), id="negative session"),
        pytest.param((4, 0, 1, ""), id="n is 0"),
        pytest.param((4, -1, 1, ""), id="negative n"),
        pytest.param((4, INT64_MAX + 1, 1, ""), id="n over 63 bits"),
        pytest.param((4, 1, -1, ""), id="negative conversation"),
        pytest.param((4, 1, 1, b""), id="bytes as text"),
        pytest.param((4, 1, 1, "", 6), id="unknown kind"),
        pytest.param((4, 1, 1, "", -1), id="negative kind"),
        pytest.param((4, 1, 1, "", 0, -1), id="negative reference"),
        pytest.param((6, 1, "lobby", -1), id="negative after"),
        pytest.param((6, 1, "lobby", INT64_MAX + 1), id="after over 63 bits"),
        pytest.param((12, 1, -1), id="negative cursor"),
        pytest.param((15, 1, 1, -1), id="negative before"),
        pytest.param((15, 1, 1, 0, None, 0), id="limit of 0"),
        pytest.param((15, 1, 1, 0, None, 1001), id="limit over 1000"),
        pytest.param(("2", 1), id="text as tag"),
        pytest.param((2.0, 1), id="float as tag"),
        pytest.param((True, 1), id="boolean as tag"),
        pytest.param((None, 1), id="no tag"),
        pytest.param(((2,), 1), id="list as tag"),
        pytest.param((), id="empty array"),
    ],
)
def test_what_is_out_of_bounds_is_a_bad_frame(fields: tuple[object, ...]) -> None:
    assert refusal(packed(*fields)).code == ErrorCode.BAD_FRAME

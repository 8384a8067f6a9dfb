"""The native front-end: what comes out, in which order, and how a connection ends, however its bytes arrive."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import Closing, Hello
from chatnet.frontends.native import NativeFrontend
from chatnet.net.ports import Frontend
from chatnet.requests import AnyRequest, Login, Ping, Post, Request
from chatnet.testing.strategies import arrivals, mutations, requests
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import PREFACE, FrameReader, pack_header

BEFORE, AFTER = 4096, 65536
LOGIN = Login(1, "alice", bytes(32), bytes(16))


def fresh() -> Frontend:
    return NativeFrontend(BEFORE, AFTER)


def opened() -> Frontend:
    frontend = fresh()
    frontend.receive(PREFACE)
    return frontend


def failure(frontend: Frontend) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        frontend.next_request()
    return caught.value


def taken(pieces: list[bytes], frontend: Frontend | None = None) -> tuple[list[Request], str | None]:
    """The requests that come out, and the code of the error that ends them, if one does."""
    frontend = frontend or fresh()
    found: list[Request] = []
    code = None
    for piece in pieces:
        frontend.receive(piece)
        try:
            found += iter(frontend.next_request, None)
        except ProtocolError as error:
            code = error.code
    return found, code


def closing_in(data: bytes) -> Closing:
    reader = FrameReader(AFTER)
    reader.receive(data)
    payload = reader.next_frame()
    assert payload is not None
    assert reader.buffered == 0
    event = decode_event(payload)
    assert isinstance(event, Closing)
    return event


# -- the preface ----------------------------------------------------------------------------------------------


def test_it_is_ready_once_a_good_preface_has_come() -> None:
    frontend = fresh()
    for byte in PREFACE:
        assert not frontend.ready
        assert frontend.next_request() is None
        frontend.receive(bytes([byte]))
    assert frontend.ready
    assert frontend.next_request() is None


def test_a_preface_and_requests_may_come_in_one_read() -> None:
    frontend = fresh()
    frontend.receive(PREFACE + encode(LOGIN) + encode(Ping(2)))
    assert frontend.ready
    assert [frontend.next_request() for _ in range(3)] == [LOGIN, Ping(2), None]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00\x01\x02", ErrorCode.BAD_MAGIC),
        (b"CHAT\x02" + encode(LOGIN), ErrorCode.BAD_VERSION),
        (b"GET / HTTP/1.1\r\nHost: chat\r\n\r\n", ErrorCode.BAD_MAGIC),
    ],
)
def test_a_bad_preface_is_never_ready(data: bytes, code: ErrorCode) -> None:
    frontend = fresh()
    frontend.receive(data)
    frontend.receive(PREFACE + encode(LOGIN))
    assert not frontend.ready
    assert failure(frontend).code == code


# -- requests -------------------------------------------------------------------------------------------------


def test_a_half_frame_waits_for_more() -> None:
    frontend = opened()
    frame = encode(Post(1, 2, "hello"))
    frontend.receive(frame[:-1])
    assert frontend.next_request() is None
    frontend.receive(frame[-1:])
    assert frontend.next_request() == Post(1, 2, "hello")


def test_a_stranger_may_send_4_kib_and_no_more() -> None:
    frontend = opened()
    frontend.receive(pack_header(BEFORE))
    assert frontend.next_request() is None
    frontend = opened()
    frontend.receive(pack_header(BEFORE + 1))
    assert failure(frontend).code == ErrorCode.FRAME_TOO_BIG


def test_who_has_logged_in_may_send_64_kib_and_no_more() -> None:
    frontend = opened()
    big = Post(1, 1, "x" * 60_000)
    frontend.receive(encode(LOGIN) + encode(big) + pack_header(AFTER + 1))
    assert frontend.next_request() == LOGIN
    frontend.admit()
    assert frontend.next_request() == big
    assert failure(frontend).code == ErrorCode.FRAME_TOO_BIG


def test_requests_before_a_broken_frame_still_come_out() -> None:
    frontend = opened()
    frontend.receive(encode(Ping(1)) + pack_header(1) + b"\xc1" + encode(Ping(2)))
    assert frontend.next_request() == Ping(1)
    assert failure(frontend).code == ErrorCode.BAD_FRAME


def test_after_a_failure_every_call_raises_the_same() -> None:
    frontend = opened()
    frontend.receive(pack_header(0))
    first = failure(frontend)
    frontend.receive(encode(Ping(1)))
    again = failure(frontend)
    assert (again.code, again.message) == (first.code, first.message)
    assert frontend.ready


def test_an_unknown_request_ends_the_connection() -> None:
    frontend = opened()
    frontend.receive(pack_header(2) + b"\x91\x63")
    assert failure(frontend).code == ErrorCode.UNKNOWN_REQUEST


# -- however the bytes arrive ---------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.data(), st.lists(requests(), max_size=5), st.binary(max_size=3))
def test_any_split_of_the_stream_gives_the_same_requests(
    data: st.DataObject, sent: list[AnyRequest], trailing: bytes
) -> None:
    stream = PREFACE + b"".join(map(encode, sent)) + trailing
    assert taken(data.draw(arrivals(stream))) == (sent, None)


@settings(deadline=None)
@given(st.data(), st.lists(requests(), max_size=3))
def test_any_bytes_at_all_give_requests_or_more_or_a_documented_error(
    data: st.DataObject, sent: list[AnyRequest]
) -> None:
    valid = PREFACE + b"".join(map(encode, sent))
    stream = data.draw(
        st.one_of(
            mutations(valid),
            st.binary(max_size=100),
            st.binary(max_size=100).map(lambda junk: valid + junk),
            st.lists(st.binary(max_size=30)).map(
                lambda junk: PREFACE + b"".join(pack_header(len(j)) + j for j in junk)
            ),
        )
    )
    whole = taken([stream])
    assert whole[1] in (
        None,
        ErrorCode.BAD_MAGIC,
        ErrorCode.BAD_VERSION,
        ErrorCode.BAD_FRAME,
        ErrorCode.FRAME_TOO_BIG,
        ErrorCode.UNKNOWN_REQUEST,
    )
    assert taken(data.draw(arrivals(stream))) == whole


def peak_while_receiving(frontend: Frontend, pieces: list[bytes]) -> int:
    tracemalloc.start()
    try:
        taken(pieces, frontend)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="no preface"),
        pytest.param(b"GET / HTTP/1.1\r\n", id="http"),
        pytest.param(PREFACE + b"\xff\xff\xff\xff", id="length of 2^32-1"),
        pytest.param(PREFACE + pack_header(1) + b"\xc1", id="not msgpack"),
        pytest.param(PREFACE + encode(LOGIN) + pack_header(BEFORE + 1), id="too big for a stranger"),
    ],
)
def test_nothing_is_kept_once_the_protocol_is_broken(start: bytes) -> None:
    flood = [b"x" * 1024] * 5000
    assert peak_while_receiving(fresh(), [start, *flood]) < 64 * 1024


def test_what_came_behind_a_broken_frame_is_let_go() -> None:
    frontend = opened()
    tracemalloc.start()
    try:
        frontend.receive(pack_header(1) + b"\xc1" + b"x" * 500_000)
        assert failure(frontend).code == ErrorCode.BAD_FRAME
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 64 * 1024


def test_an_unfinished_frame_is_all_that_is_kept() -> None:
    frontend = opened()
    tracemalloc.start()
    try:
        frontend.receive(encode(Ping(1)) * 9000 + pack_header(BEFORE) + b"x" * (BEFORE - 1))
        while frontend.next_request() is not None:
            pass
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 2 * BEFORE


# -- the other way --------------------------------------------------------------------------------------------


def test_all_connections_encode_with_the_same_object() -> None:
    hello = Hello(b"s" * 16, "0.1.0")
    assert fresh().encode is opened().encode
    assert fresh().encode(hello) == encode(hello)


@pytest.mark.parametrize("start", [b"", b"CH", b"GE", PREFACE, b"\x00", PREFACE + pack_header(0)])
def test_the_last_word_is_a_closing_frame(start: bytes) -> None:
    frontend = fresh()
    taken([start], frontend)
    said = closing_in(frontend.farewell("SERVER_FULL", "come back later", 2.5))
    assert said == Closing("SERVER_FULL", "come back later", 2.5)


def test_a_wrong_version_is_told_the_right_one_in_a_closing_frame() -> None:
    frontend = fresh()
    frontend.receive(b"CHAT\x09")
    error = failure(frontend)
    said = closing_in(frontend.farewell(error.code, error.message, 0.0))
    assert said.code == ErrorCode.BAD_VERSION
    assert "version 1 " in said.reason


@pytest.mark.parametrize("cut", [4, 20, 1000])
def test_a_web_client_is_refused_in_http(cut: int) -> None:
    request = b"GET /index.html HTTP/1.1\r\nHost: localhost:5555\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
    frontend = fresh()
    for piece in (request[:cut], request[cut:]):
        frontend.receive(piece)
    error = failure(frontend)
    head, _, body = frontend.farewell(error.code, error.message, 0.0).partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert status == "HTTP/1.1 400 Bad Request"
    assert headers == {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    assert body.startswith(b"This is a chatnet server, not a web server.")


def test_http_inside_the_native_protocol_is_a_frame_that_is_too_big() -> None:
    frontend = opened()
    frontend.receive(b"GET / HTTP/1.1\r\n\r\n")
    error = failure(frontend)
    assert error.code == ErrorCode.FRAME_TOO_BIG
    assert closing_in(frontend.farewell(error.code, error.message, 0.0)).code == ErrorCode.FRAME_TOO_BIG

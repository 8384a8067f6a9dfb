"""The preface and the cutting of frames: whole, in pieces, too big, and never more memory than agreed."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.testing.strategies import arrivals
from chatnet.wire.frames import HEADER_BYTES, PREFACE, FrameReader, is_http, pack_header, read_preface

LIMIT = 1000


def frame(payload: bytes) -> bytes:
    return pack_header(len(payload)) + payload


def drain(reader: FrameReader) -> list[bytes]:
    return [bytes(payload) for payload in iter(reader.next_frame, None)]


# -- preface --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [b"", b"\x00", b"GET / HTTP/1.1"])
def test_a_good_preface_is_good_whatever_follows(rest: bytes) -> None:
    assert read_preface(PREFACE + rest)


@pytest.mark.parametrize("data", [b"", b"C", b"CH", b"CHAT", b"G", b"GET", b"CONN", b"PRI * HTTP/"])
def test_the_beginning_of_a_preface_or_of_http_waits_for_more(data: bytes) -> None:
    assert not read_preface(data)


@pytest.mark.parametrize(
    ("data", "code", "http"),
    [
        (b"CHAT\x00", ErrorCode.BAD_VERSION, False),
        (b"CHAT\x02", ErrorCode.BAD_VERSION, False),
        (b"CHAT\xff", ErrorCode.BAD_VERSION, False),
        (b"CHAS\x01", ErrorCode.BAD_MAGIC, False),
        (b"chat\x01", ErrorCode.BAD_MAGIC, False),
        (b"\x00", ErrorCode.BAD_MAGIC, False),
        (b"\x16\x03\x01\x02\x00\x01", ErrorCode.BAD_MAGIC, False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ErrorCode.BAD_MAGIC, False),
        (b"get / HTTP/1.1\r\n", ErrorCode.BAD_MAGIC, False),
        (b"GETS / HTTP/1.1\r\n", ErrorCode.BAD_MAGIC, False),
        (b"GET / HTTP/1.1\r\n", ErrorCode.BAD_MAGIC, True),
        (b"CONNECT localhost:5555 HTTP/1.1\r\n", ErrorCode.BAD_MAGIC, True),
        (b"OPTIONS * HTTP/1.1\r\n", ErrorCode.BAD_MAGIC, True),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrorCode.BAD_MAGIC, True),
    ],
)
def test_another_opening_is_refused_and_http_recognised(data: bytes, code: ErrorCode, http: bool) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_preface(data)
    assert caught.value.code == code
    assert is_http(data) == http


def test_a_wrong_version_is_told_which_one_is_spoken() -> None:
    with pytest.raises(ProtocolError, match=r"version 1 .* not version 7"):
        read_preface(b"CHAT\x07")


def verdict(data: bytes) -> tuple[str, bool]:
    try:
        return ("good" if read_preface(data) else "more"), False
    except ProtocolError as error:
        return error.code, is_http(data)


@given(st.binary(max_size=20) | st.sampled_from([b"CHAT", b"GE", b"POST ", b"PRI * HTTP/2", b"CONNEC"]), st.binary())
def test_the_verdict_on_an_opening_does_not_depend_on_how_it_arrives(start: bytes, rest: bytes) -> None:
    data = start + rest
    prefixes = (verdict(data[:size]) for size in range(len(data) + 1))
    first = next((found for found in prefixes if found[0] != "more"), ("more", False))
    assert first == verdict(data)


# -- frames ---------------------------------------------------------------------------------------------------


def test_one_read_may_hold_many_frames() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b"one") + frame(b"two") + frame(b"three"))
    assert drain(reader) == [b"one", b"two", b"three"]
    assert reader.buffered == 0


def test_an_empty_payload_is_a_frame() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b""))
    assert reader.next_frame() == b""
    assert reader.next_frame() is None


def test_half_a_header_waits_for_more() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b"x")[:3])
    assert reader.next_frame() is None
    reader.receive(frame(b"x")[3:])
    assert reader.next_frame() == b"x"


def test_half_a_frame_waits_for_more() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b"before") + frame(b"after")[:-1])
    assert drain(reader) == [b"before"]
    reader.receive(b"r" + frame(b"last"))
    assert drain(reader) == [b"after", b"last"]


def test_what_was_not_taken_yet_is_kept_when_more_arrives() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b"one") + frame(b"two"))
    assert reader.next_frame() == b"one"
    reader.receive(frame(b"3"))
    reader.receive(frame(b"four" * 10))
    assert drain(reader) == [b"two", b"3", b"four" * 10]


def test_a_payload_is_not_changed_by_what_arrives_later() -> None:
    reader = FrameReader(LIMIT)
    for byte in frame(b"early"):
        reader.receive(bytes([byte]))
    payload = reader.next_frame()
    reader.receive(frame(b"later"))
    assert reader.next_frame() == b"later"
    assert payload == b"early"


@given(st.data(), st.lists(st.binary(max_size=60)), st.binary(max_size=3))
def test_any_split_of_the_stream_gives_the_same_frames(
    data: st.DataObject, payloads: list[bytes], trailing: bytes
) -> None:
    stream = b"".join(map(frame, payloads)) + trailing
    reader = FrameReader(LIMIT)
    found = []
    for piece in data.draw(arrivals(stream)):
        reader.receive(piece)
        if data.draw(st.booleans()):
            found += drain(reader)
    assert found + drain(reader) == payloads
    assert reader.buffered == len(trailing)


@given(st.data(), st.binary(max_size=200))
def test_never_more_is_held_than_a_frame_and_a_read(data: st.DataObject, stream: bytes) -> None:
    limit = data.draw(st.integers(0, 50))
    reader = FrameReader(limit)
    for piece in data.draw(arrivals(stream)):
        reader.receive(piece)
        assert reader.buffered <= limit + HEADER_BYTES + len(piece)
        try:
            drain(reader)
        except ProtocolError:
            return
        assert reader.buffered < limit + HEADER_BYTES


def test_the_biggest_frame_passes_and_one_byte_more_does_not() -> None:
    reader = FrameReader(LIMIT)
    reader.receive(frame(b"x" * LIMIT) + pack_header(LIMIT + 1))
    assert reader.next_frame() == b"x" * LIMIT
    for _ in range(2):
        with pytest.raises(ProtocolError, match="1001 bytes, where at most 1000") as caught:
            reader.next_frame()
        assert caught.value.code == ErrorCode.FRAME_TOO_BIG


def test_the_limit_can_be_raised_between_frames() -> None:
    reader = FrameReader(4)
    reader.receive(frame(b"1234") + frame(b"12345"))
    assert reader.next_frame() == b"1234"
    reader.limit = 5
    assert reader.next_frame() == b"12345"


def test_a_length_of_all_ones_allocates_nothing() -> None:
    reader = FrameReader(2**20)
    tracemalloc.start()
    try:
        reader.receive(b"\xff\xff\xff\xff")
        with pytest.raises(ProtocolError, match="4294967295"):
            reader.next_frame()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024


def test_an_allowed_length_allocates_nothing_before_its_bytes_come() -> None:
    reader = FrameReader(2**30)
    tracemalloc.start()
    try:
        reader.receive(pack_header(2**30))
        assert reader.next_frame() is None
        reader.receive(b"x")
        assert reader.next_frame() is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024


def test_a_big_read_is_let_go_when_only_half_a_frame_of_it_is_left() -> None:
    reader = FrameReader(LIMIT)
    tracemalloc.start()
    try:
        reader.receive(frame(b"x" * LIMIT) * 1000 + frame(b"half")[:6])
        while reader.next_frame() is not None:
            pass
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.buffered == 6
    assert left < 64 * 1024


def test_a_big_frame_in_small_pieces_is_memory_of_its_own_size() -> None:
    size = 2**20
    reader = FrameReader(size)
    piece = b"x" * 7
    tracemalloc.start()
    try:
        reader.receive(pack_header(size))
        for _ in range(size // len(piece)):
            reader.receive(piece)
            assert reader.next_frame() is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * size


def test_small_pieces_cost_no_more_as_a_frame_grows() -> None:
    size, piece = 2**23, b"x" * 16
    reader = FrameReader(size)
    reader.receive(pack_header(size))
    started = time.process_time()
    for _ in range(size // len(piece)):
        assert reader.next_frame() is None
        reader.receive(piece)
        # It takes about half a second; copying all that is there for each piece would make it a minute or more.
        assert time.process_time() - started < 5
    assert reader.next_frame() == b"x" * size

"""Requests and events as frames, and back: the only place that knows msgpack.

A payload is a msgpack array: the type's tag, then its fields in order. Fields after the known ones are ignored, and
an event with an unknown tag is skipped, so that an older program understands a newer one. The rule kept here:
whatever the payload, decoding ends in a value or a `ProtocolError`, whose message repeats nothing from the other
side but numbers.
"""

from collections.abc import Callable
from typing import Final, get_args

import msgspec

from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import AnyEvent, Event
from chatnet.requests import AnyRequest, Request
from chatnet.wire.frames import FEW_BYTES, MAX_PAYLOAD, SHORT_HEADERS, pack_header
from chatnet.wire.tagged import Tagged

Payload = bytes | bytearray | memoryview


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_request: Final[Callable[[Payload], AnyRequest]] = msgspec.msgpack.Decoder(AnyRequest).decode
_decode_event: Final[Callable[[Payload], AnyEvent]] = msgspec.msgpack.Decoder(AnyEvent).decode
_decode_tag: Final = msgspec.msgpack.Decoder(Tagged).decode
_request_tags = frozenset(kind.__struct_config__.tag for kind in get_args(AnyRequest))
_event_tags = frozenset(kind.__struct_config__.tag for kind in get_args(AnyEvent))

# All that decoding can raise: msgspec compares a declared size with what is there before it sets memory aside.
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(message: Event | Request) -> bytes:
    """The whole frame of an event or a request.

    :raises ValueError: there is no such frame: its payload would be over `MAX_PAYLOAD`, or a text has a lone
        surrogate. Whoever made the message must see to both.
    """
    payload = _encode(message)
    length = len(payload)
    if length > MAX_PAYLOAD:
        raise ValueError(f"a {type(message).__name__} of {length} bytes, where a frame has at most {MAX_PAYLOAD}")
    # Joined, not encoded in place behind a header: msgspec's own buffer is up to twice as big, and this may be queued.
    return (SHORT_HEADERS[length] if length < FEW_BYTES else pack_header(length)) + payload


def decode_request(payload: Payload) -> AnyRequest:
    """The request in a payload.

    :raises ProtocolError: BAD_FRAME, or UNKNOWN_REQUEST where all is well but its tag.
    """
    try:
        return _decode_request(payload)
    except _FAILURES as error:
        tag = _tag(payload)
        if tag not in _request_tags:
            raise ProtocolError(ErrorCode.UNKNOWN_REQUEST, f"no request has the tag {tag}") from None
        raise _bad_frame(error) from None


def decode_event(payload: Payload) -> AnyEvent | None:
    """The event in a payload, or None where all is well but its tag is not known: to be skipped.

    :raises ProtocolError: BAD_FRAME.
    """
    try:
        return _decode_event(payload)
    except _FAILURES as error:
        if _tag(payload) not in _event_tags:
            return None
        raise _bad_frame(error) from None


def _tag(payload: Payload) -> int:
    try:
        return _decode_tag(payload).tag
    except _FAILURES as error:
        raise _bad_frame(error) from None


def _bad_frame(error: Exception) -> ProtocolError:
    match error:
        case UnicodeDecodeError():
            why = "a text is not UTF-8"
        case RecursionError():
            why = "it is nested too deep"
        case _:
            # msgspec names types, numbers and positions; a text of the other side is never in it.
            why = str(error)
    return ProtocolError(ErrorCode.BAD_FRAME, f"a frame that cannot be read: {why}")

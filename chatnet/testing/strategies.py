"""Hypothesis strategies for all that goes over the wire, and for how it may arrive there.

They are read off the types, bounds included, so a new field or a new type needs nothing here; only a new kind of
field does, and fails until it has it. Every value fits a frame and is one that the protocol allows, which is more
than the core does: a name, say, is any text.
"""

from itertools import pairwise
from typing import Any, TypeVar, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from chatnet.events import AnyEvent
from chatnet.requests import AnyRequest

S = TypeVar("S", bound=msgspec.Struct)

REQUEST_TYPES: tuple[type[AnyRequest], ...] = get_args(AnyRequest)
EVENT_TYPES: tuple[type[AnyEvent], ...] = get_args(AnyEvent)

# The integers that msgpack has.
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
# Small enough for lists of records of texts to fit a frame, four bytes a character.
_MAX_CHARACTERS, _MAX_BYTES, _MAX_ITEMS = 64, 64, 4


def structs(kind: type[S]) -> st.SearchStrategy[S]:
    """Values of one request, event or record."""
    return _values(inspect.type_info(kind))


def requests() -> st.SearchStrategy[AnyRequest]:
    """Any request."""
    return st.one_of([structs(kind) for kind in REQUEST_TYPES])


def events() -> st.SearchStrategy[AnyEvent]:
    """Any event."""
    return st.one_of([structs(kind) for kind in EVENT_TYPES])


def arrivals(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """The same bytes in pieces, as a network may deliver them: whole, byte by byte, or cut anywhere."""
    return st.one_of(st.just([data]), st.just([bytes([byte]) for byte in data]), _pieces(data))


@st.composite
def _pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = draw(st.sets(st.integers(0, len(data)), max_size=20))
    return [data[start:end] for start, end in pairwise(sorted(cuts | {0, len(data)}))]


@st.composite
def mutations(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes with a few of them changed, removed, repeated or put in."""
    damaged = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(damaged)))
        end = draw(st.integers(start, min(len(damaged), start + 8)))
        damaged[start:end] = draw(st.binary(max_size=8) | st.just(bytes(damaged[start:end]) * 2))
    return bytes(damaged)


def _values(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: _values(field.type) for field in fields})
        case inspect.ListType(item_type=item):
            return st.lists(_values(item), max_size=_MAX_ITEMS)
        case inspect.UnionType(types=types):
            return st.one_of([_values(option) for option in types])
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.IntType(ge=low, le=high):
            return st.integers(_MIN_INT if low is None else low, _MAX_INT if high is None else high)
        case inspect.FloatType(ge=low, le=high):
            return st.floats(low, high, allow_nan=False)
        case inspect.StrType():
            return st.text(max_size=_MAX_CHARACTERS)
        case inspect.BytesType(min_length=low, max_length=high):
            return st.binary(min_size=low or 0, max_size=min(high or _MAX_BYTES, max(low or 0, _MAX_BYTES)))
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case _:
            raise NotImplementedError(f"no strategy for {info}")

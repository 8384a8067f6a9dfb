"""Requests that nobody would make: made at random, damaged, or with the worst in each of their fields in turn.

All of it is read off the types, so a new request or a new field is covered by itself; only a new kind of field fails
until it has its values here. Nothing is remembered between two values: a seed says which ones come.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, get_args

import msgspec
from msgspec import inspect

from chatnet.requests import AnyRequest, Request

REQUESTS: tuple[type[Request], ...] = get_args(AnyRequest)
LEAST, MOST = -(2**63), 2**64 - 1
"""The integers that msgpack has."""
ODD_NUMBERS = (LEAST, -(2**31) - 1, -1, 0, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, MOST)
ODD_TEXTS = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "C:\\nul",
    "nul",
    "a/b",
    "a\0b",
    "\x00",
    "a\nb",
    "a\r\nb: c",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\x7f",
    "al\u202eice",
    "\u2066x\u2069",
    "\ufeffalice",
    "a\u200bb",
    "\u0430lice",  # a Cyrillic letter
    "\U000e0041",
    "e\u0301" * 20,
    "-rf",
    "--help",
    "%s%n",
    "'; DROP TABLE users; --",
    '" OR "" = "',
    "NEAR(a b)",
    "$(reboot)",
    "x" * 33,
    "x" * 3000,
    "n,,n=alice,r=",
    "p=tls-server-end-point,,n=alice,r=abc",
    "c=biws,r=abc,p=",
)
_NAMES = ("alice", "bob", "lobby", "room", "general", "ABCD")
_CHUNK = 8


def encode(value: object) -> bytes:
    """A payload."""
    return msgspec.msgpack.encode(value)


def at_random(random: Random, kind: type[Request] | None = None) -> Request:
    """A request that the protocol allows, of this kind or of any."""
    value: Request = _value(inspect.type_info(kind or random.choice(REQUESTS)), random)
    return value


def with_odd_texts(random: Random) -> Iterator[tuple[str, bytes]]:
    """Each field that is a text, with each odd text: what it is, and the payload. All else is sensible."""
    yield from _with(inspect.StrType, ODD_TEXTS, random)


def with_odd_numbers(random: Random) -> Iterator[tuple[str, bytes]]:
    """Each field that is a number, with each odd number; many are out of its bounds."""
    yield from _with(inspect.IntType, ODD_NUMBERS, random)


def _with(wanted: type[inspect.Type], odd: tuple[Any, ...], random: Random) -> Iterator[tuple[str, bytes]]:
    for kind in REQUESTS:
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        for at, name in _places(info, wanted):
            for value in odd:
                fields = _fields(random, kind)
                while not _put(fields, at, value):
                    fields = _fields(random, kind)
                yield f"{kind.__name__}.{name} = {value!a:.40}", encode(fields)


def _places(
    info: inspect.StructType, wanted: type[inspect.Type], start: int = 1
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Where in the encoded array there is something of this type; the first item of a request is its tag."""
    for i, field in enumerate(info.fields, start):
        options = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        for option in options:
            if isinstance(option, wanted):
                yield (i,), field.name
            elif isinstance(option, inspect.StructType):
                for at, name in _places(option, wanted, 0):
                    yield (i, *at), f"{field.name}.{name}"


def _fields(random: Random, kind: type[Request]) -> list[Any]:
    """A request of this kind as it is encoded."""
    fields: list[Any] = msgspec.to_builtins(at_random(random, kind), builtin_types=(bytes,))
    return fields


def _put(fields: list[Any], at: tuple[int, ...], value: object) -> bool:
    """Put a value there; False if what it is a part of is optional, and was left out this time."""
    for i in at[:-1]:
        if fields[i] is None:
            return False
        fields = fields[i]
    fields[at[-1]] = value
    return True


def mutated(random: Random, payload: bytes) -> bytes:
    """The same with a few bytes changed, removed, repeated or put in."""
    damaged = bytearray(payload)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(damaged))
        end = min(len(damaged), start + random.randint(0, _CHUNK))
        piece = bytes(damaged[start:end])
        damaged[start:end] = random.choice(
            (random.randbytes(random.randint(0, _CHUNK)), piece * 2, _flipped(piece, random))
        )
    return bytes(damaged)


def _flipped(piece: bytes, random: Random) -> bytes:
    return bytes(byte ^ 1 << random.randrange(8) for byte in piece)


def _value(info: inspect.Type, random: Random) -> Any:
    match info:
        case inspect.StructType(cls=cls, fields=fields):
            return cls(**{field.name: _value(field.type, random) for field in fields})
        case inspect.UnionType(types=types):
            return _value(random.choice(types), random)
        case inspect.EnumType(cls=cls):
            return random.choice(list(cls))
        case inspect.IntType(ge=low, le=high):
            return _number(LEAST if low is None else low, MOST if high is None else high, random)
        case inspect.StrType():
            return random.choice(random.choice((_NAMES, ODD_TEXTS)))
        case inspect.BytesType(min_length=low, max_length=high):
            return random.randbytes(random.randint(low or 0, 64 if high is None else high))
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.NoneType():
            return None
        case _:
            raise NotImplementedError(f"no values for {info}")


def _number(low: int, high: int, random: Random) -> int:
    """Mostly a small one, which may mean something."""
    if random.random() < 0.7:
        return random.randint(low, min(high, low + 20))
    return random.choice([number for number in (low, high, *ODD_NUMBERS) if low <= number <= high])

"""Frames that nobody would send, against a live server, by strangers, guests and admins.

Whatever comes, the server answers in words that are documented and harmless to show, and goes on or hangs up; it never
says that it has made a mistake itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
from _fuzz_values import at_random, encode, mutated, with_odd_numbers, with_odd_texts
from _hostile_attacks import PLACES, Attack
from _hostile_lines import Line, Target, Wrong

from chatnet.address import UNIX
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Event, Pong, Refused, Welcome
from chatnet.requests import Enter, Ping

_FENCE = 0x7E7E7E7E
_PER_LINE = 80
"""Frames, each with a `Ping` behind it, that a connection may send before a rate holds it up."""
_LENGTH_BYTES = 4
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)}
_DEVICE = bytes(16)
Payloads = Iterator[bytes]


def check_event(event: Event) -> None:
    """Is this something that a server may say?

    :raises Wrong: it is not.
    """
    if isinstance(event, Closing | Refused) and event.code == ErrorCode.INTERNAL:
        raise Wrong(f"the server made a mistake: {event}")
    for text in _texts(msgspec.to_builtins(event, builtin_types=(bytes,))):
        if not _CONTROLS.isdisjoint(map(ord, text)):
            raise Wrong(f"there are control characters in {event!r:.300}")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


class Session:
    """Sends payloads, over as many connections as it takes."""

    def __init__(self, open_line: Callable[[], Line]) -> None:
        self._open = open_line
        self._line: Line | None = None
        self._left = 0
        self.endings: Counter[str] = Counter()
        """How connections ended."""

    def say(self, payload: bytes) -> None:
        """Send a frame, and take what comes of it.

        :raises Wrong: what comes must not come, or nothing does.
        """
        if self._line is None:
            self._line, self._left = self._open(), _PER_LINE
        line = self._line
        with suppress(OSError):
            line.send(len(payload).to_bytes(_LENGTH_BYTES) + payload + _framed_ping())
        while (event := line.event()) is not None:
            check_event(event)
            if isinstance(event, Pong) and event.id == _FENCE:
                self._left -= 1
                if not self._left:
                    self.close()
                return
            if isinstance(event, Closing):
                self.endings[event.code] += 1
        self.endings["the end"] += 1
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None


def _framed_ping() -> bytes:
    payload = encode(Ping(_FENCE))
    return len(payload).to_bytes(_LENGTH_BYTES) + payload


# -- who says it ----------------------------------------------------------------------------------------------


def sessions(target: Target, random: Random) -> Iterator[Session]:
    """A stranger, a guest, and where there is a unix socket an admin: who runs the server, by the system's word."""

    def stranger() -> Line:
        line = Line(random.choice(target.addresses), next(PLACES))
        line.greet()
        return line

    def guest() -> Line:
        line = Line(random.choice(target.addresses), next(PLACES))
        line.log_in(f"fuzz{random.randrange(20)}-{random.randrange(1 << 30)}")
        return line

    def admin() -> Line:
        line = Line(target.of(UNIX)[0])
        line.greet()
        line.ask(Enter(1, _DEVICE, False), Welcome)
        return line

    yield Session(stranger)
    yield Session(guest)
    if target.of(UNIX):
        yield Session(admin)


def _storm(target: Target, payloads: Callable[[], Payloads], random: Random) -> None:
    for session in sessions(target, random):
        try:
            for payload in payloads():
                session.say(payload)
        finally:
            session.close()


# -- what is said ---------------------------------------------------------------------------------------------


def random_frames(target: Target, count: int, random: Random) -> None:
    """Payloads of noise; so many of strangers, and as many of each who has logged in."""

    def noise() -> Payloads:
        for _ in range(count):
            yield random.randbytes(random.choice((0, 1, 2, 5, 20, 100, 1000)))

    _storm(target, noise, random)


def mutated_frames(target: Target, count: int, random: Random) -> None:
    """Damaged requests, and some whole ones with whatever the protocol allows in them; likewise."""

    def damaged() -> Payloads:
        for _ in range(count):
            payload = encode(at_random(random))
            yield payload if random.random() < 0.2 else mutated(random, payload)

    _storm(target, damaged, random)


def odd_texts(target: Target, count: int, random: Random) -> None:
    """Paths, controls, and what imitates others, in every text of every request."""
    for _ in range(count):
        _storm(target, lambda: _shuffled(with_odd_texts(random), random), random)


def odd_numbers(target: Target, count: int, random: Random) -> None:
    """The ends of every range in every number of every request."""
    for _ in range(count):
        _storm(target, lambda: _shuffled(with_odd_numbers(random), random), random)


def _shuffled(odd: Iterator[tuple[str, bytes]], random: Random) -> Payloads:
    """In another order, or all posts would come at once, and wait for their rate."""
    payloads = [payload for _, payload in odd]
    random.shuffle(payloads)
    return iter(payloads)


def by_name() -> Iterator[tuple[str, Attack, int]]:
    """Each attack with the count of a whole run."""
    yield "random frames", random_frames, 50_000
    yield "mutated frames", mutated_frames, 50_000
    yield "odd texts in every field", odd_texts, 1
    yield "odd numbers in every field", odd_numbers, 1

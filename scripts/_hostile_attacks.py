"""What somebody does who means harm to a server, each with a count, and what the server must do about it.

An attack returns once it is over; what it left behind must have been let go of by then, but for a few seconds. That
ordinary people notice nothing is for others to see: `_hostile_pair.py`.
"""

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from random import Random

from _hostile_lines import PATIENCE_SECONDS, Line, Target, Wrong, login, open_socket, places, trusting

from chatnet.address import TCP, TLS, UNIX, Address
from chatnet.errors import ErrorCode
from chatnet.events import Pong
from chatnet.requests import Ping, Post
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE

Attack = Callable[[Target, int, Random], None]
PLACES = places()
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: let the close be a reset."""
SLOW_SECONDS = 15.0
_TICK_SECONDS = 1.0
_BREATH_SECONDS = 0.01


def client_hello() -> bytes:
    """What a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        trusting().wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


FOREIGN = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /login HTTP/1.0\r\nContent-Length: 4294967295\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000,
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"EHLO mail.example.org\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),  # SSL 2
    b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000,
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x17\x03\x03\x40\x00" + bytes(0x4000),
    b"CHAT\x00",
    b"CHAT\xff",
    b"chat\x01",
    PREFACE + b"\xff" * 100,
    bytes(1000),
    b"\n",
)


# -- frames that are too big ----------------------------------------------------------------------------------


def giant_lengths(target: Target, count: int, random: Random) -> None:
    """Frames that say they have 4 GiB, before and after the login."""
    for i in range(count):
        for address in target.addresses:
            with Line(address, next(PLACES)) as line:
                if i % 2:
                    line.greet()
                else:
                    line.log_in("mallory")
                with suppress(OSError):  # it may hang up at the length already
                    line.send(b"\xff\xff\xff\xff")
                    line.send(random.randbytes(random.randrange(100_000)))
                code = line.last_word()
                if code not in (ErrorCode.FRAME_TOO_BIG, ""):
                    raise Wrong(f"4 GiB were answered with {code}")


# -- who takes his time ---------------------------------------------------------------------------------------


class _Slow:
    """Somebody who says a byte a second."""

    def __init__(self, address: Address, words: bytes) -> None:
        self._socket = open_socket(address, next(PLACES))
        self._socket.setblocking(False)
        self._words = words
        self._said = 0
        self.is_over = False

    def go_on(self) -> None:
        """Say one more byte, if there is still somebody who listens."""
        try:
            while self._socket.recv(65536):
                pass
            self.is_over = True
        except BlockingIOError:
            self._say()
        except OSError:
            self.is_over = True

    def _say(self) -> None:
        try:
            self._said += self._socket.send(self._words[self._said : self._said + 1])
        except OSError:
            self.is_over = True

    def close(self) -> None:
        self._socket.close()


def slow_bytes(target: Target, count: int, random: Random) -> None:
    """So many connections at all times that send a byte a second; who is shut out comes back at once."""
    words = {TCP: PREFACE + encode(login("slowpoke")), TLS: client_hello()}
    addresses = target.of(TCP, TLS)
    slow: list[_Slow] = []
    end = time.monotonic() + SLOW_SECONDS
    with ExitStack() as stack:
        while (now := time.monotonic()) < end or slow:
            if now > end + PATIENCE_SECONDS:
                raise Wrong(f"{len(slow)} connections are open that have not logged in")
            for each in slow:
                each.go_on()
            for each in slow:
                if each.is_over:
                    each.close()
            slow = [each for each in slow if not each.is_over]
            while now < end and len(slow) < count:
                address = random.choice(addresses)
                each = _Slow(address, words[address.scheme])
                stack.callback(each.close)
                slow.append(each)
            time.sleep(max(0.0, now + _TICK_SECONDS - time.monotonic()))


def endless_logins(target: Target, count: int, random: Random) -> None:
    """Connections on which somebody is always about to log in: with half a login, or with one that is refused."""
    starts = (b"", PREFACE[:3], PREFACE, PREFACE + encode(login("mallory"))[:-1], PREFACE + encode(login("-")))
    with ExitStack() as stack:
        lines = []
        for i in range(count):
            address = target.addresses[i % len(target.addresses)]
            line = stack.enter_context(Line(address, next(PLACES)))
            line.send(starts[i % len(starts)])
            lines.append(line)
        for line in lines:
            code = line.last_word()
            if code != ErrorCode.AUTH_TIMEOUT:
                raise Wrong(f"a login that never ends was ended with {code or 'nothing'}")
    del random


def endless_handshakes(target: Target, count: int, random: Random) -> None:
    """TLS handshakes that begin and do not go on."""
    hello = client_hello()
    with ExitStack() as stack:
        lines = []
        for address in target.of(TLS):
            for _ in range(count):
                line = stack.enter_context(Line(address, next(PLACES), is_plain=True))
                line.send(hello[: random.randrange(len(hello) + 1)])
                lines.append(line)
        for line in lines:
            line.rest()


def knocking(target: Target, count: int, random: Random) -> None:
    """Connections that come and go, without a login."""
    for i in range(count):
        address = target.addresses[i % len(target.addresses)]
        with open_socket(address, next(PLACES)) as sock:
            with suppress(OSError):
                sock.sendall((b"", PREFACE[:2], PREFACE, b"\x16\x03\x01")[i % 4])
            if random.random() < 0.3 and address.scheme != UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def hammering(target: Target, count: int, random: Random) -> None:
    """The same from a single address, which is soon shut out; others are not."""
    place = f"127.200.{random.randrange(256)}.{random.randrange(1, 255)}"
    for address in target.of(TCP, TLS):
        for _ in range(count):
            with open_socket(address, place) as sock, suppress(OSError):
                sock.sendall(PREFACE[: random.randrange(5)])
        with Line(address, place, is_plain=True) as shut_out:
            if shut_out.rest():
                raise Wrong(f"after {count} connections that came to nothing, one more was let in")
        with Line(address, next(PLACES)) as other:
            other.greet()


# -- what is no chatnet ---------------------------------------------------------------------------------------


def foreign_protocols(target: Target, count: int, random: Random) -> None:
    """HTTP, TLS where there is none, no TLS where there is some, and noise, on each port."""
    for _ in range(count):
        for address in target.addresses:
            for words in (*FOREIGN, client_hello(), client_hello()[:100], random.randbytes(random.randrange(1, 5000))):
                with Line(address, next(PLACES), is_plain=True) as line:
                    with suppress(OSError):
                        line.send(words)
                        line.socket.shutdown(socket.SHUT_WR)
                    answer = line.rest()
                if address.scheme == TLS and answer and answer[0] not in (0x15, 0x16):
                    raise Wrong(f"{words[:20]!r} was answered with something other than TLS: {answer[:40]!r}")
                if address.scheme != TLS and words.startswith(b"GET") and not answer.startswith(b"HTTP/1.1 400"):
                    raise Wrong(f"HTTP at {address} was answered with {answer[:40]!r}")


# -- a flood --------------------------------------------------------------------------------------------------


def floods(target: Target, count: int, random: Random) -> None:
    """Somebody logged in who sends as fast as he can and reads nothing; the server reads him as fast as it likes."""
    del random
    said = b"".join(encode(Post(n, 1, "x" * 1000)) for n in range(1, 31)) + encode(Ping(1)) * 5000
    lines = []
    with ExitStack() as stack:
        for i in range(count):
            line = stack.enter_context(Line(target.addresses[i % len(target.addresses)], next(PLACES)))
            line.log_in(f"flood{i}")
            line.socket.setblocking(False)
            lines.append(line)
        end = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < end:
            for line in lines:
                with suppress(OSError):  # most of the time nothing more goes in
                    line.socket.send(said)
            time.sleep(_BREATH_SECONDS)
        with Line(target.addresses[0], next(PLACES)) as other:
            other.log_in("other")
            other.ask(Ping(7), Pong)


# -- all of them ----------------------------------------------------------------------------------------------


def by_name() -> Iterator[tuple[str, Attack, int]]:
    """Each attack with the count of a whole run."""
    yield "lengths of 4 GiB", giant_lengths, 200
    yield "a byte a second", slow_bytes, 5000
    yield "logins that never finish", endless_logins, 200
    yield "handshakes that never finish", endless_handshakes, 200
    yield "connects without a login", knocking, 10_000
    yield "connects from one address", hammering, 10_000
    yield "foreign protocols", foreign_protocols, 20
    yield "floods", floods, 30

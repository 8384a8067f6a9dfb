"""What it costs to let people in: TLS handshakes, logins of guests, and what a connection that is idle weighs.

Handshakes are whole ones, as every first one is, without a login behind; a login is the connection, the handshake if
there is one, and the guest's name. Both figures are those of one client in one thread, which does the other half of
each handshake on the same machine: so what counts is the server's CPU for each, and not how many there were a second.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from _figures import Benchmark, Row
from _lines import PATIENCE_SECONDS, Lost
from _serving import Serving, cpu, resident, serve
from _setting import Setting

from chatnet.events import Hello, Welcome
from chatnet.requests import Login
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

KIB = 1024
_SETTLE_SECONDS = 0.5


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TRUSTING = _trusting()


class Visitor:
    """A connection that has done its handshake, if there is one."""

    def __init__(self, port: int, *, encrypted: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if encrypted:
            self._socket = _TRUSTING.wrap_socket(self._socket)
        self._frames = FrameReader(MAX_PAYLOAD)

    def greet(self) -> None:
        """Come as far as the server's greeting, which it sends once its side of the handshake is over."""
        self._socket.sendall(PREFACE)
        self._expect(Hello)

    def log_in(self, name: str) -> None:
        """Be a guest."""
        self.greet()
        self._socket.sendall(encode(Login(1, name, name.encode().ljust(32), bytes(16))))
        self._expect(Welcome)

    def _expect(self, kind: type[Hello] | type[Welcome]) -> None:
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                raise Lost("the server has closed the connection")
            self._frames.receive(data)
            while (payload := self._frames.next_frame()) is not None:
                if isinstance(decode_event(payload), kind):
                    return

    def close(self) -> None:
        """Go away."""
        self._socket.close()


def measure(setting: Setting) -> Iterator[Row]:
    for transport, options in (("TCP", ()), ("TLS", ("--tls",))):
        encrypted = bool(options)

        def connect(number: int, encrypted: bool = encrypted) -> None:
            del number
            visitor = Visitor(serving.port, encrypted=encrypted)
            visitor.greet()
            visitor.close()

        def log_in(number: int, encrypted: bool = encrypted) -> None:
            visitor = Visitor(serving.port, encrypted=encrypted)
            visitor.log_in(f"guest{number % 100}")
            visitor.close()

        with serve(None, *options) as serving:
            yield _repeated(f"{transport}, connection", connect, serving, setting.seconds)
            yield _repeated(f"{transport}, login of a guest", log_in, serving, setting.seconds)
        with serve(None, *options) as serving:
            yield _idle(f"{transport}, idle", serving, setting.pick(200, 5000), encrypted=encrypted)


def _repeated(case: str, do: Callable[[int], None], serving: Serving, seconds: float) -> Row:
    """One after the other, for some seconds."""
    do(0)
    count, used, begun = 0, cpu(serving.pid), time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        do(count)
        count += 1
    used = cpu(serving.pid) - used
    return Row(case, {"a second": count / elapsed, "server us": 1e6 * used / count})


def _idle(case: str, serving: Serving, count: int, *, encrypted: bool) -> Row:
    """Guests, each with one connection, who say nothing."""
    with ExitStack() as visitors:
        before = 0
        for number in range(-100, count):
            if number == 0:  # what the first ones need is needed once
                before = resident(serving.pid)
            visitor = Visitor(serving.port, encrypted=encrypted)
            visitors.callback(visitor.close)
            visitor.log_in(f"guest{number + 100}")
        time.sleep(_SETTLE_SECONDS)
        return Row(case, {"KiB each": (resident(serving.pid) - before) / count / KIB})


BENCHMARK = Benchmark("logins", "handshakes and logins, and what an idle connection weighs", measure)

"""Servers for clients to meet: a real one, one behind a wire that can be cut, and some that are no chat servers."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.server import Server

PATIENCE = 10.0
"""Seconds that a test waits for what must come."""


@contextmanager
def running(port: int = 0, limits: Limits | None = None) -> Iterator[Address]:
    """A real server on loopback; the address is where it listens."""
    # Clients in one thread with the test do not take leave while the server waits for it.
    config = Config(bind=(Address(TCP, "127.0.0.1", port),), limits=limits or Limits(farewell_seconds=0.2))
    with Server(config) as server:
        yield server.addresses[0]


@contextmanager
def keeping_files(data: Path, port: int = 0, limits: Limits | None = None) -> Iterator[Address]:
    """A real server on loopback that keeps files, and everything else, in a folder."""
    bind = (Address(TCP, "127.0.0.1", port),)
    config = Config(bind=bind, data=data, open=True, limits=limits or Limits(farewell_seconds=0.2, disk_reserve=0))
    with Server(config) as server:
        yield server.addresses[0]


@contextmanager
def listening(answer: bytes | None, *, hangs_up: bool = False) -> Iterator[Address]:
    """A server that says these bytes to everybody, and perhaps closes then; it reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as open_sockets:

        def serve() -> None:
            with suppress(OSError):  # the listener is closed at the end
                while True:
                    connection, _ = listener.accept()
                    open_sockets.callback(connection.close)
                    if answer:
                        connection.sendall(answer)
                    if hangs_up:
                        connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address(TCP, "127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


class Wire:
    """Passes bytes on to a server, until it is cut or told to stall. Its thread ends with `close`."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(TCP, "127.0.0.1", self._listener.getsockname()[1])
        self.connections = 0
        self.up = self.down = 0
        """Bytes that were passed on to the server, and from it."""
        self.flip_up = self.flip_down = -1
        """Which of them to change, if any."""
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._stalled = self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        with self._lock:
            for pair in self._pairs:
                for sock in pair:
                    sock.close()
            self._pairs.clear()

    def stall(self, stalled: bool = True) -> None:
        """Hold back all bytes, or let them go on."""
        with self._lock:
            self._stalled = stalled

    def close(self) -> None:
        """Cut, and take no new connections."""
        self._closed = True
        self._thread.join(PATIENCE)
        self.cut()
        self._listener.close()

    def _run(self) -> None:
        while not self._closed:
            with self._lock:
                self._pass_on()

    def _pass_on(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, None)
            for here, there in self._pairs if not self._stalled else ():
                selector.register(here, selectors.EVENT_READ, there)
                selector.register(there, selectors.EVENT_READ, here)
            for key, _ in selector.select(0.01):
                if key.data is None:
                    self._accept()
                else:
                    self._copy(key.fileobj, key.data)  # type: ignore[arg-type]

    def _accept(self) -> None:
        here, _ = self._listener.accept()
        there = socket.create_connection((self._server.host, self._server.port), PATIENCE)
        self.connections += 1
        self._pairs.append((here, there))

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        try:
            data = source.recv(65536)
            if data:
                target.sendall(self._seen(source, bytearray(data)))
                return
        except OSError:
            pass  # the other side has gone: so shall this one
        for pair in [pair for pair in self._pairs if source in pair]:
            self._pairs.remove(pair)
            for sock in pair:
                sock.close()

    def _seen(self, source: socket.socket, data: bytearray) -> bytearray:
        if any(source is here for here, _ in self._pairs):
            if self.up <= self.flip_up < self.up + len(data):
                data[self.flip_up - self.up] ^= 1
            self.up += len(data)
        else:
            if self.down <= self.flip_down < self.down + len(data):
                data[self.flip_down - self.down] ^= 1
            self.down += len(data)
        return data

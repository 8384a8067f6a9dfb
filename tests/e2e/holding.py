"""A proxy that holds back what one side says, from a chosen frame on, until a test lets it go.

So a test decides what has happened at the moment at which it kills somebody. Every wait has a deadline.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from chatnet.address import parse
from chatnet.events import Ack, AnyEvent
from chatnet.requests import AnyRequest, Post
from chatnet.wire.codec import decode_event, decode_request
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.e2e.processes import DEADLINE
from tests.e2e.raw import frame

Decode = Callable[[bytes | bytearray], AnyEvent | AnyRequest | None]


class HoldingProxy:
    """Stands before the server at ``url``; ``self.url`` is its own address.

    :param kind: which frames are held, with all that comes behind them on their connection.
    :param passing: how many of them come through first, over all connections.
    :param connections: how many connections are held at most; others are left alone.
    """

    def __init__(self, url: str, kind: type[Ack] | type[Post], *, passing: int = 0, connections: int = 1000) -> None:
        server = parse(url)
        self._server = (server.host, server.port)
        self._kind = kind
        self._passing = passing
        self._connections = connections
        self._changed = threading.Condition()
        self._held = self._ended = 0
        self._is_released = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"chatnet+tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()
        # Closing alone would not wake the thread that waits for the next connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    # -- from the test ----------------------------------------------------------------------------------------

    def wait_until_held(self, connections: int) -> None:
        """Wait until so many connections, of all that there have been, are held."""
        self._wait(lambda: self._held >= connections, f"{connections} held connections")

    def wait_until_ended(self, connections: int) -> None:
        """Wait until the server has ended so many connections."""
        self._wait(lambda: self._ended >= connections, f"{connections} ended connections")

    def release(self) -> None:
        """Let go of all that is held, and hold nothing more."""
        with self._changed:
            self._is_released = True
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE), f"no {what}: {self._held} held, {self._ended} ended"

    # -- the threads ------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, DEADLINE)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        """One connection, from its beginning until the server has ended it."""
        with client, server:
            up = threading.Thread(target=self._up, args=(client, server), daemon=True)
            up.start()
            with suppress(OSError):
                self._pass_on(server, client, decode_event if self._kind is Ack else None)
            with self._changed:
                self._ended += 1
                self._changed.notify_all()
            for sock in (client, server):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            up.join()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            server.sendall(client.recv(len(PREFACE), socket.MSG_WAITALL))
            self._pass_on(client, server, decode_request if self._kind is Post else None)

    def _pass_on(self, source: socket.socket, sink: socket.socket, decode: Decode | None) -> None:
        frames = FrameReader(MAX_PAYLOAD)
        while data := source.recv(65536):
            frames.receive(data)
            while (payload := frames.next_frame()) is not None:
                if decode is not None and isinstance(decode(payload), self._kind):
                    self._hold()
                sink.sendall(frame(bytes(payload)))
        sink.shutdown(socket.SHUT_WR)

    def _hold(self) -> None:
        """Return at once, or when it is let go."""
        with self._changed:
            if self._passing:
                self._passing -= 1
            elif self._held < self._connections:
                self._held += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_released, 10 * DEADLINE)

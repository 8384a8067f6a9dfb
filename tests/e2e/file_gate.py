"""A proxy that sees the pieces of files pass by, and stops them after so many until a test lets them go.

So a test decides how much has arrived at the moment at which it kills somebody, and can tell whether any of it comes
again. Every wait has a deadline.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from chatnet.address import parse
from chatnet.events import Credit, FileChunk, UploadReady
from chatnet.requests import SendChunk
from chatnet.wire.codec import decode_event, decode_request
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.e2e.processes import DEADLINE
from tests.e2e.raw import frame


class FileGate:
    """Stands before the server at ``url``; ``self.url`` is its own address.

    :param passing: how many pieces come through, over all connections, before the next one has to wait.
    """

    def __init__(self, url: str, passing: int) -> None:
        server = parse(url)
        self._server = (server.host, server.port)
        self.pieces: list[tuple[int, int]] = []
        """Offset and length of each that came by."""
        self.durable = 0
        """What the server has told last, of an upload, to be on its disk."""
        self._passing = passing
        self._changed = threading.Condition()
        self._is_held = self._is_released = False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"chatnet+tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    # -- from the test ----------------------------------------------------------------------------------------

    def wait_until_held(self) -> None:
        """Wait until a piece has to wait."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_held, DEADLINE), f"{len(self.pieces)} pieces came by"

    def release(self) -> None:
        """Let everything through from now on."""
        with self._changed:
            self._is_released = True
            self._changed.notify_all()

    def cut(self) -> None:
        """Break all connections that there are; what was held is lost."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

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
            server.settimeout(None)
            self._sockets += [client, server]
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            server.sendall(client.recv(len(PREFACE), socket.MSG_WAITALL))
            for payload in self._frames(client):
                request = decode_request(payload)
                piece = (request.offset, len(request.data)) if isinstance(request, SendChunk) else None
                self._pass(server, payload, piece)
        self._end(client, server)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            for payload in self._frames(server):
                event = decode_event(payload)
                if isinstance(event, Credit):
                    self.durable = event.durable
                elif isinstance(event, UploadReady):
                    self.durable = event.offset
                piece = (event.offset, len(event.data)) if isinstance(event, FileChunk) else None
                self._pass(client, payload, piece)
        self._end(server, client)

    def _frames(self, source: socket.socket) -> Iterator[bytes]:
        frames = FrameReader(MAX_PAYLOAD)
        while data := source.recv(65536):
            frames.receive(data)
            while (payload := frames.next_frame()) is not None:
                yield bytes(payload)

    def _pass(self, sink: socket.socket, payload: bytes, piece: tuple[int, int] | None) -> None:
        """Pass a frame on: at once, or if it is a piece of a file when it is let go."""
        if piece is not None:
            self._wait_for_turn()
        sink.sendall(frame(payload))
        if piece is not None:
            self.pieces.append(piece)

    def _wait_for_turn(self) -> None:
        with self._changed:
            if len(self.pieces) >= self._passing and not self._is_released:
                self._is_held = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_released, 10 * DEADLINE)

    def _end(self, *sockets: socket.socket) -> None:
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

"""Clients come in: many at the same time, by whatever dialogue their server wants."""

import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector, SelectorKey

from _hostile_lines import trusting
from _peer import Dialogue, Peer

_RECEIVE_BYTES = 1 << 16
_PATIENCE_SECONDS = 120.0
_USER = re.compile(rb"user(\d{5})")


class NotLetIn(Exception):
    """The message says who is not, and why."""


@dataclass(eq=False, slots=True)
class Client:
    """A connection, and all that came before anything was said."""

    number: int
    room: int
    sock: socket.socket
    encrypted: bool = False
    got: bytearray = field(default_factory=bytearray)
    dialogue: Dialogue | None = None

    def others(self) -> set[int]:
        """Of whom it was told."""
        return {int(number) for number in _USER.findall(self.got)} - {self.number}


def come_in(peer: Peer, port: int, rooms: int, size: int, first: int = 0) -> list[Client]:
    """So many rooms full of clients, in order. Clients and rooms are counted from ``first`` rooms on.

    :raises NotLetIn: somebody does not get in.
    """
    door = _Door(peer, port, size, first)
    try:
        return door.let_in(rooms * size)
    except (OSError, ValueError) as error:
        for client in door.coming:
            client.sock.close()
        raise NotLetIn(f"only {len(door.inside)} of {rooms * size} clients got in: {error}") from error
    finally:
        door.close()


class _Door:
    def __init__(self, peer: Peer, port: int, size: int, first: int) -> None:
        self._peer, self._port, self._size, self._first = peer, port, size, first
        self._selector = DefaultSelector()
        self._trusting = trusting()
        self.coming: list[Client] = []
        """All that were connected, in order..."""
        self.inside: list[Client] = []
        """... and those who are in, in whatever order."""

    def close(self) -> None:
        self._selector.close()

    def let_in(self, count: int) -> list[Client]:
        end = time.monotonic() + _PATIENCE_SECONDS
        while len(self.inside) < count:
            while len(self.coming) < count and len(self.coming) - len(self.inside) < self._peer.at_once:
                self.coming.append(self._connect(len(self.coming)))
            for key, _ in self._selector.select(1.0):
                self._go_on(key)
            if time.monotonic() > end:
                raise TimeoutError(f"the others were not let in within {_PATIENCE_SECONDS:.0f} s")
        return self.coming

    def _connect(self, index: int) -> Client:
        room = self._first + index // self._size
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = self._first * self._size + index
        if self._peer.encrypted:
            # One after the other: a handshake has several steps, and how long many of them take is measured elsewhere.
            sock.connect(("127.0.0.1", self._port))
            sock = self._trusting.wrap_socket(sock)
            sock.setblocking(False)
        else:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self._port))
        client = Client(number, room, sock, self._peer.encrypted)
        client.dialogue = self._peer.enter(number, room, is_first=index % self._size == 0)
        self._selector.register(sock, EVENT_WRITE, client)
        return client

    def _go_on(self, key: SelectorKey) -> None:
        client: Client = key.data
        if key.events & EVENT_WRITE:
            error = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "no connection")
            self._selector.modify(client.sock, EVENT_READ, client)
            assert client.dialogue is not None
            client.sock.send(next(client.dialogue))
            return
        data = receive(client)
        if not data:
            return
        client.got += data
        if client.dialogue is None:  # what others cause who come later
            return
        try:
            sending = client.dialogue.send(data)
        except StopIteration:
            client.dialogue = None
            self.inside.append(client)
            return
        if sending:
            client.sock.send(sending)


def receive(client: Client) -> bytes:
    """All that has come, as far as that is reasonable; nothing if it is not a whole TLS record.

    :raises ConnectionError: nothing more comes.
    """
    try:
        data = client.sock.recv(_RECEIVE_BYTES)
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    if not data:
        raise ConnectionError("closed by the server")
    # TLS gives one record at a time, and of what it has decrypted already no selector knows.
    while client.encrypted:
        try:
            record = client.sock.recv(_RECEIVE_BYTES)
        except ssl.SSLWantReadError:
            break
        if not record:
            break
        data += record
    return data

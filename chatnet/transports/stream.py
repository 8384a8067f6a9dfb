"""What TCP and unix sockets have in common: the transport, and connecting to the first address that answers."""

import errno
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from chatnet.address import Address
from chatnet.errors import ErrorCode, Unreachable
from chatnet.net.sockets import keep_little_unsent

BACKLOG = 1024
"""Connections that the system holds for a listener between two turns of the loop."""

_MOST_TELLING = (errno.ECONNREFUSED, errno.EACCES, errno.EPERM, errno.ETIMEDOUT)
"""Of several addresses that failed, which failure says most: an answer says more than silence, or than no route."""
_RETRY_SECONDS = 0.01


class StreamTransport:
    """A connected stream socket."""

    __slots__ = ("_name", "_socket", "host", "is_local", "uid")
    is_established: ClassVar[bool] = True
    wants_write: ClassVar[bool] = False
    channel_binding: ClassVar[bytes | None] = None
    server_pin: ClassVar[bytes | None] = None

    def __init__(self, sock: socket.socket, name: str | int, is_local: bool, host: str = "", uid: int = -1) -> None:
        """``name``: what the other end is called, or its port at ``host``."""
        self._socket = sock
        self._name = name
        self.host = host
        self.is_local = is_local
        self.uid = uid

    @property
    def peer(self) -> str:
        # Made when somebody asks: few do, and there are tens of thousands.
        if isinstance(self._name, str):
            return self._name
        return f"[{self.host}]:{self._name}" if ":" in self.host else f"{self.host}:{self._name}"

    @property
    def selectable(self) -> socket.socket:
        return self._socket

    def receive(self, limit: int) -> bytes | None:
        try:
            return self._socket.recv(limit)
        except BlockingIOError:
            return None

    def send(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def flush(self) -> None:
        """It holds nothing back."""

    def favour_latency(self) -> None:
        # It fails where the connection was reset already. The first read will tell, as for every other that breaks.
        with suppress(OSError):
            keep_little_unsent(self._socket)

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    # -- for a transport on top of this one -------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Was `close` called?"""
        return self._socket.fileno() < 0

    def has_unread(self) -> bool:
        """Has anything come that was not received?"""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:  # nothing, or nothing any more
            return False

    def deafen(self) -> None:
        """Receive nothing more; the selector tells of that as of an end."""
        self._socket.shutdown(socket.SHUT_RD)


Target = tuple[int, Any]
"""A socket family, and an address as that family writes it."""


def connect_any(targets: Sequence[Target], address: Address, timeout: float) -> socket.socket:
    """Connect to the first target that answers, within ``timeout`` seconds in all; each gets its share of them.

    :raises Unreachable: with the most telling of the failures.
    """
    deadline = time.monotonic() + timeout
    failures = []
    for i, (family, target) in enumerate(targets):
        share = (deadline - time.monotonic()) / (len(targets) - i)
        try:
            return _connect(family, target, share)
        except OSError as error:
            failures.append(error)
    raise _unreachable(address, min(failures, key=_rank), timeout)


def _connect(family: int, target: Any, seconds: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        _connect_by(sock, target, time.monotonic() + seconds)
        if is_connected_to_itself(sock):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody but this socket is there")
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_by(sock: socket.socket, target: Any, deadline: float) -> None:
    """A unix socket whose backlog is full fails at once, where TCP would wait: so wait here, and try again."""
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            return sock.connect(target)
        except BlockingIOError:
            time.sleep(min(_RETRY_SECONDS, left))
    raise TimeoutError(errno.ETIMEDOUT, "timed out")


def is_connected_to_itself(sock: socket.socket) -> bool:
    """Did a TCP socket get, as its own port, just the free one that it was to connect to?

    It happens to whoever retries long enough on loopback, and would keep the server from coming back to its port.
    Source: simultaneous open, RFC 9293 section 3.5.
    """
    return sock.family in (socket.AF_INET, socket.AF_INET6) and sock.getsockname() == sock.getpeername()


def _rank(error: OSError) -> int:
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno
    return _MOST_TELLING.index(number) if number in _MOST_TELLING else len(_MOST_TELLING)


def _unreachable(address: Address, error: OSError, timeout: float) -> Unreachable:
    if isinstance(error, ConnectionRefusedError):
        message = f"nobody listens at {address}; is the server running? (chatnet serve starts one)"
    elif isinstance(error, TimeoutError):
        message = f"no answer from {address} within {round(timeout, 2):g} s"
    elif isinstance(error, FileNotFoundError):
        message = f"there is no socket {address.path}; is the server running? (chatnet serve starts one)"
    elif isinstance(error, PermissionError):
        message = f"no permission to connect to {address}"
    else:
        message = f"cannot connect to {address}: {error.strerror or error}"
    return Unreachable(ErrorCode.UNREACHABLE, message)

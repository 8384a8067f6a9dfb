"""Plain TCP: ``chatnet+tcp://HOST[:PORT]``."""

import errno
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

from chatnet.address import Address, is_loopback
from chatnet.errors import CannotListen, ErrorCode, Unreachable
from chatnet.net.sockets import accept_both_families, claim_address, send_at_once
from chatnet.transports.stream import BACKLOG, StreamTransport, Target, connect_any


class TcpListener:
    """An open port."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self.address = address

    @property
    def selectable(self) -> socket.socket:
        return self._socket

    def accept(self) -> StreamTransport | None:
        try:
            sock, name = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        return _transport(sock, name)

    def close(self) -> None:
        self._socket.close()


def listen(address: Address) -> TcpListener:
    """Open a port, 0 for any free one. Of a name with several addresses the first that can be opened, IPv4 first.

    :raises CannotListen: ADDRESS_IN_USE or CANNOT_LISTEN.
    """
    try:
        targets = sorted(_resolve(address, socket.AI_PASSIVE), key=lambda target: target[0] != socket.AF_INET)
    except (OSError, ValueError) as error:
        raise CannotListen(ErrorCode.CANNOT_LISTEN, f"cannot listen at {address}: {_unknown(address)}") from error
    for i, (family, target) in enumerate(targets, start=1):
        try:
            sock = _open(family, target)
        except OSError as error:
            # Not for every failure: beside a server at 127.0.0.1, a second one must not slip to ::1.
            if i == len(targets) or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise _cannot_listen(address, error) from error
        else:
            return TcpListener(sock, replace(address, port=sock.getsockname()[1]))
    raise AssertionError("a name that was found has an address")


def connect(address: Address, timeout: float) -> StreamTransport:
    """Connect within ``timeout`` seconds, whichever of the host's addresses answers first when asked one by one.

    Looking up the host's name is the system's, and may take longer.
    :raises Unreachable: UNREACHABLE, with a line that says why.
    """
    try:
        targets = _resolve(address)
    except (OSError, ValueError) as error:
        message = f"cannot connect to {address}: {_unknown(address)}"
        raise Unreachable(ErrorCode.UNREACHABLE, message) from error
    sock = connect_any(targets, address, timeout)
    try:
        return _transport(sock, sock.getpeername())
    except OSError as error:  # reset in the moment in which it was made
        sock.close()
        raise Unreachable(ErrorCode.UNREACHABLE, f"{address} closed the connection at once") from error


def _resolve(address: Address, flags: int = 0) -> list[Target]:
    """All that a host name means.

    :raises ValueError: a name that cannot be looked up at all, such as ``a..b``.
    """
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, target) for family, _, _, _, target in found]


def _unknown(address: Address) -> str:
    return f"the host name {address.host!r} cannot be found"


def _open(family: int, target: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        claim_address(sock)
        if family == socket.AF_INET6:
            accept_both_families(sock)
        sock.bind(target)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _cannot_listen(address: Address, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        message = f"{address} is in use: stop the program that has it, or choose another port (0 for any free one)"
        return CannotListen(ErrorCode.ADDRESS_IN_USE, message)
    if error.errno == errno.EADDRNOTAVAIL:
        why = f"{address.host} is no address of this machine"
    elif isinstance(error, PermissionError):
        why = "no permission (ports below 1024 are often reserved)"
    else:
        why = error.strerror or str(error)
    return CannotListen(ErrorCode.CANNOT_LISTEN, f"cannot listen at {address}: {why}")


def _transport(sock: socket.socket, name: Any) -> StreamTransport:
    """A transport for a connected socket; ``name`` is the other end's, as the socket module gives it."""
    sock.setblocking(False)
    # It fails where the connection was reset already. The first read will tell, as for every other that breaks.
    with suppress(OSError):
        send_at_once(sock)
    # Interned, so that those who come from one address share its text.
    host = sys.intern(name[0].removeprefix("::ffff:"))
    return StreamTransport(sock, name[1], is_loopback(host), host)

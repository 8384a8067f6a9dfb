"""Socket options that differ between operating systems, each with an answer where there is none.

Which sockets there are at all is for `chatnet.net.platform` to say; its test switch holds here too.
"""

import socket
import struct
import sys
from typing import NamedTuple

from chatnet.net.platform import is_minimal

_UCRED = struct.Struct("iII")
"""``struct ucred`` of Linux: pid, uid, gid. Source: unix(7)."""


class Credentials(NamedTuple):
    """Who opened the other end of a unix socket, as the kernel vouches for."""

    pid: int
    uid: int
    gid: int


def peer_credentials(sock: socket.socket) -> Credentials | None:
    """Who is at the other end of a connected unix socket, or None where the system does not say."""
    if sys.platform != "linux" or is_minimal():
        return None
    return Credentials(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def claim_address(sock: socket.socket) -> None:
    """Before ``bind``: take an address that a server just left, but never one that another still holds.

    On Windows SO_REUSEADDR would let two programs share a port; elsewhere it only skips the wait after a close.
    """
    if sys.platform == "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def accept_both_families(sock: socket.socket) -> None:
    """Before ``bind`` of an IPv6 socket: let ``::`` mean IPv4 as well, whatever the system's default is."""
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def send_at_once(sock: socket.socket) -> None:
    """Send small writes without waiting for more (TCP_NODELAY): the loop joins what belongs together itself.

    :raises OSError: on macOS, if the connection was reset already.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

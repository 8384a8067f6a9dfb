"""Socket options that differ between operating systems, each with an answer where there is none.

Which sockets there are at all is for `chatnet.net.platform` to say; its test switch holds here too.
"""

import socket
import struct
import sys
from typing import NamedTuple

from chatnet.core.limits import KIB
from chatnet.net.platform import has_unix_sockets, is_minimal

UNSENT_BYTES = 128 * KIB
"""Of a connection that favours latency, kept by the system beyond what is on its way."""
_NOTSENT_LOWAT = {"linux": 25, "darwin": 0x201}.get(sys.platform)
"""TCP_NOTSENT_LOWAT, by number: Python has no name for it on macOS. Sources: tcp(7), XNU's ``netinet/tcp.h``."""

_SOL_LOCAL, _LOCAL_PEERPID = 0, 0x002
"""Of macOS, which Python has no names for. Source: XNU's ``sys/un.h``."""
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


def listening_process(path: str) -> int | None:
    """The process that listens at a unix socket; None if nobody does, or the system does not say who."""
    if not has_unix_sockets():
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
            if sys.platform == "darwin":
                return int(probe.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID))
            who = peer_credentials(probe)
        except OSError:
            return None
    return None if who is None else who.pid


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


def keep_little_unsent(sock: socket.socket) -> None:
    """Let the system hold back little of what is written to a TCP socket: what is written next waits behind it.

    Nothing on other sockets, and where the system has no such option.
    :raises OSError: on macOS, if the connection was reset already.
    """
    if _NOTSENT_LOWAT is not None and sock.family != socket.AF_UNIX and not is_minimal():
        sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, UNSENT_BYTES)

"""At which addresses others on the network may reach this machine.

A server that listens everywhere has to tell people where it is. The address towards the default route comes first,
since that is nearly always the one that others mean; the rest follows. Nothing is sent to find out.

The system's list comes from ``getifaddrs`` where there is one (POSIX, by ctypes: the standard library has no other
way), else from the addresses of the host's own name, which on Windows are all of them.
"""

import ctypes
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

_FAR_AWAY = ((socket.AF_INET, "203.0.113.1"), (socket.AF_INET6, "2001:db8::1"))
"""Somewhere beyond every local network: addresses for documentation (RFC 5737, RFC 3849), which nobody has."""
_ANY_PORT = 9
_IS_UP = 0x1
"""IFF_UP. Source: netdevice(7); the same on the BSDs and macOS."""


def lan_addresses(
    routed: Callable[[], Iterable[str]] | None = None, listed: Callable[[], Iterable[str]] | None = None
) -> list[str]:
    """This machine's addresses for others, the default route's first, IPv4 before IPv6 otherwise; none where there is
    no network.

    Loopback is left out, and so are link-local IPv6 addresses, which mean nothing without the name of an interface.
    ``routed`` and ``listed`` ask the system: towards the default routes, and all there are.
    """
    first = [address for address in (routed or default_route_addresses)() if _is_for_others(address)]
    others = [address for address in (listed or interface_addresses)() if _is_for_others(address)]
    return list(dict.fromkeys(first + sorted(others, key=_is_v6)))


def default_route_addresses() -> list[str]:
    """The addresses from which this machine would talk to the world, IPv4 first; none without such a route."""
    return [address for family, far in _FAR_AWAY if (address := source_address(family, far)) is not None]


def source_address(family: int, target: str) -> str | None:
    """The address from which this machine would talk to a numeric one; None if there is no way to it.

    A datagram socket that is connected looks up the route, and sends nothing.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((target, _ANY_PORT))
            return str(sock.getsockname()[0])
    except OSError:  # no route, or a system without this family
        return None


def interface_addresses() -> list[str]:
    """All addresses of the interfaces that are up; those of the host's name where the system gives no list."""
    if sys.platform != "win32":
        with suppress(OSError, AttributeError):  # a libc without it
            return _getifaddrs()
    return _addresses_of_own_name()


def _addresses_of_own_name() -> list[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return []
    return [str(target[0]) for _, _, _, _, target in found]


def _is_for_others(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and (address.is_link_local or address.ipv4_mapped is not None):
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


def _is_v6(address: str) -> bool:
    return ":" in address


# -- getifaddrs(3) --------------------------------------------------------------------------------------------


class _Interface(ctypes.Structure):
    """The beginning of ``struct ifaddrs``, which is the same on Linux, macOS and the BSDs."""


_Interface._fields_ = [
    ("next", ctypes.POINTER(_Interface)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]
_LAYOUTS: dict[int, tuple[int, int]] = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}
"""Where the address begins in a ``sockaddr`` of each family, and its length."""


def _getifaddrs() -> list[str]:
    """:raises OSError: the system refuses. :raises AttributeError: it has no such function."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.freeifaddrs.restype = None
    first = ctypes.POINTER(_Interface)()
    if libc.getifaddrs(ctypes.byref(first)) != 0:
        raise OSError(ctypes.get_errno(), "getifaddrs failed")
    try:
        return [text for interface in _chain(first) if (text := _text(interface)) is not None]
    finally:
        libc.freeifaddrs(first)


def _chain(pointer: "ctypes._Pointer[_Interface]") -> Iterable[_Interface]:
    while ctypes.cast(pointer, ctypes.c_void_p).value is not None:
        yield pointer.contents
        pointer = pointer.contents.next


def _text(interface: _Interface) -> str | None:
    """The interface's address as text; None if it is down, or of another family."""
    if not interface.address or not interface.flags & _IS_UP:
        return None
    family = _family(interface.address)
    if family not in _LAYOUTS:
        return None
    begin, length = _LAYOUTS[family]
    return socket.inet_ntop(family, ctypes.string_at(interface.address + begin, length))


def _family(sockaddr: int) -> int:
    """Linux keeps the family in two bytes; the BSDs and macOS a length in the first, and the family in the second."""
    head = ctypes.string_at(sockaddr, 2)
    return int.from_bytes(head, sys.byteorder) if sys.platform == "linux" else head[1]

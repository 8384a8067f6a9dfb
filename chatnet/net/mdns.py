"""Servers of the local network that make themselves known, by multicast DNS (RFC 6762) and DNS-SD (RFC 6763).

Whatever is heard here was said by anybody on the network, and proves nothing: it tells where a server may be, and what
fingerprint to expect, but the connection to it is trusted or not as any other. What is said goes to everybody on the
network, so it holds nothing that a person who connects would not be told anyway.

It needs the zeroconf package, which only the extra ``lan`` brings; it is loaded when it is used. It talks IPv4, by
which IPv6 addresses are told as well.
"""

import ipaddress
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from chatnet.address import TCP, TLS, Address
from chatnet.errors import ChatnetError, ConfigError, ErrorCode, Unreachable
from chatnet.net.interfaces import lan_addresses
from chatnet.net.pins import parse_pin, show_pin

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf

SERVICE = "_chatnet._tcp.local."
INSTALL = f"{sys.executable} -m pip install zeroconf"
"""Into the environment that runs now, however chatnet came into it."""
_MOST_SERVERS = 256
"""A network that tells of more is not telling the truth, or nothing that helps a person."""
_LONGEST_NAME = 59
"""Bytes: 63 (RFC 6763 section 4.1.1), and zeroconf may add a number to a name that is taken."""
_LONGEST_VALUE = 200
"""Bytes of a TXT value; with its key at most 255 (RFC 6763 section 6.1)."""
_DETAIL_SECONDS = 1.0
"""For all questions after servers that told their names only."""
_FAREWELL_SECONDS = 3.0
_LISTEN_FIRST_SECONDS = 1.5
"""Before a name is claimed. Who was asked a moment ago answers everybody a second later (RFC 6762 section 6)."""

_log = logging.getLogger(__name__)


def _load() -> ModuleType:
    try:
        import zeroconf
    except ImportError:
        message = f"finding servers on the local network needs the zeroconf package\nInstall it: {INSTALL}"
        raise Unreachable(ErrorCode.UNSUPPORTED, message) from None
    return zeroconf


# -- announcing -----------------------------------------------------------------------------------------------


def txt_record(*, server: bytes, pin: bytes | None, version: str, port: int, is_open: bool) -> dict[str, str]:
    """What a server tells of itself. ``pin``: of its TLS key; None if it speaks plain TCP at this port."""
    record = {"id": server.hex(), "version": version, "port": str(port), "open": "1" if is_open else "0"}
    return record if pin is None else record | {"pin": show_pin(pin)}


class Announcement:
    """A server that is made known until `close`. Works in threads of its own; what fails there is logged, no more."""

    def __init__(self, zeroconf: ModuleType, info: "ServiceInfo", interfaces: Sequence[str] | None) -> None:
        self._zeroconf = zeroconf
        self._info = info
        self._interfaces = interfaces
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mdns", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell the network that the server is gone; waits for that, but not for long. May be called twice."""
        self._over.set()
        self._thread.join(_FAREWELL_SECONDS)

    def _run(self) -> None:
        try:
            with closing(_open(self._zeroconf, self._interfaces)) as network:
                # zeroconf asks whether a name is taken in a way that is answered to this machine's port alone; here we
                # hear of it in the way that everybody does.
                with _browsing(self._zeroconf, network, lambda **_: None):
                    if self._over.wait(_LISTEN_FIRST_SECONDS):
                        return
                    network.register_service(self._info, allow_name_change=True)
                self._over.wait()
        except Exception as error:
            # Of a package that is not ours, and a network that may be anything: the server goes on without.
            why = error.message if isinstance(error, ChatnetError) else f"{type(error).__name__}: {error}"
            _log.warning("this server is not announced on the local network: %s", why)


def announce(
    name: str,
    port: int,
    txt: Mapping[str, str],
    *,
    addresses: Sequence[str] | None = None,
    interfaces: Sequence[str] | None = None,
) -> Announcement:
    """Make a server known to the local network, as ``name``, or ``name-2`` if another one is called that.

    :param txt: see `txt_record`.
    :param addresses: where it can be reached; those of this machine by default.
    :param interfaces: the own addresses on whose networks it is told; all of them by default.
    :raises Unreachable: UNSUPPORTED, with how to install what is missing. Nothing else: a failure is only logged.
    """
    zeroconf = _load()
    info = zeroconf.ServiceInfo(
        SERVICE,
        f"{_instance(name)}.{SERVICE}",
        port=port,
        properties={key: _cut(value, _LONGEST_VALUE) for key, value in txt.items()},
        parsed_addresses=list(lan_addresses() if addresses is None else addresses),
        # A host of its own: two servers of one name would otherwise be told to be at each other's addresses.
        server=f"chatnet-{os.urandom(8).hex()}.local.",
    )
    return Announcement(zeroconf, info, interfaces)


def _instance(name: str) -> str:
    """A name that DNS-SD allows: no control characters, at most 63 bytes, and something."""
    printable = "".join(char if char.isprintable() else " " for char in name)
    return _cut(printable, _LONGEST_NAME).decode().strip() or "chatnet"


def _cut(text: str, limit: int) -> bytes:
    return text.encode(errors="replace")[:limit].decode(errors="ignore").encode()


# -- browsing -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LanServer:
    """What a server on the local network says of itself. All of it may be untrue, and hostile to a terminal."""

    name: str
    addresses: tuple[Address, ...]
    """At least one; IPv4 first."""
    version: str
    """Empty where it is not told, as the next two."""
    server: str
    """The server's id, in hexadecimal digits."""
    pin: str
    """As `chatnet.net.pins.show_pin` writes it."""
    is_open: bool
    """Does it let in guests?"""


def browse(seconds: float, *, interfaces: Sequence[str] | None = None) -> list[LanServer]:
    """Listen for so long, and return the servers that made themselves known, by name.

    :param interfaces: the own addresses on whose networks to look; all of them by default.
    :raises Unreachable: UNSUPPORTED, with how to install what is missing; UNREACHABLE if there is no network.
    """
    zeroconf = _load()
    with closing(_open(zeroconf, interfaces)) as network:
        names = _names(zeroconf, network, seconds)
        deadline = time.monotonic() + _DETAIL_SECONDS
        found = [_details(zeroconf, network, name, deadline) for name in names]
    return sorted((server for server in found if server is not None), key=lambda server: (server.name, server.server))


def _open(zeroconf: ModuleType, interfaces: Sequence[str] | None) -> "Zeroconf":
    for address in interfaces or ():
        _check_own(address)
    try:
        network: Zeroconf = zeroconf.Zeroconf(zeroconf.InterfaceChoice.All if interfaces is None else list(interfaces))
    except (OSError, RuntimeError) as error:
        raise Unreachable(ErrorCode.UNREACHABLE, f"the local network cannot be listened to: {error}") from error
    return network


def _check_own(address: str) -> None:
    """Before zeroconf is given an address that is not there: it leaves a socket open then (0.154)."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((str(ipaddress.IPv4Address(address)), 0))
    except (OSError, ValueError):
        message = f"{address!r} is no IPv4 address of this machine"
        raise Unreachable(ErrorCode.UNREACHABLE, message) from None


def _names(zeroconf: ModuleType, network: "Zeroconf", seconds: float) -> list[str]:
    names: dict[str, None] = {}

    def heard(*, name: str, state_change: "ServiceStateChange", **_: object) -> None:
        if state_change is zeroconf.ServiceStateChange.Removed:
            names.pop(name, None)
        elif len(names) < _MOST_SERVERS and name.endswith(f".{SERVICE}"):
            names[name] = None

    with _browsing(zeroconf, network, heard):
        time.sleep(seconds)
    return list(names)


@contextmanager
def _browsing(zeroconf: ModuleType, network: "Zeroconf", heard: Callable[..., None]) -> Iterator[None]:
    """Ask who is there, and call ``heard`` with whatever is answered.

    The answers are asked to go to everybody. Those to us alone would go to a port that all who do this on one machine
    share, and the system gives each of them to one of them, whom it chooses once.
    """
    asked = zeroconf.DNSQuestionType.QM
    browser = zeroconf.ServiceBrowser(network, SERVICE, handlers=[heard], question_type=asked)
    try:
        yield
    finally:
        browser.cancel()


def _details(zeroconf: ModuleType, network: "Zeroconf", name: str, deadline: float) -> LanServer | None:
    """What is known of a server, or what it says when it is asked; None if it does not say where it is."""
    info = zeroconf.ServiceInfo(SERVICE, name)
    if not info.load_from_cache(network):
        left = deadline - time.monotonic()
        if left <= 0 or not info.request(network, left * 1000, question_type=zeroconf.DNSQuestionType.QM):
            return None
    return read_service(name.removesuffix(f".{SERVICE}"), info.port, info.parsed_addresses(), info.properties)


def read_service(
    name: str, port: int | None, addresses: Sequence[str], txt: Mapping[bytes, bytes | None]
) -> LanServer | None:
    """What a server on the network says of itself, as far as it makes sense; None if nobody can connect to that."""
    told = {key.decode(errors="replace"): (value or b"").decode(errors="replace") for key, value in txt.items()}
    usable = [address for address in addresses if not ipaddress.ip_address(address).is_link_local or "." in address]
    if not port or not usable:
        return None
    usable.sort(key=lambda address: ":" in address)
    scheme = TLS if "pin" in told else TCP
    where = tuple(Address(scheme, address, port) for address in usable)
    return LanServer(
        name, where, told.get("version", ""), told.get("id", ""), _pin(told.get("pin", "")), told.get("open") == "1"
    )


def _pin(text: str) -> str:
    """A pin that is none would only be copied to where it does harm."""
    try:
        return show_pin(parse_pin(text))
    except ConfigError:
        return ""

"""Finds the transport for an address by its scheme, and loads only the one that is needed.

A transport is two functions, `Listen` and `Connect`. Those of third parties are added with `register`, and should
pass the suite in `chatnet.testing.transport_conformance`. TLS needs more than an address: who one is, and whom to
trust. That is handed in by whoever composes a server or a client.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from chatnet.address import MEMORY, TCP, TLS, UNIX, Address
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.ports import Listener, Transport
from chatnet.net.trust import ByAuthority, Trust

if TYPE_CHECKING:
    from chatnet.net.certificates import Certificates

Listen = Callable[[Address], Listener]
"""Open an address, or raise CannotListen."""
Connect = Callable[[Address, float], Transport]
"""Connect within so many seconds, blocking, or raise Unreachable. The transport that is returned never blocks."""

_BUILT_IN = {
    TCP: "chatnet.transports.tcp",
    UNIX: "chatnet.transports.unix",
    MEMORY: "chatnet.transports.memory",
}
_registered: dict[str, tuple[Listen, Connect]] = {}
_BY_AUTHORITY = ByAuthority()


def register(scheme: str, listen: Listen, connect: Connect) -> None:
    """Use these two functions for all addresses with this scheme from now on, instead of what was used before."""
    _registered[scheme] = listen, connect


def listen(address: Address, certificates: "Certificates | None" = None) -> Listener:
    """Open an address; ``certificates`` are what a server with TLS shows.

    :raises CannotListen: ADDRESS_IN_USE or CANNOT_LISTEN.
    :raises ConfigError: UNSUPPORTED, for a scheme without a transport on this system, or TLS without certificates.
    """
    if address.scheme != TLS or TLS in _registered:
        return _find(address)[0](address)
    if certificates is None:
        raise ConfigError(ErrorCode.UNSUPPORTED, f"{address} means TLS, and this server has no certificate for it")
    from chatnet.transports import tls

    return tls.listen(address, certificates)


def connect(address: Address, timeout: float, trust: Trust = _BY_AUTHORITY) -> Transport:
    """Connect to an address within ``timeout`` seconds; ``trust`` says how a server with TLS has to prove itself.

    :raises Unreachable: UNREACHABLE, with a line that says why.
    :raises ConfigError: UNSUPPORTED, for a scheme without a transport on this system.
    """
    if address.scheme != TLS or TLS in _registered:
        return _find(address)[1](address, timeout)
    from chatnet.transports import tls

    return tls.connect(address, timeout, trust)


def _find(address: Address) -> tuple[Listen, Connect]:
    if address.scheme not in _registered:
        if address.scheme not in _BUILT_IN:
            message = f"there is no transport for {address.scheme}:// addresses"
            raise ConfigError(ErrorCode.UNSUPPORTED, message)
        module = import_module(_BUILT_IN[address.scheme])
        register(address.scheme, module.listen, module.connect)
    return _registered[address.scheme]

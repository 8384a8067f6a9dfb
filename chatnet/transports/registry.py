"""Finds the transport for an address by its scheme, and loads only the one that is needed.

A transport is two functions, `Listen` and `Connect`. Those of third parties are added with `register`, and should
pass the suite in `chatnet.testing.transport_conformance`.
"""

from collections.abc import Callable
from importlib import import_module

from chatnet.address import MEMORY, TCP, TLS, UNIX, Address
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.ports import Listener, Transport

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


def register(scheme: str, listen: Listen, connect: Connect) -> None:
    """Use these two functions for all addresses with this scheme from now on, instead of what was used before."""
    _registered[scheme] = listen, connect


def listen(address: Address) -> Listener:
    """Open an address.

    :raises CannotListen: ADDRESS_IN_USE or CANNOT_LISTEN.
    :raises ConfigError: UNSUPPORTED, for a scheme without a transport on this system.
    """
    return _find(address)[0](address)


def connect(address: Address, timeout: float) -> Transport:
    """Connect to an address within ``timeout`` seconds.

    :raises Unreachable: UNREACHABLE, with a line that says why.
    :raises ConfigError: UNSUPPORTED, for a scheme without a transport on this system.
    """
    return _find(address)[1](address, timeout)


def _find(address: Address) -> tuple[Listen, Connect]:
    if address.scheme not in _registered:
        if address.scheme not in _BUILT_IN:
            raise _unsupported(address)
        module = import_module(_BUILT_IN[address.scheme])
        register(address.scheme, module.listen, module.connect)
    return _registered[address.scheme]


def _unsupported(address: Address) -> ConfigError:
    if address.scheme == TLS:
        plain = Address(TCP, address.host, address.port)
        message = f"{address} means TLS, which this version cannot do yet; use {plain}, which is not encrypted"
    else:
        message = f"there is no transport for {address.scheme}:// addresses"
    return ConfigError(ErrorCode.UNSUPPORTED, message)

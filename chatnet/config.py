"""What a server can be told, checked before anything is opened."""

from dataclasses import dataclass, field
from pathlib import Path

from chatnet.address import DEFAULT_PORT, TCP, TLS, UNIX, Address
from chatnet.core.limits import Limits
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.platform import everywhere, has_unix_sockets, local_socket_path


def default_binds() -> tuple[Address, ...]:
    """Where a server listens that is told nothing: only for programs on the same machine."""
    loopback = Address(TLS, host="127.0.0.1", port=DEFAULT_PORT)
    if not has_unix_sockets():
        return (loopback,)
    return (loopback, Address(UNIX, path=local_socket_path()))


def lan_binds(port: int = DEFAULT_PORT) -> tuple[Address, ...]:
    """Where a server listens that is for the local network: at all addresses of this machine, encrypted."""
    return (Address(TLS, host=everywhere(), port=port), *(local for local in default_binds() if local.scheme == UNIX))


@dataclass(frozen=True, slots=True)
class Config:
    """A server's configuration.

    :raises ConfigError: BAD_OPTION, with what to change.
    """

    bind: tuple[Address, ...] = field(default_factory=default_binds)
    """Where to listen; port 0 picks a free one."""
    open: bool = False
    """Let in guests from other machines too."""
    data: Path | None = None
    """The private folder in which everything is kept; None for a window of the last messages, in memory."""
    identity: Path | None = None
    """The private folder of the server's own TLS key, where it is another than ``data``. With neither, the key is made
    anew at every start, and clients that remember it take the server for another."""
    certificate: Path | None = None
    """A PEM file with the certificate that an authority gave out, and those that lead to it; None for an own one."""
    key: Path | None = None
    """The PEM file of that certificate's private key."""
    keep: Keep = KEEP_ALL
    """How long messages are kept."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.bind:
            raise ConfigError(ErrorCode.BAD_OPTION, "a server needs at least one address to listen on")
        for address in self.bind:
            _check_exposure(address, self.open)
        if (self.certificate is None) != (self.key is None):
            raise ConfigError(ErrorCode.BAD_OPTION, "a certificate and its key go together: give both or neither")


def _check_exposure(address: Address, is_open: bool) -> None:
    if address.scheme == TCP and not address.is_local and not is_open:
        raise ConfigError(
            ErrorCode.BAD_OPTION,
            f"{address} can be reached from other machines in plain text: everybody on the way reads along. "
            "Use chatnet:// for encryption; if plain text is what you want, add --open.",
        )

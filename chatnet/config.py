"""What a server can be told, checked before anything is opened."""

from dataclasses import dataclass, field
from pathlib import Path

from chatnet.address import DEFAULT_PORT, TCP, UNIX, Address
from chatnet.core.limits import Limits
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.platform import has_unix_sockets, local_socket_path


def default_binds() -> tuple[Address, ...]:
    """Where a server listens that is told nothing: only for programs on the same machine."""
    loopback = Address(TCP, host="127.0.0.1", port=DEFAULT_PORT)
    if not has_unix_sockets():
        return (loopback,)
    return (loopback, Address(UNIX, path=local_socket_path()))


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
    keep: Keep = KEEP_ALL
    """How long messages are kept."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.bind:
            raise ConfigError(ErrorCode.BAD_OPTION, "a server needs at least one address to listen on")
        for address in self.bind:
            _check_exposure(address, self.open)


def _check_exposure(address: Address, is_open: bool) -> None:
    if address.scheme == TCP and not address.is_local and not is_open:
        raise ConfigError(
            ErrorCode.BAD_OPTION,
            f"{address} can be reached from other machines, in plain text and by guests without a password. "
            "If that is what you want, add --open; otherwise listen on 127.0.0.1.",
        )

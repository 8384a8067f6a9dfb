"""How a client decides that a TLS server is the one it wants to talk to. There is no fourth way, and no falling back.

Nothing here loads TLS, so that whoever only carries such a decision around stays small.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatnet.address import Address

PIN_BYTES = 32
"""Of a SHA-256; `chatnet.net.pins` says of what."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """This key and no other, whatever else its certificate says."""

    pin: bytes

    def __post_init__(self) -> None:
        if len(self.pin) != PIN_BYTES:
            raise ValueError(f"a pin has {PIN_BYTES} bytes, not {len(self.pin)}")


@dataclass(frozen=True, slots=True)
class ByAuthority:
    """A valid certificate for the host's name from an authority that this system trusts.

    ``file``: a PEM file of the authorities to trust instead.
    """

    file: str | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """Any server. For whoever proves it in another way before saying anything of worth, or only wants its pin."""


Trust = Pinned | ByAuthority | Unproven
TrustFor = Callable[[Address], Trust]
"""How the server at an address has to prove itself."""


def by_authority(address: Address) -> Trust:
    """For a server of which nothing is known."""
    del address
    return ByAuthority()

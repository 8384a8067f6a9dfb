"""What a client can ask of a server."""

import pytest

from chatnet.address import TLS, Address
from chatnet.net.trust import ByAuthority, Pinned, by_authority


def test_a_server_of_which_nothing_is_known_needs_an_authority() -> None:
    assert by_authority(Address(TLS, "example", 5555)) == ByAuthority()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_pin_of_another_length_cannot_be_asked_for(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Pinned(bytes(size))

"""Guests' secrets."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from chatnet.auth.guests import hash_secret, is_secret, server_secret
from chatnet.model import SECRET_BYTES

secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


@given(secrets, secrets)
def test_only_the_secret_itself_belongs_to_its_hash(secret: bytes, other: bytes) -> None:
    assert is_secret(secret, hash_secret(secret))
    assert is_secret(other, hash_secret(secret)) == (other == secret)


@given(secrets)
def test_the_server_keeps_a_hash_and_not_the_secret(secret: bytes) -> None:
    assert hash_secret(secret) == hashlib.sha256(secret).digest() != secret


@given(secrets, st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_every_server_gets_a_secret_of_its_own_and_always_the_same(installation: bytes, one: bytes, two: bytes) -> None:
    secret = server_secret(installation, one)
    assert len(secret) == SECRET_BYTES
    assert secret == server_secret(installation, one) != installation
    assert (secret == server_secret(installation, two)) == (one == two)


def test_a_servers_secret_stays_the_same_in_later_versions() -> None:
    """Guests would lose their names otherwise: HMAC-SHA256 (RFC 2104) of this text."""
    inner = hashlib.sha256(bytes([0x36] * 64) + b"chatnet guest " + bytes(16)).digest()
    expected = hashlib.sha256(bytes([0x5C] * 64) + inner).digest()
    assert server_secret(bytes(32), bytes(16)) == expected

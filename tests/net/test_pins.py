"""Pins: the same for every certificate of a key, and readable."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.pins import channel_binding_of, parse_pin, pin_of, show_pin
from chatnet.net.x509 import read_certificate
from tests.net.test_x509 import EC_KEY, RSA_KEY, certificate


def test_a_pin_is_the_hash_of_the_public_key() -> None:
    der = certificate()
    assert pin_of(der) == hashlib.sha256(read_certificate(der).public_key).digest()


def test_a_renewed_certificate_has_the_same_pin_and_another_key_another_one() -> None:
    assert pin_of(certificate(EC_KEY)) == pin_of(certificate(EC_KEY, organisation="renewed"))
    assert pin_of(certificate(EC_KEY)) != pin_of(certificate(RSA_KEY))


def test_the_channel_binding_is_the_certificates_hash_by_its_signature() -> None:
    for hash, name in ((hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")):
        der = certificate(hash=hash)
        assert channel_binding_of(der) == hashlib.new(name, der).digest()


def test_a_weak_hash_is_not_used_for_the_binding() -> None:
    der = certificate(hash=hashes.SHA224())
    assert channel_binding_of(der) == hashlib.sha256(der).digest()


def test_a_pin_is_shown_in_groups_on_one_line() -> None:
    assert show_pin(bytes(range(32))) == (
        "sha256:00010203-04050607-08090a0b-0c0d0e0f-10111213-14151617-18191a1b-1c1d1e1f"
    )


@given(st.binary(min_size=32, max_size=32))
def test_what_is_shown_can_be_read(pin: bytes) -> None:
    shown = show_pin(pin)
    assert len(shown) < 80
    assert parse_pin(shown) == parse_pin(shown.upper()) == parse_pin("sha256:" + pin.hex()) == pin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "00" * 32,
        "sha1:" + "00" * 20,
        "sha256:" + "00" * 31,
        "sha256:" + "00" * 33,
        "sha256:" + "0g" * 32,
        "sha256:" + "\N{ARABIC-INDIC DIGIT ZERO}" * 64,
        "sha256:0001-" + "00" * 30,
        show_pin(bytes(32)) + "\n",
        " " + show_pin(bytes(32)),
        show_pin(bytes(32)).replace("-", "--"),
    ],
)
def test_anything_else_is_no_pin(text: str) -> None:
    with pytest.raises(ConfigError, match="one looks like sha256:") as refused:
        parse_pin(text)
    assert refused.value.code == ErrorCode.BAD_OPTION

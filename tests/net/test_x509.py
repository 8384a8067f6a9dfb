"""Certificates are read as DER, and anything else is refused."""

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from chatnet.net.x509 import read_certificate

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
END = datetime(2030, 2, 3, 4, 5, 6, tzinfo=UTC)
Hash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512


def certificate(
    key: CertificateIssuerPrivateKeyTypes = EC_KEY,
    hash: Hash | None = hashes.SHA256(),  # noqa: B008
    end: datetime = END,
    pss: bool = False,
    organisation: str = "chatnet",
) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime(1960, 1, 1, tzinfo=UTC)).not_valid_after(end)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("::1"))]), False)
    kind = padding.PSS(padding.MGF1(hash), padding.PSS.DIGEST_LENGTH) if pss and hash is not None else None
    return builder.sign(key, hash, rsa_padding=kind).public_bytes(Encoding.DER)


GOOD = certificate()


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY, ed25519.Ed25519PrivateKey.generate()], ids=["ec", "rsa", "ed25519"])
def test_the_public_key_is_the_one_that_the_certificate_is_for(key: CertificateIssuerPrivateKeyTypes) -> None:
    der = certificate(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    expected = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert read_certificate(der).public_key == expected


@pytest.mark.parametrize("end", [END, datetime(1968, 1, 2, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)])
def test_the_last_day_is_read_whichever_way_it_is_written(end: datetime) -> None:
    assert read_certificate(certificate(end=end)).not_after == end


def test_a_last_day_beyond_2049_has_four_digits_for_the_year() -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read_certificate(certificate(end=end)).not_after == end


@pytest.mark.parametrize(
    ("hash", "expected"),
    [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")],
    ids=lambda value: str(getattr(value, "name", value)),
)
@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "pss"])
def test_the_signatures_hash_is_found(kind: str, hash: Hash, expected: str) -> None:
    der = certificate(EC_KEY if kind == "ecdsa" else RSA_KEY, hash, pss=kind == "pss")
    assert read_certificate(der).signature_hash == expected


def test_a_signature_without_a_hash_counts_as_sha256() -> None:
    assert read_certificate(certificate(ed25519.Ed25519PrivateKey.generate(), None)).signature_hash == "sha256"


def test_a_long_certificate_is_read_too() -> None:
    assert read_certificate(certificate(organisation="x" * 60)).public_key == read_certificate(GOOD).public_key


def test_a_cut_certificate_is_none() -> None:
    for end in range(len(GOOD)):
        with pytest.raises(ValueError, match=r"."):
            read_certificate(GOOD[:end])


def test_nothing_may_follow_a_certificate() -> None:
    with pytest.raises(ValueError, match="behind"):
        read_certificate(GOOD + b"\0")


@pytest.mark.parametrize(
    "length",
    [b"\x80", b"\x81\x05", b"\x82\x00\x05", b"\x84\x00\x00\x00\x05", b"\xff"],
    ids=["indefinite", "long form", "leading zero", "four bytes", "reserved"],
)
def test_a_length_that_is_no_der_is_refused(length: bytes) -> None:
    with pytest.raises(ValueError, match="length"):
        read_certificate(b"\x30" + length + bytes(5))


@given(st.binary(max_size=200))
@example(b"\x30\x00")
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_certificate(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_a_field_of_the_bytes_or_is_refused(at: int, value: int) -> None:
    changed = GOOD[:at] + bytes([value]) + GOOD[at + 1 :]
    try:
        found = read_certificate(changed)
    except ValueError:
        return
    assert found.public_key in changed
    assert found.not_after - END < timedelta(days=365 * 10000)

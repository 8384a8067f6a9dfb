"""A server's public key, short enough to remember: its pin.

A pin is the SHA-256 of the certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4), so a renewed certificate for the
same key has the same one. Written out it is what OpenSSL prints as well:

    openssl x509 -pubkey -noout <tls-certificate.pem | openssl pkey -pubin -outform der | sha256sum
"""

import hashlib
import re

from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.trust import PIN_BYTES
from chatnet.net.x509 import read_certificate

_GROUP = 8
"""Hex digits between two hyphens: as many as one compares at a glance, and the whole stays on one line of 80."""
_SPOKEN = re.compile(r"sha256:(?:[0-9a-f]{8}(?:-[0-9a-f]{8}){7}|[0-9a-f]{64})", re.ASCII)


def pin_of(certificate: bytes) -> bytes:
    """The pin of a certificate that is given as DER.

    :raises ValueError: it is no certificate.
    """
    return hashlib.sha256(read_certificate(certificate).public_key).digest()


def channel_binding_of(certificate: bytes) -> bytes:
    """The ``tls-server-end-point`` binding of a connection to the server that shows this certificate (DER).

    Source: RFC 5929 section 4.1. For signatures without a hash (Ed25519), where it defines none, this is SHA-256.
    :raises ValueError: it is no certificate.
    """
    return hashlib.new(read_certificate(certificate).signature_hash, certificate).digest()


def show_pin(pin: bytes) -> str:
    """For people: ``sha256:`` and eight groups of eight hex digits."""
    digits = pin.hex()
    return "sha256:" + "-".join(digits[i : i + _GROUP] for i in range(0, len(digits), _GROUP))


def parse_pin(text: str) -> bytes:
    """What `show_pin` writes; capitals are taken too, and no hyphens at all.

    :raises ConfigError: BAD_OPTION.
    """
    if not _SPOKEN.fullmatch(text.lower()):
        example = show_pin(bytes(PIN_BYTES))
        raise ConfigError(ErrorCode.BAD_OPTION, f"{text!r} is not a server's fingerprint; one looks like {example}")
    return bytes.fromhex(text.lower().removeprefix("sha256:").replace("-", ""))

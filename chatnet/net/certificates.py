"""A server's key and certificate: its own ones, made when they are needed, or those that an authority has given out.

The server's own key is made once and is what clients remember (`chatnet.net.pins`). Its certificate says nothing and
is made anew, for the same key, whenever less than a third of its days are left: nobody notices.

Rule kept here: what is `current` can be used. New files take its place only when all of them are right.
"""

import logging
import os
import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.folders import sync_folder
from chatnet.net.pins import channel_binding_of, pin_of
from chatnet.net.x509 import read_certificate

KEY_NAME = "tls-key.pem"
CERTIFICATE_NAME = "tls-certificate.pem"
LIFE = timedelta(days=90)
"""The most that Mozilla's modern profile wants (https://wiki.mozilla.org/Security/Server_Side_TLS)."""
RENEW_BEFORE = LIFE / 3
_SKEW = timedelta(days=1)
"""How far a client's clock may be behind."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection is opened with."""

    context: ssl.SSLContext
    pin: bytes
    channel_binding: bytes


class Certificates:
    """The credentials of one server. ``load`` reads them from wherever they are, or raises ConfigError."""

    def __init__(self, load: Callable[[], Credentials]) -> None:
        self._load = load
        self.current = load()
        """For connections that come from now on; the others keep theirs."""

    def reload(self) -> bool:
        """Read the files again. If they cannot be used, say so in the log and go on with what there is."""
        try:
            self.current = self._load()
        except ConfigError as error:
            _log.error("the certificate stays as it is: %s", error.message)
            return False
        _log.info("the certificate was read again")
        return True


def given_certificates(chain: Path, key: Path) -> Certificates:
    """Those in two PEM files: the server's certificate with those that lead to an authority, and the private key.

    :raises ConfigError: BAD_OPTION, with what is wrong with them.
    """
    return Certificates(lambda: _load(chain, key, ErrorCode.BAD_OPTION))


def own_certificates(folder: Path, now: Callable[[], float] = time.time) -> Certificates:
    """Those of this server alone, in its private data folder; made if there are none.

    ``now``: seconds since 1970.
    :raises ConfigError: DATA_UNUSABLE.
    """
    key, certificate = folder / KEY_NAME, folder / CERTIFICATE_NAME

    def load() -> Credentials:
        today = datetime.fromtimestamp(now(), UTC)
        try:
            if not key.exists():
                _write(key, _make_key())
                with suppress(FileNotFoundError):
                    certificate.unlink()  # of another key
            if _needs_renewal(certificate, today):
                _write(certificate, _make_certificate(key.read_bytes(), today))
        except (OSError, ValueError, TypeError) as error:
            raise _unusable(key, ErrorCode.DATA_UNUSABLE, error) from error
        return _load(certificate, key, ErrorCode.DATA_UNUSABLE)

    return Certificates(load)


# -- reading --------------------------------------------------------------------------------------------------


def _load(chain: Path, key: Path, code: ErrorCode) -> Credentials:
    context = _server_context()
    at_fault = chain
    try:
        certificate = _first_certificate(chain)
        key.read_bytes()  # OpenSSL would not say which of the two it cannot read
        at_fault = key
        context.load_cert_chain(chain, key, password=_no_password)
        if _first_certificate(chain) != certificate:
            raise ValueError("it was changed while it was read")
        return Credentials(context, pin_of(certificate), channel_binding_of(certificate))
    except (OSError, ValueError) as error:
        raise _unusable(_path_of(error) or at_fault, code, error) from error


def _path_of(error: Exception) -> Path | None:
    return Path(error.filename) if isinstance(error, OSError) and isinstance(error.filename, str) else None


def _first_certificate(chain: Path) -> bytes:
    """The server's own certificate, as DER; the rest of the chain follows it (RFC 8446 section 4.4.2)."""
    found = _PEM.search(chain.read_text("ascii"))
    if found is None:
        raise ValueError("there is no certificate in it")
    der = ssl.PEM_cert_to_DER_cert(found[0])
    read_certificate(der)
    return der


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # chatnet's clients resume nothing, and tickets are a sixth of the cost of a handshake.
    context.num_tickets = 0
    if hasattr(context, "set_groups"):  # Python 3.15
        context.set_groups("X25519:P-256")
    else:
        # Only one can be named, and without a name OpenSSL offers X448, P-521 and finite fields as well.
        with suppress(ssl.SSLError):  # Debian 12's Python 3.11.2 cannot name X25519; it offers it with all the others
            context.set_ecdh_curve("X25519")
    return context


def _no_password() -> bytes:
    """Called for an encrypted key; OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted; a server needs one without a password")


def _unusable(path: Path, code: ErrorCode, error: Exception) -> ConfigError:
    return ConfigError(code, f"cannot use {path} for TLS: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "it is not the key of that certificate"
        return f"it is not what it should be ({error.reason or error.strerror or error})"
    if isinstance(error, UnicodeError):
        return "it is no PEM file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


# -- making ---------------------------------------------------------------------------------------------------


def _needs_renewal(certificate: Path, today: datetime) -> bool:
    try:
        return read_certificate(_first_certificate(certificate)).not_after - today < RENEW_BEFORE
    except (FileNotFoundError, ValueError):
        return True


def _make_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make_certificate(pem: bytes, today: datetime) -> bytes:
    """A certificate for this private key, signed by itself. It names nobody: what counts is the key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("it is no key on an elliptic curve")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chatnet")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - _SKEW).not_valid_after(today - _SKEW + LIFE)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    """All of a private file or nothing, even if the power fails."""
    new = path.with_name(path.name + ".new")
    with suppress(FileNotFoundError):
        new.unlink()
    with open(new, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    sync_folder(path.parent)

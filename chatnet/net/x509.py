"""The few fields of a certificate that chatnet looks at, found by walking its DER.

TLS itself is OpenSSL's work, which has read and checked the certificate before this does. What is left is to find the
public key, the last day and the signature's hash, and for that a client need not load a cryptography package. Rule
kept here: whatever the bytes are, the answer is a field that lies within them or ValueError.

Sources: RFC 5280 section 4.1 (Certificate), X.690 sections 8 and 10 (DER), RFC 4055 section 3.1 (RSASSA-PSS).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

_INTEGER, _BIT_STRING, _OID, _UTC_TIME, _GENERALIZED_TIME, _SEQUENCE = 0x02, 0x03, 0x06, 0x17, 0x18, 0x30
_EXPLICIT_0 = 0xA0
_LONGEST_LENGTH = 3
"""Bytes in which a length may be written: 16 MiB is more than any certificate has."""

_RSA_PSS = bytes.fromhex("2a864886f70d01010a")
_HASHES = {
    bytes.fromhex("2a864886f70d01010c"): "sha384",  # sha384WithRSAEncryption
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a8648ce3d040303"): "sha384",  # ecdsa-with-SHA384
    bytes.fromhex("2a8648ce3d040304"): "sha512",
    bytes.fromhex("608648016503040202"): "sha384",  # the hash itself, as RSASSA-PSS names it
    bytes.fromhex("608648016503040203"): "sha512",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What chatnet wants to know of a certificate."""

    public_key: bytes
    """The SubjectPublicKeyInfo, as DER."""
    not_after: datetime
    """When it expires, UTC."""
    signature_hash: str
    """``sha384`` or ``sha512`` if its signature uses that, else ``sha256``: also in place of MD5 and SHA-1, and for
    signatures that name no hash."""


def read_certificate(der: bytes) -> Certificate:
    """Read one certificate.

    :raises ValueError: it is none.
    """
    outer = _Reader(der)
    certificate = outer.enter(_SEQUENCE)
    outer.finish()
    body = certificate.enter(_SEQUENCE)
    algorithm = certificate.enter(_SEQUENCE)
    certificate.take(_BIT_STRING)
    certificate.finish()
    if body.next_tag == _EXPLICIT_0:
        body.take(_EXPLICIT_0)  # the version
    body.take(_INTEGER)  # the serial number
    body.take(_SEQUENCE)  # the signature's algorithm, a second time
    body.take(_SEQUENCE)  # who issued it
    not_after = _read_not_after(body.enter(_SEQUENCE))
    body.take(_SEQUENCE)  # for whom
    return Certificate(body.take(_SEQUENCE), not_after, _read_hash(algorithm))


def _read_not_after(validity: "_Reader") -> datetime:
    validity.take(validity.next_tag)  # not before
    tag = validity.next_tag
    text = validity.content(tag).decode("ascii")
    if tag == _GENERALIZED_TIME:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    if tag != _UTC_TIME:
        raise ValueError("a certificate's end is no time")
    found = datetime.strptime(text, "%y%m%d%H%M%SZ").replace(tzinfo=UTC)
    # Two digits mean 1950 to 2049 here, but 1969 to 2068 to Python.
    return found.replace(year=found.year - 100) if found.year >= 2050 else found


def _read_hash(algorithm: "_Reader") -> str:
    name = algorithm.content(_OID)
    if name == _RSA_PSS and algorithm.next_tag == _SEQUENCE:
        parameters = algorithm.enter(_SEQUENCE)
        if parameters.next_tag == _EXPLICIT_0:
            name = parameters.enter(_EXPLICIT_0).enter(_SEQUENCE).content(_OID)
    return _HASHES.get(name, "sha256")


class _Reader:
    """Takes one DER value after the other from some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def next_tag(self) -> int:
        """The tag of the next value, -1 at the end."""
        return self._data[self._at] if self._at < len(self._data) else -1

    def take(self, tag: int) -> bytes:
        """The next value, header included."""
        start = self._at
        self._skip(tag)
        return self._data[start : self._at]

    def content(self, tag: int) -> bytes:
        """The next value without its header."""
        begin = self._skip(tag)
        return self._data[begin : self._at]

    def enter(self, tag: int) -> "_Reader":
        """A reader of what the next value contains."""
        return _Reader(self.content(tag))

    def finish(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise ValueError("bytes behind a certificate's last field")

    def _skip(self, tag: int) -> int:
        """Step over the next value and return where its content begins."""
        if tag < 0 or self.next_tag != tag:
            raise ValueError("a field of a certificate is missing")
        begin, size = self._read_length(self._at + 1)
        if size > len(self._data) - begin:
            raise ValueError("a field of a certificate is longer than the certificate")
        self._at = begin + size
        return begin

    def _read_length(self, at: int) -> tuple[int, int]:
        """Where the content begins, and how long it is."""
        first = int.from_bytes(self._bytes(at, 1))
        if first < 0x80:
            return at + 1, first
        count = first & 0x7F
        if not 1 <= count <= _LONGEST_LENGTH:
            raise ValueError("a length in a certificate is not DER")
        size = int.from_bytes(self._bytes(at + 1, count))
        if size < 0x80 or size >> 8 * (count - 1) == 0:
            raise ValueError("a length in a certificate is written longer than DER allows")
        return at + 1 + count, size

    def _bytes(self, at: int, count: int) -> bytes:
        found = self._data[at : at + count]
        if len(found) < count:
            raise ValueError("a certificate is cut off")
        return found

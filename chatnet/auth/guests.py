"""How a guest is known again: by a secret that only its client has.

The server keeps the secret's hash. The secret is 32 random bytes, so a plain hash cannot be guessed backwards. A
client derives another secret for every server, so that no server learns one that works elsewhere.
"""

import hashlib
import hmac


def server_secret(installation_secret: bytes, server: bytes) -> bytes:
    """The 32-byte secret that an installation shows to the server of this id (HMAC-SHA256, RFC 2104)."""
    return hmac.digest(installation_secret, b"chatnet guest " + server, hashlib.sha256)


def hash_secret(secret: bytes) -> bytes:
    """What the server keeps of a guest's secret: 32 bytes."""
    return hashlib.sha256(secret).digest()


def is_secret(secret: bytes, secret_hash: bytes) -> bool:
    """Does this secret belong to this hash? Takes the same time for any answer."""
    return hmac.compare_digest(hash_secret(secret), secret_hash)

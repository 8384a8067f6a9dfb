"""Tokens: 32 random bytes by which a device or a script logs in.

The server keeps a token's hash. A token is random, so a plain hash cannot be guessed backwards. In files a token is one
word that starts with ``chatnet-``, so that people and programs which look for leaked secrets know it when they see
it, and that ends in a checksum, so that half a token is told from a wrong one.
"""

import binascii
import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from chatnet.errors import ConfigError, ErrorCode
from chatnet.model import SECRET_BYTES

_PREFIX = "chatnet-"
_SUM_BYTES = 4
_TEXT = re.compile(rf"{_PREFIX}([A-Za-z0-9_-]{{48}})", re.ASCII)
"""36 bytes in base64, which needs no padding for them."""


def make_token(entropy: Callable[[int], bytes]) -> bytes:
    """A new token; ``entropy(n)`` gives n random bytes."""
    return entropy(SECRET_BYTES)


def hash_token(token: bytes) -> bytes:
    """What the server keeps of a token: 32 bytes, also to find it by."""
    return hashlib.sha256(token).digest()


def is_token(token: bytes, token_hash: bytes) -> bool:
    """Does this token belong to this hash? Takes the same time for any answer."""
    return hmac.compare_digest(hash_token(token), token_hash)


def show_token(token: bytes) -> str:
    """The token as one word of 56 characters, for a private file."""
    return _PREFIX + urlsafe_b64encode(token + _checksum(token)).decode("ascii")


def parse_token(text: str) -> bytes:
    """Read what `show_token` wrote; space around it does not count.

    :raises ConfigError: BAD_OPTION, which does not repeat the text.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ConfigError(ErrorCode.BAD_OPTION, f"this is not a token: one is a word of 56 that starts with {_PREFIX}")
    whole = urlsafe_b64decode(found[1])
    token, checksum = whole[:SECRET_BYTES], whole[SECRET_BYTES:]
    if checksum != _checksum(token):
        raise ConfigError(ErrorCode.BAD_OPTION, "this token is damaged: its checksum is wrong; copy it once more")
    return token


def _checksum(token: bytes) -> bytes:
    return binascii.crc32(token).to_bytes(_SUM_BYTES)

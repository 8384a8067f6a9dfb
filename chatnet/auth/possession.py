"""How a client shows that it has a file, not just the file's digest, so that it need not send it.

The server asks for a hash over a nonce and some pieces of the content: of a file of up to 16 MiB over all of it, of a
longer one over 256 pieces of 64 KiB, one from each of 256 equal stretches, at places that nobody can foresee. Who lacks
a tenth of such a file passes once in 10^11 times, and in smaller gaps there is less to be won than the upload costs.
The nonce makes an answer good for one question only.
"""

import hashlib
from collections.abc import Callable, Iterable

NONCE_BYTES = 32
PIECES = 256
PIECE_BYTES = 64 * 1024
WHOLE_BYTES = PIECES * PIECE_BYTES
"""A file of up to this size is asked for as a whole."""
_DOMAIN = b"chatnet possession 1\0"

Ranges = tuple[tuple[int, int], ...]
"""(offset, length) of each piece."""


def ask_for(size: int, entropy: Callable[[int], bytes]) -> Ranges:
    """The pieces to ask for, of a file of so many bytes; ``entropy(n)`` gives n random bytes."""
    if size <= WHOLE_BYTES:
        return ((0, size),)
    pieces = []
    for i in range(PIECES):
        start, end = size * i // PIECES, size * (i + 1) // PIECES
        room = end - start - PIECE_BYTES + 1
        pieces.append((start + int.from_bytes(entropy(8)) % room, PIECE_BYTES))
    return tuple(pieces)


def are_askable(ranges: Ranges, size: int) -> bool:
    """Would `ask_for` ask for these, of a file of that size? A client need not read more for a server than that."""
    inside = all(0 <= offset <= offset + length <= size for offset, length in ranges)
    return inside and len(ranges) <= PIECES and sum(length for _, length in ranges) <= WHOLE_BYTES


class Answer:
    """The answer to a question, made piece by piece."""

    def __init__(self, nonce: bytes, ranges: Ranges) -> None:
        self._hash = hashlib.sha256(_DOMAIN + nonce)
        self._hash.update(b"".join(offset.to_bytes(8) + length.to_bytes(8) for offset, length in ranges))

    def add(self, data: bytes) -> None:
        """The next bytes that were asked for; how they are cut does not matter."""
        self._hash.update(data)

    def digest(self) -> bytes:
        """32 bytes."""
        return self._hash.digest()


def answer(nonce: bytes, ranges: Ranges, data: Iterable[bytes]) -> bytes:
    """What somebody says who has all bytes of these ranges, which ``data`` has in order."""
    made = Answer(nonce, ranges)
    for piece in data:
        made.add(piece)
    return made.digest()

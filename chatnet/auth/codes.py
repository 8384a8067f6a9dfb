"""Join codes: twelve characters that a person can type or say, such as ``7KQM-4XDP-9TBC``.

The first four name the invitation, the other eight are its secret: 40 random bits, which are enough because they are
only ever checked by SCRAM, where the server counts the tries and a guess from outside costs 600,000 iterations.

Source: Crockford, "Base 32", https://www.crockford.com/base32.html, without its check symbol.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chatnet.address import TLS, Address, parse
from chatnet.errors import ConfigError, ErrorCode

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP = 4
_LENGTH = 12
_CODE = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")
_SEPARATORS = re.compile("[\\s\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}-]+")
"""Word processors and chat programs make longer dashes of hyphens."""
_CAPITALS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Of ASCII alone: other letters that become one of these when they are capitals are no slip of a finger."""
_LOOK_ALIKES = str.maketrans("OIL", "011")
_LINK = re.compile(rf"({TLS}://[^/?#]+)/([^/?#]+)/?")


@dataclass(frozen=True, slots=True)
class Code:
    """A join code; ``str()`` of it is what a person gets. Its secret does not show in ``repr()``."""

    name: str
    """Four characters."""
    secret: str = field(repr=False)
    """Eight characters."""

    def __str__(self) -> str:
        whole = self.name + self.secret
        return "-".join(whole[i : i + _GROUP] for i in range(0, _LENGTH, _GROUP))


def make_code(entropy: Callable[[int], bytes]) -> Code:
    """A new code; ``entropy(n)`` gives n random bytes."""
    # One byte for each character: 32 divides 256, so every character is as likely as the others.
    return _split("".join(_ALPHABET[byte % len(_ALPHABET)] for byte in entropy(_LENGTH)))


def parse_code(text: str) -> Code:
    """Read a code as a person writes it: in any case, with or without hyphens or spaces, with O for 0, I or L for 1.

    :raises ConfigError: BAD_OPTION, which does not repeat the text.
    """
    plain = _SEPARATORS.sub("", text).translate(_CAPITALS).translate(_LOOK_ALIKES)
    if not _CODE.fullmatch(plain):
        raise ConfigError(ErrorCode.BAD_OPTION, f"this is not a join code: {_what_is_wrong(plain)}")
    return _split(plain)


def parse_link(text: str) -> tuple[Address, Code] | None:
    """Read ``chatnet://HOST[:PORT]/CODE``; None if it is not of that form at all.

    :raises ConfigError: BAD_ADDRESS or BAD_OPTION: it is, and its host or its code is wrong.
    """
    found = _LINK.fullmatch(text.strip())
    return None if found is None else (parse(found[1]), parse_code(found[2]))


def make_link(address: Address, code: Code) -> str:
    """The one line that `parse_link` reads, for an address with TLS."""
    return f"{replace(address, scheme=TLS)}/{code}"


def _split(plain: str) -> Code:
    return Code(plain[:_GROUP], plain[_GROUP:])


def _what_is_wrong(plain: str) -> str:
    if len(plain) != _LENGTH:
        return f"it has {len(plain)} characters, where a code has {_LENGTH}, such as 7KQM-4XDP-9TBC"
    if "U" in plain:
        return "there is no U in a code; perhaps it is a V"
    return "a code has only letters (A to Z) and digits"

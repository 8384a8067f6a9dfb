"""What people type to find a message.

All words must be there; ``"a phrase"`` wants its words side by side, ``pre*`` the beginning of a word, ``from:name`` a
word of the sender's names. Case and accents do not count.
"""

import re
import unicodedata

import msgspec

_TERM = re.compile(r'(?P<field>from:)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')


class Term(msgspec.Struct, frozen=True):
    """One thing to look for."""

    text: str
    """Words side by side, as they were typed but for quotes; at least one letter or digit."""
    is_prefix: bool = False
    """Is the last word only a beginning?"""
    in_name: bool = False
    """In the sender's names only?"""


def parse(typed: str) -> list[Term]:
    """What to look for; empty if there is not one word in it."""
    terms = []
    # FTS5 reads an expression only up to a zero byte.
    for found in _TERM.finditer(unicodedata.normalize("NFC", typed).replace("\0", " ")):
        phrase = found["phrase"]
        text = found["word"] if phrase is None else phrase
        if any(c.isalnum() for c in text):
            terms.append(Term(text.rstrip("*"), phrase is None and text.endswith("*"), found["field"] is not None))
    return terms

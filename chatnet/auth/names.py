"""What people and rooms may be called.

Login and room names are plain ASCII, so that they can be typed anywhere, never look like another, and never carry
anything but letters to a terminal. Display names are free text of one line; they are shown beside the login name
wherever they could mislead.
"""

import re
import unicodedata

from chatnet.auth.confusables import CAPITALS, LETTERS, PAIRS
from chatnet.errors import ErrorCode, Refused

NAME_MAX = 32
DISPLAY_MAX = 40
LINE_MAX = 250
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that are invisible or undefined: controls, bidi marks, surrogates, private use, separators."""
_NOT_IN_A_LINE = ("Cc", "Cs", "Zl", "Zp")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of what follows. Source: Unicode's UAX #9, table 1."""
_LOOK_LIKE_NOTHING = (*_HIDDEN, "Mn", "Me", "Zs", "Pc", "Pd", "Po", "Sk", "Lm")
"""Categories that are easily overlooked in a name: marks, spaces, underscores, dashes, dots."""


def fold(name: str) -> str:
    """The form in which names are compared; mostly the name itself, which is not kept twice then."""
    folded = name.casefold()
    return name if folded == name else folded


def check_name(name: str, what: str = "name") -> str:
    """Return a legal login or room name as it is.

    :raises Refused: BAD_NAME.
    """
    if not _NAME.fullmatch(name):
        raise Refused(
            ErrorCode.BAD_NAME,
            f"a {what} has 1 to {NAME_MAX} letters (a to z), digits or . _ - and starts with a letter or digit",
        )
    return name


def check_display(display: str, what: str = "display name") -> str:
    """Return a legal display name, or label of a token, as it is; empty means none.

    :raises Refused: BAD_NAME.
    """
    if not display:
        return display
    if len(display) > DISPLAY_MAX:
        raise Refused(ErrorCode.BAD_NAME, f"a {what} has at most {DISPLAY_MAX} characters")
    if unicodedata.normalize("NFC", display) != display:
        raise Refused(ErrorCode.BAD_NAME, f"a {what} must be in Unicode's composed form (NFC)")
    if display != display.strip() or any(unicodedata.category(c) in _HIDDEN for c in display):
        raise Refused(ErrorCode.BAD_NAME, f"a {what} is one line without invisible characters or outer spaces")
    return display


def check_line(line: str, what: str) -> str:
    """Return a legal topic or reason as it is: one line of at most 250 characters; empty for none.

    :raises Refused: BAD_TEXT.
    """
    if len(line) > LINE_MAX:
        raise Refused(ErrorCode.BAD_TEXT, f"a {what} has at most {LINE_MAX} characters")
    if any(c in _BIDI or unicodedata.category(c) in _NOT_IN_A_LINE for c in line):
        raise Refused(ErrorCode.BAD_TEXT, f"a {what} is one line, without control characters or marks of direction")
    return line


def suggest_name(text: str) -> str:
    """A legal login name that resembles any text, such as an operating system's login or an IRC nick."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(c if _NAME.fullmatch("x" + c) else "_" for c in plain if not unicodedata.combining(c))
    return kept.lstrip("._-")[:NAME_MAX] or "guest"


def skeleton(name: str) -> str:
    """What a login or display name looks like: two that could be taken for each other have the same.

    Not for showing, and not for ever: it is compared while a server runs, and never stored. Empty if nothing of the
    name is a letter, digit or symbol. Source: the skeletons of Unicode's UTS #39, section 4, with a table of our own
    that has what people read as Latin letters and digits.
    """
    letters = name.translate(_ASCII) if name.isascii() else _letters(name)
    for pair, letter in PAIRS:
        letters = letters.replace(pair, letter)
    return letters


def _letters(name: str) -> str:
    # Capitals first: some look like another letter than their small form does.
    folded = unicodedata.normalize("NFKC", name).translate(CAPITALS).casefold()
    # Once more at the end: some letters have a capital in their decomposition.
    plain = unicodedata.normalize("NFKD", folded).translate(CAPITALS).casefold().translate(LETTERS)
    return "".join(c for c in plain if unicodedata.category(c) not in _LOOK_LIKE_NOTHING)


_ASCII = {code: _letters(chr(code)) for code in range(128)}
"""What becomes of each character where all are ASCII: the same alone as beside others, as Unicode has it."""

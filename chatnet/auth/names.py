"""What people and rooms may be called.

Login and room names are plain ASCII, so that they can be typed anywhere, never look like another, and never carry
anything but letters to a terminal. Display names are free text of one line; they are shown beside the login name
wherever they could mislead.
"""

import re
import unicodedata

from chatnet.errors import ErrorCode, Refused

NAME_MAX = 32
DISPLAY_MAX = 40
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that are invisible or undefined: controls, bidi marks, surrogates, private use, separators."""


def fold(name: str) -> str:
    """The form in which names are compared."""
    return name.casefold()


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


def check_display(display: str) -> str:
    """Return a legal display name as it is; empty means none.

    :raises Refused: BAD_NAME.
    """
    if not display:
        return display
    if len(display) > DISPLAY_MAX:
        raise Refused(ErrorCode.BAD_NAME, f"a display name has at most {DISPLAY_MAX} characters")
    if unicodedata.normalize("NFC", display) != display:
        raise Refused(ErrorCode.BAD_NAME, "a display name must be in Unicode's composed form (NFC)")
    if display != display.strip() or any(unicodedata.category(c) in _HIDDEN for c in display):
        raise Refused(ErrorCode.BAD_NAME, "a display name is one line without invisible characters or outer spaces")
    return display


def suggest_name(text: str) -> str:
    """A legal login name that resembles any text, such as an operating system's login or an IRC nick."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(c if _NAME.fullmatch("x" + c) else "_" for c in plain if not unicodedata.combining(c))
    return kept.lstrip("._-")[:NAME_MAX] or "guest"

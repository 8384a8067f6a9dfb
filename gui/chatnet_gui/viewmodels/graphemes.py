"""Where one character, as a person sees it, begins: for Backspace.

A simplification of UAX #29 that keeps together what people type: letters with their marks, flags, emoji with a skin
tone or a variation selector, and emoji joined to one. It is not a segmentation of every script.
"""

import unicodedata

_JOINER = "\u200d"
_KEYCAP = "\u20e3"


def last_grapheme(text: str) -> str:
    """The last character of a text as a person sees it; empty if there is none."""
    start = len(text)
    if start == 0:
        return ""
    if text.endswith("\r\n"):
        return "\r\n"
    start -= 1
    if _is_regional(text[start]):
        # Flags are pairs: which letter goes with which depends on how many stand before.
        run = start
        while run > 0 and _is_regional(text[run - 1]):
            run -= 1
        return text[start - 1 :] if (start - run) % 2 else text[start:]
    while start > 0 and (_extends(text[start]) or text[start - 1] == _JOINER):
        start -= 1
    return text[start:]


def _extends(char: str) -> bool:
    """Does it belong to the character before it?"""
    code = ord(char)
    if char in (_JOINER, _KEYCAP) or 0xFE00 <= code <= 0xFE0F or 0x1F3FB <= code <= 0x1F3FF:
        return True
    return 0xE0020 <= code <= 0xE007F or unicodedata.category(char) in ("Mn", "Me", "Mc")


def _is_regional(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF

"""A message's text as pieces with tags, as the message list shows them.

The rule kept here: text is handed on as (text, tags), never as offsets into it. Tk counts characters beyond U+FFFF as
two, so an offset that is right in Python points elsewhere in a widget as soon as there is an emoji before it.
What others have written is made harmless first: controls and marks that turn the direction of text are spelled out.
"""

import re
from collections.abc import Iterable, Iterator

Segment = tuple[str, tuple[str, ...]]

LINK = "link"
MENTION = "mention"
"""Oneself is meant."""
NAME = "name"
"""Somebody else is meant."""

_LINK = re.compile(r"\bhttps?://[^\s<>\"“”]+", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w.@-])@?([A-Za-z0-9][A-Za-z0-9._-]{0,31})")
_AFTER_LINK = ".,;:!?'\"*_"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_HARMFUL = (
    *(code for code in range(0x20) if code not in (0x09, 0x0A)),
    *range(0x7F, 0xA0),
    0x061C,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x2070),
    *range(0xD800, 0xE000),
)
_SPELLED = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _HARMFUL}


def plain(text: str) -> str:
    """Text from others that cannot change how the text around it looks; newlines and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_SPELLED)


def line(text: str) -> str:
    """As `plain`, on one line."""
    return plain(text).replace("\n", " ").replace("\t", " ")


def segments(body: str, me: str, people: Iterable[str] = (), tags: tuple[str, ...] = ()) -> tuple[Segment, ...]:
    """The pieces of a message. ``me`` is one's own login name; of ``people`` a name counts with an @ before it.

    Every piece has ``tags``; links, and names that are meant, have one more.
    """
    folded = frozenset(name.casefold() for name in people)
    return tuple((text, (*tags, *more)) for text, more in _pieces(plain(body), me.casefold(), folded))


def mentions(body: str, me: str) -> bool:
    """Does a message mean this user?"""
    return any(tags == (MENTION,) for _, tags in _pieces(body, me.casefold(), frozenset()))


def _pieces(text: str, me: str, people: frozenset[str]) -> Iterator[Segment]:
    start = 0
    for match in _LINK.finditer(text):
        url = _without_tail(match[0])
        yield from _names(text[start : match.start()], me, people)
        yield url, (LINK,)
        start = match.start() + len(url)
    yield from _names(text[start:], me, people)


def _without_tail(url: str) -> str:
    """Without the punctuation of the sentence that the link stands in."""
    while url:
        last = url[-1]
        is_closing = last in _BRACKETS and url.count(last) > url.count(_BRACKETS[last])
        if last not in _AFTER_LINK and not is_closing:
            break
        url = url[:-1]
    return url


def _names(text: str, me: str, people: frozenset[str]) -> Iterator[Segment]:
    start = 0
    for match in _WORD.finditer(text):
        name = match[1].rstrip(".-_") if match[1].casefold() not in people | {me} else match[1]
        folded, has_at = name.casefold(), match[0].startswith("@")
        if folded == me:
            tag = MENTION
        elif has_at and folded in people:
            tag = NAME
        else:
            continue
        end = match.start(1) + len(name)
        if match.start() > start:
            yield text[start : match.start()], ()
        yield text[match.start() : end], (tag,)
        start = end
    if start < len(text):
        yield text[start:], ()

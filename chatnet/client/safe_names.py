"""A name for a file on one's own disk, made of what somebody else calls it; and what to call one's own for others.

Whoever shares a file chooses its name, and may choose ``../../.bashrc``, ``C:\\autorun.inf``, ``NUL`` or something that
only looks like ``photo.jpg``. What comes out here is one component of a path, that means the same on every system,
shows as it is, is not hidden, and is short enough that something can still be added to it.
"""

import re
import unicodedata

MOST_BYTES = 200
"""Of UTF-8; file systems allow 255, and ``.part`` or a number is still to be added."""
MOST_SENT_BYTES = 255
"""Of the name that goes to a server; see `chatnet.requests.StartUpload`."""
_MOST_SUFFIX_BYTES = 24
NAMELESS = "file"
_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
"""On Windows. A colon would name a drive, or a hidden stream of another file."""
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ ]*(?:\..*)?", re.IGNORECASE | re.DOTALL
)
"""Devices on Windows, whatever comes behind a dot. Source: Microsoft, Naming Files, Paths, and Namespaces."""
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Controls, marks of direction and what else is not seen, halves of characters, and what means nothing yet."""
_AT_START = " .-~"
"""Hidden, or taken for an option or a home by a shell."""
_AT_END = " ."
"""Windows drops them, and so would mean another file."""


def safe_name(given: str) -> str:
    """A safe name that resembles ``given``: not empty, at most 200 bytes; one that is safe already stays as it is."""
    name = unicodedata.normalize("NFC", "".join(map(_seen, given)))
    name = next((part for part in reversed(_SEPARATORS.split(name)) if part.strip(_AT_START)), "")
    name = _shortened(_FORBIDDEN.sub("_", name).lstrip(_AT_START)).rstrip(_AT_END)
    if not name:
        return NAMELESS
    return _shortened("_" + name) if _RESERVED.fullmatch(name) else name


def sendable_name(given: str) -> str:
    """What a server takes as the name of a file: the name itself, but for what no text may have in it."""
    name = "".join("_" if unicodedata.category(char) in ("Cc", "Cs") else char for char in given)
    return name.encode()[:MOST_SENT_BYTES].decode(errors="ignore") or NAMELESS


def numbered(name: str, number: int) -> str:
    """The name to try when others are taken: ``photo-2.jpg``."""
    stem, suffix = _split(name)
    return f"{stem}-{number}{suffix}"


def _seen(char: str) -> str:
    category = unicodedata.category(char)
    if category in _UNSEEN:
        return "_" if category in ("Cc", "Cs") else ""
    return " " if category == "Zs" else char


def _shortened(name: str) -> str:
    """The start of a long name, and its suffix."""
    if len(name.encode()) <= MOST_BYTES:
        return name
    stem, suffix = _split(name)
    room = MOST_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(_AT_END) + suffix


def _split(name: str) -> tuple[str, str]:
    """A name and its suffix, such as ``.jpg`` or ``.tar.gz``; what is very long is none."""
    found = re.search(r"(?:\.tar)?\.[^. ]+\Z", name)
    if found is None or not found.start() or len(found[0].encode()) > _MOST_SUFFIX_BYTES:
        return name, ""
    return name[: found.start()], found[0]

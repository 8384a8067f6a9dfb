"""Spans of time and sizes as people write them: ``90s``, ``10m``, ``7d``; ``64 KiB``, ``2 GiB``."""

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 366 * _SECONDS["d"]
_SPAN = re.compile(r"([0-9]{1,9})([smhd])")
_BYTES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)?")


def parse_duration(text: str) -> int | None:
    """The seconds in a text like ``10m``; None if it is none, or is none that makes sense."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2]]
    return seconds if 0 < seconds <= _LONGEST else None


def parse_size(text: str) -> int | None:
    """The bytes in a text like ``64 KiB``; None if it is none."""
    found = _SIZE.fullmatch(text)
    return None if found is None else int(found[1]) * _BYTES[found[2] or ""]


def show_size(size: int) -> str:
    """A number of bytes for people: ``1 byte``, ``900 bytes``, ``2 GiB``, ``1.4 MiB``."""
    unit, bytes_of_it = next(((u, n) for u, n in reversed(_BYTES.items()) if size >= n > 1), ("", 1))
    if not unit:
        return "1 byte" if size == 1 else f"{size} bytes"
    return f"{size / bytes_of_it:.1f}".removesuffix(".0") + f" {unit}"

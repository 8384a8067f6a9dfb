"""Small round pictures for presence, drawn here and not loaded from anywhere."""

import tkinter as tk
import zlib
from struct import pack

_FINE = 4
"""Points to a side of a pixel, for smooth edges."""
_POINTS = range(_FINE)
_EDGE = 1.2
_RING = 1.8
"""Widths in pixels."""


def dot(master: tk.Misc, colour: str, edge: str, size: int, *, hollow: bool = False) -> tk.PhotoImage:
    """A disc, or a ring, of so many pixels across, on nothing; its ``edge`` keeps it apart from a selection."""
    return tk.PhotoImage(master=master, data=_png(colour, edge, size, hollow=hollow), format="png")


def _png(colour: str, edge: str, size: int, *, hollow: bool) -> bytes:
    """Source: PNG specification, third edition: IHDR, IDAT and IEND of an image of eight-bit RGBA."""
    rows = range(size)
    lines = b"".join(b"\0" + b"".join(_pixel(x, y, colour, edge, size, hollow=hollow) for x in rows) for y in rows)
    header = pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _pixel(x: int, y: int, colour: str, edge: str, size: int, *, hollow: bool) -> bytes:
    """Red, green, blue and opacity: the mean over `_FINE` times `_FINE` points of the pixel."""
    inks = [_ink(x + (i + 0.5) / _FINE, y + (j + 0.5) / _FINE, size, hollow=hollow) for i in _POINTS for j in _POINTS]
    within = [bytes.fromhex((colour if ink == "colour" else edge)[1:]) for ink in inks if ink]
    if not within:
        return bytes(4)
    mean = [sum(parts) // len(within) for parts in zip(*within, strict=True)]
    return bytes([*mean, 255 * len(within) // len(inks)])


def _ink(x: float, y: float, size: int, *, hollow: bool) -> str:
    radius = size / 2
    distance = ((x - radius) ** 2 + (y - radius) ** 2) ** 0.5
    if distance > radius:
        return ""
    is_edge = distance > radius - _EDGE or (hollow and distance < radius - _EDGE - _RING)
    return "edge" if is_edge else "colour"

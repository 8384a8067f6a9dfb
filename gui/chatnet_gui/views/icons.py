"""Small pictures that are drawn here, point by point, and not loaded from anywhere."""

import tkinter as tk
import zlib
from collections.abc import Callable
from struct import pack

_FINE = 4
"""Points to a side of a pixel, for smooth edges."""
_POINTS = range(_FINE)
Ink = Callable[[float, float], str]
"""The colour, ``#rrggbb``, at a point; empty for none."""


def drawn(master: tk.Misc, width: int, height: int, ink: Ink) -> tk.PhotoImage:
    """A picture of so many pixels."""
    return tk.PhotoImage(master=master, data=_png(width, height, ink), format="png")


def file_icon(master: tk.Misc, colour: str, ground: str, height: int) -> tk.PhotoImage:
    """A sheet of paper with a corner turned down and some lines on it."""
    width = round(height * 0.78)
    edge, corner = max(1.0, height / 18), height * 0.28

    def ink(x: float, y: float) -> str:
        if x - (width - corner) > y:
            return ""  # the corner that is not there
        fold = x > width - corner - edge and y < corner + edge and not (x > width - corner and y < corner)
        rim = min(x, y, width - x, height - y) < edge or x - (width - corner) > y - 1.4 * edge
        line = height * 0.2 < x < width - height * 0.2 and any(
            abs(y - height * at) < edge * 0.6 for at in (0.48, 0.64, 0.80)
        )
        return colour if rim or fold or line else ground

    return drawn(master, width, height, ink)


def _png(width: int, height: int, ink: Ink) -> bytes:
    """Source: PNG specification, third edition: IHDR, IDAT and IEND of an image of eight-bit RGBA."""
    lines = b"".join(b"\0" + b"".join(_pixel(x, y, ink) for x in range(width)) for y in range(height))
    header = pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _pixel(x: int, y: int, ink: Ink) -> bytes:
    """Red, green, blue and opacity: the mean over all its points."""
    colours = [ink(x + (i + 0.5) / _FINE, y + (j + 0.5) / _FINE) for i in _POINTS for j in _POINTS]
    within = [bytes.fromhex(colour[1:]) for colour in colours if colour]
    if not within:
        return bytes(4)
    mean = [sum(parts) // len(within) for parts in zip(*within, strict=True)]
    return bytes([*mean, 255 * len(within) // len(colours)])

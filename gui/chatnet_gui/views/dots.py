"""Small round pictures for presence."""

import tkinter as tk

from chatnet_gui.views.icons import drawn

_EDGE = 0.09
_RING = 0.14
"""Widths, as parts of the whole."""


def dot(master: tk.Misc, colour: str, edge: str, size: int, *, hollow: bool = False) -> tk.PhotoImage:
    """A disc, or a ring, of so many pixels across, on nothing; its ``edge`` keeps it apart from a selection."""
    radius = size / 2

    def ink(x: float, y: float) -> str:
        distance = ((x - radius) ** 2 + (y - radius) ** 2) ** 0.5
        if distance > radius:
            return ""
        is_edge = distance > radius - _EDGE * size or (hollow and distance < radius - (_EDGE + _RING) * size)
        return edge if is_edge else colour

    return drawn(master, size, size, ink)

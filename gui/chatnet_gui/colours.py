"""All colours of the windows, as plain data: what is drawn on what, in both themes.

The rule kept here: every pair is named in `text_pairs` or `shape_pairs`, and a test computes its contrast by WCAG 2.2
(success criteria 1.4.3 and 1.4.11): 4.5 for text, 3.0 for what shows a selection or the focus.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, each as ``#rrggbb``."""

    window: str
    """Behind everything; the theme's own."""
    text: str
    field: str
    """Behind messages, lists and the entry."""
    muted: str
    """Times, marks, hints."""
    link: str
    error: str
    success: str
    warning: str
    mention: str
    mention_field: str
    day: str
    new: str
    selection: str
    """Behind what is selected in texts and lists."""
    on_selection: str
    selection_idle: str
    """Behind what is selected in a list that has not the keyboard."""
    focus: str
    """The frame around what has the keyboard."""
    border: str
    caret: str
    senders: tuple[str, ...]


LIGHT = Palette(
    window="#fafafa",
    text="#1c1c1c",
    field="#ffffff",
    muted="#636363",
    link="#0057b3",
    error="#b3261e",
    success="#1a7f37",
    warning="#8a5300",
    mention="#5c3d00",
    mention_field="#ffe9a8",
    day="#5f5f5f",
    new="#b3261e",
    selection="#1f5fbf",
    on_selection="#ffffff",
    selection_idle="#5b6b80",
    focus="#005fb8",
    border="#e4e4e4",
    caret="#1c1c1c",
    senders=("#0b62a8", "#9a3412", "#166534", "#7e22ce", "#a21250", "#0f6a6a", "#7a4b00", "#3f48cc"),
)

DARK = Palette(
    window="#1c1c1c",
    text="#fafafa",
    field="#242424",
    muted="#a8a8a8",
    link="#6cb8ff",
    error="#ff8a80",
    success="#6fd08c",
    warning="#ffc35c",
    mention="#ffe9a8",
    mention_field="#574400",
    day="#b0b0b0",
    new="#ff8a80",
    selection="#3871d4",
    on_selection="#ffffff",
    selection_idle="#64707f",
    focus="#57c8ff",
    border="#353535",
    caret="#fafafa",
    senders=("#7cc4ff", "#ffab7a", "#7fd99a", "#d3a6ff", "#ff9ac4", "#6fd6d6", "#e8c46a", "#a9b4ff"),
)


def text_pairs(palette: Palette) -> Iterator[tuple[str, str, str]]:
    """Everything that is read: what it is, its colour, and the colour behind it."""
    for ground_name in ("window", "field"):
        ground = getattr(palette, ground_name)
        for name in ("text", "muted", "link", "error", "success", "warning", "day", "new"):
            yield f"{name} on {ground_name}", getattr(palette, name), ground
    for number, colour in enumerate(palette.senders):
        yield f"sender {number}", colour, palette.field
    yield "mention", palette.mention, palette.mention_field
    yield "selected", palette.on_selection, palette.selection
    yield "selected, elsewhere", palette.on_selection, palette.selection_idle


def shape_pairs(palette: Palette) -> Iterator[tuple[str, str, str]]:
    """Everything that shows a selection, the focus, or a state without words."""
    for ground in ("window", "field"):
        yield f"selection on {ground}", palette.selection, getattr(palette, ground)
        yield f"idle selection on {ground}", palette.selection_idle, getattr(palette, ground)
        yield f"focus on {ground}", palette.focus, getattr(palette, ground)
        yield f"presence on {ground}", palette.success, getattr(palette, ground)
    yield "caret", palette.caret, palette.field

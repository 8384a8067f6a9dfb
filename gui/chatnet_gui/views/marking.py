"""What is marked in the list of messages, to be copied; also where some of it is in the list no more, or not yet.

A part of one message is copied as it stands there. Of several messages each is copied whole, with its time and its
sender, from the history: so nothing is missing that the list has let go of, or shows folded.
"""

import tkinter as tk
from collections.abc import Callable

from chatnet.model import Seq
from chatnet_gui.views.row_text import RowText

_SELECTED = "sel"
Copy = Callable[[Seq, Seq, Callable[[str, int], None]], None]


class Marking:
    """``whole`` gives the first and the last message there is; ``copy`` fetches the text of some."""

    def __init__(self, text: RowText, whole: Callable[[], tuple[Seq, Seq]], copy: Copy) -> None:
        self._text, self._whole, self._copy = text, whole, copy
        self._begun: Seq = 0
        """The message in which the mouse was pressed."""
        self._marked: tuple[Seq, Seq] | None = None
        """Messages that are marked whole, wherever they are."""
        text.bind("<Button-1>", self._pressed, add=True)
        text.bind("<Shift-Button-1>", self._stretched)
        for keys in ("<<Copy>>", "<Control-Insert>"):
            text.bind(keys, lambda _: self._copied())
        for keys in ("<<SelectAll>>", "<Control-a>"):
            text.bind(keys, lambda _: self._all())

    @property
    def is_there(self) -> bool:
        """Is anything marked?"""
        return self._marked is not None or bool(self._text.tag_ranges(_SELECTED))

    def mark_all(self) -> None:
        """Mark the whole conversation."""
        self._marked = self._whole()
        self.renew()

    def renew(self) -> None:
        """Other rows are there now: show which of them are marked."""
        if self._marked is None:
            return
        low, high = self._marked
        keys = [row.key for row in self._text.rows if low <= _seq(row.key) <= high]
        self._text.tag_remove(_SELECTED, "1.0", "end")
        if keys and (first := self._text.lines_of(keys[0])) and (last := self._text.lines_of(keys[-1])):
            self._text.tag_add(_SELECTED, first[0], last[1])

    def copy(self) -> None:
        """Put what is marked on the clipboard."""
        span = self._span()
        if span is not None:
            self._copy(*span, lambda text, _: self.put(text))
        elif self._text.tag_ranges(_SELECTED):
            self.put(self._text.get("sel.first", "sel.last"))

    def put(self, text: str) -> None:
        """Put a text on the clipboard."""
        self._text.clipboard_clear()
        self._text.clipboard_append(text)

    def _span(self) -> tuple[Seq, Seq] | None:
        """The messages that are marked, if it is more than a part of one."""
        if self._marked is not None:
            return self._marked
        if not self._text.tag_ranges(_SELECTED):
            return None
        first, last = self._text.row_at("sel.first"), self._text.row_at("sel.last - 1 indices")
        seqs = [seq for row in (first, last) if row is not None and (seq := _seq(row.key))]
        here = [seq for row in self._text.rows if (seq := _seq(row.key))]
        if self._begun and here and not here[0] <= self._begun <= here[-1]:
            seqs.append(self._begun)  # the list has let go of where it began
        return (min(seqs), max(seqs)) if len(set(seqs)) > 1 else None

    # -- what the user does -----------------------------------------------------------------------------------

    def _pressed(self, event: "tk.Event[tk.Text]") -> None:
        self._marked = None
        row = self._text.row_at(f"@{event.x},{event.y}")
        self._begun = _seq(row.key) if row is not None else 0

    def _stretched(self, event: "tk.Event[tk.Text]") -> str | None:
        """From where the mouse was pressed before up to here, even if that is in the list no more."""
        row = self._text.row_at(f"@{event.x},{event.y}")
        here = _seq(row.key) if row is not None else 0
        known = any(_seq(row.key) == self._begun for row in self._text.rows)
        if not here or not self._begun or known:
            return None
        self._marked = min(here, self._begun), max(here, self._begun)
        self.renew()
        return "break"

    def _copied(self) -> str:
        self.copy()
        return "break"

    def _all(self) -> str:
        self.mark_all()
        return "break"


def _seq(key: str) -> Seq:
    """The message of a row; 0 for one of no message."""
    return int(key[1:]) if key[:1] == "m" else 0

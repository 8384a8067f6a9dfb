"""A `tk.Text` that holds rows, and is brought to what it should hold in short steps.

However many rows there are, a step takes a few milliseconds, and the keyboard is listened to in between. Rows are
counted in lines, never in characters, since Tk counts those in its own way.
"""

import time
import tkinter as tk
from collections.abc import Callable, Sequence

from chatnet_gui.viewmodels.file_rows import PICTURE
from chatnet_gui.viewmodels.row_window import STEP_POINTS, Change, changes, fitted, step
from chatnet_gui.viewmodels.rows import Row

_STEP_SECONDS = 0.006
"""What a step may take; where one has taken longer, the next puts in less."""
_PAUSE_MILLISECONDS = 10
"""Between two steps, at least; and at least twice as long as the last one took."""


class RowText(tk.Text):
    """``changed`` is called after every step; ``picture`` tells which one belongs into a row with a place for it."""

    def __init__(
        self, master: tk.Misc, changed: Callable[[], None], picture: Callable[[Row], tk.PhotoImage | None]
    ) -> None:
        super().__init__(
            master, wrap="word", state="disabled", cursor="arrow", padx="13.5p", pady="6p", width=20, height=5
        )
        self.configure(takefocus=True)  # by itself a text that nobody can change gets no keyboard
        self.rows: list[Row] = []
        """Those that are in it: a piece of those that are wanted."""
        self._changed, self._picture = changed, picture
        self._pictures: dict[str, tk.PhotoImage] = {}
        """Those in it, by row: Tk itself does not keep them."""
        self._lines: list[int] = []
        """How many lines each has."""
        self._wanted: Sequence[Row] = ()
        self._start = 0
        """Where in those that are wanted the piece begins."""
        self._key = ""
        """The row to be brought before the reader's eyes; empty for where he is."""
        self._timer = ""
        self._points = STEP_POINTS
        """How much the next step may put in."""
        self.follows = True
        """Does the reader stand at the lower end, whatever comes?"""

    # -- what is in it ----------------------------------------------------------------------------------------

    def show(self, rows: Sequence[Row], *, follows: bool, key: str = "") -> None:
        """Show these rows, and nothing else. Whoever reads further up keeps the line that is at the top, unless there
        is a ``key``: that of the row to go to.
        """
        self._wanted, self.follows = rows, follows
        self._key = key or self._key
        if not self._timer:
            self._step()

    @property
    def is_settled(self) -> bool:
        """Is everything in it?"""
        return not self._timer

    @property
    def is_at_end(self) -> bool:
        """Is the last of the rows that are wanted in it?"""
        return self._start + len(self.rows) >= len(self._wanted)

    def part_of_wanted(self, fraction: float) -> float:
        """A place in all rows that are wanted, from one in those that are in it; both from 0 to 1."""
        total = len(self._wanted)
        return (self._start + fraction * len(self.rows)) / total if total else fraction

    def part_of_text(self, fraction: float) -> float:
        """The other way round; outside of 0 to 1 where that place is not in it yet."""
        return (fraction * len(self._wanted) - self._start) / len(self.rows) if self.rows else fraction

    def row_at(self, index: str) -> Row | None:
        """The row that a place in the text belongs to."""
        found = self._find(int(self.index(index).split(".")[0]))
        return None if found is None else self.rows[found[0]]

    def lines_of(self, key: str) -> tuple[str, str] | None:
        """Where a row begins and ends in the text."""
        found = self._line_of(key)
        return None if found is None else (f"{found[0]}.0", f"{found[0] + found[1]}.0")

    def destroy(self) -> None:
        if self._timer:
            self.after_cancel(self._timer)
        super().destroy()

    # -- steps ------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        started = time.monotonic()
        self._timer = ""
        place = None if self.follows else self._place()
        at = self._row_before_eyes(place)
        part = step(self.rows, self._wanted, at, self._points)
        new = self._wanted[part.start : part.stop]
        self._apply(list(changes(self.rows, new)))
        self._start = part.start
        if self.follows:
            self.yview_moveto(1.0)
        elif self._key:
            self._see(self._key)
        elif place is not None:
            self._return_to(place)
        took = time.monotonic() - started
        self._points = fitted(self._points, took / _STEP_SECONDS)
        if len(part) < len(self._wanted):
            self._timer = self.after(max(_PAUSE_MILLISECONDS, round(2000 * took)), self._step)
        else:
            self._key = ""
        self._changed()

    def _row_before_eyes(self, place: tuple[str, int, int] | None) -> int:
        """The number of a row that the reader sees, or is to see."""
        if place is None:
            return max(0, len(self._wanted) - 1)
        keys = [row.key for row in self._wanted]
        for key in (self._key, place[0], *(row.key for row in self.rows)):
            if key and key in keys:
                return keys.index(key)
        return 0

    def _apply(self, todo: Sequence[Change]) -> None:
        if not todo:
            return
        self.configure(state="normal")
        for change in todo:
            self._replace(change)
        self.configure(state="disabled")

    def _replace(self, change: Change) -> None:
        line = 1 + sum(self._lines[: change.start])
        if change.stop > change.start:
            self.delete(f"{line}.0", f"{line + sum(self._lines[change.start : change.stop])}.0")
        pieces: list[object] = [part for row in change.rows for segment in row.segments for part in segment]
        if pieces:
            # All at once: between two calls the other threads may run.
            self.insert(f"{line}.0", *pieces)  # type: ignore[arg-type]
        for row in self.rows[change.start : change.stop]:
            self._pictures.pop(row.key, None)
        self.rows[change.start : change.stop] = change.rows
        self._lines[change.start : change.stop] = counts = [_lines(row) for row in change.rows]
        for row, count in zip(change.rows, counts, strict=True):
            if any(PICTURE in tags for _, tags in row.segments):
                self._draw(row, line, line + count)
            line += count

    def _draw(self, row: Row, line: int, end: int) -> None:
        """Put the row's picture in the place of the character that stands for it."""
        where, picture = self.tag_nextrange(PICTURE, f"{line}.0", f"{end}.0"), self._picture(row)
        if where and picture is not None:
            tags = self.tag_names(where[0])
            self.delete(where[0])
            self.image_create(where[0], image=picture, align="center", pady="2.25p")
            for tag in tags:
                self.tag_add(tag, where[0])
            self._pictures[row.key] = picture

    # -- where the reader is ----------------------------------------------------------------------------------

    def _find(self, line: int) -> tuple[int, int] | None:
        """The row that a line belongs to, and which of its lines that is; both by number."""
        for number, lines in enumerate(self._lines):
            if line <= lines:
                return number, line
            line -= lines
        return None

    def _place(self) -> tuple[str, int, int]:
        """The row at the top, the line in it, and how much of that is above the edge."""
        found = self._find(int(self.index("@0,0").split(".")[0]))
        box = self.dlineinfo("@0,0")
        edge = sum(int(self.winfo_fpixels(self[part])) for part in ("pady", "highlightthickness", "borderwidth"))
        above = max(0, edge - box[1]) if box is not None else 0
        return (self.rows[found[0]].key, found[1], above) if found is not None else ("", 1, 0)

    def _line_of(self, key: str) -> tuple[int, int] | None:
        """The first line of a row, and how many it has."""
        before = 1
        for row, lines in zip(self.rows, self._lines, strict=True):
            if row.key == key:
                return before, lines
            before += lines
        return None

    def _return_to(self, place: tuple[str, int, int]) -> None:
        key, line, above = place
        if (found := self._line_of(key)) is not None:
            self.yview(f"{found[0] + min(line, found[1]) - 1}.0")
            if above:
                self.yview_scroll(above, "pixels")

    def _see(self, key: str) -> None:
        """Bring a row into the middle, or as much of it as there is room for."""
        if (found := self._line_of(key)) is not None:
            self.yview(f"{found[0]}.0")
            self.yview_scroll(-self.winfo_height() // 3, "pixels")


def _lines(row: Row) -> int:
    return sum(text.count("\n") for text, _ in row.segments)

"""The list of messages: a `tk.Text` that holds the rows of a view model, and changes only what differs.

Its scrollbar shows the place in the whole history, of which the rows are a piece. Rows are counted in lines, never in
characters, since Tk counts those in its own way.
"""

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import Protocol

from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.rows import Row

_NEAR_END = 0.9999
_NEAR_TOP = 0.05
_KEYS = (("<Prior>", -1, "pages"), ("<Next>", 1, "pages"), ("<Up>", -2, "units"), ("<Down>", 2, "units"))


class Reader(Protocol):
    """Who is told what the reader does; see `chatnet_gui.viewmodels.session.SessionModel`."""

    def older(self) -> None: ...
    def newer(self) -> None: ...
    def follow(self, *, following: bool) -> None: ...
    def go_to(self, fraction: float) -> None: ...
    def jump_to_latest(self) -> None: ...
    def toggle_fold(self, seq: int) -> None: ...


class MessageList(ttk.Frame):
    """``span`` maps a place in the rows to one in the history; ``open_link`` is called with a URL."""

    def __init__(
        self,
        master: tk.Misc,
        reader: Reader,
        span: Callable[[float, float], tuple[float, float]],
        open_link: Callable[[str], None],
    ) -> None:
        super().__init__(master)
        self._reader, self._span, self._open_link = reader, span, open_link
        self._rows: list[Row] = []
        self._lines: list[int] = []
        """How many lines each row has."""
        self._follows = True
        self.text = tk.Text(self, wrap="word", state="disabled", cursor="arrow", padx=18, pady=8, width=20, height=5)
        self._bar = ttk.Scrollbar(self, command=self._bar_moved)
        self.text.configure(yscrollcommand=self._scrolled)
        self.text.grid(row=0, column=0, sticky="nsew")
        self._bar.grid(row=0, column=1, sticky="ns")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self._jump = ttk.Button(self, style="Accent.TButton", command=reader.jump_to_latest, takefocus=True)
        self._bind_keys()

    def _bind_keys(self) -> None:
        text = self.text
        for event in ("<MouseWheel>", "<Button-4>", "<Button-5>", "<B1-Motion>", "<Key>"):
            text.bind(event, self._moved, add=True)
        for key, amount, unit in _KEYS:
            text.bind(key, lambda _, amount=amount, unit=unit: self._scroll(amount, unit))  # type: ignore[misc]
        text.bind("<End>", lambda _: self._reader.jump_to_latest())
        text.bind("<Home>", lambda _: self._reader.go_to(0.0))
        text.bind("<Configure>", lambda _: self._stick())
        text.bind("<Tab>", self._tab_on)
        text.bind("<Button-1>", lambda _: text.focus_set(), add=True)
        for tag in ("link", "fold"):
            text.tag_bind(tag, "<Enter>", lambda _: text.configure(cursor="hand2"))
            text.tag_bind(tag, "<Leave>", lambda _: text.configure(cursor="arrow"))
        text.tag_bind("link", "<ButtonRelease-1>", self._link_clicked)
        text.tag_bind("fold", "<ButtonRelease-1>", self._fold_clicked)

    def dress(self, theme: Theme) -> None:
        theme.dress_messages(self.text)

    # -- rows -------------------------------------------------------------------------------------------------

    def show(self, rows: Sequence[Row], *, follows: bool, below: int) -> None:
        """Show these rows, and nothing else; whoever reads further up keeps the line that is at the top."""
        self._follows = follows
        if rows != self._rows:
            place = self._place()
            self.text.configure(state="normal")
            self._change(list(rows))
            self.text.configure(state="disabled")
            if not follows:
                self._return_to(place)
        self._stick()
        self._show_jump(below)

    def _change(self, rows: list[Row]) -> None:
        old = self._rows
        where = {row.key: index for index, row in enumerate(rows)}
        last = next((i for i in range(len(old) - 1, -1, -1) if old[i].key in where), None)
        if last is None:
            self._replace(0, len(old), rows)
            return
        end = where[old[last].key]
        self._replace(last + 1, len(old), rows[end + 1 :])
        # From here on the two lists end alike: what is the same at the end stays, then what is the same at the start.
        same = 0
        while same <= min(last, end) and old[last - same] == rows[end - same]:
            same += 1
        start = 0
        while start <= min(last, end) - same and old[start] == rows[start]:
            start += 1
        self._replace(start, last + 1 - same, rows[start : end + 1 - same])

    def _replace(self, start: int, stop: int, rows: Sequence[Row]) -> None:
        """Put rows in the place of those from ``start`` to before ``stop``."""
        line = 1 + sum(self._lines[:start])
        if stop > start:
            self.text.delete(f"{line}.0", f"{line + sum(self._lines[start:stop])}.0")
        self.text.mark_set("row", f"{line}.0")
        for row in rows:
            pieces: list[object] = [part for segment in row.segments for part in segment]
            if pieces:
                self.text.insert("row", *pieces)  # type: ignore[arg-type]
        self._rows[start:stop] = rows
        self._lines[start:stop] = [row.text.count("\n") for row in rows]

    def row_at(self, index: str) -> Row | None:
        """The row that a place in the text belongs to."""
        line = int(self.text.index(index).split(".")[0])
        for row, lines in zip(self._rows, self._lines, strict=True):
            if line <= lines:
                return row
            line -= lines
        return None

    # -- where the reader is ----------------------------------------------------------------------------------

    def _place(self) -> tuple[str, int, int]:
        """The row at the top, the line in it, and how much of that is above the edge."""
        line = int(self.text.index("@0,0").split(".")[0])
        box = self.text.dlineinfo("@0,0")
        above = max(0, -box[1]) if box is not None else 0
        for row, lines in zip(self._rows, self._lines, strict=True):
            if line <= lines:
                return row.key, line, above
            line -= lines
        return "", 1, 0

    def _return_to(self, place: tuple[str, int, int]) -> None:
        key, line, above = place
        before = 0
        for row, lines in zip(self._rows, self._lines, strict=True):
            if row.key == key:
                self.text.yview(f"{before + min(line, lines)}.0")
                if above:
                    self.text.yview_scroll(above, "pixels")
                return
            before += lines

    def _stick(self) -> None:
        if self._follows:
            self.text.yview_moveto(1.0)

    def show_row(self, key: str) -> None:
        """Bring a row into view."""
        before = 1
        for row, lines in zip(self._rows, self._lines, strict=True):
            if row.key == key:
                self.text.see(f"{before + lines}.0")
                self.text.see(f"{before}.0")
                return
            before += lines

    def _show_jump(self, below: int) -> None:
        if self._follows:
            self._jump.place_forget()
        else:
            self._jump.configure(text=f"↓ {below} newer" if below else "↓ Latest")
            self._jump.place(relx=1.0, rely=1.0, x=-34, y=-14, anchor="se")

    # -- scrolling --------------------------------------------------------------------------------------------

    def _scrolled(self, top: float, bottom: float) -> None:
        self._bar.set(*self._span(float(top), float(bottom)))

    def _bar_moved(self, action: str, *arguments: str) -> None:
        if action == "moveto":
            low, high = self._span(0.0, 1.0)
            fraction = float(arguments[0])
            if low <= fraction <= high and high > low:
                self.text.yview_moveto((fraction - low) / (high - low))
            else:
                self._reader.go_to(fraction)
        else:
            self.text.yview_scroll(int(arguments[0]), arguments[1])  # type: ignore[call-overload]
        self._moved()

    def _scroll(self, amount: int, unit: str) -> str:
        self.text.yview_scroll(amount, unit)  # type: ignore[call-overload]
        self._moved()
        return "break"

    def _moved(self, event: object = None) -> None:
        del event
        self.after_idle(self._look_where)

    def _look_where(self) -> None:
        top, bottom = self.text.yview()
        at_end = bottom >= _NEAR_END
        self._reader.follow(following=at_end)
        self._follows = at_end
        if top <= _NEAR_TOP:
            self._reader.older()
        if at_end:
            self._reader.newer()
        self._show_jump(0)

    # -- clicks -----------------------------------------------------------------------------------------------

    def _link_clicked(self, event: "tk.Event[tk.Text]") -> None:
        if self.text.tag_ranges("sel"):
            return
        where = self.text.tag_prevrange("link", f"@{event.x},{event.y} + 1 indices")
        if where:
            self._open_link(self.text.get(*where))

    def _fold_clicked(self, event: "tk.Event[tk.Text]") -> None:
        row = self.row_at(f"@{event.x},{event.y}")
        if row is not None:
            self._reader.toggle_fold(int(row.key[1:]))

    def _tab_on(self, event: "tk.Event[tk.Text]") -> str:
        following = event.widget.tk_focusNext()
        if following is not None:
            following.focus_set()
        return "break"

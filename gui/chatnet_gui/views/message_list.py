"""The list of messages: what the reader does in it, and where he is.

Its scrollbar shows the place in the whole history, of which the rows are a piece. What can be clicked can be reached by
keyboard too: Left and Right go from one to the next, Return does it.
"""

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import Protocol

from chatnet.model import Seq
from chatnet_gui.scaling import px
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.file_rows import ACTION
from chatnet_gui.viewmodels.rows import Row
from chatnet_gui.viewmodels.segments import LINK
from chatnet_gui.views.marking import Marking
from chatnet_gui.views.row_text import RowText

_NEAR_END = 0.9999
_NEAR_TOP = 0.05
_AGAIN_MILLISECONDS = 20
_FOUND_MILLISECONDS = 3000
_CHOSEN = "chosen"
_KEYS = (("<Prior>", -1, "pages"), ("<Next>", 1, "pages"), ("<Up>", -2, "units"), ("<Down>", 2, "units"))


class Reader(Protocol):
    """Who is told what the reader does, and knows what there is."""

    def older(self) -> None: ...
    def newer(self) -> None: ...
    def follow(self, *, following: bool) -> None: ...
    def go_to(self, fraction: float) -> None: ...
    def jump_to_latest(self) -> None: ...

    def span(self, top: float, bottom: float) -> tuple[float, float]:
        """A place in the rows as one in the whole history."""

    def whole(self) -> tuple[Seq, Seq]:
        """The first and the last message of the conversation."""

    def copy(self, low: Seq, high: Seq, done: Callable[[str, int], None]) -> None:
        """Get the text of some messages, wherever they are."""

    def open_link(self, url: str) -> None: ...
    def act(self, key: str, what: str) -> None:
        """Do something with a row."""

    def menu(self, key: str) -> list[tuple[str, str]]:
        """What can be done with a row: in words, and for `act`."""

    def picture(self, row: Row) -> tk.PhotoImage | None: ...


class MessageList(ttk.Frame):
    """Shows rows."""

    def __init__(self, master: tk.Misc, reader: Reader) -> None:
        super().__init__(master)
        self._reader = reader
        self._theme: Theme | None = None
        self._below = 0
        """How many messages there are that the reader has not come to."""
        self._looking = self._found = ""
        """The timers after which to see where the reader is, and to show no more what he looked for."""
        self.text = RowText(self, self._stepped, reader.picture)
        self._marking = Marking(self.text, reader.whole, reader.copy)
        self._bar = ttk.Scrollbar(self, command=self._bar_moved)
        self.text.configure(yscrollcommand=self._scrolled)
        self.text.grid(row=0, column=0, sticky="nsew")
        self._bar.grid(row=0, column=1, sticky="ns")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self._jump = ttk.Button(self, style="Accent.TButton", command=self._to_latest, takefocus=True)
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
        text.bind("<Right>", lambda _: self._choose(1))
        text.bind("<Left>", lambda _: self._choose(-1))
        for key in ("<Return>", "<KP_Enter>", "<space>"):
            text.bind(key, lambda _: self._do_chosen())
        text.bind("<Button-2>" if text.tk.call("tk", "windowingsystem") == "aqua" else "<Button-3>", self._pop_up)
        for key in ("<Menu>", "<Shift-F10>"):
            if text.tk.call("tk", "windowingsystem") != "aqua":
                text.bind(key, self._pop_up)
        for tag in (LINK, ACTION):
            text.tag_bind(tag, "<Enter>", lambda _: text.configure(cursor="hand2"))
            text.tag_bind(tag, "<Leave>", lambda _: text.configure(cursor="arrow"))
            text.tag_bind(tag, "<ButtonRelease-1>", self._clicked)

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        theme.dress_messages(self.text)

    def destroy(self) -> None:
        for timer in (self._looking, self._found):
            if timer:
                self.after_cancel(timer)
        super().destroy()

    # -- rows -------------------------------------------------------------------------------------------------

    def show(self, rows: Sequence[Row], *, follows: bool, below: int, key: str = "") -> None:
        """Show these rows, and nothing else. Whoever reads further up keeps the line that is at the top, unless there
        is a ``key``: that of the row to go to.
        """
        self._below = below
        self.text.show(rows, follows=follows, key=key)
        self._show_jump()

    def highlight(self, key: str) -> None:
        """Show for a moment which row was looked for."""
        if (where := self.text.lines_of(key)) is None:
            return
        self._forget_found()
        self.text.tag_add("found", *where)
        self._found = self.after(_FOUND_MILLISECONDS, self._forget_found)

    def _forget_found(self) -> None:
        if self._found:
            self.after_cancel(self._found)
        self._found = ""
        self.text.tag_remove("found", "1.0", "end")

    def _stepped(self) -> None:
        self._marking.renew()
        self._scrolled(*self.text.yview())

    def _stick(self) -> None:
        if self.text.follows:
            self.text.yview_moveto(1.0)

    def _show_jump(self) -> None:
        if self.text.follows:
            self._jump.place_forget()
        else:
            self._jump.configure(text=f"↓ {self._below} newer" if self._below else "↓ Latest")
            self._jump.place(relx=1.0, rely=1.0, x=-px(self, 34), y=-px(self, 14), anchor="se")

    def _to_latest(self) -> None:
        if self.focus_displayof() is self._jump:  # which goes
            self.text.focus_set()
        self._reader.jump_to_latest()

    # -- scrolling --------------------------------------------------------------------------------------------

    def _scrolled(self, top: float, bottom: float) -> None:
        part = self.text.part_of_wanted
        self._bar.set(*self._reader.span(part(float(top)), part(float(bottom))))

    def _bar_moved(self, action: str, *arguments: str) -> None:
        if action == "moveto":
            self._move_to(float(arguments[0]))
        else:
            self.text.yview_scroll(int(arguments[0]), arguments[1])  # type: ignore[call-overload]
        self._moved()

    def _move_to(self, fraction: float) -> None:
        """To this place of the whole history; what is not in the text is fetched."""
        low, high = self._reader.span(0.0, 1.0)
        inside = self.text.part_of_text((fraction - low) / (high - low)) if high > low else -1.0
        if 0.0 <= inside <= 1.0:
            self.text.yview_moveto(inside)
        else:
            self._reader.go_to(fraction)

    def _scroll(self, amount: int, unit: str) -> str:
        self.text.yview_scroll(amount, unit)  # type: ignore[call-overload]
        self._moved()
        return "break"

    def _moved(self, event: object = None) -> None:
        """Something may have moved the text: see, once it has, where the reader is."""
        del event
        if not self._looking:
            self._looking = self.after_idle(self._look_where)

    def _look_where(self) -> None:
        self._looking = ""
        top, bottom = self.text.yview()
        self.text.follows = at_end = bottom >= _NEAR_END and self.text.is_at_end
        self._reader.follow(following=at_end)
        self._show_jump()
        if not self.text.is_settled:
            self._looking = self.after(_AGAIN_MILLISECONDS, self._look_where)
            return
        if top <= _NEAR_TOP:
            self._reader.older()
        if at_end:
            self._reader.newer()

    # -- what can be clicked ----------------------------------------------------------------------------------

    def _clicked(self, event: "tk.Event[tk.Text]") -> None:
        if not self.text.tag_ranges("sel"):
            self._do(f"@{event.x},{event.y}")

    def _do(self, index: str) -> None:
        """What stands there."""
        tags = self.text.tag_names(index)
        where = self.text.tag_prevrange(LINK, f"{index} + 1 indices")
        row = self.text.row_at(index)
        what = next((tag.partition(":")[2] for tag in tags if tag.startswith(f"{ACTION}:")), "")
        if LINK in tags and where:
            self._reader.open_link(self.text.get(*where))
        elif row is not None and what:
            self._reader.act(row.key, what)

    def _choose(self, step: int) -> str:
        """Go to the next thing that can be clicked; at first to the last, or the first, that is seen."""
        text = self.text
        ends = [str(end) for tag in (LINK, ACTION) for end in text.tag_ranges(tag)]
        places = sorted(zip(ends[::2], ends[1::2], strict=True), key=lambda place: _at(place[0]))
        chosen = text.tag_ranges(_CHOSEN)
        here = _at(str(chosen[0])) if chosen else _at(text.index("@0,0" if step > 0 else f"@0,{text.winfo_height()}"))
        beyond = [place for place in places if (_at(place[0]) > here if step > 0 else _at(place[0]) < here)]
        if beyond:
            place = beyond[0] if step > 0 else beyond[-1]
            text.tag_remove(_CHOSEN, "1.0", "end")
            text.tag_add(_CHOSEN, *place)
            text.see(place[0])
            self._moved()
        return "break"

    def _do_chosen(self) -> str:
        chosen = self.text.tag_ranges(_CHOSEN)
        if chosen:
            self._do(str(chosen[0]))
        return "break"

    def _pop_up(self, event: "tk.Event[tk.Text]") -> str:
        """The menu of a row: the one that was clicked, or that of what is chosen by keyboard."""
        text = self.text
        chosen = text.tag_ranges(_CHOSEN)
        is_key = event.type == tk.EventType.KeyPress
        index = str(chosen[0]) if is_key and chosen else f"@{event.x},{event.y}"
        row = text.row_at(index)
        menu = tk.Menu(self, tearoff=False)
        if self._theme is not None:
            self._theme.dress_menu(menu)
        if self._marking.is_there:
            menu.add_command(label="Copy", command=self._marking.copy)
        where = text.tag_prevrange(LINK, f"{index} + 1 indices") if LINK in text.tag_names(index) else ()
        if where:
            link = text.get(*where)
            menu.add_command(label="Copy link", command=lambda: self._marking.put(link))
        for label, what in self._reader.menu(row.key) if row is not None else ():
            menu.add_command(label=label, command=lambda what=what: self._reader.act(row.key, what))  # type: ignore[misc, union-attr]
        menu.add_command(label="Select all", command=self._marking.mark_all)
        box = text.bbox(index) if is_key else None
        if box:
            menu.tk_popup(text.winfo_rootx() + box[0], text.winfo_rooty() + box[1] + box[3])
        else:
            menu.tk_popup(event.x_root, event.y_root)
        return "break"

    def _tab_on(self, event: "tk.Event[tk.Text]") -> str:
        following = event.widget.tk_focusNext()
        if following is not None:
            following.focus_set()
        return "break"


def _at(index: str) -> tuple[int, int]:
    """Line and character of a place, to be compared."""
    line, _, character = index.partition(".")
    return int(line), int(character)

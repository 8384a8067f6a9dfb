"""The table of connected clients, and what can be done about them."""

import tkinter as tk
from collections.abc import Callable, Sequence
from functools import partial
from tkinter import font as tkfont
from tkinter import ttk
from typing import Literal

from chatnet_gui.theme import TEXT, Theme
from chatnet_gui.viewmodels.server_clients import COLUMNS, MOST, ClientRow
from chatnet_gui.viewmodels.server_watching import WatchModel

_WIDTHS = (16, 21, 11, 8, 10, 10, 10, 8)
"""Of the columns, in digits."""
_ROWS = 5
"""That there is room for at least."""

Act = Callable[[str], None]
"""Does something about the user of this name."""


class ClientsView(ttk.Frame):
    """``acts``: what can be done about a client, by its name on the buttons; Return does the first one."""

    def __init__(self, master: tk.Misc, watch: WatchModel, acts: Sequence[tuple[str, str, Act]]) -> None:
        super().__init__(master)
        self._watch, self._acts = watch, acts
        self._rows: dict[str, ClientRow] = {}
        """In their order."""
        self._drawn: dict[str, ClientRow] = {}
        """What stands in the widget."""
        self._colours = ("black", "black")
        """Around the table without and with the keyboard in it."""
        self.hours24 = True
        self._make_bar()
        self._make_table()
        self._make_menu()
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self._choose()

    def _make_bar(self) -> None:
        bar = ttk.Frame(self)
        bar.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, "4.5p"))
        self._title = ttk.Label(bar, style="Heading.TLabel")
        self._title.pack(side="left")
        self._buttons = [ttk.Button(bar, text=text, command=partial(self._act, act)) for text, _, act in self._acts]
        for button in reversed(self._buttons):
            button.pack(side="right", padx=("4.5p", 0))

    def _make_table(self) -> None:
        names = [column.name for column in COLUMNS]
        # The theme draws no focus around a table.
        self._edge = tk.Frame(self, highlightthickness=2)
        self._edge.grid(row=1, column=0, sticky="nsew")
        self.tree = ttk.Treeview(self._edge, columns=names, show="headings", selectmode="browse", height=_ROWS)
        for column in COLUMNS:
            anchor: Literal["e", "w"] = "e" if column.is_number else "w"
            self.tree.heading(column.name, anchor=anchor, command=partial(self._sort, column.name))
            self.tree.column(column.name, anchor=anchor)
        self._bar = ttk.Scrollbar(self, command=self.tree.yview)
        self._across = ttk.Scrollbar(self, orient="horizontal", command=self.tree.xview)
        self.tree.configure(yscrollcommand=self._scrolled, xscrollcommand=self._moved_across)
        for keys, amount in (("<Shift-Left>", -20), ("<Shift-Right>", 20)):
            self.tree.bind(keys, lambda _, amount=amount: self.tree.xview_scroll(amount, "units"))  # type: ignore[misc]
        self.tree.pack(fill="both", expand=True)
        self._bar.grid(row=1, column=1, sticky="ns")
        self.tree.bind("<<TreeviewSelect>>", lambda _: self._choose())
        self.tree.bind("<Double-1>", self._double)
        self.tree.bind("<FocusIn>", lambda _: self._begin())
        self.tree.bind("<FocusOut>", lambda _: self._frame(focused=False))
        for _, key, act in self._acts:
            self.tree.bind(key, partial(self._act, act))
        for number, column in enumerate(COLUMNS, start=1):
            self.tree.bind(f"<Key-{number}>", partial(self._sort, column.name))

    def _make_menu(self) -> None:
        self._menu = tk.Menu(self, tearoff=False)
        for text, _, act in self._acts:
            self._menu.add_command(label=text, command=partial(self._act, act))
        self._menu.add_separator()
        self._sorts = tk.Menu(self._menu, tearoff=False)
        for number, column in enumerate(COLUMNS, start=1):
            sort = partial(self._sort, column.name)
            self._sorts.add_command(label=column.title, accelerator=str(number), command=sort)
        self._menu.add_cascade(label="Sort by", menu=self._sorts)
        self.tree.bind("<Button-3>", self._pop_up)
        for keys in ("<Menu>", "<Shift-F10>", "<App>"):
            try:
                self.tree.bind(keys, self._pop_up)
            except tk.TclError:
                continue  # a key that this system does not know

    # -- showing ----------------------------------------------------------------------------------------------

    def dress(self, theme: Theme) -> None:
        """Take over the theme."""
        digit = tkfont.nametofont(TEXT, self).measure("0")
        for column, width in zip(COLUMNS, _WIDTHS, strict=True):
            stretch = not column.is_number and column.name != "transport"
            self.tree.column(column.name, width=width * digit, minwidth=5 * digit, stretch=stretch)
        self._colours = (theme.palette.border, theme.palette.focus)
        self._frame(focused=self.focus_displayof() is self.tree)
        self.tree.tag_configure("stranger", foreground=theme.palette.muted)
        for menu in (self._menu, self._sorts):
            theme.dress_menu(menu)

    def refresh(self) -> None:
        """Bring the table up to date; what is chosen stays chosen, and in sight if it was."""
        table = self._watch.table
        rows = table.rows(hours24=self.hours24)
        for column in COLUMNS:
            self.tree.heading(column.name, text=table.heading(column))
        keys = [row.key for row in rows]
        self._rows = dict(zip(keys, rows, strict=True))
        gone = self._drawn.keys() - self._rows.keys()
        if gone:
            self.tree.delete(*gone)
        self._drawn = {key: row for key, row in self._drawn.items() if key not in gone}
        for place, row in enumerate(rows):
            if row.key not in self._drawn:
                self.tree.insert("", place, row.key)
                self._draw(row)
        if list(self.tree.get_children()) != keys:
            self.tree.set_children("", *keys)
        self._draw_visible()
        more = f"; the first {MOST}" if len(table) > MOST else ""
        self._title.configure(text=f"Connected clients ({len(table):,}{more})")
        if keys and not self.tree.focus():
            self.tree.focus(keys[0])  # where Up and Down go on; but nobody is chosen in place of who has gone
        self._choose()

    def _draw_visible(self) -> None:
        """Of hundreds of rows a few are in sight; the others are drawn when they come into it."""
        top, bottom = (fraction * len(self._rows) for fraction in self.tree.yview())
        for row in list(self._rows.values())[int(top) : int(bottom) + 2]:
            if self._drawn[row.key] != row:
                self._draw(row)

    def _draw(self, row: ClientRow) -> None:
        self.tree.item(row.key, values=row.cells, tags=() if row.can_be_moderated else ("stranger",))
        self._drawn[row.key] = row

    def _scrolled(self, top: float, bottom: float) -> None:
        self._bar.set(top, bottom)
        self._draw_visible()

    def _moved_across(self, left: float, right: float) -> None:
        """A window that is too narrow for large text can be moved over the table."""
        self._across.set(left, right)
        if float(left) <= 0 and float(right) >= 1:
            self._across.grid_remove()
        else:
            self._across.grid(row=2, column=0, sticky="ew")

    def _frame(self, *, focused: bool) -> None:
        colour = self._colours[focused]
        self._edge.configure(highlightbackground=colour, highlightcolor=colour)

    def _chosen(self) -> ClientRow | None:
        selection = self.tree.selection()
        return self._rows.get(selection[0]) if selection else None

    def _choose(self) -> None:
        row = self._chosen()
        possible = row is not None and row.can_be_moderated
        for number, button in enumerate(self._buttons):
            button.state(["!disabled" if possible else "disabled"])
            self._menu.entryconfigure(number, state="normal" if possible else "disabled")

    # -- what the user does -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """With the keyboard in the table, something is chosen."""
        self._frame(focused=True)
        rows = self.tree.get_children()
        if rows and not self.tree.selection():
            self.tree.selection_set(rows[0])
            self.tree.focus(rows[0])

    def _act(self, act: Act, event: object = None) -> None:
        del event
        row = self._chosen()
        if row is not None and row.can_be_moderated:
            act(row.user)

    def _sort(self, name: str, event: object = None) -> None:
        del event
        self._watch.sort_by(name)
        self.refresh()

    def _double(self, event: "tk.Event[ttk.Treeview]") -> None:
        if self.tree.identify_region(event.x, event.y) == "cell":
            self._act(self._acts[0][2])

    def _pop_up(self, event: "tk.Event[ttk.Treeview]") -> str:
        if event.type == tk.EventType.ButtonPress:
            row = self.tree.identify_row(event.y)
            x, y = event.x_root, event.y_root
            self.tree.focus_set()
        else:
            row = next(iter(self.tree.selection()), "")
            box = self.tree.bbox(row) if row else ""
            left, top = (box[0], box[1] + box[3]) if isinstance(box, tuple) else (0, 0)
            x, y = self.tree.winfo_rootx() + left + 20, self.tree.winfo_rooty() + top
        if row:
            self.tree.selection_set(row)
            self.tree.focus(row)
            self._choose()
        self._menu.tk_popup(x, y)
        return "break"

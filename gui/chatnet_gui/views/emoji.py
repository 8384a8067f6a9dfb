"""The emoji picker."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from chatnet_gui.scaling import px
from chatnet_gui.viewmodels.emoji import find
from chatnet_gui.views.dialog import Dialog

_COLUMNS = 8


class EmojiPicker(Dialog):
    """A field to find one by its name, and a grid to click or to go through with Tab."""

    def __init__(self, master: tk.Misc, anchor: tk.Misc, chosen: Callable[[str], None]) -> None:
        super().__init__(master, "Emoji")
        self._chosen = chosen
        self._words = tk.StringVar(self)
        ttk.Label(self.body, text="Find one by its name").pack(anchor="w")
        entry = ttk.Entry(self.body, textvariable=self._words, width=24)
        entry.pack(fill="x", pady=("1.5p", "6p"))
        self._grid = ttk.Frame(self.body)
        self._grid.pack(fill="both", expand=True)
        self._words.trace_add("write", lambda *_: self._fill())
        entry.bind("<Return>", lambda _: self._choose_first())
        self._fill()
        self.appear(entry)
        x = anchor.winfo_rootx() + anchor.winfo_width() - self.winfo_reqwidth()
        y = anchor.winfo_rooty() - self.winfo_reqheight() - px(self, 40)
        self.geometry(f"+{max(0, x)}+{max(0, y)}")

    def _fill(self) -> None:
        for old in self._grid.winfo_children():
            old.destroy()
        for number, emoji in enumerate(find(self._words.get())):
            choose = partial(self._choose, emoji)
            button = ttk.Button(self._grid, text=emoji, style="Emoji.TButton", command=choose)
            button.bind("<Return>", choose)
            button.grid(row=number // _COLUMNS, column=number % _COLUMNS, padx="0.75p", pady="0.75p")

    def _choose_first(self) -> None:
        found = find(self._words.get())
        if found:
            self._choose(found[0])

    def _choose(self, emoji: str, event: object = None) -> None:
        del event
        self.destroy()
        self._chosen(emoji)

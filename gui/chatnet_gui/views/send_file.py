"""Asks once more before files are sent, with a few words if one likes: a file is easily dropped at the wrong place."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk

from chatnet.quantities import show_size
from chatnet_gui.viewmodels.file_rows import shown_name
from chatnet_gui.views.dialog import Dialog

_MOST_NAMED = 6


class SendFileDialog(Dialog):
    """``send`` is called with the files and the words."""

    def __init__(self, master: tk.Misc, to: str, paths: list[Path], send: Callable[[list[Path], str], None]) -> None:
        super().__init__(master, "Send a file" if len(paths) == 1 else f"Send {len(paths)} files")
        self._paths, self._send = paths, send
        ttk.Label(self.body, text=f"To {to}", style="Heading.TLabel").pack(anchor="w", pady=(0, "4.5p"))
        for path in paths[:_MOST_NAMED]:
            ttk.Label(self.body, text=f"{shown_name(path.name)}   {_size(path)}").pack(anchor="w")
        if len(paths) > _MOST_NAMED:
            more = f"and {len(paths) - _MOST_NAMED} more"
            ttk.Label(self.body, text=more, style="Muted.TLabel").pack(anchor="w")
        ttk.Label(self.body, text="A few words (if you like)").pack(anchor="w", pady=("9p", "1.5p"))
        self._words = ttk.Entry(self.body, width=44)
        self._words.pack(fill="x")
        self.buttons("Send", self._accept).pack(fill="x", pady=("10.5p", 0))
        self._words.bind("<Return>", lambda _: self._accept())
        self.appear(self._words)

    def _accept(self) -> None:
        words = self._words.get().strip()
        self.destroy()
        self._send(self._paths, words)


def _size(path: Path) -> str:
    try:
        return show_size(path.stat().st_size)
    except OSError:
        return ""

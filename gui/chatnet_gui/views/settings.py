"""The settings: every change is seen, or heard, at once."""

import os
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog, ttk

from chatnet_gui.notifying import INSTALL, is_installed
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.settings import FONT_SIZES, Settings
from chatnet_gui.views.dialog import Dialog

_THEMES = ("system", "light", "dark")
_PATH_CHARACTERS = 34


class SettingsDialog(Dialog):
    """``changed`` is called after every change; ``trouble`` is why the desktop shows no notifications."""

    def __init__(self, master: tk.Misc, settings: Settings, changed: Callable[[], None], trouble: str) -> None:
        super().__init__(master, "Settings")
        self._settings, self._changed = settings, changed
        self._row = 0
        self.body.columnconfigure(1, weight=1)
        first = self._make_looks()
        self._notify = self._check("Notify me of personal messages and mentions (bell, desktop)", settings.notify)
        if reason := trouble or ("" if is_installed() else f"For those of the desktop:\n{INSTALL}"):
            note = ttk.Label(self.body, style="Muted.TLabel", text=reason, wraplength="315p")
            note.grid(row=self._next(), column=0, columnspan=2, sticky="w", padx=("19.5p", 0))
        self._hours24 = self._check("24 hour clock", settings.hours24)
        self._previews = self._check("Show small pictures of images", settings.previews)
        self._make_folder()
        done = ttk.Button(self.body, text="Done", style="Accent.TButton", command=self.destroy)
        done.grid(row=self._next(), column=1, sticky="e", pady=("10.5p", 0))
        self.bind("<Return>", self._return)
        self.appear(first)

    def _next(self) -> int:
        self._row += 1
        return self._row

    def _make_looks(self) -> tk.Misc:
        """Theme and size; the first of their widgets."""
        ttk.Label(self.body, text="Theme").grid(row=0, column=0, sticky="w", padx=(0, "18p"), pady="4.5p")
        self._theme = tk.StringVar(self, self._settings.theme)
        themes = ttk.Frame(self.body)
        themes.grid(row=0, column=1, sticky="w")
        buttons = [
            ttk.Radiobutton(themes, text=name.capitalize(), value=name, variable=self._theme, command=self._take)
            for name in _THEMES
        ]
        for button in buttons:
            button.pack(side="left", padx=(0, "7.5p"))
        row = self._next()
        ttk.Label(self.body, text="Text size").grid(row=row, column=0, sticky="w", pady="4.5p")
        self._size = tk.IntVar(self, self._settings.font_size)
        size = ttk.Spinbox(
            self.body, from_=FONT_SIZES[0], to=FONT_SIZES[-1], width=6, textvariable=self._size, state="readonly",
            command=self._take,
        )  # fmt: skip
        size.grid(row=row, column=1, sticky="w")
        return buttons[0]

    def _check(self, text: str, value: bool) -> tk.BooleanVar:
        variable = tk.BooleanVar(self, value)
        button = ttk.Checkbutton(self.body, text=text, variable=variable, command=self._take)
        button.grid(row=self._next(), column=0, columnspan=2, sticky="w", pady="4.5p")
        return variable

    def _make_folder(self) -> None:
        row = self._next()
        ttk.Label(self.body, text="Downloads go to").grid(row=row, column=0, sticky="w", padx=(0, "9p"), pady="4.5p")
        frame = ttk.Frame(self.body)
        frame.grid(row=row, column=1, sticky="ew")
        self._folder = ttk.Label(frame, anchor="w")
        self._folder.pack(side="left", fill="x", expand=True)
        ttk.Button(frame, text="Change…", command=self._choose_folder).pack(side="right", padx=("6p", 0))
        self._show_folder()

    def _show_folder(self) -> None:
        path = line(_short(self._settings.downloads))
        self._folder.configure(text=path if len(path) <= _PATH_CHARACTERS else f"…{path[1 - _PATH_CHARACTERS :]}")

    def _choose_folder(self) -> None:
        chosen = filedialog.askdirectory(
            parent=self, title="Where downloads go", initialdir=self._settings.downloads, mustexist=True
        )
        if chosen:
            self._settings.download_folder = str(chosen)
            self._show_folder()
            self._changed()

    def _return(self, event: "tk.Event[tk.Misc]") -> None:
        if isinstance(event.widget, ttk.Button):
            event.widget.invoke()
        else:
            self.destroy()

    def _take(self) -> None:
        theme = self._theme.get()
        self._settings.theme = "dark" if theme == "dark" else "light" if theme == "light" else "system"
        self._settings.font_size = self._size.get()
        self._settings.notify, self._settings.hours24 = self._notify.get(), self._hours24.get()
        self._settings.previews = self._previews.get()
        self._changed()


def _short(path: Path) -> str:
    """As people write it."""
    home = Path.home()
    return f"~{os.sep}{path.relative_to(home)}" if path != home and path.is_relative_to(home) else str(path)

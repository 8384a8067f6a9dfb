"""The fields of a server that does not run: where to listen, for whom, where to keep it."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog, ttk

from chatnet_gui.viewmodels.server_form import FIELDS, LAN_HOST, FormModel, show_folder


class ServerForm(ttk.Frame):
    """``start`` is called when Return is pressed in a field."""

    def __init__(self, master: tk.Misc, model: FormModel, start: Callable[[], None]) -> None:
        super().__init__(master)
        self._model = model
        self._values: dict[str, tk.StringVar] = {}
        self._entries: dict[str, ttk.Entry] = {}
        self._errors: dict[str, ttk.Label] = {}
        self._others: list[ttk.Widget] = []
        """What is no entry, and can be switched off as well."""
        self.columnconfigure(0, weight=1)
        self._make_field("host", "Address", row=0, column=0, width=26)
        self._make_field("port", "Port", row=0, column=1, width=9)
        self._make_error("host", row=2)
        self._make_error("port", row=3)
        self._make_switches(row=4)
        self._make_field("data", "Data folder", row=5, column=0, width=26)
        browse = ttk.Button(self, text="Browse…", command=self._browse)
        browse.grid(row=6, column=1, sticky="ew", padx=("6p", 0))
        self._others.append(browse)
        self._make_error("data", row=7)
        self._make_error("", row=8)
        for entry in self._entries.values():
            entry.bind("<Return>", lambda _: start())
        self.bind("<Configure>", self._resized)
        self.refresh()

    def _make_field(self, field: str, label: str, *, row: int, column: int, width: int) -> None:
        padx = ("6p" if column else 0, 0)
        ttk.Label(self, text=label).grid(row=row, column=column, sticky="w", padx=padx, pady=(0, "1.5p"))
        value = self._values[field] = tk.StringVar(self, self._model.values[field])
        value.trace_add("write", lambda *_: self._typed(field))
        entry = self._entries[field] = ttk.Entry(self, textvariable=value, width=width)
        entry.grid(row=row + 1, column=column, sticky="ew", padx=padx)

    def _make_error(self, field: str, *, row: int) -> None:
        label = self._errors[field] = ttk.Label(self, style="Error.TLabel")
        label.grid(row=row, column=0, columnspan=2, sticky="w", pady=("1.5p", 0))

    def _make_switches(self, *, row: int) -> None:
        self._lan = tk.BooleanVar(self, self._model.is_lan)
        self._open = tk.BooleanVar(self, self._model.is_open)
        frame = ttk.Frame(self)
        frame.grid(row=row, column=0, columnspan=2, sticky="w", pady=("4.5p", "4.5p"))
        for text, value in (("For the local network", self._lan), ("Open to guests", self._open)):
            switch = ttk.Checkbutton(frame, text=text, variable=value, command=self._switched)
            switch.pack(side="left", padx=(0, "10.5p"))
            self._others.append(switch)

    # -- showing ----------------------------------------------------------------------------------------------

    def refresh(self, *, is_busy: bool = False) -> None:
        """Show what the model says; ``is_busy``: while a server starts or stops, there is nothing to change."""
        model = self._model
        for field, label in self._errors.items():
            text = model.errors.get(field, "")
            label.configure(text=text)
            if text:
                label.grid()
            else:
                label.grid_remove()
        self._values["host"].set(LAN_HOST if model.is_lan else model.values["host"])
        for part in (*self._entries.values(), *self._others):
            part.state(["disabled" if is_busy else "!disabled"])
        if model.is_lan:
            self._entries["host"].state(["disabled"])

    def focus_first(self, otherwise: tk.Misc) -> None:
        """The keyboard starts where something is wrong, if anything is."""
        wrong = next((field for field in FIELDS if field in self._model.errors), None)
        target = otherwise if wrong is None else self._entries[wrong]
        target.focus_set()

    def _resized(self, event: "tk.Event[tk.Misc]") -> None:
        for label in self._errors.values():
            label.configure(wraplength=max(200, event.width - 8))

    # -- what the user does -----------------------------------------------------------------------------------

    def _typed(self, field: str) -> None:
        value = self._values[field].get()
        if value == self._model.values[field] or (field == "host" and self._model.is_lan):
            return
        self._model.set(field, value)
        for changed in (field, ""):
            self._errors[changed].grid_remove()

    def _switched(self) -> None:
        self._model.is_lan, self._model.is_open = self._lan.get(), self._open.get()
        self._model.errors.pop("host", None)
        self.refresh()

    def _browse(self) -> None:
        chosen = filedialog.askdirectory(
            parent=self, title="Data folder", initialdir=str(self._model.nearest_folder), mustexist=False
        )
        if chosen:
            self._values["data"].set(show_folder(Path(str(chosen))))

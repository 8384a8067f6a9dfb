"""The transfers that are under way, or have failed: each with its progress, and a button to end it."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from chatnet_gui.scaling import px
from chatnet_gui.viewmodels.transfers import Transfer

_MOST = 4
"""Shown at the same time; of more, only how many there are."""
_STEPS = 1000


class _Line(ttk.Frame):
    """One transfer."""

    def __init__(self, master: tk.Misc, cancel: Callable[[], None], retry: Callable[[], None]) -> None:
        super().__init__(master, padding=(0, "3p", 0, 0))
        self._title = ttk.Label(self, anchor="w")
        self._state = ttk.Label(self, style="Muted.TLabel", anchor="w")
        self._bar = ttk.Progressbar(self, maximum=_STEPS, length=px(master, 140))
        self._retry = ttk.Button(self, text="Try again", command=retry)
        self._cancel = ttk.Button(self, text="Cancel", command=cancel)
        self._title.grid(row=0, column=0, sticky="ew")
        self._state.grid(row=1, column=0, sticky="ew")
        self._bar.grid(row=0, column=1, rowspan=2, padx="6p")
        self._cancel.grid(row=0, column=3, rowspan=2)
        self.columnconfigure(0, weight=1)

    def show(self, transfer: Transfer) -> None:
        arrow = "↓" if transfer.file is not None else "↑"
        self._title.configure(text=f"{arrow} {transfer.name}")
        self._state.configure(text=transfer.state, style="Error.TLabel" if transfer.trouble else "Muted.TLabel")
        self._bar.configure(value=round(_STEPS * transfer.part))
        self._cancel.configure(text="Dismiss" if transfer.trouble else "Cancel")
        self._cancel.state(["disabled" if transfer.is_stopping else "!disabled"])
        if transfer.trouble:
            self._bar.grid_remove()
            self._retry.grid(row=0, column=2, rowspan=2, padx=(0, "6p"))
        else:
            self._retry.grid_remove()
            self._bar.grid()


class TransferList(ttk.Frame):
    """``cancel`` and ``retry`` are called with a transfer's number."""

    def __init__(self, master: tk.Misc, cancel: Callable[[int], None], retry: Callable[[int], None]) -> None:
        super().__init__(master)
        self._cancel, self._retry = cancel, retry
        self._lines: dict[int, _Line] = {}
        self._more = ttk.Label(self, style="Muted.TLabel")

    def show(self, transfers: list[tuple[int, Transfer]]) -> None:
        """Bring the list up to date."""
        shown = dict(transfers[:_MOST])
        for number in [number for number in self._lines if number not in shown]:
            self._lines.pop(number).destroy()
        for number, transfer in shown.items():
            if number not in self._lines:
                made = _Line(self, partial(self._cancel, number), partial(self._retry, number))
                made.pack(fill="x")
                self._lines[number] = made
            self._lines[number].show(transfer)
        self._more.pack_forget()
        if len(transfers) > _MOST:
            self._more.configure(text=f"and {len(transfers) - _MOST} more")
            self._more.pack(anchor="w", pady=("3p", 0))

"""What whoever runs the server tells others: where it is, a join code, and the fingerprint of its key."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from chatnet_gui.viewmodels.server_inviting import MOST_USES, SPANS
from chatnet_gui.viewmodels.server_watching import WatchModel

_ALONE = "Only this machine reaches it. For others: Stop, “For the local network”, Start."
_UNUSED = "No code yet. Each is shown this once."


class OutsideView(ttk.Frame):
    """``copy`` puts a text where it can be pasted, and says so."""

    def __init__(self, master: tk.Misc, watch: WatchModel, copy: Callable[[str, str], None]) -> None:
        super().__init__(master)
        self._watch, self._copy = watch, copy
        self.columnconfigure(0, weight=1)
        self._place = ttk.Label(self)
        self._place.grid(row=0, column=0, columnspan=3, sticky="w")
        self._make_order(row=1)
        self._code = ttk.Entry(self, state="readonly", width=18)
        self._code.grid(row=2, column=0, sticky="ew")
        self._code.bind("<Control-c>", lambda _: self._copy_code() if not self._code.selection_present() else None)
        self._hand_on = ttk.Button(self, text="Copy", command=self._copy_code)
        self._hand_on.grid(row=2, column=1, sticky="ew", padx=("6p", 0))
        self._link = ttk.Button(self, text="Copy link", command=self._copy_link)
        self._link.grid(row=2, column=2, sticky="ew", padx=("6p", 0))
        self._key = ttk.Label(self, text="Fingerprint of its key, for those who come without a code:")
        self._key.grid(row=3, column=0, columnspan=3, sticky="w", pady=("6p", 0))
        self._pin = ttk.Label(self, style="SmallMono.TLabel")
        self._pin.grid(row=4, column=0, columnspan=2, sticky="w")
        self._copy_key = ttk.Button(self, text="Copy", command=self._copy_pin)
        self._copy_key.grid(row=4, column=2, sticky="ew", padx=("6p", 0))
        self.bind("<Configure>", self._resized)
        self.refresh()

    def _make_order(self, *, row: int) -> None:
        """A sentence with two fields in it."""
        frame = ttk.Frame(self)
        frame.grid(row=row, column=0, columnspan=3, sticky="ew", pady=("6p", "3p"))
        self.make = ttk.Button(frame, text="New join code", style="Accent.TButton", command=self._invite)
        self.make.pack(side="left")
        ttk.Label(frame, text="for").pack(side="left", padx=("6p", "4.5p"))
        self._uses = ttk.Spinbox(frame, from_=1, to=MOST_USES, width=5)
        self._uses.set(1)
        self._uses.pack(side="left")
        ttk.Label(frame, text="people,").pack(side="left", padx=("4.5p", "4.5p"))
        self._span = ttk.Combobox(frame, values=[text for text, _ in SPANS], state="readonly", width=8)
        self._span.set(SPANS[-1][0])
        self._span.pack(side="left")

    # -- showing ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what the model says."""
        outside, invitation = self._watch.outside, self._watch.invitation
        where = ", ".join(outside.places[:2])
        self._place.configure(
            text=f"Others reach it at {where}" if where else _ALONE if outside.here else "",
            style="TLabel" if where else "Muted.TLabel",
        )
        _show(self._code, invitation.code if invitation is not None else _UNUSED)
        self.make.state(_enabled(self._watch.is_online))
        self._hand_on.state(_enabled(invitation is not None))
        self._link.state(_enabled(invitation is not None and bool(invitation.link)))
        self._pin.configure(text=outside.pin_in_lines)
        for part in (self._key, self._pin, self._copy_key):
            if outside.pin:
                part.grid()
            else:
                part.grid_remove()

    def _resized(self, event: "tk.Event[tk.Misc]") -> None:
        for label in (self._place, self._key):
            label.configure(wraplength=max(200, event.width - 8))

    # -- what the user does -----------------------------------------------------------------------------------

    def _invite(self) -> None:
        self._watch.invite(self._uses.get(), self._span.get())

    def _copy_code(self) -> None:
        if self._watch.invitation is not None:
            self._copy(self._watch.invitation.code, "The join code")

    def _copy_link(self) -> None:
        if self._watch.invitation is not None:
            self._copy(self._watch.invitation.link, "The link")

    def _copy_pin(self) -> None:
        self._copy(self._watch.outside.pin, "The fingerprint")


def _enabled(enabled: bool) -> list[str]:
    return ["!disabled" if enabled else "disabled"]


def _show(entry: ttk.Entry, text: str) -> None:
    """Put a text into an entry that cannot be changed by hand."""
    if entry.get() != text:
        entry.configure(state="normal")
        entry.delete(0, "end")
        entry.insert(0, text)
        entry.configure(state="readonly")

"""The login window."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from chatnet_gui.connecting import LoginRequest
from chatnet_gui.lan import Found
from chatnet_gui.viewmodels.login import NEW, LoginModel

_WRAP = "330p"
_MOST_FOUND = 4
"""Rows for servers of the local network; of more the rest is scrolled to."""
_GROUPS = 3
"""Of a fingerprint, on one line."""
_LABELS = (
    ("host", "Server address"),
    ("port", "Port"),
    ("name", "User name"),
    ("code", "Join code (if you were given one)"),
    ("password", "Password (if your account has one)"),
)


class LoginView(ttk.Frame):
    """``submit`` is called with what to log in with; ``cancel`` ends the try that is under way."""

    def __init__(
        self, master: tk.Misc, model: LoginModel, submit: Callable[[LoginRequest], None], cancel: Callable[[], None]
    ) -> None:
        super().__init__(master, padding="21p")
        self._model, self._submit, self._cancel = model, submit, cancel
        self._values: dict[str, tk.StringVar] = {}
        self._entries: dict[str, ttk.Entry] = {}
        self._errors: dict[str, ttk.Label] = {}
        ttk.Label(self, text="chatnet", style="Title.TLabel").grid(row=0, column=0, columnspan=2, sticky="w")
        ttk.Label(self, text="Log in to a server", style="Muted.TLabel").grid(
            row=1, column=0, columnspan=2, sticky="w", pady=(0, "7.5p")
        )
        self.columnconfigure(0, weight=1)
        self._profile = self._make_profiles()
        self._make_fields()
        self._make_found()
        self._make_answers()
        self.bind_all("<Return>", self._return, add=False)
        self.refresh()
        self.focus_first()

    def _make_profiles(self) -> ttk.Combobox | None:
        if not self._model.profiles:
            return None
        ttk.Label(self, text="Account").grid(row=2, column=0, columnspan=2, sticky="w")
        box = ttk.Combobox(self, values=[*self._model.profiles, NEW], state="readonly")
        box.set(self._model.profile or NEW)
        box.grid(row=3, column=0, columnspan=2, sticky="ew", pady=("1.5p", "6p"))
        box.bind("<<ComboboxSelected>>", self._profile_chosen)
        return box

    def _make_fields(self) -> None:
        self._fields = ttk.Frame(self)
        self._fields.columnconfigure(0, weight=1)
        for number, (field, label) in enumerate(_LABELS):
            # Address and port share a line, and their errors the two lines below it.
            column, row = (1, 0) if field == "port" else (0, 5 * number)
            span, padx = 1 if field in ("host", "port") else 2, ("7.5p" if column else 0, 0)
            value = self._values[field] = tk.StringVar(self, self._model.values[field])
            value.trace_add("write", lambda *_, field=field: self._typed(field))
            heading = ttk.Label(self._fields, text=label)
            heading.grid(row=row, column=column, columnspan=span, sticky="w", pady=("6p", "1.5p"), padx=padx)
            entry = ttk.Entry(self._fields, textvariable=value, width=8 if column else 32)
            entry.configure(show="•" if field == "password" else "")
            entry.grid(row=row + 1, column=column, columnspan=span, sticky="ew", padx=padx)
            error = ttk.Label(self._fields, style="Error.TLabel", wraplength=_WRAP)
            error.grid(row=row + 2 + column, column=0, columnspan=2, sticky="w", pady=("1.5p", 0))
            self._entries[field], self._errors[field] = entry, error

    def _make_found(self) -> None:
        """Servers of the local network."""
        self._found = ttk.Frame(self)
        ttk.Label(self._found, text="On this network").pack(anchor="w", pady=(0, "1.5p"))
        self._servers = ttk.Treeview(self._found, show="tree", selectmode="browse", style="Flat.Treeview", height=1)
        self._servers.bind("<<TreeviewSelect>>", self._server_chosen)
        self._looking = ttk.Label(self._found, style="Muted.TLabel", wraplength=_WRAP)

    def _make_answers(self) -> None:
        self._general = ttk.Label(self, style="Error.TLabel", wraplength=_WRAP)
        self._question = ttk.Frame(self)
        self._question_text = ttk.Label(self._question, wraplength=_WRAP)
        self._question_text.pack(anchor="w")
        self._fingerprint = ttk.Label(self._question, style="Mono.TLabel", wraplength=_WRAP)
        self._fingerprint.pack(anchor="w", pady="6p")
        buttons = ttk.Frame(self._question)
        buttons.pack(fill="x")
        self._trust = ttk.Button(buttons, text="Trust it, and log in", style="Accent.TButton", command=self._accept)
        self._trust.pack(side="right")
        ttk.Button(buttons, text="Do not trust it", command=self._decline).pack(side="right", padx=(0, "6p"))
        self._offer = ttk.Button(self, command=self._take_offer)
        self._actions = ttk.Frame(self)
        self._log_in = ttk.Button(self._actions, text="Log in", style="Accent.TButton", command=self._log_in_now)
        self._log_in.pack(side="right")
        self._stop = ttk.Button(self._actions, text="Cancel", command=self._cancel)
        self._busy = ttk.Label(self._actions, style="Muted.TLabel")
        self._busy.pack(side="left")

    # -- showing ----------------------------------------------------------------------------------------------

    def focus_first(self) -> None:
        """The keyboard starts where something is to be typed."""
        model = self._model
        wrong = next((field for field, _ in _LABELS if field in model.errors), None)
        target: tk.Misc = self._entries["name"]
        if model.question is not None:
            target = self._trust
        elif model.offer:
            target = self._offer
        elif model.profile and self._profile is not None:
            target = self._log_in
        elif wrong is not None:
            target = self._entries[wrong]
        target.focus_set()
        if isinstance(target, ttk.Entry):
            target.selection_range(0, "end")

    def refresh(self) -> None:
        """Show what the model says."""
        model = self._model
        _place(self._fields, not model.profile and model.question is None, row=4)
        for field, label in self._errors.items():
            text = model.errors.get(field, "")
            label.configure(text=text)
            _shown(label, bool(text))
        _place(self._found, not model.profile and model.question is None, row=9)
        self._show_found()
        general = model.errors.get("", "")
        if model.profile:
            general = general or next(iter(model.errors.values()), "")
        self._general.configure(text=general)
        _place(self._general, bool(general), row=5)
        self._show_question()
        self._offer.configure(text=f"Use “{model.offer}” instead")
        _place(self._offer, bool(model.offer), row=7)
        _place(self._actions, model.question is None, row=8)
        self._log_in.state(["disabled" if model.is_busy else "!disabled"])
        self._busy.configure(text="Connecting…" if model.is_busy else "")
        if model.is_busy:
            self._stop.pack(side="right", padx=(0, "6p"))
        else:
            self._stop.pack_forget()
        for field, value in self._values.items():
            if value.get() != model.values[field]:
                value.set(model.values[field])

    def show_found(self, found: Found) -> None:
        """Servers of the local network have been heard."""
        self._model.learn(found)
        self._show_found()

    def _show_found(self) -> None:
        lines = self._model.found_as_text()
        if lines != [self._servers.item(item, "text") for item in self._servers.get_children()]:
            self._servers.delete(*self._servers.get_children())
            for number, text in enumerate(lines):
                self._servers.insert("", "end", str(number), text=text)
            self._servers.configure(height=max(1, min(_MOST_FOUND, len(lines))))
        _packed(self._servers, bool(lines))
        self._looking.configure(text=self._model.looking)
        _packed(self._looking, bool(self._model.looking))

    def _show_question(self) -> None:
        question = self._model.question
        _place(self._question, question is not None, row=6)
        if question is None:
            return
        if question.expected:
            text = (
                f"The server at {question.address} has ANOTHER KEY than before. It may be somebody else's. "
                f"Go on only if whoever runs it tells you of the new key. Before, it was\n"
                f"{question.expected}\nnow it is"
            )
        else:
            text = (
                f"Nothing is known here of the server at {question.address}. "
                "Compare the fingerprint of its key with what whoever runs the server tells you:"
            )
        self._question_text.configure(text=text)
        self._fingerprint.configure(text=_in_lines(question.shown))

    # -- what the user does -----------------------------------------------------------------------------------

    def _typed(self, field: str) -> None:
        value = self._values[field].get()
        if value != self._model.values[field]:
            self._model.set(field, value)
            self._errors[field].configure(text="")
            _shown(self._errors[field], False)

    def _server_chosen(self, event: object) -> None:
        del event
        for item in self._servers.selection():
            self._model.choose_found(int(item))
            self.refresh()

    def _profile_chosen(self, event: object) -> None:
        del event
        assert self._profile is not None
        self._model.choose_profile(self._profile.get())
        self.refresh()
        self.focus_first()

    def _return(self, event: "tk.Event[Any]") -> None:
        if isinstance(event.widget, ttk.Button):
            event.widget.invoke()
        elif not isinstance(event.widget, tk.Misc):
            return  # the list of a combobox, which is no widget of Python's: something was chosen there
        elif not self._model.is_busy and self._model.question is None:
            self._log_in_now()

    def _log_in_now(self) -> None:
        self._go(self._model.submit())

    def _take_offer(self) -> None:
        self._go(self._model.take_offer())

    def _accept(self) -> None:
        self._go(self._model.accept())

    def _decline(self) -> None:
        self._model.decline()
        self.refresh()
        self.focus_first()

    def _go(self, request: LoginRequest | None) -> None:
        self.refresh()
        if request is None:
            self.focus_first()
        else:
            self._submit(request)

    def destroy(self) -> None:
        self.unbind_all("<Return>")
        super().destroy()


def _place(widget: ttk.Widget, shown: bool, *, row: int) -> None:
    if shown:
        widget.grid(row=row, column=0, columnspan=2, sticky="ew", pady=("7.5p", 0))
    else:
        widget.grid_remove()


def _shown(widget: ttk.Label, shown: bool) -> None:
    if shown:
        widget.grid()
    else:
        widget.grid_remove()


def _packed(widget: ttk.Widget, shown: bool) -> None:
    if shown:
        widget.pack(fill="x")
    else:
        widget.pack_forget()


def _in_lines(pin: str) -> str:
    """The fingerprint, broken where it is easy to compare."""
    groups = pin.split("-")
    return "-\n".join("-".join(groups[start : start + _GROUPS]) for start in range(0, len(groups), _GROUPS))

"""The server window: its state with Start and Stop, its fields or what others need to know, plots, clients, log."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.server import ServerModel, State
from chatnet_gui.viewmodels.server_watching import LOG, PLOTS, STATE, TABLE
from chatnet_gui.views.dialog import Dialog
from chatnet_gui.views.server_clients import ClientsView
from chatnet_gui.views.server_dialogs import BanDialog, KickDialog, LooksDialog, MessageDialog, Question
from chatnet_gui.views.server_form import ServerForm
from chatnet_gui.views.server_log import LogView
from chatnet_gui.views.server_outside import OutsideView
from chatnet_gui.views.server_plots import PlotsView


class ServerView(ttk.Frame):
    """``restyle`` sets fonts and colours anew after a change of the settings."""

    def __init__(self, master: tk.Tk, model: ServerModel, theme: Theme, restyle: Callable[[], None]) -> None:
        super().__init__(master, padding=("10.5p", "7.5p", "10.5p", "6p"))
        self._window, self._model, self._theme, self._restyle = master, model, theme, restyle
        self._dialog: Dialog | None = None
        self._was: tuple[bool, bool] | None = None
        """Did it run, and was there something under way, when it was shown last?"""
        self._make_header()
        self._make_upper()
        acts = (("Message…", "<Return>", self._message), ("Kick…", "<Delete>", self._kick), ("Ban…", "<b>", self._ban))
        self.clients = ClientsView(self, model.watch, acts)
        self.clients.grid(row=2, column=0, sticky="nsew", pady=("9p", 0))
        self.log = LogView(self, model.watch.log)
        self.log.grid(row=3, column=0, sticky="nsew", pady=("9p", 0))
        self._notice = ttk.Label(self, style="Warning.TLabel")
        self._notice.grid(row=4, column=0, sticky="ew", pady=("4.5p", 0))
        self.bind("<Configure>", lambda event: self._notice.configure(wraplength=max(200, event.width - 40)))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=2)
        self.rowconfigure(3, weight=3)
        self._bind_keys()
        self.dress()
        self.start.focus_set()

    # -- parts ------------------------------------------------------------------------------------------------

    def _make_header(self) -> None:
        bar = self._header = ttk.Frame(self)
        bar.grid(row=0, column=0, sticky="ew", pady=(0, "7.5p"))
        ttk.Label(bar, text="chatnet server", style="Title.TLabel").pack(side="left")
        self.start = ttk.Button(bar, text="Start", style="Accent.TButton", command=self._start)
        self.stop = ttk.Button(bar, text="Stop", command=self.ask_to_stop)
        settings = ttk.Button(bar, text="Settings", command=self.open_settings)
        for button in (settings, self.stop, self.start):  # from the right; Tab goes the other way
            button.pack(side="right", padx=("4.5p", 0))
        self._state = ttk.Label(bar)
        self._state.pack(side="left", padx=("10.5p", 0), fill="x", expand=True)

    def _make_upper(self) -> None:
        upper = ttk.Frame(self)
        upper.grid(row=1, column=0, sticky="ew")
        self._left = ttk.Frame(upper)
        self._left.grid(row=0, column=0, sticky="nsew", padx=(0, "13.5p"))
        self._left.columnconfigure(0, weight=1)
        self.form = ServerForm(self._left, self._model.form, self._start)
        self._outside = OutsideView(self._left, self._model.watch, self._copy)
        self._kept = ttk.Label(self._left, style="Muted.TLabel")
        # Lines that may be long are broken where they have to be.
        self._left.bind("<Configure>", lambda event: self._kept.configure(wraplength=max(200, event.width - 8)))
        self._plots = PlotsView(upper, self._model.watch.plots)
        self._plots.grid(row=0, column=1, sticky="nsew")
        upper.columnconfigure(0, weight=2)
        upper.columnconfigure(1, weight=3)

    def _bind_keys(self) -> None:
        for keys, act in (
            ("<Control-f>", self.log.entry.focus_set), ("<Control-p>", self.log.pause),
            ("<Control-comma>", self.open_settings), ("<Control-l>", self.clients.tree.focus_set),
            ("<Control-plus>", lambda: self._zoom(1)), ("<Control-equal>", lambda: self._zoom(1)),
            ("<Control-KP_Add>", lambda: self._zoom(1)), ("<Control-minus>", lambda: self._zoom(-1)),
            ("<Control-KP_Subtract>", lambda: self._zoom(-1)), ("<Control-0>", lambda: self._zoom(0)),
        ):  # fmt: skip
            self._window.bind(keys, lambda _, act=act: act())  # type: ignore[misc]
        # A button that has the keyboard is pressed by Return as well.
        self._window.bind_class("TButton", "<Return>", _press)

    def dress(self) -> None:
        """Take over the theme."""
        for part in (self._plots, self.clients, self.log):
            part.dress(self._theme)
        self.clients.hours24 = self._model.watch.log.hours24 = self._model.settings.hours24
        self.refresh({STATE, TABLE, LOG, PLOTS})

    # -- showing ----------------------------------------------------------------------------------------------

    def refresh(self, parts: set[str]) -> None:
        """Draw these parts again."""
        if STATE in parts:
            self._show_state()
        if TABLE in parts:
            self.clients.refresh()
        if LOG in parts:
            self.log.refresh()
        if PLOTS in parts:
            self._plots.refresh()

    def _show_state(self) -> None:
        model = self._model
        mark, style = ("●", "Success.TLabel") if model.is_running else ("○", "Muted.TLabel")
        self._state.configure(text=f"{mark} {model.headline}", style=style)
        self._window.title(f"{model.headline} - chatnet server")
        self.start.state(["!disabled" if model.can_start else "disabled"])
        self.stop.state(["!disabled" if model.can_stop else "disabled"])
        self._notice.configure(text=model.watch.notice)
        self._outside.refresh()
        is_busy = model.state in (State.STARTING, State.STOPPING)
        self.form.refresh(is_busy=is_busy)
        self._kept.configure(text=model.kept)
        before, self._was = self._was, (model.is_running, is_busy)
        if before != self._was:
            self._swap(was_running=before is not None and before[0])

    def _swap(self, *, was_running: bool) -> None:
        """While the server runs there is nothing to set, but something to tell others."""
        running, busy = self._model.is_running, self._model.is_hosting and not self._model.is_running
        if running:
            self.form.grid_remove()
            self._outside.grid(row=0, column=0, sticky="ew")
            self._kept.grid(row=1, column=0, sticky="ew", pady=("6p", 0))
        else:
            self._outside.grid_remove()
            self._kept.grid_remove()
            self.form.grid(row=0, column=0, sticky="ew")
        focus = self.focus_displayof()
        if focus is not None and not str(focus).startswith((f"{self._left}.", f"{self._header}.")):
            return
        # The keyboard is where the next step is, and never at Stop: Return twice would undo the start.
        if running and not was_running:
            self._outside.make.focus_set()
        elif not running and not busy:
            self.form.focus_first(self.start)

    def _open(self, make: Callable[[], Dialog]) -> None:
        """One small window at a time."""
        if self._dialog is not None and self._dialog.winfo_exists():
            self._dialog.destroy()
        self._dialog = make()

    # -- what the user does -----------------------------------------------------------------------------------

    def _start(self) -> None:
        self._model.start()
        self._show_state()
        if self._model.form.errors:
            self.form.focus_first(self.start)

    def ask_to_stop(self, then: Callable[[], None] | None = None) -> None:
        """Stop, after a question if somebody is there; ``then`` is called instead if something else is to follow."""
        act = then or self._model.stop
        question = self._model.stop_question()
        if question:
            self._open(lambda: Question(self, "Stop the server", question, "Stop", act))
        else:
            act()

    def _copy(self, text: str, what: str) -> None:
        self.clipboard_clear()
        self.clipboard_append(text)
        self._model.watch.say(f"{what} is copied.")

    def _message(self, user: str) -> None:
        self._open(lambda: MessageDialog(self, user, self._theme, self._model.watch.message))

    def _kick(self, user: str) -> None:
        question = self._model.watch.kick_question(user)
        self._open(lambda: KickDialog(self, user, question, self._model.watch.kick))

    def _ban(self, user: str) -> None:
        self._open(lambda: BanDialog(self, user, self._model.watch.ban))

    def open_settings(self) -> None:
        self._open(lambda: LooksDialog(self, self._model.settings, self._restyle))

    def _zoom(self, step: int) -> None:
        self._model.settings.zoom(step)
        self._restyle()


def _press(event: "tk.Event[tk.Misc]") -> str:
    if isinstance(event.widget, ttk.Button):
        event.widget.invoke()
    return "break"  # the window of a button that has answered may be gone

"""The live log: a filter, a pause, and the last lines."""

import tkinter as tk
from collections.abc import Sequence
from tkinter import ttk

from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.server_log import CHOICES, LogModel, LogRow

_LINES = 5
"""That there is room for at least."""


class LogView(ttk.Frame):
    """Follows the end, unless the user has scrolled away from it."""

    def __init__(self, master: tk.Misc, log: LogModel) -> None:
        super().__init__(master)
        self._log = log
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self._make_bar()
        self.text = tk.Text(
            self, height=_LINES, width=20, wrap="word", padx="7.5p", pady="4.5p", state="disabled", takefocus=True
        )
        self._bar = ttk.Scrollbar(self, command=self.text.yview)
        self._bottom = 1.0
        """How far the log is in sight, when that was drawn last."""
        self.text.configure(yscrollcommand=self._scrolled)
        self.text.grid(row=1, column=0, sticky="nsew")
        self._bar.grid(row=1, column=1, sticky="ns")
        self.text.bind("<Configure>", lambda _: self._resized())
        self.text.bind("<Button-1>", lambda _: self.text.focus_set())
        for keys in ("<Tab>", "<Shift-Tab>", "<ISO_Left_Tab>"):
            try:
                self.text.bind(keys, self._tab)
            except tk.TclError:
                continue  # a key that this system does not know

    def _make_bar(self) -> None:
        """Made in the order in which Tab goes through it, and put in its place from the right."""
        bar = ttk.Frame(self)
        bar.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, "4.5p"))
        ttk.Label(bar, text="Live log", style="Heading.TLabel").pack(side="left")
        self._state = ttk.Label(bar, style="Muted.TLabel")
        filter_label = ttk.Label(bar, text="Filter")
        self._words = tk.StringVar(self)
        self._words.trace_add("write", lambda *_: self._filter())
        self.entry = ttk.Entry(bar, textvariable=self._words, width=18)
        self.entry.bind("<Escape>", lambda _: self._words.set(""))
        self._choice = ttk.Combobox(bar, values=CHOICES, state="readonly", width=10)
        self._choice.set(self._log.choice)
        self._choice.bind("<<ComboboxSelected>>", lambda _: self._filter())
        self._pause = ttk.Button(bar, text="Pause", command=self.pause)
        self._clear = ttk.Button(bar, text="Clear", command=self._empty)
        for part in (self._clear, self._pause, self._choice, self.entry, filter_label):
            part.pack(side="right", padx=("4.5p", 0))
        self._state.pack(side="left", padx=("9p", 0), fill="x", expand=True)

    # -- showing ----------------------------------------------------------------------------------------------

    def dress(self, theme: Theme) -> None:
        theme.dress_log(self.text)

    def refresh(self) -> None:
        """Bring the lines up to date."""
        update = self._log.take_update()
        if update is not None:
            at_end = self.text.yview()[1] >= 1.0
            self.text.configure(state="normal")
            if update.anew:
                self.text.delete("1.0", "end")
            elif update.removed:
                self.text.delete("1.0", f"{update.removed + 1}.0")
            self._append(update.added)
            self.text.configure(state="disabled")
            if update.anew or at_end:
                self.text.see("end-1c")
        self._state.configure(text=self._log.summary)
        self._pause.configure(text="Go on" if self._log.is_paused else "Pause")

    def _scrolled(self, top: float, bottom: float) -> None:
        self._bar.set(top, bottom)
        self._bottom = float(bottom)

    def _resized(self) -> None:
        """Who saw the end sees it in a smaller field too; the new lines are measured after this."""
        if self._bottom >= 1.0:
            self.text.after_idle(self.text.see, "end-1c")

    def _append(self, rows: Sequence[LogRow]) -> None:
        pieces: list[str | tuple[str, ...]] = []
        for row in rows:
            pieces += ["\n", ()]
            for text, tags in row.segments:
                pieces += [text, tags]
        if pieces and self.text.index("end-1c") == "1.0":
            del pieces[:2]  # there is no line above the first one
        if pieces:
            self.text.insert("end", *pieces)  # type: ignore[arg-type]

    # -- what the user does -----------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stand still, or go on."""
        self._log.pause(not self._log.is_paused)
        self.refresh()

    def _filter(self) -> None:
        self._log.filter(self._words.get(), self._choice.get())
        self.refresh()

    def _empty(self) -> None:
        self._log.clear()
        self.refresh()

    def _tab(self, event: "tk.Event[tk.Text]") -> str:
        back = event.keysym == "ISO_Left_Tab" or int(event.state) & 1
        target = event.widget.tk_focusPrev() if back else event.widget.tk_focusNext()
        if target is not None:
            target.focus_set()
        return "break"

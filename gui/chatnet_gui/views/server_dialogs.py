"""The small windows of the server's: questions before something ends, a message, a ban, and how it all looks."""

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import font as tkfont
from tkinter import ttk

from chatnet_gui.theme import TEXT, Theme
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.settings import FONT_SIZES
from chatnet_gui.views.dialog import Dialog

_WRAP = 44
"""Of a question, in digits' widths."""
_REASON = "Reason (told to them, and kept)"
_DAY = 86400
BAN_SPANS: Sequence[tuple[str, int]] = (
    ("10 minutes", 600), ("1 hour", 3600), ("1 day", _DAY), ("30 days", 30 * _DAY), ("for ever", 0)
)  # fmt: skip


class Question(Dialog):
    """Asks before something is done; ``accept`` stands on the button that does it."""

    def __init__(self, master: tk.Misc, title: str, text: str, accept: str, act: Callable[[], None]) -> None:
        super().__init__(master, title)
        self._act = act
        label = ttk.Label(self.body, text=text)
        label.configure(wraplength=_WRAP * tkfont.nametofont(TEXT, label).measure("0"))
        label.pack(anchor="w")
        buttons = self.buttons(accept, self._accept)
        buttons.pack(fill="x", pady=("12p", 0))
        self.appear(buttons.winfo_children()[0])

    def _accept(self) -> None:
        self.destroy()
        self._act()


class MessageDialog(Dialog):
    """Asks what to say to somebody, in private."""

    def __init__(self, master: tk.Misc, user: str, theme: Theme, send: Callable[[str, str], None]) -> None:
        super().__init__(master, f"Message to {line(user)}")
        self._user, self._send = user, send
        ttk.Label(self.body, text=f"To {line(user)}, in private").pack(anchor="w")
        self._text = tk.Text(self.body, height=4, width=40, wrap="word", padx="6p", pady="4.5p")
        theme.dress_text(self._text)
        self._text.pack(fill="both", expand=True, pady=("3p", 0))
        self.buttons("Send", self._go).pack(fill="x", pady=("9p", 0))
        self._text.bind("<Return>", self._return)
        self._text.bind("<Tab>", self._tab)
        self.appear(self._text)

    def _return(self, event: object) -> str:
        del event
        self._go()
        return "break"

    def _tab(self, event: "tk.Event[tk.Text]") -> str:
        if (following := event.widget.tk_focusNext()) is not None:
            following.focus_set()
        return "break"

    def _go(self) -> None:
        text = self._text.get("1.0", "end-1c").strip()
        if text:
            self.destroy()
            self._send(self._user, text)


class KickDialog(Dialog):
    """Asks whether somebody is to be put out, and why."""

    def __init__(self, master: tk.Misc, user: str, question: str, kick: Callable[[str, str], None]) -> None:
        super().__init__(master, f"Kick {line(user)}")
        self._user, self._kick = user, kick
        label = ttk.Label(self.body, text=question)
        label.configure(wraplength=_WRAP * tkfont.nametofont(TEXT, label).measure("0"))
        label.pack(anchor="w")
        ttk.Label(self.body, text=_REASON).pack(anchor="w", pady=("7.5p", "1.5p"))
        self._reason = ttk.Entry(self.body, width=38)
        self._reason.pack(fill="x")
        self.buttons("Kick", self._go).pack(fill="x", pady=("12p", 0))
        self._reason.bind("<Return>", lambda _: self._go())
        self.appear(self._reason)

    def _go(self) -> None:
        reason = self._reason.get().strip()
        self.destroy()
        self._kick(self._user, reason)


class BanDialog(Dialog):
    """Asks for how long somebody is banned, and why."""

    def __init__(self, master: tk.Misc, user: str, ban: Callable[[str, int, str], None]) -> None:
        super().__init__(master, f"Ban {line(user)}")
        self._user, self._ban = user, ban
        ttk.Label(self.body, text=f"{line(user)} is put out, and kept out.").pack(anchor="w")
        ttk.Label(self.body, text="How long").pack(anchor="w", pady=("7.5p", "1.5p"))
        self._span = ttk.Combobox(self.body, values=[text for text, _ in BAN_SPANS], state="readonly")
        self._span.set(BAN_SPANS[2][0])
        self._span.pack(fill="x")
        ttk.Label(self.body, text=_REASON).pack(anchor="w", pady=("7.5p", "1.5p"))
        self._reason = ttk.Entry(self.body, width=38)
        self._reason.pack(fill="x")
        self.buttons("Ban", self._go).pack(fill="x", pady=("12p", 0))
        self._reason.bind("<Return>", lambda _: self._go())
        self.appear(self._reason)

    def _go(self) -> None:
        seconds, reason = dict(BAN_SPANS)[self._span.get()], self._reason.get().strip()
        self.destroy()
        self._ban(self._user, seconds, reason)


class LooksDialog(Dialog):
    """Theme, size of the text, clock; every change is seen at once."""

    def __init__(self, master: tk.Misc, settings: ServerSettings, changed: Callable[[], None]) -> None:
        super().__init__(master, "Settings")
        self._settings, self._changed = settings, changed
        ttk.Label(self.body, text="Theme").grid(row=0, column=0, sticky="w", padx=(0, "18p"), pady="4.5p")
        self._theme = tk.StringVar(self, settings.theme)
        themes = ttk.Frame(self.body)
        themes.grid(row=0, column=1, sticky="w")
        buttons = [
            ttk.Radiobutton(themes, text=name.capitalize(), value=name, variable=self._theme, command=self._take)
            for name in ("system", "light", "dark")
        ]
        for button in buttons:
            button.pack(side="left", padx=(0, "7.5p"))
        ttk.Label(self.body, text="Text size").grid(row=1, column=0, sticky="w", padx=(0, "18p"), pady="4.5p")
        self._size = tk.IntVar(self, settings.font_size)
        size = ttk.Spinbox(
            self.body, from_=FONT_SIZES[0], to=FONT_SIZES[-1], width=6, textvariable=self._size, state="readonly",
            command=self._take,
        )  # fmt: skip
        size.grid(row=1, column=1, sticky="w")
        self._hours24 = tk.BooleanVar(self, settings.hours24)
        hours = ttk.Checkbutton(self.body, text="24 hour clock", variable=self._hours24, command=self._take)
        hours.grid(row=2, column=0, columnspan=2, sticky="w", pady="4.5p")
        done = ttk.Button(self.body, text="Done", style="Accent.TButton", command=self.destroy)
        done.grid(row=3, column=1, sticky="e", pady=("10.5p", 0))
        self.bind("<Return>", lambda _: self.destroy())
        self.appear(buttons[0])

    def _take(self) -> None:
        theme = self._theme.get()
        self._settings.theme = "dark" if theme == "dark" else "light" if theme == "light" else "system"
        self._settings.font_size, self._settings.hours24 = self._size.get(), self._hours24.get()
        self._changed()

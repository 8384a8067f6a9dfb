"""What all small windows share: they belong to the main one, Escape closes them, and the keyboard starts in them."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk


class Dialog(tk.Toplevel):
    """A window over another one. ``body`` is for its widgets."""

    def __init__(self, master: tk.Misc, title: str) -> None:
        super().__init__(master)
        self.withdraw()
        self.title(title)
        self._owner = master.winfo_toplevel()
        assert isinstance(self._owner, tk.Tk | tk.Toplevel)
        self.transient(self._owner)
        edge = ttk.Frame(self, style="Edge.TFrame", padding=1)
        edge.pack(fill="both", expand=True)
        self.body = ttk.Frame(edge, padding="13.5p")
        self.body.pack(fill="both", expand=True)
        self.bind("<Escape>", lambda _: self.destroy())

    def appear(self, first: tk.Misc, *, resizable: bool = False) -> None:
        """Show it over its owner, with the keyboard at ``first``."""
        self.resizable(resizable, resizable)
        self.update_idletasks()
        x = self._owner.winfo_rootx() + (self._owner.winfo_width() - self.winfo_reqwidth()) // 2
        y = self._owner.winfo_rooty() + max(0, (self._owner.winfo_height() - self.winfo_reqheight()) // 3)
        self.geometry(f"+{max(0, x)}+{max(0, y)}")
        self.deiconify()
        self.lift()
        first.focus_set()

    def buttons(self, accept: str, act: object) -> ttk.Frame:
        """The usual two at the lower end; Return does the first."""
        frame = ttk.Frame(self.body)
        ttk.Button(frame, text=accept, style="Accent.TButton", command=act).pack(side="right")  # type: ignore[arg-type]
        ttk.Button(frame, text="Cancel", command=self.destroy).pack(side="right", padx=(0, "6p"))
        return frame


class ConfirmDialog(Dialog):
    """Asks whether to do something that cannot be undone."""

    def __init__(self, master: tk.Misc, title: str, question: str, accept: str, act: Callable[[], None]) -> None:
        super().__init__(master, title)
        self._act = act
        ttk.Label(self.body, text=question, wraplength="270p").pack(anchor="w")
        self.buttons(accept, self._accept).pack(fill="x", pady=("12p", 0))
        self.bind("<Return>", lambda _: self._accept())
        self.appear(self)

    def _accept(self) -> None:
        self.destroy()
        self._act()

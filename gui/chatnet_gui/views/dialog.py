"""What all small windows share: they belong to the main one, Escape closes them, and the keyboard starts in them."""

import tkinter as tk
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
        self.body = ttk.Frame(edge, padding=18)
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
        ttk.Button(frame, text="Cancel", command=self.destroy).pack(side="right", padx=(0, 8))
        return frame

"""Files that are dragged onto the window, by the package tkinterdnd2 (extra ``desktop``). Without it there are none."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path


def accept_files(window: tk.Tk, dropped: Callable[[list[Path]], None]) -> bool:
    """Call ``dropped`` with the files that somebody lets fall onto the window; False if that cannot be had here."""
    try:
        from tkinterdnd2 import DND_FILES, TkinterDnD
    except ImportError:
        return False
    try:
        TkinterDnD._require(window)
        window.tk.call("tkdnd::drop_target", "register", window._w, (DND_FILES,))  # type: ignore[attr-defined]
    except (RuntimeError, tk.TclError):
        return False  # its library does not fit this system, or this Tk

    def drop(paths: str) -> str:
        files = [path for path in map(Path, window.tk.splitlist(paths)) if path.is_file()]
        if files:
            window.after_idle(dropped, files)
        return "copy"

    # Not by `bind`, which knows nothing of the substitutions of this event.
    command = window.register(drop)
    window.tk.call("bind", window._w, "<<Drop>>", f"{command} %D")  # type: ignore[attr-defined]
    return True

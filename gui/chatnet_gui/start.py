"""Where the windows start: with a display and tkinter, or with a line that says what is missing."""

import os
import sys

PROBE_VARIABLE = "CHATNET_GUI_PROBE"
"""Set by tests alone: the file or pipe into which the window writes what it shows."""


class CannotShow(Exception):
    """There will be no window; the message says what to do."""


def run_client() -> None:
    """Show the client's window until it is closed.

    :raises CannotShow: no tkinter, no theme, or no display.
    """
    try:
        import tkinter as tk
    except ImportError:
        raise CannotShow(
            "the windows need tkinter, which this Python does not have\n"
            "Debian, Ubuntu: apt install python3-tk; Fedora: dnf install python3-tkinter; "
            "Homebrew: brew install python-tk"
        ) from None
    if sys.platform == "win32":
        _be_sharp()
    try:
        root = tk.Tk(className="Chatnet")
    except tk.TclError as error:
        raise CannotShow(
            f"there is no display to show a window on: {error}\n"
            "Start it from a desktop (on Linux: with DISPLAY set, package xserver-xorg or xvfb); "
            "in a terminal, use 'chatnet chat'."
        ) from None
    from chatnet_gui.app import App

    app = App(root)
    if path := os.environ.get(PROBE_VARIABLE):
        from chatnet_gui.probe import Probe

        Probe(root, path)
    try:
        root.mainloop()
    except KeyboardInterrupt:
        app.quit()
        raise


def _be_sharp() -> None:
    """Tell Windows that the program looks to the screen's resolution itself."""
    import ctypes

    try:
        ctypes.windll.shcore.SetProcessDpiAwareness(1)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return  # Windows 7

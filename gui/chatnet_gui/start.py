"""Where the windows start: with a display and tkinter, or with a line that says what is missing."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tkinter as tk

_NO_WAKEUP = -1
"""The ticks of the window look often enough."""
PROBE_VARIABLE = "CHATNET_GUI_PROBE"
"""Set by tests alone: the file or pipe into which the window writes what it shows."""


class CannotShow(Exception):
    """There will be no window; the message says what to do."""


def run_client() -> None:
    """Show the client's window until it is closed; Ctrl-C and SIGTERM close it.

    :raises CannotShow: no tkinter, no theme, or no display.
    """
    root = _open("Chatnet")
    from chatnet.net.platform import stop_on_signals
    from chatnet_gui.app import App

    app = App(root)
    _probe(root)
    with stop_on_signals(app.end, _NO_WAKEUP, app.end):
        root.mainloop()


def run_server() -> None:
    """Show the server's window until it is closed; Ctrl-C and SIGTERM close it, and stop what it has started.

    :raises CannotShow: no tkinter, no theme, or no display.
    """
    root = _open("Chatnet-server")
    from chatnet.net.platform import stop_on_signals
    from chatnet_gui.server_app import ServerApp

    app = ServerApp(root)
    _probe(root)
    try:
        with stop_on_signals(app.leave, _NO_WAKEUP, app.leave):
            root.mainloop()
    except KeyboardInterrupt:  # the second one
        app.kill()
        raise


def _open(name: str) -> "tk.Tk":
    """An empty window."""
    try:
        import tkinter as tk
    except ImportError:
        raise CannotShow(
            "the windows need tkinter, which this Python does not have\n"
            "Debian, Ubuntu: apt install python3-tk; Fedora: dnf install python3-tkinter; "
            "Homebrew: brew install python-tk"
        ) from None
    from chatnet_gui.scaling import be_sharp, follow_desktop

    be_sharp()
    try:
        root = tk.Tk(className=name)
    except tk.TclError as error:
        raise CannotShow(
            f"there is no display to show a window on: {error}\n"
            "Start it from a desktop (on Linux: with DISPLAY set, package xserver-xorg or xvfb); "
            "in a terminal, use 'chatnet chat' and 'chatnet serve'."
        ) from None
    follow_desktop(root)
    return root


def _probe(root: "tk.Tk") -> None:
    if path := os.environ.get(PROBE_VARIABLE):
        from chatnet_gui.probe import Probe

        Probe(root, path)

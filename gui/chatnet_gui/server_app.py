"""Puts the server window together: the model, its view, the child process, and the connection to the server.

Only this thread touches Tk. What the child process and the connection have to say is taken from their queues for at
most `BUDGET` seconds in every tick, and drawn once after that. Closing the window stops the server only if it was
started here.
"""

import re
import time
import tkinter as tk
from pathlib import Path

from chatnet.client.thread import ClientThread
from chatnet.model import SessionId
from chatnet_gui.finding import Entrance
from chatnet_gui.hosting import Hosted, ServeOrder
from chatnet_gui.interpreter import Interpreter
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.server import Link, ServerModel
from chatnet_gui.viewmodels.server_settings import load_server_settings, server_settings_path
from chatnet_gui.viewmodels.settings import save_settings, system_prefers_dark
from chatnet_gui.views.server_main import ServerView

TICK = 16
"""Milliseconds."""
BUDGET = 0.004
_AT_ONCE = 20
_FAREWELL_SECONDS = 2.0
_USUAL_SIZE = (1100, 780)
"""At the usual size of the text."""


class AdminLink(ClientThread):
    """A connection to the server of a data folder, as its admin."""

    def __init__(self, folder: Path) -> None:
        self._entrance = Entrance(folder)
        super().__init__(self._entrance)

    @property
    def session(self) -> SessionId:
        """The window's own."""
        return self._entrance.session


class ServerApp:
    """The program behind ``chatnet gui-server``."""

    def __init__(self, root: tk.Tk) -> None:
        self._interpreter = Interpreter()
        self._root = root
        self._settings = load_server_settings()
        self._theme = Theme(root)
        self._hosted: Hosted | None = None
        self._link: AdminLink | None = None
        self._is_leaving = self._is_gone = False
        root.withdraw()  # until its size is known
        root.protocol("WM_DELETE_WINDOW", self.ask_to_leave)
        self._apply_theme()
        self.model = ServerModel(self, self._settings)
        self._view = ServerView(root, self.model, self._theme, self.restyle)
        self._view.pack(fill="both", expand=True)
        self._place()
        root.deiconify()
        root.after(TICK, self._tick)

    # -- looks ------------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Fonts and colours, as the settings say."""
        self._apply_theme()
        self._view.dress()
        self._set_smallest()

    def _apply_theme(self) -> None:
        theme = self._settings.theme
        dark = system_prefers_dark() if theme == "system" else theme == "dark"
        self._theme.apply(dark=dark, size=self._settings.font_size)

    def _set_smallest(self) -> tuple[int, int]:
        """No smaller than what it takes to see everything, nor larger than the screen."""
        root = self._root
        root.update_idletasks()
        width = min(self._view.winfo_reqwidth(), root.winfo_screenwidth())
        height = min(self._view.winfo_reqheight(), root.winfo_screenheight())
        root.minsize(width, height)
        return width, height

    def _place(self) -> None:
        """Where and as large as it was last, but never smaller than what is to be seen; or in the middle."""
        root = self._root
        least = self._set_smallest()
        room = root.winfo_screenwidth(), root.winfo_screenheight()
        remembered = re.fullmatch(r"(\d+)x(\d+)([+-]-?\d+[+-]-?\d+)", self._settings.geometry)
        if remembered is not None:
            width, height = (max(least[i], int(remembered[i + 1])) for i in (0, 1))
            root.geometry(f"{width}x{height}{remembered[3]}")
            return
        zoom = root.winfo_fpixels("1i") / 96
        width, height = (max(least[i], min(round(_USUAL_SIZE[i] * zoom), room[i])) for i in (0, 1))
        x, y = (room[0] - width) // 2, (room[1] - height) // 3
        root.geometry(f"{width}x{height}+{max(0, x)}+{max(0, y)}")

    # -- the machine (see `chatnet_gui.viewmodels.server.Machine`) --------------------------------------------

    def start(self, order: ServeOrder) -> None:
        self._hosted = Hosted(order)
        self._remember()

    def stop(self) -> None:
        if self._hosted is not None:
            self._hosted.stop()

    def kill(self) -> None:
        if self._hosted is not None:
            self._hosted.kill()

    def connect(self, folder: Path) -> Link:
        self._link = AdminLink(folder)
        self._link.start()
        return self._link

    def disconnect(self) -> None:
        if self._link is not None:
            self._link.stop()  # it ends by itself, which may take a while
            self._link = None

    # -- time -------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        try:
            self._turn()
        finally:  # a bug that has shown once must not stop everything
            self._interpreter.tick()
            if not self._is_gone:
                self._root.after(TICK, self._tick)

    def _turn(self) -> None:
        """Take what has come, as long as the budget lasts, and draw it."""
        end = time.monotonic() + BUDGET
        while self._take() and time.monotonic() < end:
            pass
        if self._is_leaving:
            self.model.stop()
        self.model.tick(time.monotonic())
        if changes := self.model.take_changes():
            self._view.refresh(changes)
        if self._is_leaving and not self.model.is_hosting:
            self._leave()

    def _take(self) -> int:
        """Some of what the process and the connection have to say; how much that was."""
        hosted, link = self._hosted, self._link
        said = hosted.take(_AT_ONCE) if hosted is not None else []
        for notice in said:
            self.model.host_says(notice)
        heard = link.take(_AT_ONCE) if link is not None else []
        for news in heard:
            if link is self._link:  # what comes first may end it
                self.model.handle(news)
        return len(said) + len(heard)

    # -- leaving ----------------------------------------------------------------------------------------------

    def ask_to_leave(self) -> None:
        """Close the window, after a question if that would stop a server with people on it."""
        if self._is_leaving or not self.model.is_hosting:
            self.leave()
        else:
            self._view.ask_to_stop(self.leave)

    def leave(self) -> None:
        """Stop what was started here, then close the window. Does no more than a signal handler may."""
        self._is_leaving = True

    def _leave(self) -> None:
        self._settings.geometry = self._root.geometry()
        self._settings.sort = self.model.watch.table.sort
        self._remember()
        link = self._link
        self.disconnect()
        self._is_gone = True
        self._root.destroy()
        if link is not None:
            link.join(_FAREWELL_SECONDS)

    def _remember(self) -> None:
        trouble = save_settings(self._settings, server_settings_path())
        if trouble:
            self.model.watch.say(trouble)

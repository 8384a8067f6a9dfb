"""Puts the windows together: the login, the main window, and what moves between them and the client's thread.

Only this thread touches Tk. What the network says is taken from one queue, for at most `BUDGET` seconds in every
tick, and drawn once after that; so however much arrives, a key press never waits for long.
"""

import time
import tkinter as tk

from chatnet.client.discovery import default_name
from chatnet.client.profiles import Book, load_book
from chatnet.client.thread import ClientThread, Connected, Ended
from chatnet.errors import ConfigError
from chatnet_gui.connecting import LoginRequest, Opening
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.login import LoginModel
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.viewmodels.settings import load_settings, save_settings, system_prefers_dark
from chatnet_gui.views.login import LoginView
from chatnet_gui.views.main import SMALLEST, MainView

TICK = 16
"""Milliseconds."""
BUDGET = 0.004
_AT_ONCE = 20
_MOST = 120
"""In one tick: what is taken has to be drawn as well, and that takes longer."""
_FAREWELL_SECONDS = 2.0
_REFRESH_MILLISECONDS = 30_000
_LOGIN_SIZE = (460, 560)
_ROOM_FOR_ANSWERS = 90


class App:
    """The program behind ``chatnet gui-client``."""

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self._settings = load_settings()
        self._theme = Theme(root)
        self._thread: ClientThread | None = None
        self._opening: Opening | None = None
        self._login: LoginModel | None = None
        self._login_view: LoginView | None = None
        self.session: SessionModel | None = None
        self._main_view: MainView | None = None
        root.withdraw()  # until its size is known
        root.protocol("WM_DELETE_WINDOW", self.quit)
        self.restyle()
        self._show_login()
        self._root.after(TICK, self._tick)
        self._root.after(_REFRESH_MILLISECONDS, self._refresh)

    def restyle(self) -> None:
        """Fonts and colours, as the settings say."""
        theme = self._settings.theme
        dark = system_prefers_dark() if theme == "system" else theme == "dark"
        self._theme.apply(dark=dark, size=self._settings.font_size)
        if self._main_view is not None:
            self._main_view.dress()

    def quit(self) -> None:
        """Leave, with everything remembered."""
        self._leave_main()
        self._remember()
        self._root.withdraw()
        if self._thread is not None:
            self._thread.stop()
            self._thread.join(_FAREWELL_SECONDS)
        self._root.destroy()

    # -- the login --------------------------------------------------------------------------------------------

    def _show_login(self) -> None:
        book, trouble = Book(), ""
        try:
            book = load_book()
        except ConfigError as error:
            trouble = error.message
        self._login = LoginModel(self._settings, book, default_name())
        if trouble:
            self._login.errors[""] = trouble
        self._root.title("chatnet: log in")
        self._login_view = LoginView(self._root, self._login, self._log_in, self._cancel)
        self._login_view.pack(fill="both", expand=True)
        self._root.update_idletasks()
        # With large text it needs more; and below the fields there is to be room for answers.
        width = max(_LOGIN_SIZE[0], self._login_view.winfo_reqwidth())
        height = max(_LOGIN_SIZE[1], self._login_view.winfo_reqheight() + _ROOM_FOR_ANSWERS)
        self._root.minsize(width, height)
        self._root.geometry(_centred(self._root, width, height))
        self._root.deiconify()

    def _log_in(self, request: LoginRequest) -> None:
        self._opening = Opening(request)
        self._thread = ClientThread(self._opening)
        self._thread.start()

    def _cancel(self) -> None:
        """Give up the login that is under way; its thread ends by itself."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self._login is not None and self._login_view is not None:
            self._login.is_busy = False
            self._login_view.refresh()

    # -- the main window --------------------------------------------------------------------------------------

    def _show_main(self, connected: Connected) -> None:
        assert self._thread is not None
        assert self._login is not None
        self._login.succeeded(self._settings)
        if self._login_view is not None:
            self._login_view.destroy()
            self._login_view = None
        waiting = self._opening.waiting if self._opening is not None else ()
        self.session = SessionModel(self._thread, connected, self._settings, waiting)
        self._root.minsize(*SMALLEST)
        self._root.geometry(self._settings.geometry or _centred(self._root, 1040, 680))
        self._main_view = MainView(self._root, self.session, self._settings, self._theme, self.log_out, self.restyle)
        self._main_view.pack(fill="both", expand=True)
        self._remember()

    def log_out(self) -> None:
        """Logout: leave the server, and show the login again. The thread ends by itself, which may take a while."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._leave_main()
        self._remember()
        self._show_login()

    def _leave_main(self) -> None:
        if self._main_view is not None:
            self._settings.geometry = self._root.geometry()
            self._main_view.keep_draft()
            self._main_view.destroy()
            self._main_view = self.session = None

    def _remember(self) -> None:
        trouble = save_settings(self._settings)
        if trouble and self.session is not None:
            self.session.notice = trouble

    # -- the network ------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Take what has come, as long as the budget lasts, and draw it."""
        end = time.monotonic() + BUDGET
        thread, taken = self._thread, 0
        while thread is not None and taken < _MOST and time.monotonic() < end:
            taken += _AT_ONCE
            notices = thread.take(_AT_ONCE)
            for notice in notices:
                if isinstance(notice, Connected):
                    self._show_main(notice)
                elif isinstance(notice, Ended):
                    self._ended(notice)
                elif self.session is not None:
                    self.session.handle(notice)
            if not notices or thread is not self._thread:
                break
        if self.session is not None and self._main_view is not None and (changes := self.session.take_changes()):
            self._main_view.refresh(changes)
        self._root.after(TICK, self._tick)

    def _ended(self, ended: Ended) -> None:
        """The client has left: a login that failed, a logout, or a server that wants one no more."""
        self._thread = None
        self._leave_main()
        if self._login_view is None:
            self._show_login()
        assert self._login is not None
        assert self._login_view is not None
        if ended.error is not None:
            self._login.failed(ended.error)
        self._login_view.refresh()
        self._login_view.focus_first()

    def _refresh(self) -> None:
        if self.session is not None and self.session.is_online:
            self.session.refresh()
        self._root.after(_REFRESH_MILLISECONDS, self._refresh)


def _centred(root: tk.Tk, width: int, height: int) -> str:
    x, y = (root.winfo_screenwidth() - width) // 2, (root.winfo_screenheight() - height) // 3
    return f"{width}x{height}+{max(0, x)}+{max(0, y)}"

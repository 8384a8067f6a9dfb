"""Puts the windows together: the login, the main window, and what moves between them and the client's thread.

Only this thread touches Tk. What the network says is taken from one queue, for at most `BUDGET` seconds in every
tick, and drawn at most a third of the time; so however much arrives, a key press never waits for long.
"""

import re
import time
import tkinter as tk
from collections import deque
from collections.abc import Callable
from pathlib import Path

from chatnet.client.discovery import default_name
from chatnet.client.profiles import Book, load_book
from chatnet.client.thread import ClientThread, Connected, Ended, Notice
from chatnet.errors import ConfigError
from chatnet_gui.connecting import LoginRequest, Opening
from chatnet_gui.dropping import accept_files
from chatnet_gui.interpreter import Interpreter
from chatnet_gui.lan import LanSearch
from chatnet_gui.notifying import Notifier
from chatnet_gui.scaling import px
from chatnet_gui.theme import Theme
from chatnet_gui.viewmodels.login import LoginModel
from chatnet_gui.viewmodels.session import SessionModel
from chatnet_gui.viewmodels.settings import load_settings, save_settings, system_prefers_dark
from chatnet_gui.views.dialog import ConfirmDialog
from chatnet_gui.views.login import LoginView
from chatnet_gui.views.main import MainView

TICK = 16
"""Milliseconds."""
BUDGET = 0.004
_AT_ONCE = 50
_REST = 2.0
"""After drawing, nothing is drawn for as long as it took, so many times."""
_FAREWELL_SECONDS = 2.0
_REFRESH_MILLISECONDS = 30_000
_LOGIN_SIZE = (460, 560)
_USUAL_SIZE = (1040, 680)
"""Pixels of a usual screen."""
_ROOM_FOR_ANSWERS = 90


class App:
    """The program behind ``chatnet gui-client``."""

    def __init__(self, root: tk.Tk) -> None:
        self._interpreter = Interpreter()
        self._root = root
        self._settings = load_settings()
        self._theme = Theme(root)
        self._thread: ClientThread | None = None
        self._opening: Opening | None = None
        self._login: LoginModel | None = None
        self._login_view: LoginView | None = None
        self.session: SessionModel | None = None
        self._main_view: MainView | None = None
        self._arrived: deque[Notice] = deque()
        """What was taken from the thread and is not dealt with yet."""
        self._rests_until = 0.0
        self._is_leaving = False
        self._lan: LanSearch | None = None
        self._notifier = Notifier()
        root.withdraw()  # until its size is known
        root.protocol("WM_DELETE_WINDOW", self.quit)
        self.restyle()
        self._show_login()
        accept_files(root, self._dropped)
        self._root.after(TICK, self._tick)
        self._root.after(_REFRESH_MILLISECONDS, self._refresh)

    def restyle(self) -> None:
        """Fonts and colours, as the settings say."""
        theme = self._settings.theme
        dark = system_prefers_dark() if theme == "system" else theme == "dark"
        self._theme.apply(dark=dark, size=self._settings.font_size)
        if self._main_view is not None:
            self._main_view.dress()
            self._set_smallest()

    def _settings_changed(self) -> None:
        self.restyle()
        self._remember()

    def quit(self) -> None:
        """Leave, with everything remembered; asks first if files are on their way."""
        self._unless_files_move("Quit", self.leave)

    def end(self) -> None:
        """Leave at the next tick. Does no more than a signal handler may."""
        self._is_leaving = True

    def leave(self) -> None:
        """Leave at once, with everything remembered."""
        self._stop_looking()
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
        self._lan = LanSearch()
        self._login_view.pack(fill="both", expand=True)
        self._root.update_idletasks()
        # With large text it needs more; and below the fields there is to be room for answers.
        width = max(px(self._root, _LOGIN_SIZE[0]), self._login_view.winfo_reqwidth())
        height = max(
            px(self._root, _LOGIN_SIZE[1]), self._login_view.winfo_reqheight() + px(self._root, _ROOM_FOR_ANSWERS)
        )
        self._root.minsize(*_on_screen(self._root, width, height))
        self._root.geometry(_centred(self._root, width, height))
        self._root.deiconify()

    def _log_in(self, request: LoginRequest) -> None:
        self._opening = Opening(request)
        self._thread = ClientThread(self._opening)
        self._thread.start()

    def _cancel(self) -> None:
        """Give up the login that is under way; its thread ends by itself."""
        self._let_go()
        if self._login is not None and self._login_view is not None:
            self._login.is_busy = False
            self._login_view.refresh()

    def _let_go(self) -> None:
        """Have the thread leave, and hear no more of it."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._arrived.clear()

    def _stop_looking(self) -> None:
        if self._lan is not None:
            self._lan.stop()
            self._lan = None

    # -- the main window --------------------------------------------------------------------------------------

    def _show_main(self, connected: Connected) -> None:
        assert self._thread is not None
        assert self._login is not None
        self._login.succeeded(self._settings)
        self._stop_looking()
        if self._login_view is not None:
            self._login_view.destroy()
            self._login_view = None
        waiting = self._opening.waiting if self._opening is not None else ()
        self.session = SessionModel(self._thread, connected, self._settings, waiting)
        self._main_view = MainView(
            self._root,
            self.session,
            self._settings,
            self._theme,
            self.log_out,
            self._settings_changed,
            lambda: self._notifier.trouble,
        )
        self._main_view.pack(fill="both", expand=True)
        self._set_smallest()
        usual = _centred(self._root, *(px(self._root, size) for size in _USUAL_SIZE))
        self._root.geometry(_as_before(self._root, self._settings.geometry) or usual)
        self._remember()

    def _set_smallest(self) -> None:
        if self._main_view is not None:
            self._root.minsize(*_on_screen(self._root, *self._main_view.smallest))

    def log_out(self) -> None:
        """Logout: leave the server, and show the login again. The thread ends by itself, which may take a while."""
        self._unless_files_move("Logout", self._log_out)

    def _unless_files_move(self, what: str, act: Callable[[], None]) -> None:
        running = self.session.files.running if self.session is not None else 0
        if not running:
            act()
            return
        files = "A file is" if running == 1 else f"{running} files are"
        question = (
            f"{files} still on the way. What has come over so far is kept: send or download the same again, "
            "and it goes on from there."
        )
        ConfirmDialog(self._root, what, question, what, act)

    def _dropped(self, paths: list[Path]) -> None:
        if self._main_view is not None:
            self._main_view.offer_files(paths)

    def _log_out(self) -> None:
        self._let_go()
        self._leave_main()
        self._remember()
        self._show_login()

    def _leave_main(self) -> None:
        if self._main_view is not None:
            self._note_down(self._main_view)
            self._main_view.destroy()
            self._main_view = self.session = None

    def _note_down(self, view: MainView) -> None:
        self._settings.geometry = self._root.geometry()
        view.keep_draft()

    def _remember(self) -> None:
        trouble = save_settings(self._settings)
        if trouble and self.session is not None:
            self.session.notice = trouble

    # -- the network ------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Take what has come, as long as the budget lasts, and draw it."""
        if self._is_leaving:
            self.leave()
            return
        try:
            self._take(time.monotonic() + BUDGET)
            self._look_elsewhere()
            self._draw()
        finally:  # whatever goes wrong with one message, the next are still shown
            self._interpreter.tick()
            self._root.after(TICK, self._tick)

    def _draw(self) -> None:
        started = time.monotonic()
        if self.session is None or self._main_view is None or started < self._rests_until:
            return
        self.session.files.previews.take()
        if changes := self.session.take_changes():
            self._main_view.refresh(changes)
            ended = time.monotonic()
            self._rests_until = ended + _REST * (ended - started)

    def _look_elsewhere(self) -> None:
        """See what other threads than that of the network have to say, and tell the desktop what it is to say."""
        if self._lan is not None and self._login_view is not None and (found := self._lan.take()) is not None:
            self._login_view.show_found(found)
        if self.session is None:
            return
        if alerts := self.session.take_alerts():
            self._root.bell()
            for alert in alerts:
                self._notifier.show(alert.title, alert.text, alert.conversation)
        if (clicked := self._notifier.take_clicked()) is not None:
            self._root.deiconify()
            self._root.lift()
            self._root.focus_force()
            self.session.select(clicked)

    def _take(self, until: float) -> None:
        thread = self._thread
        while thread is not None and thread is self._thread and time.monotonic() < until:
            if not self._arrived:
                self._arrived.extend(thread.take(_AT_ONCE))
            if not self._arrived:
                return
            self._handle(self._arrived.popleft())

    def _handle(self, notice: Notice) -> None:
        if isinstance(notice, Connected):
            self._show_main(notice)
        elif isinstance(notice, Ended):
            self._ended(notice)
        elif self.session is not None:
            self.session.handle(notice)

    def _ended(self, ended: Ended) -> None:
        """The client has left: a login that failed, a logout, or a server that wants one no more."""
        self._thread = None
        self._arrived.clear()
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
        if self._main_view is not None:  # what is typed outlives a crash, too
            self._note_down(self._main_view)
            self._remember()
        self._root.after(_REFRESH_MILLISECONDS, self._refresh)


def _on_screen(root: tk.Tk, width: int, height: int) -> tuple[int, int]:
    return min(width, root.winfo_screenwidth()), min(height, root.winfo_screenheight())


def _centred(root: tk.Tk, width: int, height: int) -> str:
    width, height = _on_screen(root, width, height)
    x, y = (root.winfo_screenwidth() - width) // 2, (root.winfo_screenheight() - height) // 3
    return f"{width}x{height}+{max(0, x)}+{max(0, y)}"


def _as_before(root: tk.Tk, geometry: str) -> str:
    """Where the window was, if there still is a screen; else empty."""
    found = re.fullmatch(r"([0-9]+)x([0-9]+)[+](-?[0-9]+)[+](-?[0-9]+)", geometry)
    if found is None:
        return ""
    width, height, x, y = map(int, found.groups())
    seen_x, seen_y = root.winfo_vrootwidth() - x, root.winfo_vrootheight() - y
    return geometry if seen_x > width // 4 and seen_y > height // 4 and x > -width // 2 and y > -height // 4 else ""

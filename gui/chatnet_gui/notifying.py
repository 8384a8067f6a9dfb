"""Notifications of the desktop, by the package desktop-notifier (extra ``desktop``), in a thread of their own.

Without the package, or on a desktop that has no notifications, there are none: the bell and the title count all the
same. `trouble` says why.
"""

import asyncio
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

INSTALL = f"{sys.executable} -m pip install desktop-notifier"
_APP = "chatnet"
_MARKUP = str.maketrans({"<": "\u2039"})
"""Many desktops take what stands in angle brackets for markup, pictures from anywhere included."""
_SECONDS = 10.0


class Notifier:
    """Shows notifications; what was clicked is told by `take_clicked`. Nothing here waits, or raises."""

    def __init__(self) -> None:
        self.trouble = ""
        """Why nothing is shown; empty as long as it can be."""
        self._clicked: deque[int] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notifier: DesktopNotifier | None = None
        self._failures = _Failures(logging.WARNING)

    def show(self, title: str, text: str, key: int) -> None:
        """Show one; ``key`` is what `take_clicked` tells if it is clicked."""
        if self.trouble:
            return
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="chatnet notifications", daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._send(title, text, lambda: self._clicked.append(key)), self._loop)

    def take_clicked(self) -> int | None:
        """The key of one that was clicked, once; None if there is none."""
        return self._clicked.popleft() if self._clicked else None

    async def _send(self, title: str, text: str, clicked: Callable[[], None]) -> None:
        sent: list[bool] = []
        try:
            if self._notifier is None:
                self._notifier = self._make()
            await asyncio.wait_for(
                self._notifier.send(
                    title=title.translate(_MARKUP),
                    message=text.translate(_MARKUP),
                    on_clicked=clicked,
                    on_dispatched=lambda: sent.append(True),
                ),
                _SECONDS,
            )
        except ImportError:
            self.trouble = f"notifications of the desktop need the package desktop-notifier: {INSTALL}"
            return
        # Whatever the desktop's own parts raise, there are no notifications then, and chatting goes on.
        except Exception as error:
            self._failures.last = f"{type(error).__name__}: {error}"
        if not sent:
            self.trouble = f"this desktop shows no notifications ({self._failures.last})"

    def _make(self) -> "DesktopNotifier":
        from desktop_notifier import DesktopNotifier

        log = logging.getLogger("desktop_notifier")
        log.addHandler(self._failures)
        log.propagate = False
        return DesktopNotifier(app_name=_APP, app_icon=None)


class _Failures(logging.Handler):
    """What the package only logs."""

    last = "no reason was given"

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.last = f"{type(error).__name__}: {error}" if error is not None else record.getMessage()


def is_installed() -> bool:
    """Is the package there?"""
    from importlib.util import find_spec

    return find_spec("desktop_notifier") is not None

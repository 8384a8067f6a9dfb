"""Watching a server, as an admin: asked for once, and again over each new connection."""

from collections.abc import Callable

from chatnet.client.connection import Ask, Handler
from chatnet.client.news import News, ServerLog, ServerStats, WatchLost
from chatnet.events import Event, LogLines, Refused, Stats, WatchEnded
from chatnet.requests import Unwatch, Watch

Pushed = Stats | LogLines | WatchEnded


class Watching:
    """Whether the application watches, and what of it."""

    def __init__(self, ask: Ask, tell: Callable[[News], None]) -> None:
        self._ask = ask
        self._tell = tell
        self._log: bool | None = None
        """Is the log wanted too? None where nothing is."""

    def watch(self, log: bool, done: Handler) -> None:
        """Watch from now on."""
        self._log = log

        def answered(reply: Event | None) -> None:
            if isinstance(reply, Refused):
                self._log = None
            done(reply)

        self._ask(lambda id: Watch(id, log), answered)

    def unwatch(self, done: Handler) -> None:
        """Watch no more."""
        self._log = None
        self._ask(Unwatch, done)

    def start(self) -> None:
        """There is a new connection, and one has logged in."""
        log = self._log
        if log is not None:
            self._ask(lambda id: Watch(id, log), self._answered)

    def _answered(self, reply: Event | None) -> None:
        if isinstance(reply, Refused):
            self._lose(reply.code, reply.reason)

    def heard(self, event: Pushed) -> None:
        """The server has told something by itself. It may have been on its way when it was still wanted."""
        if self._log is None:
            return
        match event:
            case Stats():
                self._tell(ServerStats(event))
            case LogLines(lines=lines, dropped=dropped):
                self._tell(ServerLog(lines, dropped))
            case WatchEnded(code=code, reason=reason):
                self._lose(code, reason)

    def _lose(self, code: str, reason: str) -> None:
        self._log = None
        self._tell(WatchLost(code, reason))

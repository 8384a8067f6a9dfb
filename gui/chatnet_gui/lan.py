"""Looks for servers on the local network in a thread of its own, as long as the login window wants to know."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from chatnet.errors import ChatnetError
from chatnet.net.mdns import LanServer, browse

_FIRST_SECONDS, _SECONDS, _PAUSE_SECONDS = 1.0, 3.0, 12.0


@dataclass(frozen=True, slots=True)
class Found:
    """Who makes itself known now, or why nobody can be found."""

    servers: list[LanServer] = field(default_factory=list)
    trouble: str = ""


class LanSearch:
    """Begins at once; `take` tells what has come of it."""

    def __init__(self, look: Callable[[float], list[LanServer]] = browse) -> None:
        self._look = look
        self._found: SimpleQueue[Found] = SimpleQueue()
        self._over = threading.Event()
        threading.Thread(target=self._run, name="chatnet discovery", daemon=True).start()

    def take(self) -> Found | None:
        """What is new, if anything is."""
        try:
            return self._found.get_nowait()
        except Empty:
            return None

    def stop(self) -> None:
        """No one wants to know any more."""
        self._over.set()

    def _run(self) -> None:
        seconds = _FIRST_SECONDS
        while not self._over.is_set():
            try:
                self._found.put(Found(self._look(seconds)))
            except ChatnetError as error:
                self._found.put(Found(trouble=error.message))
                return
            self._over.wait(0.0 if seconds == _FIRST_SECONDS else _PAUSE_SECONDS)
            seconds = _SECONDS

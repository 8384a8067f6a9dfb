"""The chat window itself, or with ``server`` the server's, with a meter in its loop, until its input ends.

It answers each line on its input with one of JSON. ``memory`` tells the MiB that the process holds, and ``count`` what
was measured since the last ``count``: by how many milliseconds what was due every 5 ms came late, and how many it took
from each key press (as the X server dates it) until the entry had changed, and until that was drawn.

In the chat window, ``enter NAME`` logs a guest in and goes to the room of all benchmarks, ``show ROOM`` goes to another
that one is in, ``seen N`` waits until the message N stands at the end of the list, ``go SEQ`` until that message,
somewhere in the history, is in the list. In the server's, ``enter`` waits until it is attached, and ``seen N`` until it
knows of so many messages.
"""

import json
import os
import sys
import threading
import time
import tkinter as tk
from pathlib import Path
from queue import Empty, SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _lines import ROOM
from _serving import held_up, resident

from chatnet.address import parse
from chatnet.client.credentials import LocalCredentials
from chatnet_gui import finding
from chatnet_gui.app import App
from chatnet_gui.connecting import LoginRequest
from chatnet_gui.server_app import ServerApp

_TICK_MILLISECONDS = 5
_LOOK_MILLISECONDS = 20
_MIB = 1 << 20


class Meter:
    """How late the loop is. All times are in seconds of the monotonic clock, which is the X server's too."""

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self._held_up = 0.0
        self._clear()
        self._tick(time.monotonic())

    def _clear(self) -> None:
        self._late: list[float] = []
        self._own: list[float] = []
        """The same without the time in which the thread could run, but others had the cores."""
        self._typed: list[float] = []
        self._drawn: list[float] = []
        self._started, self._used = time.monotonic(), time.process_time()

    def watch(self, entry: tk.Misc) -> None:
        """Time every key that is pressed there."""
        after = "after the class"
        tags = entry.bindtags()
        entry.bindtags((*tags[:2], after, *tags[2:]))
        entry.bind_class(after, "<Key>", self._pressed)

    def _pressed(self, event: "tk.Event[tk.Misc]") -> None:
        if event.char:  # of which BackSpace is one
            pressed = _moment(event.time)
            self._typed.append(time.monotonic() - pressed)
            self._root.after_idle(lambda: self._drawn.append(time.monotonic() - pressed))

    def _tick(self, due: float) -> None:
        waited = held_up(os.getpid())
        if due > self._started:
            late = time.monotonic() - due
            self._late.append(late)
            self._own.append(max(0.0, late - (waited - self._held_up)))
        self._held_up = waited
        self._root.after(_TICK_MILLISECONDS, self._tick, time.monotonic() + _TICK_MILLISECONDS / 1000)

    def take(self) -> dict[str, list[float]]:
        """All since the last time, in milliseconds, sorted."""
        found = {"late": self._late, "own": self._own, "typed": self._typed, "drawn": self._drawn}
        taken = {name: sorted(round(1000 * value, 2) for value in values) for name, values in found.items()}
        taken["cpu"] = [1000 * (time.process_time() - self._used)]
        self._clear()
        return taken


def _moment(stamp: int) -> float:
    """The moment of a time stamp of the X server, which counts milliseconds modulo 2**32."""
    now = time.monotonic()
    return now - ((round(1000 * now) - stamp + (1 << 31)) % (1 << 32) - (1 << 31)) / 1000


class Desk:
    """Does what is asked for on the input, in Tk's thread, one thing after the other."""

    def __init__(self, root: tk.Tk) -> None:
        self._root, self._meter = root, Meter(root)
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._what = self._value = ""
        threading.Thread(target=self._read, daemon=True).start()
        self._look()

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line.strip())
        self._lines.put("quit")

    def _look(self) -> None:
        if not self._what:
            try:
                self._what, _, self._value = self._lines.get_nowait().partition(" ")
            except Empty:
                pass
            else:
                self._begin()
        if self._what == "quit":
            self._quit()
            return
        if self._what and (answer := self._answer()) is not None:
            print(json.dumps(answer), flush=True)
            self._what = ""
        self._root.after(_LOOK_MILLISECONDS, self._look)

    def _answer(self) -> object:
        """None as long as it is not so."""
        if self._what == "count":
            return self._meter.take()
        if self._what == "memory":
            return resident(os.getpid()) / _MIB
        return self._window_answers()

    def _begin(self) -> None:
        """What is asked for now is new."""
        raise NotImplementedError

    def _window_answers(self) -> object:
        """None as long as it is not so."""
        raise NotImplementedError

    def _quit(self) -> None:
        raise NotImplementedError


class ChatDesk(Desk):
    """Of the chat window."""

    def __init__(self, root: tk.Tk) -> None:
        self._app = App(root)
        self._is_joining = False
        super().__init__(root)

    def _begin(self) -> None:
        session = self._app.session
        if self._what == "enter":
            self._app._log_in(LoginRequest(server=os.environ["CHATNET_SERVER"], name=self._value))
        elif self._what == "show" and session is not None:
            room = session.conversations.room(self._value)
            assert room is not None
            session.select(room.info.id)
        elif self._what == "go" and session is not None and session.selected is not None:
            session.go_to_message(session.selected.info.id, int(self._value))

    def _window_answers(self) -> object:
        session, view = self._app.session, self._app._main_view
        if session is None or view is None or session.selected is None or not session.selected.is_loaded:
            return None
        if self._what == "enter":
            return self._entered()
        if self._what == "show":
            return session.selected.name
        rows = [row.key for row in view.messages.text.rows]
        found = rows[-1:] == [f"m{self._value}"] if self._what == "seen" else f"m{self._value}" in rows
        return True if found else None

    def _entered(self) -> object:
        session, view = self._app.session, self._app._main_view
        assert session is not None
        assert view is not None
        assert session.selected is not None
        if session.selected.name == ROOM:
            self._meter.watch(view.composer.text)
            view.composer.text.focus_force()
            return session.selected.info.head
        if not self._is_joining:
            self._is_joining = True
            session.join(ROOM)
        return None

    def _quit(self) -> None:
        self._app.leave()


class ServerDesk(Desk):
    """Of the server's window, which is attached to the server at the local socket. Keys go to the filter of its log."""

    def __init__(self, root: tk.Tk) -> None:
        way = finding.WayIn(parse(os.environ["CHATNET_SERVER"]), LocalCredentials())

        def find_way(folder: Path) -> finding.WayIn:
            del folder  # whatever it is
            return way

        finding.find_way = find_way
        self._app = ServerApp(root)
        super().__init__(root)

    def _begin(self) -> None:
        if self._what == "enter":
            entry = self._app._view.log.entry
            self._meter.watch(entry)
            entry.focus_force()

    def _window_answers(self) -> object:
        stats = self._app.model.watch.stats
        if stats is None:
            return None
        return True if self._what == "enter" or stats.messages >= int(self._value) else None

    def _quit(self) -> None:
        self._app.leave()


def main() -> None:
    """The command."""
    desk = {"chat": ChatDesk, "server": ServerDesk}[sys.argv[1]]
    root = tk.Tk(className="Chatnet")
    desk(root)
    print(json.dumps({"pid": os.getpid()}), flush=True)
    root.mainloop()


if __name__ == "__main__":
    main()

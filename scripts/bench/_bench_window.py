"""The chat window itself, with a meter in its loop, until its input ends.

It answers each line on its input with one of JSON. ``enter NAME`` logs a guest in and goes to the room of all
benchmarks, ``show ROOM`` goes to another that one is in, ``seen N`` waits until the message N stands at the end of the
list, ``go SEQ`` until that message, somewhere in the history, is in the list; ``memory`` tells the MiB that the process
holds, and ``count`` what was measured since the last ``count``: by how many milliseconds what was due every 5 ms came
late, and how many it took from each key press (as the X server dates it) until the character stood in the entry, and
until that was drawn.
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

from chatnet_gui.app import App
from chatnet_gui.connecting import LoginRequest

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

    def watch(self, entry: tk.Text) -> None:
        """Time every key that is pressed there."""
        after = "after the class"
        tags = entry.bindtags()
        entry.bindtags((*tags[:2], after, *tags[2:]))
        entry.bind_class(after, "<Key>", self._pressed)

    def _pressed(self, event: "tk.Event[tk.Misc]") -> None:
        if event.char:
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

    def __init__(self, root: tk.Tk, app: App) -> None:
        self._root, self._app, self._meter = root, app, Meter(root)
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._what = self._value = ""
        self._is_joining = False
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
            self._app.quit()
            return
        if self._what and (answer := self._answer()) is not None:
            print(json.dumps(answer), flush=True)
            self._what = ""
        self._root.after(_LOOK_MILLISECONDS, self._look)

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

    def _answer(self) -> object:
        """None as long as it is not so."""
        if self._what == "count":
            return self._meter.take()
        if self._what == "memory":
            return resident(os.getpid()) / _MIB
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


def main() -> None:
    """The command."""
    root = tk.Tk(className="Chatnet")
    Desk(root, App(root))
    print(json.dumps({"pid": os.getpid()}), flush=True)
    root.mainloop()


if __name__ == "__main__":
    main()

"""Real windows on displays of their own: driven by real keys and clicks, and read back through what they show."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

import pytest

from chatnet_gui.start import PROBE_VARIABLE
from tests.e2e.processes import DEADLINE, Chatnet, Process

_MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
if importlib.util.find_spec("_tkinter") is None:
    _MISSING.append("tkinter")
needs_display = pytest.mark.skipif(bool(_MISSING), reason=f"no {', '.join(_MISSING)} (apt: xvfb, xdotool, python3-tk)")
SCREEN = "1280x900x24"
_AT_REST = 0.2
"""Seconds without any change."""

Seen = dict[str, Any]


class Display:
    """A screen that nobody sees. Each window has its own, so keys go to nobody else."""

    def __init__(self, screen: str = SCREEN, dpi: int | None = None) -> None:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp"]
        command += [] if dpi is None else ["-dpi", str(dpi)]
        self._process = subprocess.Popen(
            command, pass_fds=(writing,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(writing)
        self.done_at = 0.0
        """When something was done there last, by the monotonic clock."""
        with open(reading, encoding="ascii") as pipe:
            self.name = f":{pipe.readline().strip()}"

    def do(self, *arguments: object) -> None:
        """What ``xdotool`` does."""
        environment = os.environ | {"DISPLAY": self.name}
        subprocess.run(["xdotool", *map(str, arguments)], env=environment, check=True, timeout=DEADLINE)
        self.done_at = time.monotonic()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)


class Window:
    """One running ``chatnet gui-client``, or another window."""

    def __init__(
        self, user: Chatnet, folder: Path, screen: str = SCREEN, command: str = "gui-client", dpi: int | None = None
    ) -> None:
        self._resources = ExitStack()
        self.display = Display(screen, dpi)
        self._resources.callback(self.display.close)
        pipe = folder / f"probe{self.display.name[1:]}"
        os.mkfifo(pipe)
        self._news: Queue[Seen | None] = Queue()
        self._changed_at = 0.0
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()
        user.environment |= {"DISPLAY": self.display.name, PROBE_VARIABLE: str(pipe)}
        self.process: Process = user.start(command)
        self.seen: Seen = {}

    def _read(self, pipe: Path) -> None:
        with open(pipe, encoding="utf-8") as lines:
            for line in lines:
                self._changed_at = time.monotonic()
                self._news.put(json.loads(line))
        self._news.put(None)

    def close(self) -> None:
        self.process.end()
        self._resources.close()

    # -- looking ----------------------------------------------------------------------------------------------

    def until(self, found: Callable[[Self], object], what: str = "") -> None:
        """Wait until the window shows something."""
        deadline = time.monotonic() + DEADLINE
        while not (self.seen and found(self)):
            try:
                news = self._news.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"never seen: {what}; but {self.texts()}") from None
            assert news is not None, f"the window is gone; {self.process.err.rest()}"
            self.seen = news
        while not self._news.empty() and (newer := self._news.get()) is not None:
            self.seen = newer

    def shows(self, text: str) -> None:
        """Wait until this stands somewhere."""
        self.until(lambda window: any(text in shown for shown in window.texts()), text)

    def hides(self, text: str) -> None:
        """Wait until this stands nowhere."""
        self.until(lambda window: not any(text in shown for shown in window.texts()), f"no {text}")

    def texts(self) -> list[str]:
        return [w["text"] for w in self.seen.get("widgets", []) if w["text"]] + [row["text"] for row in self.rows()]

    def rows(self) -> list[Seen]:
        """The rows of all lists."""
        return [row for w in self.seen.get("widgets", []) for row in w.get("rows", [])]

    def widget(self, text: str = "", kind: str = "") -> Seen | None:
        """The last widget with this text, or of this class."""
        fitting = [
            w for w in self.seen.get("widgets", []) if (not text or w["text"] == text) and kind in ("", w["class"])
        ]
        return fitting[-1] if fitting else None

    @property
    def messages(self) -> str:
        """What stands in the list of messages: the higher of the two texts."""
        return self._heights()[-1][1]

    @property
    def entry(self) -> str:
        """What stands in the entry."""
        return self._heights()[0][1]

    @property
    def is_typing(self) -> bool:
        """Has the entry the keyboard?"""
        texts = [w for w in self.seen["widgets"] if w["class"] == "Text"]
        return bool(texts) and self.seen["focus"] == min(texts, key=lambda w: int(w["height"]))["path"]

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Where the window is, and how large."""
        root = self.seen["widgets"][0]
        return root["x"], root["y"], root["width"], root["height"]

    def _heights(self) -> list[tuple[int, str]]:
        texts = [(w["height"], w["text"]) for w in self.seen["widgets"] if w["class"] == "Text"]
        return sorted(texts) or [(0, "")]

    # -- doing ------------------------------------------------------------------------------------------------

    def _find(self, text: str, kind: str = "") -> Seen:
        """A widget that has come to rest: a window that was just resized may still move."""
        self.until(lambda window: window.widget(text, kind), f"{kind} {text}")
        while (moving := max(self._changed_at, self.display.done_at) + _AT_REST - time.monotonic()) > 0:
            time.sleep(moving)
        self.until(lambda _: True)
        place = self.widget(text, kind)
        assert place is not None, f"{kind} {text} has gone again"
        return place

    def click(self, text: str, kind: str = "") -> None:
        """Click the button, or whatever else has this text."""
        place = self._find(text, kind)
        self.display.do("mousemove", place["x"] + place["width"] // 2, place["y"] + place["height"] // 2, "click", 1)

    def click_messages(self) -> None:
        """Give the keyboard to the list of messages."""
        place = max((w for w in self.seen["widgets"] if w["class"] == "Text"), key=lambda w: w["height"])
        self.display.do("mousemove", place["x"] + 40, place["y"] + place["height"] - 20, "click", 1)
        self.until(lambda w: w.seen["focus"] == place["path"], "the keyboard in the list of messages")

    def place(self, x: int, y: int, width: int, height: int) -> None:
        """Have the window there, and so large, as somebody who drags it."""
        search = ("search", "--onlyvisible", "--name", "chatnet( server)?$")
        self.display.do(*search, "windowmove", x, y, "windowsize", width, height)
        self.until(lambda w: w.frame == (x, y, width, height), "it there")

    def come_back(self) -> None:
        """What a window manager does once a small window is gone: give the keyboard to the large one again."""
        self.until(lambda w: not w.widget(kind="Toplevel"), "the small window gone")
        self.display.do("mousemove", 0, 0)
        self.display.do("mousemove", self.frame[0] + 5, self.frame[1] + 5)

    def leave(self) -> int:
        """Close the window, as the system does it; its exit code."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait()

    def point_at(self, text: str) -> None:
        """Without a window manager, keys go to the window under the pointer."""
        place = self._find(text)
        self.display.do("mousemove", place["x"] + 5, place["y"] + 5)

    def click_row(self, text: str, times: int = 1) -> None:
        """Click, or double-click, a row of a list."""
        self.until(lambda window: any(row["text"] == text and "x" in row for row in window.rows()), f"row {text}")
        row = next(row for row in self.rows() if row["text"] == text and "x" in row)
        self.display.do(
            "mousemove", row["x"] + 40, row["y"] + row["height"] // 2, "click", "--repeat", times, "--delay", 50, 1
        )

    def type(self, text: str) -> None:
        # What is on no key takes the X server longer: it has to be put on one.
        self.display.do("type", "--delay", 5 if text.isascii() else 15, text)

    def key(self, *keys: str) -> None:
        self.display.do("key", "--delay", 30, *keys)

    def log_in(self, name: str) -> None:
        """Fill in the name, and wait for the lobby."""
        self.point_at("User name")
        self.until(lambda window: "entry" in window.seen["focus"], "the keyboard in a field")
        self.key("ctrl+slash")
        self.type(name)
        self.key("Return")
        self.shows(f"as {name}")
        self.until(lambda window: any(row["text"] == "lobby" for row in window.rows()), "the lobby")

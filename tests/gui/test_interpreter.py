"""Garbage is collected by the thread of the window, and by no other."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet_gui.interpreter import Interpreter
from tests.e2e.processes import DEADLINE, Chatnet
from tests.gui.windows import needs_display

_PROGRAM = """
import gc, sys, threading, tkinter as tk
from chatnet_gui.{module} import {app}

class Left:
    "In a cycle, as views are, with what Tk is told when it goes."
    def __init__(self, root):
        self.me, self.variable = self, tk.StringVar(root)
    def __del__(self):
        print(threading.current_thread().name)
        ROOT.quit()

def allocate():
    for _ in range(100):
        kept = [[] for _ in range(10_000)]

ROOT = tk.Tk()
app = {app}(ROOT)
Left(ROOT)
other = threading.Thread(target=allocate, name="another thread")
other.start()
other.join()
print("nothing yet")
ROOT.mainloop()
"""


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    interval = sys.getswitchinterval()
    yield Interpreter()
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.enable()


class Left:
    """In a cycle, and told when it goes."""

    def __init__(self, gone: list[str]) -> None:
        self._me, self._gone = self, gone

    def __del__(self) -> None:
        self._gone.append(threading.current_thread().name)


def make(count: int) -> list[list[int]]:
    """What counts for the collector, as long as it is kept."""
    return [[] for _ in range(count)]


def test_ticks_collect_what_others_have_left(interpreter: Interpreter) -> None:
    gone: list[str] = []
    Left(gone)
    kept = make(100)
    other = threading.Thread(target=lambda: kept.extend(make(100_000)), name="another thread")
    other.start()
    other.join()
    assert gone == []
    interpreter.tick()
    assert gone == [threading.main_thread().name]


def test_what_has_grown_old_is_collected_too(interpreter: Interpreter) -> None:
    gone: list[str] = []
    left = Left(gone)
    gc.collect(1)  # now it is of the oldest generation
    del left
    limits, kept = gc.get_threshold(), []
    for _ in range((limits[1] + 2) * (limits[2] + 2)):
        kept.append(make(limits[0] + 10))
        interpreter.tick()
    assert gone


@needs_display
@pytest.mark.parametrize(("module", "app"), [("app", "App"), ("server_app", "ServerApp")])
def test_both_windows_collect_in_the_thread_of_tk(screen: str, tmp_path: Path, module: str, app: str) -> None:
    user = Chatnet(tmp_path / "user")
    user.home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(module=module, app=app)],
        env=user.environment | {"DISPLAY": screen},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.stdout.splitlines() == ["nothing yet", "MainThread"], done.stderr

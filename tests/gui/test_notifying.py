"""Notifications of the desktop, over a real message bus, with a service of its own at the other end."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatnet_gui.notifying import INSTALL, Notifier
from tests.e2e.processes import DEADLINE, Chatnet, Lines
from tests.gui.windows import Window, needs_display

pytest.importorskip("desktop_notifier")
needs_bus = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None or sys.platform in ("win32", "darwin"), reason="no dbus-daemon (apt: dbus)"
)


class Listener:
    """A process that tells what it hears."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        assert process.stdout is not None
        self._lines = Lines(process.stdout)
        assert self.line() == "ready"

    def line(self) -> str:
        """The next that it tells, once there is something."""
        return self._lines.next()

    def rest(self) -> list[str]:
        """What it has told besides."""
        self._process.terminate()
        return self._lines.rest()


class Desktop(Listener):
    """The service's process."""

    def click(self, number: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n".encode())
        self._process.stdin.flush()


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
    with ExitStack() as running:
        bus = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.enter_context(bus)
        running.callback(bus.kill)
        assert bus.stdout is not None
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.stdout.readline().strip())
        yield Desktop(started(running, "notifications"))


def started(running: ExitStack, module: str, **environment: str) -> "subprocess.Popen[bytes]":
    """A program of these tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.gui.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
    )
    running.enter_context(process)
    running.callback(process.kill)
    return process


def wait_until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@needs_bus
def test_one_is_shown_without_markup_and_a_click_on_it_is_told(desktop: Desktop) -> None:
    notifier = Notifier()
    notifier.show("bob <b>", "hi <img src='file:///x'> & you", 42)
    assert json.loads(desktop.line()) == [1, "chatnet", "bob \u2039b>", "hi \u2039img src='file:///x'> & you"]
    notifier.show("carol", "and you?", 43)
    assert json.loads(desktop.line())[2:] == ["carol", "and you?"]
    clicked: list[int] = []

    def click() -> bool:
        # More than once: it is listened to only after the answer has come back.
        desktop.click(2)
        if (key := notifier.take_clicked()) is not None:
            clicked.append(key)
        return bool(clicked)

    wait_until(click)
    assert clicked == [43]
    assert notifier.trouble == ""


def test_a_desktop_without_notifications_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    notifier = Notifier()
    notifier.show("bob", "hi", 1)
    wait_until(lambda: notifier.trouble)
    assert notifier.trouble.startswith("this desktop shows no notifications (")
    notifier.show("bob", "hi", 1)
    assert capfd.readouterr() == ("", "")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    notifier = Notifier()
    notifier.show("bob", "hi", 1)
    wait_until(lambda: notifier.trouble)
    assert INSTALL in notifier.trouble


@needs_bus
@needs_display
def test_the_window_tells_of_personal_messages_and_mentions_while_one_looks_elsewhere(
    desktop: Desktop, chatnet: Chatnet, tmp_path: Path
) -> None:
    user = Chatnet(tmp_path / "alice")
    user.home.mkdir()
    names = ("CHATNET_SERVER", "DBUS_SESSION_BUS_ADDRESS")
    user.environment |= {name: (os.environ | chatnet.environment)[name] for name in names}
    window = Window(user, tmp_path)
    with ExitStack() as running:
        running.callback(user.end)
        running.callback(window.close)
        bells = Listener(started(running, "bells", DISPLAY=window.display.name))
        window.log_in("alice")
        chatnet.run("send", "--to", "alice", "--as", "bob", "seen at once")
        window.until(lambda w: w.seen["title"].startswith("(1)"), "the count in the title")
        window.display.do("mousemove", 1, 1)  # out of the window: without a window manager the keyboard goes along
        window.until(lambda w: not w.seen["focus"], "that the keyboard is elsewhere")
        chatnet.run("send", "--to", "alice", "--as", "bob", "have you got a minute?")
        assert json.loads(desktop.line()) == [1, "chatnet", "bob", "have you got a minute?"]
        assert bells.line() == "bell"
        window.until(lambda w: w.seen["title"].startswith("(2)"), "the count in the title")

        chatnet.run("send", "--room", "lobby", "--as", "bob", "this is for nobody")
        chatnet.run("send", "--room", "lobby", "--as", "bob", "@alice, there is cake 🎂")
        assert json.loads(desktop.line()) == [2, "chatnet", "bob in lobby", "@alice, there is cake 🎂"]
        assert bells.line() == "bell"
        window.until(lambda w: w.seen["title"].startswith("(4)"), "the count in the title")
        # Once the answer has come back, which nobody tells of.
        for _ in range(50):
            desktop.click(1)
            window.display.do("sleep", 0.1)
            window.until(lambda w: True)
            if "minute" in window.messages:
                break
        window.until(lambda w: "minute" in w.messages and w.seen["title"].endswith("bob - chatnet"), "the chat")
        assert bells.rest() == []

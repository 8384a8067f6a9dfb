"""Files in the real windows: sent by button and by dragging, fetched by keyboard, and given up."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.processes import DEADLINE, Chatnet
from tests.gui.file_acts import act, choose, confirm, content
from tests.gui.windows import Window, needs_display

pytestmark = needs_display
OpenWindow = Callable[[str], Window]


def test_a_file_is_saved_elsewhere_opened_and_shown_in_its_folder(
    chatnet: Chatnet, window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, tools, elsewhere = tmp_path / "notes.txt", tmp_path / "tools", tmp_path / "elsewhere"
    path.write_bytes(content(100_000))
    tools.mkdir()
    elsewhere.mkdir()
    opener = tools / "xdg-open"  # as every desktop has one
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{tmp_path}/opened"\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tools), os.environ["PATH"]]))
    alice = window("alice")
    alice.log_in("alice")
    chatnet.run("send", "--room", "lobby", "--as", "bob", "--file", str(path))
    alice.until(lambda w: "Download    Save as…" in w.messages, "the file")
    act(alice, 1)
    choose(alice, elsewhere / "mine.txt", instead=True)
    alice.key("Return")
    alice.until(lambda w: "Open    Show in folder    Save as…" in w.messages, "that it has come")
    assert [file.name for file in elsewhere.iterdir()] == ["mine.txt"]
    assert (elsewhere / "mine.txt").read_bytes() == path.read_bytes()

    act(alice, 3)
    assert line_in(tmp_path / "opened") == f"{elsewhere / 'mine.txt'}\n"
    (tmp_path / "opened").unlink()
    alice.key("Right", "Return")
    assert line_in(tmp_path / "opened") == f"{elsewhere}\n"
    (elsewhere / "mine.txt").unlink()
    alice.key("Left", "Return")
    alice.shows("The file is not here any more: download it again.")


def line_in(path: Path) -> str:
    """The first line of a file that somebody is about to write."""
    deadline = time.monotonic() + DEADLINE
    while not (path.exists() and (text := path.read_text())):
        assert time.monotonic() < deadline, f"nothing in {path}"
        time.sleep(0.01)
    return text


@pytest.mark.skipif(importlib.util.find_spec("tkinterdnd2") is None, reason="no tkinterdnd2")
def test_files_that_are_dropped_are_sent_once_that_is_confirmed(
    chatnet: Chatnet, window: OpenWindow, tmp_path: Path
) -> None:
    paths = [tmp_path / "a file with spaces.txt", tmp_path / "ü.txt"]
    for path in paths:
        path.write_text(path.name)
    alice = window("alice")
    alice.log_in("alice")
    source = subprocess.Popen(
        [sys.executable, "-m", "tests.gui.drag_source", *map(str, paths)],
        env=os.environ | {"DISPLAY": alice.display.name, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with source:
        assert source.stdout is not None
        assert source.stdout.readline() == "ready\n"
        alice.display.do("mousemove", 60, 30, "mousedown", 1)
        for x, y in ((80, 40), (200, 150), (400, 300), (600, 400), (605, 402)):
            alice.display.do("mousemove", x, y, "sleep", 0.1)
        alice.display.do("mouseup", 1)
        alice.shows("a file with spaces.txt   22 bytes")
        assert "ü.txt" not in alice.messages
        source.terminate()
    confirm(alice, "both")
    alice.until(lambda w: w.messages.count("Show in folder") == 2, "both files")
    listed = chatnet.run("files", "--room", "lobby", "--as", "auditor").stdout
    assert "a file with spaces.txt" in listed
    assert "ü.txt" in listed


def test_a_hostile_name_is_shown_as_it_is_and_lands_harmlessly(
    chatnet: Chatnet, window: OpenWindow, tmp_path: Path
) -> None:
    path = tmp_path / "innocent"
    path.write_bytes(b"MZ")
    chatnet.run("send", "--room", "lobby", "--as", "mallory", "--file", str(path), "--name", "..\\gpj.\u202eexe")
    alice = window("alice")
    alice.log_in("alice")
    alice.until(lambda w: "..\\gpj.\\u202eexe" in w.messages, "the name with what is hidden in it")
    act(alice, 2)
    alice.until(lambda w: "Show in folder" in w.messages and "Open" not in w.messages, "that it is here")
    assert [file.name for file in (tmp_path / "alice").iterdir() if file.is_file()] == ["gpj.exe"]


def test_what_waits_for_a_lost_server_can_be_given_up(chatnet: Chatnet, window: OpenWindow, tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(content(1 << 20))
    alice = window("alice")
    alice.log_in("alice")
    chatnet.run("send", "--room", "lobby", "--as", "bob", "--file", str(path))
    alice.until(lambda w: "big.bin" in w.messages, "the file")
    assert chatnet.server is not None
    chatnet.server.signal(signal.SIGKILL)
    chatnet.server.wait()
    alice.shows("No connection")
    act(alice, 2)
    alice.shows("waits for a connection")
    alice.click("Cancel", "TButton")
    alice.until(lambda w: not any("waits for a connection" in text for text in w.texts()), "it gone")
    alice.until(lambda w: "Download    Save as…" in w.messages, "as before")
    chatnet.serve(bind=chatnet.environment["CHATNET_SERVER"])
    alice.shows("Connected to")
    act(alice, 2)
    alice.until(lambda w: "Show in folder" in w.messages, "that it has come after all")
    assert (tmp_path / "alice" / "big.bin").read_bytes() == path.read_bytes()

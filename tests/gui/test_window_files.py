"""Files in the real windows: sent by button and by dragging, fetched by keyboard, and given up."""

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.processes import Chatnet
from tests.gui.windows import Seen, Window, needs_display

pytestmark = needs_display
OpenWindow = Callable[[str], Window]


def content(size: int) -> bytes:
    return hashlib.sha256(b"chatnet").digest() * (size // 32)


def act(window: Window, back: int) -> None:
    """By keyboard: what stands so many actions before the end of the list of messages."""
    texts = [w for w in window.seen["widgets"] if w["class"] == "Text"]
    place = max(texts, key=lambda w: w["height"])
    window.display.do("mousemove", place["x"] + 40, place["y"] + place["height"] - 20, "click", 1)
    window.until(lambda w: w.seen["focus"] == place["path"], "the keyboard in the list of messages")
    window.key(*["Left"] * back, "Return")


def choose(window: Window, path: Path) -> None:
    """In Tk's own window that asks for files, which Python knows nothing of."""

    def entries(w: Window) -> list[Seen]:
        return [about for about in w.seen["widgets"] if "__tk_filedialog" in about["path"] and ".ent" in about["path"]]

    window.until(entries, "the window that asks for files")
    place = entries(window)[0]
    window.display.do("mousemove", place["x"] + 20, place["y"] + 8, "click", 1)
    window.type(str(path))


def confirm(window: Window, words: str) -> None:
    """Say yes to the question whether to send."""
    window.shows("A few words")
    window.click("", "TEntry")
    window.type(words)
    window.key("Return")


def test_a_file_sent_by_the_button_is_fetched_by_another_window(
    chatnet: Chatnet, window: OpenWindow, tmp_path: Path
) -> None:
    path = tmp_path / "the-plan.txt"
    path.write_bytes(content(1 << 20))
    alice, bob = window("alice"), window("bob")
    alice.log_in("alice")
    bob.log_in("bob")
    alice.click("File…", "TButton")
    choose(alice, path)
    alice.key("Return")
    confirm(alice, "as promised")
    bob.until(lambda w: "as promised" in w.messages and "the-plan.txt  1 MiB" in w.messages, "the file")
    alice.until(lambda w: "Show in folder" in w.messages, "that it is here")
    act(bob, 2)
    bob.until(lambda w: "Show in folder" in w.messages, "that it has come")
    assert (tmp_path / "bob" / "the-plan.txt").read_bytes() == path.read_bytes()
    listed = chatnet.run("files", "--room", "lobby", "--as", "auditor").stdout
    assert "the-plan.txt" in listed
    assert "never" not in listed


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

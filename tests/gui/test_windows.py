"""The real program: its windows as processes, driven by real keys and clicks against a real server."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.net.mdns import announce, txt_record
from tests.e2e.processes import DEADLINE, Chatnet
from tests.gui.file_acts import choose
from tests.gui.windows import Window, needs_display

OpenWindow = Callable[[str], Window]


def history(chatnet: Chatnet) -> list[str]:
    """What the server has stored of the lobby."""
    printed = chatnet.run("history", "--room", "lobby", "--json", "--as", "auditor").stdout
    return [json.loads(row)["text"] for row in printed.splitlines()]


@needs_display
def test_a_double_click_on_a_person_starts_a_chat(chatnet: Chatnet, window: OpenWindow) -> None:
    alice = window("alice")
    alice.log_in("alice")
    listener = chatnet.listen("bob")
    alice.click_row("bob", times=2)
    alice.until(lambda w: w.seen["title"] == "bob - chatnet", "the chat")
    alice.click("Send", "TButton")
    alice.key("h", "i", "Return")
    assert "hi" in listener.out.until("hi")


@needs_display
def test_clear_chat_hides_and_show_earlier_brings_back(chatnet: Chatnet, window: OpenWindow) -> None:
    chatnet.run("send", "--room", "lobby", "--as", "carol", "said before")
    alice = window("alice")
    alice.log_in("alice")
    alice.until(lambda w: "said before" in w.messages, "the history")
    alice.click_messages()
    alice.click("Clear Chat", "TButton")
    alice.until(lambda w: "said before" not in w.messages and w.is_typing, "nothing, and the keyboard in the entry")
    chatnet.run("send", "--room", "lobby", "--as", "carol", "said after")
    alice.until(lambda w: "said after" in w.messages, "what is new")
    assert "said before" not in alice.messages
    alice.click("Show earlier", "TButton")
    alice.until(lambda w: -1 < w.messages.find("said before") < w.messages.find("said after"), "all of it")
    assert history(chatnet) == ["said before", "said after"]


@needs_display
def test_the_server_goes_and_comes_back_and_nothing_is_lost_or_doubled(chatnet: Chatnet, window: OpenWindow) -> None:
    alice, bob = window("alice"), window("bob")
    alice.log_in("alice")
    bob.log_in("bob")
    alice.type("before")
    alice.key("Return")
    bob.until(lambda w: "before" in w.messages, "the first message")

    assert chatnet.server is not None
    chatnet.server.signal(signal.SIGKILL)
    chatnet.server.wait()
    alice.shows("No connection")
    alice.type("typed meanwhile")
    alice.key("Return")
    alice.until(lambda w: "typed meanwhile  waiting…" in w.messages, "that it waits")
    chatnet.serve(bind=chatnet.environment["CHATNET_SERVER"])
    alice.shows("Connected to")
    bob.until(lambda w: "typed meanwhile" in w.messages, "what was typed meanwhile")
    alice.until(lambda w: "typed meanwhile" in w.messages and "waiting…" not in w.messages, "that it went out")
    for w in (alice, bob):
        assert [w.messages.count(text) for text in ("before", "typed meanwhile")] == [1, 1]
    assert history(chatnet) == ["before", "typed meanwhile"]


@needs_display
def test_a_name_in_use_is_said_beside_the_field_and_another_offered(window: OpenWindow) -> None:
    window("bob").log_in("bob")
    second = window("second")
    second.point_at("User name")
    second.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    second.key("ctrl+slash")
    second.type("bob")
    second.key("Return")
    second.shows("Somebody else has this name.")
    second.click("Use “bob2” instead", "TButton")
    second.shows("as bob2")


@needs_display
def test_the_keyboard_does_everything(window: OpenWindow) -> None:
    alice, bob = window("alice"), window("bob")
    bob.log_in("bob")
    alice.log_in("alice")
    alice.until(lambda w: any(row["text"] == "bob" for row in w.rows()), "bob")

    alice.type("one")
    alice.key("shift+Return")
    alice.type("two 👍")
    alice.key("BackSpace")
    alice.until(lambda w: w.entry == "one\ntwo ", "two lines, and the emoji gone as a whole")
    alice.key("Return")
    alice.until(lambda w: "one\ntwo" in w.messages and not w.entry, "the message")
    alice.type("bo")
    alice.key("Tab")
    alice.until(lambda w: w.entry == "bob: ", "the completed name")
    alice.type("hi")
    alice.key("Return")
    alice.until(lambda w: "bob: hi" in w.messages and not w.entry, "the second message")
    alice.key("Up")
    alice.until(lambda w: w.entry == "bob: hi", "the recalled message")
    alice.key("Up")
    alice.until(lambda w: w.entry == "one\ntwo ", "the one before")

    before = alice.widget("Send", "TButton")
    alice.key("ctrl+plus", "ctrl+plus", "ctrl+plus")
    alice.until(lambda w: before and (w.widget("Send", "TButton") or before)["width"] > before["width"], "larger text")
    alice.key("ctrl+k")
    alice.until(lambda w: w.widget(kind="Listbox"), "the list of places")
    place = alice.widget(kind="TEntry")
    assert place is not None
    alice.display.do("mousemove", place["x"] + 20, place["y"] + 10)
    alice.type("bob")
    alice.key("Return")
    alice.until(lambda w: w.seen["title"] == "bob - chatnet", "the chat with bob")
    alice.until(lambda w: not w.entry, "an entry of its own")


@needs_display
def test_the_place_of_the_window_drafts_and_the_cleared_chat_are_there_the_next_time(
    chatnet: Chatnet, window: OpenWindow
) -> None:
    chatnet.run("send", "--room", "lobby", "--as", "carol", "said before")
    alice = window("alice")
    alice.log_in("alice")
    alice.until(lambda w: "said before" in w.messages, "the history")
    alice.click("Clear Chat", "TButton")
    alice.type("not finished")
    alice.until(lambda w: w.entry == "not finished", "the draft")
    alice.click("Logout", "TButton")
    alice.log_in("alice")
    alice.until(lambda w: w.entry == "not finished", "the draft again")
    alice.place(60, 40, 900, 600)
    alice.type(" yet")
    alice.until(lambda w: w.entry == "not finished yet", "all of the draft")
    assert alice.leave() == 0

    again = window("alice")
    again.log_in("alice")
    again.until(lambda w: w.entry == "not finished yet", "the draft in another window")
    again.until(lambda w: w.frame == (60, 40, 900, 600), "the window where it was")
    again.shows("What was said before is hidden on this device.")
    assert "said before" not in again.messages


@needs_display
def test_rooms_are_made_joined_and_left(chatnet: Chatnet, window: OpenWindow) -> None:
    alice, bob = window("alice"), window("bob")
    alice.log_in("alice")
    bob.log_in("bob")
    alice.click("Rooms…", "TButton")
    alice.shows("Name of the room")
    alice.type("kitchen")
    alice.click("Create", "TButton")
    alice.until(lambda w: w.seen["title"] == "kitchen - chatnet", "the new room")

    bob.click("Rooms…", "TButton")
    bob.shows("Name of the room")
    bob.type("kitchen")
    bob.key("Return")
    bob.until(lambda w: w.seen["title"] == "kitchen - chatnet" and "People (2)" in w.texts(), "both in it")
    bob.come_back()
    bob.until(lambda w: w.is_typing, "the keyboard in the entry")
    bob.type("is there cake?")
    bob.key("Return")
    alice.until(lambda w: "is there cake?" in w.messages, "the message")

    bob.click("Leave", "TButton")
    bob.until(lambda w: w.seen["title"] == "lobby - chatnet", "the lobby")
    bob.until(lambda w: not any(row["text"] == "kitchen" for row in w.rows()), "that the room is gone from the list")
    alice.shows("People (1)")
    inside = chatnet.run("who", "--room", "kitchen", "--as", "auditor").stdout
    assert "alice" in inside
    assert "bob" not in inside
    bob.click("Rooms…", "TButton")
    bob.shows("Name of the room")
    bob.type("kichten")
    bob.key("Return")
    bob.shows("no room")


@needs_display
def test_search_the_picker_and_the_settings(chatnet: Chatnet, window: OpenWindow, tmp_path: Path) -> None:
    chatnet.run("send", "--room", "lobby", "--as", "carol", "a needle in the hay 🎂 for @alice")
    alice = window("alice")
    alice.log_in("alice")
    alice.until(lambda w: "needle" in w.messages, "the history")
    alice.key("ctrl+f")
    alice.shows("All words must be there")
    alice.type("hay need*")
    alice.key("Return")
    alice.shows("1 message.")
    alice.key("Down", "Return")
    alice.come_back()

    alice.click("☺", "TButton")
    alice.shows("Find one by its name")
    alice.type("cake")
    alice.key("Return")
    alice.come_back()
    alice.until(lambda w: w.entry == "🎂", "the cake")

    assert not re.search("[0-9] [AP]M", alice.messages)
    alice.key("ctrl+comma")
    alice.click("24 hour clock", "TCheckbutton")
    alice.until(lambda w: re.search("[0-9] [AP]M", w.messages), "the other clock at once")
    alice.click("Dark", "TRadiobutton")
    (tmp_path / "alice" / "new").mkdir()
    alice.click("Change…", "TButton")
    choose(alice, tmp_path / "alice" / "new", instead=True)
    alice.key("Return", "Return")
    alice.shows(f"~{os.sep}new")
    alice.click("Done", "TButton")
    assert alice.leave() == 0
    settings = json.loads((tmp_path / "alice" / "state/chatnet/windows/settings.json").read_text())
    found = settings["theme"], settings["hours24"], settings["download_folder"]
    assert found == ("dark", False, str(tmp_path / "alice" / "new"))


@needs_display
def test_the_first_contact_shows_the_fingerprint_to_compare(chatnet: Chatnet, window: OpenWindow) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()
    chatnet.serve("--open", bind="chatnet://127.0.0.1:0")
    alice = window("alice")
    alice.point_at("User name")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type("alice")
    alice.key("Return")
    alice.shows("sha256:")
    alice.click("Do not trust it", "TButton")
    alice.shows("Not trusted, so nothing was said to this server.")
    alice.click("Log in", "TButton")
    alice.click("Trust it, and log in", "TButton")
    alice.shows("as alice")


@needs_display
def test_a_join_code_makes_an_account_that_is_there_the_next_time(chatnet: Chatnet, window: OpenWindow) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()
    chatnet.serve(bind="chatnet://127.0.0.1:0")
    code = json.loads(chatnet.run("invite", "--json", CHATNET_SERVER="").stdout)["code"]
    alice = window("alice")
    alice.point_at("User name")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type("alice")
    alice.key("Tab")
    alice.type(f"{code[:-1]}{'2' if code[-1] != '2' else '3'}")
    alice.key("Return")
    alice.shows("This join code is not good, or not any more. Ask for a new one.")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type(code)
    alice.key("Return")
    alice.shows("as alice")
    alice.click("Logout", "TButton")
    alice.shows("Account")
    alice.click("Log in", "TButton")
    alice.shows("as alice")


@needs_display
def test_a_password_lets_its_account_in(chatnet: Chatnet, window: OpenWindow) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()
    chatnet.serve(bind="chatnet://127.0.0.1:0")
    for act in (("add-user", "alice"), ("password", "alice", "--password-stdin")):
        done = chatnet.run("admin", *act, stdin=b"correct horse\n", CHATNET_SERVER="")
        assert done.returncode == 0, done
    alice = window("alice")
    alice.point_at("User name")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type("alice")
    alice.key("Tab", "Tab")
    alice.type("wrong horse")
    alice.key("Return")
    alice.click("Trust it, and log in", "TButton")
    alice.shows("The name or the password is wrong.")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type("correct horse")
    alice.key("Return")
    alice.shows("as alice")
    assert alice.leave() == 0
    again = window("alice")
    again.shows("Account")
    again.click("Log in", "TButton")
    again.shows("as alice")


@needs_display
def test_a_server_of_the_local_network_is_found_and_chosen(window: OpenWindow) -> None:
    pytest.importorskip("zeroconf")
    name = f"ops {os.urandom(4).hex()}"
    record = txt_record(server=bytes(16), pin=bytes(32), version="1", port=5599, is_open=True)
    with closing(announce(name, 5599, record, addresses=["10.0.0.7"], interfaces=["127.0.0.1"])):
        alice = window("alice")
        row = f"{name}   10.0.0.7:5599   guests"
        alice.click_row(row)
        alice.until(lambda w: "10.0.0.7" in w.texts() and "5599" in w.texts(), "its address and port in the fields")


def test_without_a_display_it_says_so_and_ends_with_69(chatnet: Chatnet) -> None:
    done = chatnet.run("gui-client", DISPLAY="")
    assert done.returncode == 69
    assert "display" in done.stderr or "tkinter" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_tkinter_it_names_the_package_and_ends_with_69(chatnet: Chatnet) -> None:
    program = (
        "import sys; sys.modules['tkinter'] = None; sys.argv = ['chatnet', 'gui-client'];"
        "from chatnet_cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=chatnet.environment, capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 69
    assert "python3-tk" in done.stderr
    assert "Traceback" not in done.stderr

"""The server window and the client's, as real programs that are driven by real keys and clicks."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.processes import DEADLINE, Chatnet
from tests.gui.file_acts import act, choose, confirm, content
from tests.gui.server_windows import ServerWindow, data_folder, free_port, holder, make_owner
from tests.gui.windows import Window, needs_display


class Desk(Protocol):
    """Opens windows; those of clients talk to the server of the first server window."""

    def server(self, owner: Chatnet | None = None, **settings: object) -> ServerWindow: ...

    def client(self, name: str) -> Window: ...


class _Desk:
    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder, self._opened = folder, opened
        self._servers: list[ServerWindow] = []

    def server(self, owner: Chatnet | None = None, **settings: object) -> ServerWindow:
        owner = owner or make_owner(self._folder / "owner", **settings)
        self._opened.callback(owner.end)
        made = ServerWindow(owner, self._folder)
        self._opened.callback(made.close)
        self._servers.append(made)
        made.until(lambda w: w.seen["widgets"], "the window")
        return made

    def client(self, name: str) -> Window:
        user = Chatnet(self._folder / name)
        user.home.mkdir(exist_ok=True)
        user.environment["CHATNET_SERVER"] = str(self._servers[0].address)
        made = Window(user, self._folder)
        self._opened.callback(made.close)
        return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as opened:
        yield _Desk(tmp_path, opened)


def log_in(window: Window, name: str) -> str:
    """Log in as a guest, for the first time; the fingerprint that was to be compared."""
    window.point_at("User name")
    window.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    window.key("ctrl+slash")
    window.type(name)
    window.key("Return")
    window.shows("sha256:")
    shown = next(text for text in window.texts() if text.startswith("sha256:"))
    window.click("Trust it, and log in", "TButton")
    window.shows(f"as {name}")
    window.until(lambda w: any(row["text"] == "lobby" for row in w.rows()), "the lobby")
    return shown.replace("\n", "")


def say(window: Window, text: str) -> None:
    window.type(text)
    window.key("Return")


def stored(owner: Chatnet) -> list[tuple[str, str]]:
    """Who said what, of all that the store holds."""
    with closing(sqlite3.connect(f"file:{data_folder(owner) / 'chatnet.db'}?mode=ro", uri=True)) as database:
        return list(database.execute("SELECT name, body FROM messages ORDER BY time, id"))


def served_again(owner: Chatnet, folder: Path) -> tuple[list[str], dict[str, bytes]]:
    """What chatnet itself finds in the data folder, undamaged: the talk in the lobby, and the files shared there."""
    checked = owner.run("admin", "check", "--deep", "--data", str(data_folder(owner)))
    assert checked.returncode == 0, checked
    owner.serve("--data", str(data_folder(owner)), bind="chatnet://127.0.0.1:0")

    def ask(*command: str) -> list[str]:
        done = owner.run(*command, CHATNET_SERVER="")
        assert done.returncode == 0, done
        return done.stdout.splitlines()

    said = [json.loads(row)["text"] for row in ask("history", "--room", "lobby", "--json")]
    files = {}
    for file in map(json.loads, ask("files", "--room", "lobby", "--json")):
        saved = folder / f"file {file['id']}"
        ask("download", str(file["id"]), "-o", str(saved))
        files[file["name"]] = saved.read_bytes()
    return said, files


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# -- the whole play -------------------------------------------------------------------------------------------


@needs_display
def test_start_talk_send_a_file_stop_start_again_and_log_out(desk: Desk, tmp_path: Path) -> None:
    server = desk.server()
    server.until(lambda w: w.headline == "○ Stopped", "no server")
    server.start()

    alice, bob = desk.client("alice"), desk.client("bob")
    fingerprints = {log_in(alice, "alice"), log_in(bob, "bob")}
    server.until(lambda w: {"alice", "bob"} <= set(w.names()), "both in the table")
    assert fingerprints == {t.replace("\n", "") for t in server.texts() if t.startswith("sha256:")}
    assert any(cells[:3:2] == ["alice", "tls"] for cells in server.clients)

    say(alice, "hello 🎉 everybody")
    bob.until(lambda w: "hello 🎉 everybody" in w.messages, "the message")
    alice.until(lambda w: w.messages.count("hello 🎉 everybody") == 1 and not w.entry, "it once, and an empty entry")
    server.until(lambda w: "alice in lobby: hello 🎉 everybody" in w.log, "the message in the log")

    bob.click("Personal Chat", "TButton")
    bob.shows("With whom?")
    bob.click("", "TCombobox")
    bob.type("alice")
    bob.key("Return")
    say(bob, "psst, only you")
    alice.until(lambda w: any(r["text"] == "bob" and r["values"] == ["1"] for r in w.rows()), "one unread from bob")
    server.until(lambda w: "bob -> alice, 14 characters" in w.log, "that there was a personal message")
    assert "psst" not in server.log
    assert "psst" not in alice.messages
    alice.click_row("bob")
    alice.until(lambda w: "psst, only you" in w.messages, "the personal message")
    bob.until(lambda w: "✓✓ read" in w.messages, "that it was read")

    alice.click_row("lobby")
    alice.until(lambda w: "hello 🎉 everybody" in w.messages, "the lobby")
    alice.click("Clear Chat", "TButton")
    alice.until(lambda w: "hello" not in w.messages and w.is_typing, "nothing, and the keyboard in the entry")

    plan = tmp_path / "the-plän.txt"
    plan.write_bytes(content(1 << 20))
    alice.click("File…", "TButton")
    choose(alice, plan)
    alice.key("Return")
    confirm(alice, "as promised")
    bob.click_row("lobby")
    bob.until(lambda w: "as promised" in w.messages and "the-plän.txt  1 MiB" in w.messages, "the file")
    server.until(lambda w: "alice in lobby: file the-plän.txt" in w.log, "the file in the log")
    act(bob, 2)
    bob.until(lambda w: "Show in folder" in w.messages, "that it has come")
    alice.until(lambda w: "Show in folder" in w.messages, "that it is here")
    assert (tmp_path / "bob" / plan.name).read_bytes() == plan.read_bytes()
    assert "hello" not in alice.messages

    server.click("Stop", "TButton")
    server.shows("2 people are connected, and will be told. Stop the server?")
    server.click("Cancel", "TButton")
    server.until(lambda w: not w.widget(kind="Toplevel") and w.is_on("Stop"), "the server that still runs")
    server.stop()
    assert not can_connect(server.port)
    alice.shows("No connection")
    alice.shows("The server is stopping")
    alice.click("Send", "TButton")  # which says nothing, and gives the entry the keyboard
    say(alice, "typed meanwhile")
    alice.until(lambda w: "typed meanwhile  waiting…" in w.messages, "that it waits")

    server.start()
    alice.until(lambda w: "typed meanwhile" in w.messages and "waiting…" not in w.messages, "that it went out")
    bob.until(lambda w: "typed meanwhile" in w.messages, "what was typed meanwhile")
    assert (bob.messages.count("hello 🎉 everybody"), bob.messages.count("typed meanwhile")) == (1, 1)

    alice.click("Logout", "TButton")
    alice.shows("Log in to a server")
    bob.until(lambda w: "People (1)" in w.texts(), "alice gone")
    server.until(lambda w: "alice" not in w.names() and "bob" in w.names(), "only bob in the table")
    server.until(lambda w: "alice left" in w.log, "that alice has left")

    pid = holder(server.owner)
    assert server.leave() == 0
    assert not can_connect(server.port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    bob.shows("No connection")
    assert stored(server.owner) == [
        ("alice", "hello 🎉 everybody"),
        ("bob", "psst, only you"),
        ("alice", "as promised"),
        ("alice", "typed meanwhile"),
    ]
    found = served_again(server.owner, tmp_path)
    assert found == (["hello 🎉 everybody", "as promised", "typed meanwhile"], {plan.name: plan.read_bytes()})


# -- starting, stopping, attaching ----------------------------------------------------------------------------


@needs_display
def test_what_is_wrong_stands_beside_its_field_and_start_works_once_it_is_right(desk: Desk) -> None:
    server = desk.server()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server.fill("Port", "0")
        server.click("Start", "TButton")
        server.shows("A port is a number from 1 to 65535.")
        server.until(lambda w: w.seen["focus"] == w.entry_below("Port")["path"], "the keyboard in the field")
        server.fill("Port", str(other.getsockname()[1]))
        server.hides("A port is a number")
        server.key("Return")
        server.shows("Another program uses this port. Stop it, or choose another port.")
        assert server.headline == "○ Stopped"
    server.fill("Port", str(free_port()))
    server.fill("Data folder", str(server.owner.home / "another"))
    server.start()
    assert (server.owner.home / "another" / "chatnet.db").exists()
    server.hides("Another program")


@needs_display
def test_a_window_is_attached_to_a_server_that_runs_and_leaves_it_running(desk: Desk, tmp_path: Path) -> None:
    owner = make_owner(tmp_path / "owner")
    bind = f"chatnet://127.0.0.1:{free_port()}"
    elsewhere = owner.start("serve", "--json", "--bind", bind)
    elsewhere.out.next()
    server = desk.server(owner)
    server.until(lambda w: "started elsewhere" in w.headline and w.clients, "the server that runs")
    assert not server.is_on("Start")
    assert not server.is_on("Stop")
    owner.run("send", "--room", "lobby", "hello")
    server.until(lambda w: "in lobby: hello" in w.log, "what is said there")

    # Once it is stopped where it was started, it can be started here.
    assert elsewhere.interrupt() == 0
    server.until(lambda w: w.is_on("Start"), "Start")
    server.start()
    assert holder(owner) != elsewhere.popen.pid

    # A second window on the same folder is attached as well, and closing it stops nothing.
    second = desk.server(owner)
    second.until(lambda w: "started elsewhere" in w.headline, "the server of the first window")
    assert second.leave() == 0
    os.kill(holder(owner), 0)
    assert server.is_on("Stop")


@needs_display
def test_a_server_that_is_killed_is_said_to_have_ended_and_can_be_started_again(desk: Desk) -> None:
    server = desk.server()
    server.start()
    os.kill(holder(server.owner), signal.SIGKILL)
    message = "The server has ended by itself (code -9)."
    server.until(lambda w: message in w.texts(), message)
    server.start()
    server.until(lambda w: message not in w.texts(), "no more of that")


@needs_display
def test_a_window_that_is_killed_leaves_its_server_and_the_next_one_finds_it(desk: Desk) -> None:
    first = desk.server()
    first.start()
    pid = holder(first.owner)
    first.process.signal(signal.SIGKILL)
    first.process.wait()
    second = desk.server(first.owner)
    second.until(lambda w: "started elsewhere" in w.headline, "the server that was left")
    assert holder(first.owner) == pid
    os.kill(pid, signal.SIGTERM)
    second.until(lambda w: w.is_on("Start"), "Start")


# -- people ---------------------------------------------------------------------------------------------------


@needs_display
def test_a_join_code_is_copied_and_lets_somebody_in(desk: Desk) -> None:
    server = desk.server()
    server.start()
    server.click("New join code", "TButton")
    server.until(lambda w: any(len(t) == 14 and t.count("-") == 2 for t in w.texts()), "a join code")
    code = next(t for t in server.texts() if len(t) == 14 and t.count("-") == 2)
    server.until(lambda w: w.is_on("Copy link"), "the button")
    server.click("Copy link", "TButton")
    server.shows("The link is copied.")
    server.key("ctrl+f", "ctrl+v")
    link = f"chatnet://127.0.0.1:{server.port}/{code}"
    server.until(lambda w: link in w.texts(), "the link, pasted into the filter")

    alice = desk.client("alice")
    alice.point_at("User name")
    alice.until(lambda w: "entry" in w.seen["focus"], "the keyboard in a field")
    alice.key("ctrl+slash")
    alice.type("alice")
    alice.key("Tab")
    alice.type(code)
    alice.key("Return")
    alice.shows("as alice")
    server.until(lambda w: "alice" in w.names(), "alice")


@needs_display
def test_somebody_is_told_something_and_banned_by_the_keyboard_alone(desk: Desk) -> None:
    server = desk.server()
    server.point_at("chatnet server")
    server.until(lambda w: "button" in w.seen["focus"], "the keyboard at Start")
    server.key("Return")
    server.until(lambda w: "● Running at" in w.headline, "a running server")
    alice = desk.client("alice")
    log_in(alice, "alice")
    server.until(lambda w: "alice" in w.names(), "alice")
    server.point_at("chatnet server")
    server.key("ctrl+l", "Home")
    server.until(lambda w: any(r["selected"] and r["values"][0] == "alice" for r in w.rows()), "alice selected")
    before = next(cells[1] for cells in server.clients if cells[0] == "alice")
    server.key("Return")
    server.shows("To alice, in private")
    server.type("the server stops at noon")
    server.key("Return")
    server.shows("Sent to alice.")
    server.come_back()
    alice.until(lambda w: any(r["values"] == ["1"] for r in w.rows()), "one unread")

    server.key("Delete")
    server.shows("alice is connected.")
    server.key("Escape")
    server.come_back()
    server.key("Delete")
    server.shows("alice is connected.")
    server.type("enough for today")
    server.key("Return")
    server.shows("alice was put out.")
    alice.shows("has put you off this server: enough for today")
    alice.shows("● Connected")
    alice.shows("has put you off this server: enough for today")
    server.until(lambda w: any(c[0] == "alice" and c[1] != before for c in w.clients), "alice, who has come back")
    server.come_back()
    server.key("ctrl+f", "ctrl+l")
    server.until(lambda w: any(r["selected"] and r["values"][0] == "alice" for r in w.rows()), "alice selected")
    server.key("1")
    server.until(lambda w: w.names()[-1] == "alice", "the other order")
    server.key("shift+F10")
    server.menu_comes()
    server.key("Down", "Down", "Down", "Return")
    server.shows("alice is put out, and kept out.")
    server.type("off topic")
    server.key("Return")
    server.shows("alice is banned.")
    alice.shows("You are banned from this server until ")
    assert any(text.endswith("UTC: off topic.") for text in alice.texts())
    server.until(lambda w: "alice" not in w.names(), "alice gone")
    assert "ban alice" in server.log


@needs_display
def test_the_menu_of_a_row_puts_somebody_out_and_the_log_tells_it(desk: Desk) -> None:
    server = desk.server()
    server.start()
    listener = server.owner.listen("bob")
    server.click_client("bob", button=3)
    server.until(lambda w: w.is_on("Kick…"), "the row to be selected")
    server.menu_comes()
    server.key("Down", "Down", "Return")
    server.shows("bob is connected.")
    server.type("enough for today")
    server.key("Return")
    server.shows("bob was put out.")
    assert "has put you off this server: enough for today" in listener.err.until("not connected")
    server.until(lambda w: "kick bob" in w.log and "bob left" in w.log, "it in the log")

    server.come_back()
    server.key("ctrl+f")
    server.type("BOB kick")
    server.until(lambda w: "kick bob" in w.log and "logged in" not in w.log, "one line")
    server.key("Escape")
    server.until(lambda w: "bob logged in" in w.log, "all of it again")
    server.key("ctrl+p")
    server.shows("Go on")
    assert server.owner.run("send", "--room", "lobby", "blue cat").returncode == 0
    server.until(lambda w: any(t.startswith("paused, ") and t != "paused, 0 new" for t in w.texts()), "more lines")
    assert "blue cat" not in server.log
    server.click("Go on", "TButton")
    server.until(lambda w: "in lobby: blue cat" in w.log, "what came meanwhile")

    listener.err.until("connected again")  # as most programs do
    server.until(lambda w: "bob" in w.names(), "bob again")
    server.stop()
    assert "the server is stopping" in listener.err.until("not connected")


# -- looks and memory -----------------------------------------------------------------------------------------


@needs_display
def test_everything_is_remembered(desk: Desk) -> None:
    server = desk.server()
    server.point_at("chatnet server")
    before = server.widget("Start", "TButton")
    assert before is not None
    server.key("ctrl+plus", "ctrl+plus")
    server.until(lambda w: (w.widget("Start", "TButton") or before)["width"] > before["width"], "larger text")
    server.click("Open to guests", "TCheckbutton")
    server.click("For the local network", "TCheckbutton")
    server.until(lambda w: "all addresses of this machine" in w.texts(), "no choice of an address")
    server.start()
    server.shows("Open to guests.")
    server.place(30, 20, 1180, 820)
    assert server.leave() == 0

    again = desk.server(server.owner)
    again.until(lambda w: "all addresses of this machine" in w.texts(), "the same fields")
    again.until(lambda w: w.frame[:2] == (30, 20), "the window where it was")
    larger = again.widget("Start", "TButton")
    assert larger is not None
    assert larger["width"] > before["width"]
    assert again.frame == (30, 20, 1180, 820)
    settings = json.loads((server.owner.home / "state/chatnet/windows/server.json").read_text())
    assert (settings["is_lan"], settings["is_open"], settings["font_size"]) == (True, True, 13)


def test_without_a_display_it_says_so_and_ends_with_69(tmp_path: Path) -> None:
    done = make_owner(tmp_path).run("gui-server", DISPLAY="")
    assert done.returncode == 69
    assert "display" in done.stderr or "tkinter" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_tkinter_it_names_the_package_and_ends_with_69(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['tkinter'] = None; sys.argv = ['chatnet', 'gui-server'];"
        "from chatnet_cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=make_owner(tmp_path).environment, capture_output=True, text=True,
        timeout=DEADLINE,
    )  # fmt: skip
    assert done.returncode == 69
    assert "python3-tk" in done.stderr
    assert "Traceback" not in done.stderr

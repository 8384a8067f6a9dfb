"""The server's window for tests: its fields, its table, its log, and a machine of its own to run it on."""

import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

from chatnet.address import Address
from tests.e2e.processes import Chatnet
from tests.gui.windows import SCREEN, Seen, Window


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_owner(home: Path, **settings: object) -> Chatnet:
    """Who runs a server at a free port, with these settings of the window.

    Without unix sockets: the local one is the machine's, and may be that of somebody else's server.
    """
    owner = Chatnet(home)
    home.mkdir(exist_ok=True)
    owner.environment["CHATNET_TEST_PLATFORM"] = "minimal"
    folder = home / "state" / "chatnet" / "windows"
    folder.mkdir(parents=True, mode=0o700)
    chosen = {"port": free_port(), "theme": "light"} | settings
    (folder / "server.json").write_text(json.dumps(chosen))
    return owner


def data_folder(owner: Chatnet) -> Path:
    """Where the server keeps everything that is told nothing."""
    return owner.home / "data" / "chatnet" / "server"


def holder(owner: Chatnet) -> int:
    """The process of the server that uses the data folder, or did so last."""
    return int((data_folder(owner) / "lock").read_text())


class ServerWindow(Window):
    """One running ``chatnet gui-server``."""

    def __init__(self, owner: Chatnet, folder: Path, screen: str = SCREEN, dpi: int | None = None) -> None:
        super().__init__(owner, folder, screen, "gui-server", dpi)
        self.owner = owner

    @property
    def port(self) -> int:
        """As it was set at first."""
        settings = self.owner.home / "state" / "chatnet" / "windows" / "server.json"
        return int(json.loads(settings.read_text())["port"])

    @property
    def address(self) -> Address:
        """Where its server listens."""
        return Address("chatnet", "127.0.0.1", self.port)

    def start(self) -> None:
        """Press Start, and wait until people can come."""
        self.until(lambda w: w.is_on("Start"), "Start, to be pressed")
        self.click("Start", "TButton")
        self.until(lambda w: "● Running at" in w.headline, "a running server")

    def stop(self) -> None:
        """Press Stop, and say yes if there is a question."""
        self.click("Stop", "TButton")
        self.until(lambda w: "Stopped" in w.headline or w.widget(kind="Toplevel"), "the question")
        if "Stopped" not in self.headline:
            self.click("Stop", "TButton")
        self.until(lambda w: w.headline == "○ Stopped", "a server that has stopped")

    def close(self) -> None:
        """Close the window, and make sure that no server is left of it."""
        if self.process.popen.poll() is None:
            self.leave()
        super().close()
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(holder(self.owner), signal.SIGKILL)

    def menu_comes(self) -> None:
        """Wait until a menu has the keyboard: what is pressed before that goes to what was there before."""
        self.until(lambda w: (menu := w.widget(kind="Menu")) and w.seen["focus"] == menu["path"], "a menu")

    # -- looking ----------------------------------------------------------------------------------------------

    @property
    def headline(self) -> str:
        return next((t for t in self.texts() if t.startswith(("● ", "○ "))), "")

    @property
    def log(self) -> str:
        """What stands in the live log."""
        return next((str(w["text"]) for w in self.seen["widgets"] if w["class"] == "Text"), "")

    @property
    def clients(self) -> list[list[str]]:
        """The rows of the table: their cells."""
        return [row["values"] for row in self.rows()]

    def names(self) -> list[str]:
        """The first column of the table."""
        return [cells[0] for cells in self.clients]

    def is_on(self, text: str) -> bool:
        """Can this button be pressed?"""
        button = self.widget(text, "TButton")
        return button is not None and not button["disabled"]

    def entry_below(self, label: str) -> Seen:
        """The entry that belongs to a label."""
        self.until(lambda w: w.widget(label, "TLabel"), label)
        place = self.widget(label, "TLabel")
        assert place is not None
        below = [
            w for w in self.seen["widgets"]
            if w["class"] == "TEntry" and w["x"] == place["x"] and w["y"] > place["y"]
        ]  # fmt: skip
        return min(below, key=lambda w: int(w["y"]))

    def fill(self, label: str, text: str) -> None:
        """Type into the entry below a label, instead of what is there."""
        entry = self.entry_below(label)
        self.display.do("mousemove", entry["x"] + 12, entry["y"] + entry["height"] // 2, "click", 1)
        self.until(lambda w: w.seen["focus"] == entry["path"], f"the keyboard in {label}")
        self.key("ctrl+slash")
        self.type(text)
        self.until(lambda w: w.entry_below(label)["text"] == text, f"{text} in {label}")

    def click_client(self, name: str, button: int = 1) -> None:
        """Click the row of somebody."""
        self.until(lambda w: any(r["values"][0] == name and "x" in r for r in w.rows()), f"the row of {name}")
        row = next(row for row in self.rows() if row["values"][0] == name)
        self.display.do("mousemove", row["x"] + 40, row["y"] + row["height"] // 2, "click", button)

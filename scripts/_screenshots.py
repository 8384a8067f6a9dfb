"""Pictures of every window, in both themes, at the usual and at the smallest size, into docs/images.

The windows are the real program against a real server, on a display that nobody sees (Xvfb); what they show comes from
a small play. Needs the tools of the window tests, and ImageMagick's ``import``.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _screenshots_server import server_windows  # noqa: E402

from tests.e2e.processes import Chatnet  # noqa: E402
from tests.gui.windows import Window  # noqa: E402

IMAGES = ROOT / "docs" / "images"
TOOLS = ("Xvfb", "xdotool", "import")
USUAL, SMALLEST = "1040x680", "720x460"
PLAY = (
    ("bob", "good morning 🌞"),
    ("bob", "the notes of yesterday are at https://example.org/notes"),
    ("carol", "thanks! @alice, can you look at the second page?"),
    ("bob", "and there is cake in the kitchen 🎂 (until it is gone)"),
    ("carol", "A longer one, so that a line has to be broken somewhere: the new server runs since seven, nobody has "
              "complained so far, and the old one can be switched off at the end of the week."),
)  # fmt: skip


class Studio:
    """One server with some talk on it, and windows to look at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.owner = Chatnet(self._home("owner"))
        self.owner.serve()
        for name, text in PLAY:
            self.owner.run("send", "--room", "lobby", "--as", name, text)
        self.bob = self.owner.start("listen", "--as", "bob")
        self.bob.err.until("listening")

    def _home(self, name: str) -> Path:
        home = self._folder / name
        home.mkdir()
        return home

    def window(self, name: str, theme: str, size: str) -> Window:
        """A window of somebody with these settings."""
        user = Chatnet(self._home(name))
        user.environment["CHATNET_SERVER"] = self.owner.environment["CHATNET_SERVER"]
        state = user.home / "state" / "chatnet" / "windows"
        state.mkdir(parents=True, mode=0o700)
        (state / "settings.json").write_text(json.dumps({"theme": theme, "geometry": f"{size}+0+0"}))
        return Window(user, self._folder, f"{size}x24" if size == USUAL else "720x560x24")


def shoot(window: Window, name: str) -> None:
    """Take a picture of the window with all that is over it, once it has come to rest."""
    path = IMAGES / f"{name}.png"
    window.display.do("sleep", 0.4)
    window.until(lambda w: w.seen)
    root = window.seen["widgets"][0]
    part = f"{root['width']}x{root['height']}+{root['x']}+{root['y']}"
    command = ["import", "-display", window.display.name, "-window", "root", "-crop", part, "+repage", "-strip"]
    subprocess.run([*command, str(path)], check=True)
    print(path.relative_to(ROOT), flush=True)


def main_windows(studio: Studio, theme: str, size: str, label: str) -> None:
    """The login, the main window, and what opens from it."""
    window = studio.window("alice", theme, size)
    try:
        window.shows("User name")
        shoot(window, f"login-{theme}-{label}")
        window.log_in("alice")
        window.until(lambda w: "switched off" in w.messages, "the talk")
        window.type("Good morning, all! ")
        window.key("Return")
        studio.owner.run("send", "--to", "alice", "--as", "bob", "have you got a minute?")
        window.until(lambda w: any(r["text"] == "bob" and r["values"] == ["1"] for r in w.rows()), "a personal message")
        window.type("I am looking at it now")
        shoot(window, f"main-{theme}-{label}")
        if label == "usual":
            dialogs(window, theme)
    finally:
        window.close()


def dialogs(window: Window, theme: str) -> None:
    """The small windows, one after the other."""
    window.click_row("bob", times=1)
    window.until(lambda w: "have you got a minute?" in w.messages, "the chat")
    window.click("Send", "TButton")
    window.type("Of course 👍")
    window.key("Return")
    window.until(lambda w: "✓" in w.messages, "that it has arrived")
    shoot(window, f"chat-{theme}")
    opened: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("personal-chat", "With whom?", lambda: window.click("Personal Chat", "TButton")),
        ("settings", "Text size", lambda: window.click("Settings", "TButton")),
        ("rooms", "Name of the room", lambda: window.click("Rooms…", "TButton")),
        ("emoji", "😀", lambda: window.click("☺", "TButton")),
        ("search", "All words must be there", lambda: window.click("Search", "TButton")),
    )
    for name, text, act in opened:
        act()
        window.shows(text)
        if name == "search":
            find(window)
        shoot(window, f"{name}-{theme}")
        close(window)


def close(window: Window) -> None:
    """Escape, with the pointer over the small window: there is no window manager to give it the keys."""
    dialog = next(w for w in window.seen["widgets"] if w["class"] == "Toplevel")
    window.display.do("mousemove", dialog["x"] + 9, dialog["y"] + 9)
    window.key("Escape")
    window.until(lambda w: not w.widget(kind="Toplevel"), "the small window gone")


def find(window: Window) -> None:
    """Look for a word in the chat."""
    window.click("", "TEntry")
    window.type("minute")
    window.key("Return")
    window.until(lambda w: "1 message." in w.texts() or "Nothing was found." in w.texts(), "an answer")


def main() -> int:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(
            f"screenshots: these are missing: {', '.join(missing)} (apt: xvfb, xdotool, imagemagick)", file=sys.stderr
        )
        return 69
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for theme in ("light", "dark"):
            for label, size in (("usual", USUAL), ("smallest", SMALLEST)):
                studio = Studio(Path(folder) / f"{theme}-{label}")
                try:
                    main_windows(studio, theme, size, label)
                finally:
                    studio.owner.end()
        server_windows(Path(folder), shoot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

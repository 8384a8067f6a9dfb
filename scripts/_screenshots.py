"""Pictures of every window, in both themes, at the usual and the smallest size, and on a fine screen, into docs/images.

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
SIZES = {"usual": ("1040x680", 96), "smallest": ("720x460", 96), "2x": ("2080x1360", 192)}
"""The window's size, and the pixels of the screen to an inch."""
PLAY = (
    ("bob", "good morning 🌞"),
    ("bob", "the notes of yesterday are at https://example.org/notes"),
    ("carol", "thanks! @alice, can you look at the second page?"),
    ("bob", "and there is cake in the kitchen 🎂 (until it is gone)"),
    ("carol", "A longer one, so that a line has to be broken somewhere: the new server runs since seven, nobody has "
              "complained so far, and the old one can be switched off at the end of the week."),
)  # fmt: skip


def draw_whiteboard(path: Path) -> None:
    """An image that somebody might send."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (900, 560), "#f4f1ea")
    pen = ImageDraw.Draw(image)
    for x, y, colour in ((90, 90, "#2f6fb0"), (380, 90, "#3a8f5a"), (670, 90, "#b0562f"), (380, 360, "#7a4fa0")):
        pen.rounded_rectangle((x, y, x + 160, y + 110), 18, fill=colour)
    for line in (((250, 145), (380, 145)), ((540, 145), (670, 145)), ((460, 200), (460, 360))):
        pen.line(line, fill="#444444", width=6)
    image.save(path)


class Studio:
    """One server with some talk on it, and windows to look at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.owner = Chatnet(self._home("owner"))
        self.owner.serve()
        for name, text in PLAY:
            self.owner.run("send", "--room", "lobby", "--as", name, text)
        self.share_files()
        self.bob = self.owner.start("listen", "--as", "bob")
        self.bob.err.until("listening")

    def share_files(self) -> None:
        """In a room of their own."""
        whiteboard, minutes = self._folder / "whiteboard.png", self._folder / "minutes of Monday.pdf"
        draw_whiteboard(whiteboard)
        minutes.write_bytes(bytes(300_000))
        self.owner.run("rooms", "create", "drawings")
        for path, text in ((minutes, "for those who were not there"), (whiteboard, "and this is what we drew")):
            self.owner.run("send", "--room", "drawings", "--as", "carol", "--file", str(path), text)

    def _home(self, name: str) -> Path:
        home = self._folder / name
        home.mkdir()
        return home

    def window(self, name: str, theme: str, label: str) -> Window:
        """A window of somebody with these settings."""
        size, dpi = SIZES[label]
        user = Chatnet(self._home(name))
        user.environment["CHATNET_SERVER"] = self.owner.environment["CHATNET_SERVER"]
        state = user.home / "state" / "chatnet" / "windows"
        state.mkdir(parents=True, mode=0o700)
        (user.home / "Downloads").mkdir()
        account = f"{user.environment['CHATNET_SERVER']} {name}"
        settings = {
            "theme": theme,
            "last_name": name,
            "geometry": f"{size}+0+0",
            "accounts": {account: {"rooms": ["lobby", "drawings"], "selected": "room:lobby"}},
        }
        (state / "settings.json").write_text(json.dumps(settings))
        # The smallest login is higher than the smallest main window.
        return Window(user, self._folder, "720x600x24" if label == "smallest" else f"{size}x24", dpi=dpi)


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


def main_windows(studio: Studio, theme: str, label: str) -> None:
    """The login, the main window, and what opens from it."""
    window = studio.window("alice", theme, label)
    try:
        window.shows("User name")
        window.until(lambda w: not any("Looking for" in text for text in w.texts()), "who is on the network")
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
        if label != "smallest":
            files(studio, window, theme, label)
    finally:
        window.close()


def files(studio: Studio, window: Window, theme: str, label: str) -> None:
    """Files in a room, one of them fetched; and one that waits while the server is away."""
    window.click_row("drawings", times=1)
    window.until(lambda w: "whiteboard.png" in w.messages, "the files")
    window.display.do("sleep", 1)  # for the small picture
    shoot(window, f"files-{theme}-{label}")
    assert studio.owner.server is not None
    studio.owner.server.interrupt()
    window.shows("No connection")
    texts = [w for w in window.seen["widgets"] if w["class"] == "Text"]
    place = max(texts, key=lambda w: w["height"])
    window.display.do("mousemove", place["x"] + 40, place["y"] + place["height"] - 12, "click", 1)
    window.until(lambda w: w.seen["focus"] == place["path"], "the keyboard in the list of messages")
    window.key("Left", "Left", "Return")
    window.shows("waits for a connection")
    window.click("Send", "TButton")
    window.type("I will have a look on the train")
    window.key("Return")
    window.until(lambda w: "waiting…" in w.messages, "what waits")
    shoot(window, f"away-{theme}-{label}")


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
            for label in SIZES:
                studio = Studio(Path(folder) / f"{theme}-{label}")
                try:
                    main_windows(studio, theme, label)
                finally:
                    studio.owner.end()
        server_windows(Path(folder), shoot)
    return 0


if __name__ == "__main__":
    sys.exit(main())

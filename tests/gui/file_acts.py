"""What people do with files in a window: choose one, say a few words with it, and press what stands below one."""

import hashlib
from pathlib import Path

from tests.gui.windows import Seen, Window


def content(size: int) -> bytes:
    return hashlib.sha256(b"chatnet").digest() * (size // 32)


def act(window: Window, back: int) -> None:
    """By keyboard: what stands so many actions before the end of the list of messages."""
    window.click_messages()
    window.key(*["Left"] * back, "Return")


def choose(window: Window, path: Path, *, instead: bool = False) -> None:
    """In Tk's own window that asks for files, which Python knows nothing of; ``instead`` of what stands there."""

    def entries(w: Window) -> list[Seen]:
        return [about for about in w.seen["widgets"] if "__tk_" in about["path"] and ".ent" in about["path"]]

    window.until(entries, "the window that asks for files")
    place = entries(window)[0]
    window.display.do("mousemove", place["x"] + 20, place["y"] + 8, "click", 1)
    if instead:
        window.key("ctrl+slash")
    window.type(str(path))


def confirm(window: Window, words: str) -> None:
    """Say yes to the question whether to send."""
    window.shows("A few words")
    window.click("", "TEntry")
    window.type(words)
    window.key("Return")

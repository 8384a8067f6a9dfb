"""The server window for `_screenshots`: a real server with some people on it who talk while the pictures are taken."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from chatnet import Client
from chatnet.client.credentials import GuestCredentials
from chatnet.client.identity import Identity
from chatnet.net.local_access import load_local_access
from chatnet.net.trust import Pinned
from tests.gui.server_windows import ServerWindow, data_folder, make_owner
from tests.gui.windows import Window

Shoot = Callable[[Window, str], None]
SIZES = (("usual", "1100x780x24", 96, ""), ("smallest", "1100x780x24", 96, "1x1+0+0"), ("2x", "2200x1560x24", 192, ""))
"""Of each: the screen, its resolution, and the window as it is remembered."""
_TALK_SECONDS = 40.0
_NAMES = ("alice", "bob", "carol", "dora")
_TEXTS = (
    "good morning 🌞",
    "the notes of yesterday are at https://example.org/notes",
    "thanks! can you look at the second page?",
    "there is cake in the kitchen 🎂 (until it is gone)",
    "the new server runs since seven, nobody has complained so far",
)


def server_windows(folder: Path, shoot: Shoot) -> None:
    """Pictures in both themes, at each of the sizes."""
    for theme in ("light", "dark"):
        for label, screen, dpi, geometry in SIZES:
            owner = make_owner(folder / f"server-{theme}-{label}", theme=theme, geometry=geometry, is_open=True)
            window = ServerWindow(owner, owner.home, screen, dpi)
            try:
                _shoot_all(window, theme, label, shoot)
            finally:
                window.close()
                owner.end()


def _shoot_all(window: ServerWindow, theme: str, label: str, shoot: Shoot) -> None:
    if label == "usual":
        window.fill("Port", "0")
        window.click("Start", "TButton")
        window.shows("A port is a number from 1 to 65535.")
        shoot(window, f"server-stopped-{theme}")
        window.fill("Port", str(window.port))
    window.start()
    window.click("New join code", "TButton")
    with _people(window):
        time.sleep(_TALK_SECONDS if label == "usual" else _TALK_SECONDS / 8)  # so that there is something to be seen
        shoot(window, f"server-{theme}-{label}")
        if label == "usual":
            _shoot_dialogs(window, theme, shoot)


def _shoot_dialogs(window: ServerWindow, theme: str, shoot: Shoot) -> None:
    window.click_client("bob")
    for button, text, name in (
        ("Message…", "in private", "message"),
        ("Kick…", "Put them out", "kick"),
        ("Ban…", "kept out", "ban"),
        ("Stop", "people are connected", "stop"),
    ):
        window.click(button, "TButton")
        window.shows(text)
        shoot(window, f"server-{name}-{theme}")
        window.click("Cancel", "TButton")
        window.come_back()
    window.click("Settings", "TButton")
    window.shows("Text size")
    shoot(window, f"server-settings-{theme}")
    window.click("Done", "TButton")
    window.come_back()


@contextmanager
def _people(window: ServerWindow) -> Iterator[None]:
    """Some who talk, each in a connection of their own, more at some times and less at others."""
    access = load_local_access(data_folder(window.owner))
    assert access is not None
    trust = Pinned(access.pin)
    stopping = threading.Event()

    def talk(chats: list[Client]) -> None:
        chance = random.Random(1)
        for chat in chats:
            chat.join("lobby")
        while not stopping.wait(chance.choice((0.05, 0.1, 0.1, 0.2, 0.2, 0.8))):
            chat, other = chance.sample(chats, 2)
            if chance.random() < 0.2:
                chat.send(chance.choice(_TEXTS), to=other.user.name)
            else:
                chat.send(chance.choice(_TEXTS), room="lobby")

    with ExitStack() as stack:
        address = replace(access.address, host="127.0.0.1")
        chats = [
            stack.enter_context(
                Client(
                    address, credentials=GuestCredentials(name, "", Identity.ephemeral()),
                    identity=Identity.ephemeral(), trust=lambda _: trust,
                )
            )
            for name in _NAMES
        ]  # fmt: skip
        talker = threading.Thread(target=talk, args=(chats,))
        talker.start()
        try:
            window.until(lambda w: set(_NAMES) <= set(w.names()), "everybody in the table")
            yield
        finally:
            stopping.set()
            talker.join()

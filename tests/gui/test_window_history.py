"""A long history in the real window: scrolled through by wheel and keys, and left by one press."""

import json
from collections.abc import Callable
from contextlib import closing

from chatnet.core.entries import Entry, PutMessage
from chatnet.model import Kind
from chatnet.store.database import Database
from tests.e2e.processes import Chatnet
from tests.gui.server_windows import data_folder
from tests.gui.windows import Window, needs_display

COUNT = 1000
DEVICE = bytes(range(16))


def fill(owner: Chatnet) -> None:
    """Have carol say so much, while the server is not there."""
    assert owner.server is not None
    owner.run("send", "--room", "lobby", "--as", "carol", "message 1")
    first = json.loads(owner.run("history", "--room", "lobby", "--json", "--as", "auditor").stdout)
    room, user = first["conversation"], first["sender"]["id"]
    assert owner.server.interrupt() == 0
    with closing(Database(data_folder(owner))) as database:
        said: list[Entry] = [
            PutMessage(room, user, "carol", "", Kind.TEXT, f"message {n}", 0, first["time_ms"] + n, DEVICE, n, None)
            for n in range(2, COUNT + 1)
        ]
        database.write([said])
    owner.serve()


@needs_display
def test_a_long_history_is_scrolled_through_and_left_by_one_press(
    chatnet: Chatnet, window: Callable[[str], Window]
) -> None:
    fill(chatnet)
    alice = window("alice")
    alice.log_in("alice")
    alice.until(lambda w: f"message {COUNT}" in w.messages, "the newest")
    assert "message 500\n" not in alice.messages

    alice.click_messages()
    alice.display.do("click", "--repeat", 80, "--delay", 10, 4)  # the wheel, upwards
    alice.until(lambda w: "message 700\n" in w.messages, "what is older")
    chatnet.run("send", "--room", "lobby", "--as", "carol", "one more")
    alice.click("↓ 1 newer", "TButton")
    alice.until(lambda w: w.messages.endswith("one more\n") and not w.widget("↓ 1 newer"), "what is new")

    alice.click_messages()
    alice.key("Home")
    alice.until(lambda w: "message 1\n" in w.messages and "one more" not in w.messages, "the beginning")
    alice.key("Next", "Prior", "End")
    alice.until(lambda w: w.messages.endswith("one more\n") and "message 1\n" not in w.messages, "the end again")

"""``chatnet search``, with real processes."""

import json
import time

from tests.e2e.processes import DEADLINE, Chatnet


def found_by(chatnet: Chatnet, *args: str) -> list[dict[str, object]]:
    """What a search finds, asked again until it finds something: the index follows what is said."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        done = chatnet.run("search", "--json", *args)
        assert done.returncode in (0, 1), done.stderr
        if done.stdout:
            return [json.loads(line) for line in done.stdout.splitlines()]
    raise AssertionError(f"nothing was found by {args}")


def test_what_was_said_is_found_between_its_neighbours(chatnet: Chatnet) -> None:
    for text in ("good morning", "the disk is full", "which one?"):
        assert chatnet.run("send", "--as", "cron", "--room", "lobby", text).returncode == 0
    (hit,) = found_by(chatnet, '"disk is full"', "from:cron")
    assert hit["text"] == "the disk is full"
    shown = chatnet.run("search", "disk").stdout.splitlines()
    assert [line[0] for line in shown] == [" ", ">", " "]
    assert "good morning" in shown[0]
    assert "which one?" in shown[2]


def test_nothing_found_is_1(chatnet: Chatnet) -> None:
    done = chatnet.run("search", "nobody ever said this")
    assert (done.returncode, done.stdout) == (1, "")


def test_words_are_needed(chatnet: Chatnet) -> None:
    assert chatnet.run("search").returncode == 64

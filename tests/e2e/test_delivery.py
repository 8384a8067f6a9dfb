"""Waiting for delivery and for reading, saying something once, trying again, and hearing what one has missed."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.e2e.processes import Chatnet, Process


def said(lines: list[str]) -> list[str]:
    return [line.split("] ", 1)[-1] for line in lines]


def test_delivered_is_when_the_others_listen_has_it(chatnet: Chatnet) -> None:
    chatnet.listen("bob")
    done = chatnet.run("send", "--as", "alice", "--to", "bob", "--wait", "delivered", "--json", "hi")
    assert done.returncode == 0
    assert json.loads(done.stdout)["reached"] == "delivered"


def test_what_is_only_listened_to_is_not_read(chatnet: Chatnet) -> None:
    chatnet.listen("bob")
    done = chatnet.run("send", "--as", "alice", "--to", "bob", "--wait", "read", "--timeout", "2", "hi")
    assert done.returncode == 75
    assert done.stdout == ""
    assert "stored as bob#1, not yet read" in done.stderr


def test_what_nobody_hears_is_stored_and_said_to_be(chatnet: Chatnet) -> None:
    chatnet.run("who", "--as", "bob")
    done = chatnet.run("send", "--as", "alice", "--to", "bob", "--wait", "delivered", "--timeout", "0.5", "hi")
    assert done.returncode == 75
    assert done.stderr.startswith("chatnet: stored as bob#1, not yet delivered")


def test_what_a_chat_shows_is_read(chatnet: Chatnet) -> None:
    chat = chatnet.start("chat", "--as", "bob", stdin=subprocess.PIPE)
    chat.err.until("Ctrl-D")
    assert chatnet.run("send", "--as", "alice", "--to", "bob", "--wait", "read", "hi").returncode == 0
    chat.type("/quit")
    chat.wait()
    assert chatnet.run("chats", "--as", "bob").stdout == "alice  0 unread\n"
    chatnet.run("send", "--as", "alice", "--to", "bob", "again")
    assert chatnet.run("chats", "--as", "bob", "--unread").stdout == "alice  1 unread\n"


def test_the_same_id_says_it_once_also_from_a_new_server(chatnet: Chatnet) -> None:
    args = ("send", "--as", "cron", "--room", "lobby", "--id", "backup-1", "--json")
    first = json.loads(chatnet.run(*args, "done").stdout)
    assert chatnet.server is not None
    chatnet.server.signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    chatnet.server.wait()
    chatnet.serve(bind=chatnet.environment["CHATNET_SERVER"])
    assert json.loads(chatnet.run(*args, "done again").stdout) == first
    history = chatnet.run("history", "--room", "lobby")
    assert said(history.stdout.splitlines()) == ["lobby <cron> done"]


def test_retrying_waits_for_the_server_and_says_it_once(chatnet: Chatnet) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()
    sender = chatnet.start("send", "--as", "cron", "--room", "lobby", "--retry", "1m", "at last")
    sender.err.until("trying again")
    chatnet.serve(bind=chatnet.environment["CHATNET_SERVER"])
    assert sender.wait() == 0
    assert said(chatnet.run("history", "--room", "lobby").stdout.splitlines()) == ["lobby <cron> at last"]


def test_retrying_ends(chatnet: Chatnet) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()
    assert chatnet.run("send", "--room", "lobby", "--retry", "1s", "hi").returncode == 69


def test_retrying_does_not_repeat_what_is_refused(chatnet: Chatnet) -> None:
    assert chatnet.run("send", "--room", "nowhere", "--retry", "10m", "hi").returncode == 67


# -- hearing what was said before -----------------------------------------------------------------------------


@pytest.fixture
def talk(chatnet: Chatnet) -> Chatnet:
    """Something was said, to bob and in the lobby, when nobody heard it."""
    chatnet.run("who", "--as", "bob")
    for number in (1, 2, 3):
        chatnet.run("send", "--as", "alice", "--room", "lobby", f"room {number}")
    for number in (1, 2):
        chatnet.run("send", "--as", "alice", "--to", "bob", f"chat {number}")
    return chatnet


CHAT = ["alice -> bob: chat 1", "alice -> bob: chat 2"]


@pytest.mark.parametrize("since", ["start", "1h", "unread"])
def test_what_was_said_before_comes_first_and_then_what_is_said(talk: Chatnet, since: str) -> None:
    bob = talk.listen("bob", "--since", since)
    before = said([bob.out.next() for _ in range(5)])
    assert [line for line in before if "->" in line] == CHAT
    assert [line for line in before if "lobby" in line] == [f"lobby <alice> room {n}" for n in (1, 2, 3)]
    talk.run("send", "--as", "alice", "--to", "bob", "live")
    assert said([bob.out.next()]) == ["alice -> bob: live"]
    bob.interrupt()
    assert bob.out.rest() == []


def test_what_was_heard_is_not_unread_any_more(talk: Chatnet) -> None:
    bob = talk.listen("bob", "--since", "unread")
    for _ in range(5):
        bob.out.next()
    bob.interrupt()
    talk.run("send", "--as", "alice", "--to", "bob", "chat 3")
    bob = talk.listen("bob", "--since", "unread")
    heard = said([bob.out.next() for _ in range(4)])
    assert [line for line in heard if "->" in line] == ["alice -> bob: chat 3"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_a_bad_moment_does_not_make_it_unread_again(talk: Chatnet, number: int) -> None:
    code = (
        "import os, sys\n"
        "from chatnet.client.marking import Marker\n"
        "from chatnet_cli.main import main\n"
        "tell = Marker._send\n"
        "def tell_and_be_interrupted(*args):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    tell(*args)\n"
        "Marker._send = tell_and_be_interrupted\n"
        "sys.argv[1:] = ['listen', '--as', 'bob', '--since', 'unread']\n"
        "main()\n"
    )
    bob = Process([sys.executable, "-c", code], talk.environment)
    try:
        shown = [line for line in said(bob.out.rest()) if "->" in line]
        assert bob.wait() == (130 if number == signal.SIGINT else -number)
    finally:
        bob.end()
    again = talk.listen("bob", "--since", "unread")
    talk.run("send", "--as", "alice", "--to", "bob", "chat 3")
    assert shown
    assert said([again.out.until("->")]) == [[*CHAT, "alice -> bob: chat 3"][len(shown)]]


def test_a_number_is_the_last_message_that_one_has(talk: Chatnet) -> None:
    bob = talk.listen("bob", "--room", "lobby", "--since", "2")
    assert said([bob.out.next()]) == ["lobby <alice> room 3"]


def test_history_pages_forth_and_back(talk: Chatnet) -> None:
    forth = talk.run("history", "--room", "lobby", "--after", "0", "--limit", "2")
    assert said(forth.stdout.splitlines()) == ["lobby <alice> room 1", "lobby <alice> room 2"]
    back = talk.run("history", "--room", "lobby", "--before", "3", "--limit", "1")
    assert said(back.stdout.splitlines()) == ["lobby <alice> room 2"]
    assert talk.run("history", "--room", "lobby", "--after", "3").returncode == 1

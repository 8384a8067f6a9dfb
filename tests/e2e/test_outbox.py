"""What was said while the server was away arrives once it is back, once, whoever is killed."""

import json
import os
import signal
import subprocess

import pytest

from chatnet.client.spool import Spool
from tests.e2e.processes import Chatnet, Process


def port_of(chatnet: Chatnet) -> str:
    return chatnet.environment["CHATNET_SERVER"]


def stop(chatnet: Chatnet) -> None:
    assert chatnet.server is not None
    chatnet.server.interrupt()


def restart(chatnet: Chatnet) -> None:
    chatnet.serve(bind=port_of(chatnet))


def lobby(chatnet: Chatnet) -> list[str]:
    """All that was said in the lobby, as somebody sees it who has nothing waiting."""
    done = chatnet.run("history", "--as", "reader", "--room", "lobby", "--limit", "1000", "--json")
    return [json.loads(line)["text"] for line in done.stdout.splitlines()]


def waiting(chatnet: Chatnet, name: str) -> list[str]:
    done = chatnet.run("outbox", "--as", name, "--json")
    return [json.loads(line)["text"] for line in done.stdout.splitlines()]


def spool(chatnet: Chatnet, text: str) -> subprocess.CompletedProcess[str]:
    return chatnet.run("send", "--as", "cron", "--room", "lobby", "--spool", text)


def test_what_is_spooled_is_sent_by_the_next_command_before_its_own(chatnet: Chatnet) -> None:
    stop(chatnet)
    for text in ("one", "two"):
        done = spool(chatnet, text)
        assert done.returncode == 75
        assert "queued, not sent" in done.stderr
    listed = chatnet.run("outbox", "--as", "CRON")
    assert (listed.returncode, listed.stdout) == (0, "in lobby: one\nin lobby: two\n")
    restart(chatnet)
    assert chatnet.run("send", "--as", "cron", "--room", "lobby", "three").returncode == 0
    assert lobby(chatnet) == ["one", "two", "three"]
    assert chatnet.run("outbox", "--as", "cron").returncode == 1


def test_with_a_server_a_spooled_message_is_just_sent(chatnet: Chatnet) -> None:
    done = chatnet.run("send", "--as", "cron", "--room", "lobby", "--spool", "--json", "hi")
    assert done.returncode == 0
    assert json.loads(done.stdout)["seq"] == 1
    assert lobby(chatnet) == ["hi"]


def test_outbox_send_sends_and_says_what_is_refused(chatnet: Chatnet) -> None:
    stop(chatnet)
    assert chatnet.run("send", "--as", "cron", "--room", "nowhere", "--spool", "lost").returncode == 75
    assert spool(chatnet, "kept").returncode == 75
    assert chatnet.run("outbox", "send", "--as", "cron").returncode == 69
    assert waiting(chatnet, "cron") == ["lost", "kept"]
    restart(chatnet)
    done = chatnet.run("outbox", "send", "--as", "cron")
    assert done.returncode == 1
    assert "given up: in nowhere: lost" in done.stderr
    assert lobby(chatnet) == ["kept"]
    assert chatnet.run("outbox", "send", "--as", "cron").returncode == 0


def test_a_spooled_message_that_is_refused_says_so_and_does_not_wait(chatnet: Chatnet) -> None:
    assert chatnet.run("send", "--as", "cron", "--to", "nobody", "--spool", "hi").returncode == 67
    assert waiting(chatnet, "cron") == []


def test_another_name_has_another_outbox(chatnet: Chatnet) -> None:
    stop(chatnet)
    spool(chatnet, "mine")
    restart(chatnet)
    chatnet.run("send", "--as", "other", "--room", "lobby", "theirs")
    assert lobby(chatnet) == ["theirs"]
    assert waiting(chatnet, "cron") == ["mine"]


def test_what_is_typed_while_the_server_is_away_is_sent_when_it_is_back(chatnet: Chatnet) -> None:
    chat = talk(chatnet)
    stop(chatnet)
    chat.err.until("not connected")
    chat.type("while you were away")
    chat.err.until("sent once the server is back")
    restart(chatnet)
    chat.out.until("while you were away")
    assert lobby(chatnet) == ["while you were away"]
    assert waiting(chatnet, "alice") == []


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_what_is_typed_while_the_server_is_away_is_sent_once_although_the_chat_is_killed(chatnet: Chatnet) -> None:
    chat = talk(chatnet)
    stop(chatnet)
    chat.err.until("not connected")
    chat.type("last words")
    chat.err.until("sent once the server is back")
    chat.signal(signal.SIGKILL)
    chat.wait()
    restart(chatnet)
    for _ in range(2):
        assert chatnet.run("who", "--as", "alice").returncode == 0
    assert lobby(chatnet) == ["last words"]


def test_who_leaves_while_the_server_is_away_is_told_what_waits(chatnet: Chatnet) -> None:
    chat = talk(chatnet)
    stop(chatnet)
    chat.err.until("not connected")
    chat.type("later")
    chat.err.until("sent once the server is back")
    chat.type("/quit")
    assert chat.wait() == 75
    chat.err.until("1 message queued, not sent")


def test_processes_of_one_name_that_keep_something_at_the_same_time_lose_none(chatnet: Chatnet) -> None:
    stop(chatnet)
    texts = [f"message {number}" for number in range(8)]
    spoolers = [chatnet.start("send", "--as", "cron", "--room", "lobby", "--spool", text) for text in texts]
    assert [process.wait() for process in spoolers] == [75] * len(texts)
    restart(chatnet)
    drainers = [chatnet.start("outbox", "send", "--as", "cron") for _ in range(3)]
    assert [process.wait() for process in drainers] == [0] * 3
    assert sorted(lobby(chatnet)) == sorted(texts)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_who_is_killed_in_the_middle_of_sending_makes_nothing_be_said_twice(chatnet: Chatnet) -> None:
    """Each sender is killed as soon as it has noted the first answers."""
    texts = [f"message {number}" for number in range(18)]
    chat = talk(chatnet)
    stop(chatnet)
    chat.err.until("not connected")
    for text in texts:
        chat.type(text)
        chat.err.until("sent once the server is back")
    chat.signal(signal.SIGKILL)
    chat.wait()
    restart(chatnet)
    (folder,) = (chatnet.home / "state" / "chatnet" / "outboxes").iterdir()
    for _ in range(3):
        left = len(Spool(folder).peek())
        sender = chatnet.start("outbox", "send", "--as", "alice")
        while len(Spool(folder).peek()) == left and sender.popen.poll() is None:
            pass
        sender.signal(signal.SIGKILL)
        sender.wait()
    assert chatnet.run("outbox", "send", "--as", "alice").returncode == 0
    assert lobby(chatnet) == texts


def talk(chatnet: Chatnet) -> Process:
    chat = chatnet.start("chat", "--as", "alice", stdin=subprocess.PIPE)
    chat.err.until("Ctrl-D")
    return chat

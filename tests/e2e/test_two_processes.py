"""Several processes of one profile send at the same time, and some are killed while they do: each text is said once."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from chatnet.client.spool import DiskOutbox
from chatnet.errors import ConfigError, ErrorCode
from chatnet.events import Ack
from chatnet.requests import Post
from tests.e2e.holding import HoldingProxy
from tests.e2e.processes import DEADLINE, Chatnet, Process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

SEND = ("send", "--as", "cron", "--room", "lobby")


def server_of(chatnet: Chatnet) -> str:
    return chatnet.environment["CHATNET_SERVER"]


def go_through(chatnet: Chatnet, proxy: HoldingProxy) -> None:
    """All further commands talk to the proxy."""
    chatnet.environment["CHATNET_SERVER"] = proxy.url


def lobby(chatnet: Chatnet, server: str) -> list[str]:
    done = chatnet.run("history", "--as", "reader", "--room", "lobby", "--json", CHATNET_SERVER=server)
    return [json.loads(line)["text"] for line in done.stdout.splitlines()]


def kill(process: Process) -> None:
    process.signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def first_outbox(chatnet: Chatnet) -> Path:
    (folder,) = (chatnet.home / "state" / "chatnet" / "outboxes").iterdir()
    return folder / "1"


def keep_while_the_server_is_away(chatnet: Chatnet, server: str, *texts: str) -> None:
    """All of them wait in the first outbox."""
    address = server_of(chatnet)
    assert chatnet.server is not None
    chatnet.server.interrupt()
    for text in texts:
        assert chatnet.run(*SEND, "--spool", text).returncode == 75
    chatnet.serve(bind=server)
    chatnet.environment["CHATNET_SERVER"] = address


@pytest.mark.parametrize("heard", [0, 1, 3])
def test_each_text_is_said_once_although_senders_are_killed_before_they_hear_so(chatnet: Chatnet, heard: int) -> None:
    """Of what waits, so many acks come through; all others are held back until the end."""
    server = server_of(chatnet)
    with HoldingProxy(server, Ack, passing=heard) as proxy:
        go_through(chatnet, proxy)
        keep_while_the_server_is_away(chatnet, server, "one", "two", "three")
        first = chatnet.start(*SEND, "--spool", "four")
        proxy.wait_until_held(1)
        others = [chatnet.start(*SEND, "--spool", text) for text in ("five", "six")]
        proxy.wait_until_held(3)
        with pytest.raises(ConfigError) as refused:
            DiskOutbox(first_outbox(chatnet))
        assert refused.value.code == ErrorCode.DATA_IN_USE, "the first holds the lock"
        kill(first)
        heir = chatnet.start("outbox", "send", "--as", "cron")
        proxy.wait_until_held(4)
        kill(heir)
        last = chatnet.start(*SEND, "seven")
        proxy.wait_until_held(5)
        proxy.release()
        assert [process.wait() for process in (*others, last)] == [0, 0, 0]
        assert chatnet.run("outbox", "--as", "cron").returncode == 1, "nothing waits any more"
    said = lobby(chatnet, server)
    assert [text for text in said if text in ("one", "two", "three", "four")] == ["one", "two", "three", "four"]
    assert sorted(said) == sorted(["one", "two", "three", "four", "five", "six", "seven"])


def test_what_a_killed_process_had_sent_and_comes_late_is_not_said_again(chatnet: Chatnet) -> None:
    server = server_of(chatnet)
    with HoldingProxy(server, Post, connections=1) as proxy:
        go_through(chatnet, proxy)
        first = chatnet.start(*SEND, "--spool", "once")
        proxy.wait_until_held(1)
        kill(first)
        assert lobby(chatnet, server) == []
        assert chatnet.run("outbox", "send", "--as", "cron").returncode == 0
        assert lobby(chatnet, server) == ["once"]
        proxy.release()
        proxy.wait_until_ended(2)
    assert lobby(chatnet, server) == ["once"]


def test_three_processes_that_are_to_send_the_same_send_it_once(chatnet: Chatnet) -> None:
    texts = [f"text {number}" for number in range(5)]
    server = server_of(chatnet)
    with HoldingProxy(server, Ack) as proxy:
        go_through(chatnet, proxy)
        keep_while_the_server_is_away(chatnet, server, *texts)
        senders = [chatnet.start("outbox", "send", "--as", "cron") for _ in range(3)]
        with ThreadPoolExecutor() as pool:
            ends = as_completed([pool.submit(process.wait) for process in senders], DEADLINE)
            assert [next(ends).result(), next(ends).result()] == [0, 0], "two find the outbox in use, and nothing to do"
            proxy.wait_until_held(1)
            proxy.release()
            assert next(ends).result() == 0
    assert lobby(chatnet, server) == texts

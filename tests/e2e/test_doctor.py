"""``chatnet doctor`` in front of servers that fail at each step, and of one that does not."""

import json
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from chatnet.events import Closing
from chatnet.wire.codec import encode
from tests.e2e.processes import Chatnet

STEPS = ["name", "route", "port", "protocol", "login", "round trip", "clock"]


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Somebody who takes every connection, says this (or nothing), and waits for its end. Gives ``HOST:PORT``."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(answer)
                    while connection.recv(4096):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def check_failure(done: subprocess.CompletedProcess[str], code: int, step: str, *words: str) -> None:
    """It ends with this code; the last step fails, and one line says which it is, and what to do."""
    assert done.returncode == code, done.stderr
    *before, last = done.stdout.splitlines()
    assert all(line.startswith(("ok ", " ")) for line in before)
    assert last.startswith(("fails", " ")), done.stdout
    verdict = done.stderr.splitlines()[-1]
    assert verdict.startswith(f"chatnet: the step '{step}' fails. ")
    for word in words:
        assert word in done.stdout + verdict


# -- all is well ----------------------------------------------------------------------------------------------


def test_a_good_server_is_walked_to_the_end(chatnet: Chatnet) -> None:
    done = chatnet.run("doctor", "--as", "alice")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[7:17].strip() for line in lines] == STEPS
    assert all(line.startswith("ok ") for line in lines)
    assert "as alice" in done.stdout


def test_each_step_is_an_object_for_programs(chatnet: Chatnet) -> None:
    done = chatnet.run("doctor", chatnet.environment["CHATNET_SERVER"], "--json")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["step"] for step in steps] == STEPS
    assert all(step["ok"] and step["code"] is None for step in steps)
    assert steps[-2]["seconds"] > 0


def test_looking_says_nothing_to_others_and_leaves_nobody_behind(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    assert chatnet.run("doctor", "--as", "alice").returncode == 0
    assert chatnet.run("send", "--as", "carol", "--room", "lobby", "only this").returncode == 0
    assert bob.out.next().endswith("lobby <carol> only this")


# -- and where it ends ----------------------------------------------------------------------------------------


def test_a_name_that_nobody_has(alone: Chatnet) -> None:
    check_failure(alone.run("doctor", "nobody.invalid", "--timeout", "5"), 69, "name", "nobody.invalid", "spelling")


def test_a_closed_port(alone: Chatnet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check_failure(alone.run("doctor", f"chatnet+tcp://127.0.0.1:{port}"), 69, "port", "nobody listens", "chatnet serve")


def test_a_port_that_takes_connections_and_says_nothing(alone: Chatnet) -> None:
    with answering(b"") as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}", "--timeout", "0.5"), 75, "protocol", "no answer")
        check_failure(alone.run("doctor", where, "--timeout", "0.5"), 75, "TLS", "no answer")


def test_a_web_server(alone: Chatnet) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}"), 76, "protocol", "not a chatnet server")
        check_failure(alone.run("doctor", where), 69, "TLS", "does not speak TLS")


def test_a_server_of_another_version(alone: Chatnet) -> None:
    with answering(encode(Closing("BAD_VERSION", "this server speaks version 9"))) as where:
        done = alone.run("doctor", f"chatnet+tcp://{where}")
    check_failure(done, 76, "protocol", "version 9", "up to date")


def test_a_login_that_is_refused(chatnet: Chatnet) -> None:
    chatnet.listen("bob")
    done = chatnet.run("doctor", "--as", "bob", XDG_STATE_HOME=str(chatnet.home / "other"))
    check_failure(done, 77, "login", "Choose another name")


def test_a_plain_server_looked_at_as_an_encrypted_one(chatnet: Chatnet) -> None:
    where = chatnet.environment["CHATNET_SERVER"].removeprefix("chatnet+tcp://")
    check_failure(chatnet.run("doctor", where), 69, "TLS", f"chatnet+tcp://{where}")


def test_a_failure_is_an_object_too(alone: Chatnet) -> None:
    done = alone.run("doctor", "nobody.invalid", "--json", "--timeout", "5")
    step = json.loads(done.stdout)
    assert (done.returncode, step["step"], step["ok"], step["code"]) == (69, "name", False, "UNREACHABLE")
    assert step["advice"]


def test_what_a_server_says_of_itself_does_not_reach_the_terminal_raw(alone: Chatnet) -> None:
    reason = "\x1b]0;owned\x07\x9b2J\u202e"
    with answering(encode(Closing("BAD_VERSION", reason))) as where:
        done = alone.run("doctor", f"chatnet+tcp://{where}")
    assert r"\x1b]0;owned\x07\x9b2J\u202e" in done.stdout
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["a", "--server", "chatnet://b"], 64), (["http://web"], 78), (["chatnet://"], 78), (["::1%eth0/x"], 78)],
)
def test_what_is_no_address_is_told_as_that(alone: Chatnet, arguments: list[str], code: int) -> None:
    assert alone.run("doctor", *arguments).returncode == code


def test_a_frame_that_is_too_long_is_no_chatnet_server(alone: Chatnet) -> None:
    with answering(struct.pack(">I", 2**32 - 1)) as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}"), 76, "protocol")

"""Every way in which ``chatnet`` ends: the exit code, a line or two on stderr, and never a traceback."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.processes import COMMAND, DEADLINE, Chatnet, Process

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell or POSIX signals")


def check(done: subprocess.CompletedProcess[str], exit_code: int, *said: str) -> None:
    """It ended like this, with a few words on stderr that have these among them, and nothing on stdout."""
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("chatnet: ")
    assert len(done.stderr.splitlines()) <= 3
    for words in said:
        assert words in done.stderr
    assert done.stdout == ""


@contextmanager
def tcp_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something that listens and is no chatnet; ``serve`` gets each connection."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"chatnet+tcp://127.0.0.1:{listener.getsockname()[1]}"
    for connection in connections:
        connection.close()


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address at which nobody listens, and nobody will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"chatnet+tcp://127.0.0.1:{taken.getsockname()[1]}"


# -- 0 and 1 --------------------------------------------------------------------------------------------------


def test_0_for_help_and_version(alone: Chatnet) -> None:
    bare = alone.run()
    assert (bare.returncode, bare.stderr) == (0, "")
    assert "chatnet serve" in bare.stdout
    assert alone.run("--help").stdout == bare.stdout
    assert alone.run("--version").stdout.startswith("chatnet ")


def test_1_where_nothing_was_said(chatnet: Chatnet) -> None:
    done = chatnet.run("history", "--room", "lobby")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_1_where_nobody_is(chatnet: Chatnet) -> None:
    done = chatnet.run("who", "--room", "lobby")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


# -- 64 to 66: what was given ---------------------------------------------------------------------------------


def test_64_for_a_name_that_cannot_be_one(chatnet: Chatnet) -> None:
    check(chatnet.run("send", "--as", "al ice", "--room", "lobby", "hi"), 64, "1 to 32")
    check(chatnet.run("send", "--as", "al\x1b[2Jice", "--room", "lobby", "hi"), 64)
    check(chatnet.run("send", "--as", "", "--room", "lobby", "hi"), 64, "empty")
    check(chatnet.run("rooms", "create", "a room"), 64, "1 to 32")


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"caf\xe9\n", "UTF-8"),
        (b"x" * (16 * 1024 + 1), "16384"),
        (b"x" * 1_000_000, "16384"),
    ],
)
def test_65_for_a_text_that_cannot_be_sent(alone: Chatnet, stdin: bytes, said: str) -> None:
    """No server is needed to say so."""
    check(alone.run("send", "--room", "lobby", "-", stdin=stdin), 65, said)


def test_65_for_a_text_that_the_server_refuses(chatnet: Chatnet) -> None:
    check(chatnet.run("send", "--room", "lobby", stdin=b"\x1b[31mred"), 65, "control characters")


def test_0_for_a_text_of_exactly_16_kib(chatnet: Chatnet) -> None:
    assert chatnet.run("send", "--room", "lobby", stdin=b"x" * 16 * 1024 + b"\n").returncode == 0


@posix_only
def test_66_where_there_is_no_input(alone: Chatnet) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "send", "--room", "lobby"],
        env=alone.environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    check(done, 66, "standard input")


# -- 67 to 77: what the server, or its absence, says ----------------------------------------------------------


def test_67_for_an_unknown_user_or_room(chatnet: Chatnet) -> None:
    check(chatnet.run("send", "--to", "nobody", "hi"), 67, "nobody", "chatnet who")
    check(chatnet.run("send", "--room", "nowhere", "hi"), 67, "nowhere", "chatnet rooms")
    check(chatnet.run("listen", "--room", "nowhere"), 67, "nowhere")
    check(chatnet.run("history", "--with", "nobody"), 67, "nobody")
    check(chatnet.run("rooms", "archive", "nowhere"), 67, "nowhere")


def test_69_where_nobody_listens(alone: Chatnet, closed_port: str) -> None:
    check(alone.run("send", "--server", closed_port, "--room", "lobby", "hi"), 69, closed_port, "chatnet serve")


def test_69_where_the_host_has_no_address(alone: Chatnet) -> None:
    check(alone.run("who", "--server", "chatnet+tcp://no-such-host.invalid"), 69, "no-such-host.invalid")


@pytest.mark.skipif(sys.platform != "linux", reason="others answer when the queue of connections is full")
def test_69_where_connecting_takes_too_long(alone: Chatnet) -> None:
    with socket.socket() as listener, ExitStack() as queue:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        address = f"chatnet+tcp://127.0.0.1:{listener.getsockname()[1]}"
        check(alone.run("who", "--server", address, "--timeout", "0.3"), 69, address, "0.3 s")


def test_73_where_the_port_is_taken(chatnet: Chatnet) -> None:
    address = chatnet.environment["CHATNET_SERVER"]
    check(chatnet.run("serve", "--bind", address, "--history", "none"), 73, address, "--bind")
    assert chatnet.run("send", "--room", "lobby", "hi").returncode == 0


def test_73_where_another_server_has_the_data_folder(chatnet: Chatnet) -> None:
    check(chatnet.run("serve", "--bind", "chatnet+tcp://127.0.0.1:0"), 73, "another server", "--data")


def test_73_where_the_data_folder_is_not_private(chatnet: Chatnet, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    done = chatnet.run("serve", "--bind", "chatnet+tcp://127.0.0.1:0", "--data", str(folder))
    check(done, 73, "others may enter it", "chmod 700")


def test_73_where_the_room_exists(chatnet: Chatnet) -> None:
    check(chatnet.run("rooms", "create", "Lobby"), 73, "Lobby")


@posix_only
@pytest.mark.parametrize(
    "args", [["--version"], ["--help"], ["who"], ["rooms", "--json"], ["send", "--room", "lobby", "hi", "--json"]]
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_74_where_the_output_is_full(chatnet: Chatnet, args: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *args], env=chatnet.environment, stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE
        )
    check(subprocess.CompletedProcess(done.args, done.returncode, "", done.stderr.decode()), 74, "No space left")


@posix_only
def test_74_where_the_output_is_closed(chatnet: Chatnet) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "who"],
        env=chatnet.environment,
        stderr=subprocess.PIPE,
        timeout=DEADLINE,
    )
    check(subprocess.CompletedProcess(done.args, done.returncode, "", done.stderr.decode()), 74, "closed")


def test_75_where_the_server_does_not_answer(alone: Chatnet) -> None:
    with tcp_server(lambda _: None) as address:
        done = alone.run("send", "--server", address, "--timeout", "0.3", "--room", "lobby", "hi")
    check(done, 75, address, "0.3 seconds")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x00\x00\x04\xc1\xc1\xc1\xc1",
        b"220 mail.example ESMTP\r\n",
        os.urandom(8).replace(b"\x00", b"x") * 100,
    ],
)
def test_76_where_something_else_answers(alone: Chatnet, answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(answer)

    with tcp_server(serve) as address:
        check(alone.run("who", "--server", address, "--timeout", "5"), 76, address)


def test_77_where_the_name_is_somebody_else_s(chatnet: Chatnet, tmp_path: Path) -> None:
    chatnet.listen("bob")
    stranger = Chatnet(tmp_path / "stranger")
    stranger.environment["CHATNET_SERVER"] = chatnet.environment["CHATNET_SERVER"]
    check(stranger.run("send", "--as", "bob", "--room", "lobby", "hi"), 77, "bob", "--as")


def test_77_where_the_room_is_somebody_else_s(chatnet: Chatnet) -> None:
    chatnet.run("rooms", "create", "--as", "alice", "ops")
    check(chatnet.run("rooms", "archive", "--as", "bob", "ops"), 77, "owner")


@pytest.mark.parametrize(
    "args", [["who"], ["send", "--room", "lobby", "hi"], ["listen"], ["rooms"], ["history", "--room", "lobby"]]
)
def test_78_for_an_address_that_is_none(alone: Chatnet, args: list[str]) -> None:
    check(alone.run(*args, CHATNET_SERVER="http://example.org"), 78, "http://example.org", "chatnet+tcp://")


def test_78_for_a_server_that_would_be_open_by_mistake(alone: Chatnet) -> None:
    check(alone.run("serve", "--bind", "chatnet+tcp://0.0.0.0:0"), 78, "--open")


def test_78_for_an_address_that_this_version_cannot_use(alone: Chatnet) -> None:
    check(alone.run("serve", "--bind", "chatnet+pigeon://127.0.0.1:0"), 78)
    check(alone.run("who", "--server", "chatnet+pigeon://127.0.0.1"), 78)


# -- 130, and other ends --------------------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize("args", [["listen"], ["listen", "--json"], ["chat"]])
def test_130_for_ctrl_c(chatnet: Chatnet, args: list[str]) -> None:
    process = chatnet.start(*args, stdin=subprocess.PIPE)
    process.err.until("Ctrl-")
    assert process.interrupt() == 130
    assert process.out.rest() == []
    assert process.err.rest() == []


@posix_only
def test_130_for_ctrl_c_while_waiting_for_a_server(alone: Chatnet) -> None:
    connected = threading.Event()
    with tcp_server(lambda _: connected.set()) as address:
        process = alone.start("send", "--server", address, "--timeout", "60", "--room", "lobby", "hi")
        assert connected.wait(DEADLINE)
        assert process.interrupt() == 130
        assert process.err.rest() == []


@posix_only
@pytest.mark.parametrize("moment", range(8))
def test_130_for_ctrl_c_at_any_moment_of_the_start(alone: Chatnet, moment: int) -> None:
    """From the first import of chatnet's own on; before that, the process is Python's."""
    code = (
        "import sys, os, signal\n"
        f"left = {moment} * 6\n"
        "class Interrupter:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left == 0:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.argv[1:] = ['listen']\n"
        "from chatnet_cli.main import main\n"
        "sys.meta_path.insert(0, Interrupter())\n"
        "main()\n"
    )
    with tcp_server(lambda _: os.kill(process.popen.pid, signal.SIGINT)) as address:
        process = Process([sys.executable, "-c", code], alone.environment | {"CHATNET_SERVER": address})
        try:
            assert process.wait() == 130
            assert process.err.rest() == []
        finally:
            process.end()


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_0_for_a_server_that_is_told_to_stop(chatnet: Chatnet, number: int) -> None:
    server = chatnet.server
    assert server is not None
    bob = chatnet.listen("bob")
    chatnet.run("send", "--as", "alice", "--to", "bob", "hi")
    server.signal(number)
    assert server.wait() == 0
    assert server.err.rest()[-1] == "chatnet: stopped"
    assert bob.out.next().endswith("hi")
    bob.err.until("not connected")


@posix_only
def test_a_server_stops_though_a_client_never_reads(chatnet: Chatnet) -> None:
    server = chatnet.server
    assert server is not None
    port = int(chatnet.environment["CHATNET_SERVER"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"CHAT\x01")
        assert silent.recv(1)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_listen_ends_silently_with_its_reader(chatnet: Chatnet) -> None:
    """As in ``listen | head -1``: it does not wait for another message to notice."""
    bob = subprocess.Popen(
        [*COMMAND, "listen", "--as", "bob"], env=chatnet.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert bob.stdout is not None
        assert bob.stderr is not None
        assert b"listening" in bob.stderr.readline()
        chatnet.run("send", "--as", "alice", "--to", "bob", "hi")
        assert bob.stdout.readline().endswith(b"hi\n")
        bob.stdout.close()
        if os.name != "posix":
            chatnet.run("send", "--as", "alice", "--to", "bob", "hi")
        assert bob.wait(DEADLINE) == 0
        assert bob.stderr.read() == b""
    finally:
        bob.kill()
        bob.communicate()


def test_a_command_whose_reader_is_gone_ends_silently(chatnet: Chatnet) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, "rooms"], env=chatnet.environment, stdout=writing, stderr=subprocess.PIPE, timeout=DEADLINE
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_that_knows_only_ascii_shows_the_rest_as_escapes(chatnet: Chatnet) -> None:
    chatnet.run("send", "--as", "alice", "--room", "lobby", "caf\u00e9 \u20ac")
    done = chatnet.run("history", "--room", "lobby", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.endswith("<alice> caf\\xe9 \\u20ac\n")

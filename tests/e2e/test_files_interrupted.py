"""Transfers that are cut, killed and stopped: they go on, nothing durable comes twice, and nothing half is seen."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chatnet.model import WINDOW_BYTES
from tests.e2e.file_gate import FileGate
from tests.e2e.processes import COMMAND, DEADLINE, Chatnet, Process

SIZE = 16_000_000
ENOUGH = 160
"""Pieces: more than half of it, and more than the server syncs at a time."""
CONTENT = hashlib.shake_128(b"transfers").digest(SIZE)


@pytest.fixture
def source(chatnet: Chatnet) -> Path:
    path = chatnet.home / "video.mkv"
    path.write_bytes(CONTENT)
    return path


def upload(chatnet: Chatnet, gate: FileGate, source: Path, *options: str) -> Process:
    return chatnet.start(
        "send", "--as", "alice", "--room", "lobby", "--file", str(source), *options, CHATNET_SERVER=gate.url
    )


def share(chatnet: Chatnet, source: Path) -> None:
    assert chatnet.run("send", "--as", "alice", "--room", "lobby", "--file", str(source)).returncode == 0


def download(chatnet: Chatnet, gate: FileGate, *options: str) -> Process:
    return chatnet.start("download", "1", "-o", str(inbox(chatnet)), *options, CHATNET_SERVER=gate.url)


def inbox(chatnet: Chatnet) -> Path:
    folder = chatnet.home / "inbox"
    folder.mkdir(exist_ok=True)
    return folder


def assert_shared_once(chatnet: Chatnet) -> None:
    """The lobby has one file and one message about it, and the file is what was sent."""
    (message,) = chatnet.run("history", "--room", "lobby", "--json").stdout.splitlines()
    file = json.loads(message)["file"]
    assert file["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    done = subprocess.run(
        [*COMMAND, "download", str(file["id"]), "-o", "-"],
        env=chatnet.environment,
        capture_output=True,
        timeout=DEADLINE,
    )
    assert done.stdout == CONTENT, done.stderr


def assert_fetched(chatnet: Chatnet) -> None:
    assert os.listdir(inbox(chatnet)) == ["video.mkv"]
    assert (inbox(chatnet) / "video.mkv").read_bytes() == CONTENT


def stop_client(chatnet: Chatnet, process: Process, gate: FileGate) -> None:
    assert process.interrupt() == 130
    process.err.until("stopped")
    process.err.until("Run the same command again")


def kill_client(chatnet: Chatnet, process: Process, gate: FileGate) -> None:
    process.popen.kill()
    process.wait()


Stop = Callable[[Chatnet, Process, FileGate], None]
stops = pytest.mark.parametrize("stop", [stop_client, kill_client])


# -- the client stops, and the command is repeated ------------------------------------------------------------


@stops
def test_the_same_upload_again_sends_only_what_is_missing(chatnet: Chatnet, source: Path, stop: Stop) -> None:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        process = upload(chatnet, gate, source)
        gate.wait_until_held()
        stop(chatnet, process, gate)
        durable = gate.durable
        assert chatnet.run("history", "--room", "lobby").returncode == 1
        assert chatnet.run("files", "--room", "lobby").returncode == 1
        gate.cut()
        gate.release()
        before = len(gate.pieces)
        assert upload(chatnet, gate, source).wait() == 0
        again = gate.pieces[before:]
        assert min(offset for offset, _ in again) >= durable > 0
        assert sum(length for _, length in again) <= SIZE - durable
    assert_shared_once(chatnet)


@stops
def test_the_same_download_again_fetches_only_what_is_missing(chatnet: Chatnet, source: Path, stop: Stop) -> None:
    share(chatnet, source)
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        process = download(chatnet, gate)
        gate.wait_until_held()
        stop(chatnet, process, gate)
        (partial,) = os.listdir(inbox(chatnet))
        assert partial.endswith(".part")
        there = (inbox(chatnet) / partial).stat().st_size
        gate.cut()
        gate.release()
        before = len(gate.pieces)
        assert download(chatnet, gate).wait() == 0
        assert gate.pieces[before][0] == there > SIZE // 3
    assert_fetched(chatnet)


def test_what_is_on_its_way_to_standard_output_goes_on_too_and_is_whole(chatnet: Chatnet, source: Path) -> None:
    share(chatnet, source)
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        command = [*COMMAND, "download", "1", "-o", "-"]
        environment = chatnet.environment | {"CHATNET_SERVER": gate.url}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            gate.wait_until_held()
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=DEADLINE)
        assert (process.returncode, said) == (130, b"")
        gate.cut()
        gate.release()
        before = len(gate.pieces)
        done = subprocess.run(command, env=environment, capture_output=True, timeout=DEADLINE)
        assert done.stdout == CONTENT
        assert gate.pieces[before][0] > 0


def test_a_pipe_with_the_same_content_goes_on_where_it_stopped(chatnet: Chatnet, source: Path) -> None:
    command = [*COMMAND, "send", "--as", "alice", "--room", "lobby", "--file", "-", "--name", "video.mkv"]
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        environment = chatnet.environment | {"CHATNET_SERVER": gate.url}
        with source.open("rb") as stdin:
            process = Process(command, environment, stdin)
        gate.wait_until_held()
        assert process.interrupt() == 130
        durable = gate.durable
        gate.cut()
        gate.release()
        before = len(gate.pieces)
        subprocess.run(command, env=environment, input=CONTENT, check=True, capture_output=True, timeout=DEADLINE)
        assert gate.pieces[before][0] >= durable
    assert_shared_once(chatnet)


# -- the client lives -----------------------------------------------------------------------------------------


def test_a_lost_connection_is_mended_without_a_word_from_anybody(chatnet: Chatnet, source: Path) -> None:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        process = upload(chatnet, gate, source)
        gate.wait_until_held()
        durable = gate.durable
        gate.cut()
        gate.release()
        assert process.wait() == 0
        sent_twice = sum(length for _, length in gate.pieces) - SIZE
        assert sent_twice <= WINDOW_BYTES
        assert durable > 0
    assert_shared_once(chatnet)


@pytest.mark.parametrize("direction", [upload, download])
def test_a_server_that_is_killed_and_comes_back_is_waited_for(
    chatnet: Chatnet, source: Path, direction: Callable[..., Process]
) -> None:
    url = chatnet.environment["CHATNET_SERVER"]
    if direction is download:
        share(chatnet, source)
    with FileGate(url, passing=ENOUGH) as gate:
        process = upload(chatnet, gate, source) if direction is upload else download(chatnet, gate)
        gate.wait_until_held()
        assert chatnet.server is not None
        chatnet.server.popen.kill()
        chatnet.server.wait()
        gate.cut()
        gate.release()
        assert process.popen.poll() is None
        chatnet.serve(bind=url)
        assert process.wait() == 0
        assert sum(length for _, length in gate.pieces) < SIZE + 2_000_000  # marks are a MiB apart
    assert_shared_once(chatnet) if direction is upload else assert_fetched(chatnet)


@pytest.mark.parametrize("direction", [upload, download])
def test_patience_ends_where_that_is_wanted(chatnet: Chatnet, source: Path, direction: Callable[..., Process]) -> None:
    if direction is download:
        share(chatnet, source)
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        options = ("--retry", "2s")
        process = upload(chatnet, gate, source, *options) if direction is upload else download(chatnet, gate, *options)
        gate.wait_until_held()
        assert chatnet.server is not None
        chatnet.server.popen.kill()
        chatnet.server.wait()
        gate.cut()
        assert process.wait() == 69
        process.err.until("trying again for 2 s")
        assert os.listdir(inbox(chatnet)) == [] or not (inbox(chatnet) / "video.mkv").exists()


def test_a_server_that_is_not_there_yet_is_waited_for_where_that_is_wanted(chatnet: Chatnet, source: Path) -> None:
    url = chatnet.environment["CHATNET_SERVER"]
    assert chatnet.server is not None
    chatnet.server.interrupt()
    send = ("send", "--as", "alice", "--room", "lobby", "--file", str(source))
    assert chatnet.run(*send).returncode == 69
    process = chatnet.start(*send, "--retry", "1m")
    process.err.until("trying again")
    chatnet.serve(bind=url)
    assert process.wait() == 0
    assert_shared_once(chatnet)


def test_of_many_files_the_same_command_shares_the_rest(chatnet: Chatnet, source: Path) -> None:
    small = chatnet.home / "small.csv"
    small.write_bytes(b"1;2;3")
    command = ("upload", "--as", "alice", "--room", "lobby", str(small), str(source))
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        process = chatnet.start(*command, CHATNET_SERVER=gate.url)
        gate.wait_until_held()
        assert process.interrupt() == 130
        gate.cut()
        gate.release()
        assert chatnet.run(*command, CHATNET_SERVER=gate.url).returncode == 0
    names = [json.loads(line)["name"] for line in chatnet.run("files", "--room", "lobby", "--json").stdout.splitlines()]
    assert names == ["video.mkv", "small.csv"]

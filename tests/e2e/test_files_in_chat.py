"""``/send``, ``/download`` and ``/files`` in the line-by-line client, while the talk goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.file_gate import FileGate
from tests.e2e.processes import Chatnet, Process

SIZE = 8_000_000
ENOUGH = 40


@pytest.fixture
def source(chatnet: Chatnet) -> Path:
    path = chatnet.home / "with space.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def inbox(chatnet: Chatnet) -> Path:
    folder = chatnet.home / "inbox"
    folder.mkdir()
    return folder


def talk(chatnet: Chatnet, **environment: str) -> Process:
    chat = chatnet.start("chat", "--as", "alice", stdin=subprocess.PIPE, **environment)
    chat.err.until("Ctrl-D")
    return chat


def test_a_download_and_the_talk_go_on_side_by_side(chatnet: Chatnet, source: Path, inbox: Path) -> None:
    assert chatnet.run("upload", "--as", "carl", "--room", "lobby", str(source)).returncode == 0
    bob = chatnet.listen("bob")
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        in_inbox = [
            sys.executable,
            "-c",
            f"import os; os.chdir({str(inbox)!r}); from chatnet_cli.main import main; main()",
        ]
        chat = Process(
            [*in_inbox, "chat", "--as", "alice"], chatnet.environment | {"CHATNET_SERVER": gate.url}, subprocess.PIPE
        )
        try:
            chat.type("/download 1")
            gate.wait_until_held()
            chat.type("meanwhile")
            bob.out.until("<alice> meanwhile")
            gate.release()
            chat.err.until("-- file 1 is there: with space.bin")
        finally:
            chat.end()
    assert (inbox / "with space.bin").read_bytes() == source.read_bytes()


def test_a_file_is_sent_and_listed_and_fetched(chatnet: Chatnet, source: Path) -> None:
    bob = chatnet.listen("bob")
    chat = talk(chatnet)
    chat.type(f"/send {source}")
    chat.err.until("-- sending with space.bin (7.6 MiB)")
    shown = "* alice shared with space.bin (7.6 MiB), file 1"
    assert chat.out.next().endswith(shown)
    assert bob.out.next().endswith(shown)
    chat.type("/files")
    assert chat.out.next().startswith("1  with space.bin  7.6 MiB  alice  ")
    chat.type("/quit")
    assert chat.wait() == 0


def test_who_leaves_waits_for_what_is_under_way(chatnet: Chatnet, source: Path) -> None:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        chat = talk(chatnet, CHATNET_SERVER=gate.url)
        chat.type(f"/send {source}")
        gate.wait_until_held()
        chat.type("/quit")
        chat.err.until("leaving once the files are through")
        gate.release()
        assert chat.wait() == 0
    assert chatnet.run("files", "--room", "lobby").returncode == 0


def test_ctrl_c_leaves_at_once_and_the_same_again_goes_on(chatnet: Chatnet, source: Path) -> None:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        chat = talk(chatnet, CHATNET_SERVER=gate.url)
        chat.type(f"/send {source}")
        gate.wait_until_held()
        assert chat.interrupt() == 130
        gate.cut()
        gate.release()
        before = len(gate.pieces)
        again = chatnet.run("upload", "--as", "alice", "--room", "lobby", str(source), CHATNET_SERVER=gate.url)
        assert again.returncode == 0
        assert gate.pieces[before][0] > 0
    assert chatnet.run("files", "--room", "lobby").returncode == 0


def test_who_leaves_without_a_server_does_not_wait_for_it(chatnet: Chatnet, source: Path) -> None:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        chat = talk(chatnet, CHATNET_SERVER=gate.url)
        chat.type(f"/send {source}")
        gate.wait_until_held()
        assert chatnet.server is not None
        chatnet.server.popen.kill()
        chatnet.server.wait()
        gate.cut()
        chat.err.until("not connected")
        chat.type("/quit")
        assert chat.wait() == 75
        chat.err.until("1 file is not through")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/send", "/send FILE"),
        ("/send /nothing/there", "no such file"),
        ("/send .", "is a folder"),
        ("/download", "/download ID"),
        ("/download video.mkv", "/download ID"),
        ("/download " + "9" * 5000, "/download ID"),
        ("/download " + "9" * 18, "no such file"),
        ("/send a\0b", "/send FILE"),
        ("/send ~nobody-of-this-name/x", "no such file"),
        ("/download 99", "file 99 is not there: there is no such file"),
        ("/files", "no files were shared here"),
    ],
)
def test_what_goes_wrong_is_said_and_the_talk_goes_on(chatnet: Chatnet, line: str, words: str) -> None:
    done = chatnet.run("chat", "--as", "alice", stdin=f"{line}\ngoing on\n".encode())
    assert done.returncode == 0
    assert words in done.stderr
    assert done.stdout.endswith("<alice> going on\n")

"""A disk that is full in the middle of a transfer, at either end: it is said, and later goes on from there."""

import hashlib
import os
from pathlib import Path

import pytest

from chatnet.core.limits import MIB
from tests.e2e.file_gate import FileGate
from tests.e2e.processes import Chatnet
from tests.small_disk import small_disk

SIZE = 16 * MIB
ENOUGH = 160
"""Pieces: more than half of it, and more than the server syncs at a time."""
CONTENT = hashlib.shake_128(b"full").digest(SIZE)
SEND = ("send", "--as", "alice", "--room", "lobby", "--file")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "video.mkv"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def guest(tmp_path: Path) -> Chatnet:
    """Has no server yet."""
    return Chatnet(tmp_path)


def fetched(guest: Chatnet) -> bytes:
    target = guest.home / "fetched"
    done = guest.run("download", "1", "-o", str(target))
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def test_a_server_that_is_full_says_so_before_the_first_byte(guest: Chatnet, source: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    config = tmp_path / "chatnet.toml"
    config.write_text('[limits]\ndisk_reserve = "4 MiB"\n')
    with small_disk(data, 8 * MIB):
        try:
            guest.serve("--data", str(data), "--config", str(config))
            with FileGate(guest.environment["CHATNET_SERVER"], passing=0) as gate:
                done = guest.run(*SEND, str(source), "--timeout", "1", CHATNET_SERVER=gate.url)
            assert done.returncode == 75
            assert "disk has room for" in done.stderr
            assert gate.pieces == []
            assert guest.run("send", "--as", "alice", "--room", "lobby", "still here").returncode == 0
        finally:
            guest.end()


def test_a_server_that_gets_full_on_the_way_is_waited_for_and_goes_on(
    guest: Chatnet, source: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    config = tmp_path / "chatnet.toml"
    config.write_text('[limits]\ndisk_reserve = "4 MiB"\n')
    with small_disk(data, 32 * MIB):
        try:
            guest.serve("--data", str(data), "--config", str(config))
            with FileGate(guest.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
                process = guest.start(*SEND, str(source), "--retry", "2s", CHATNET_SERVER=gate.url)
                gate.wait_until_held()
                durable = gate.durable
                # All room but what messages need, and less than what is left of the file.
                (data / "ballast").write_bytes(bytes(14 * MIB))
                gate.release()
                assert process.wait() == 75
                assert any("disk" in line for line in process.err.rest())
                assert guest.run("send", "--as", "alice", "--room", "lobby", "still here").returncode == 0
                assert guest.run("files", "--room", "lobby").returncode == 1
                (data / "ballast").unlink()
                before = len(gate.pieces)
                assert guest.run(*SEND, str(source), CHATNET_SERVER=gate.url).returncode == 0
                assert gate.pieces[before][0] >= durable > 0
            assert fetched(guest) == CONTENT
        finally:
            guest.end()


def test_a_client_whose_disk_is_full_says_so_and_goes_on_later(guest: Chatnet, source: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    try:
        guest.serve()
        assert guest.run(*SEND, str(source)).returncode == 0
        with small_disk(inbox, 24 * MIB):
            with FileGate(guest.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
                process = guest.start("download", "1", "-o", str(inbox), CHATNET_SERVER=gate.url)
                gate.wait_until_held()
                (inbox / "ballast").write_bytes(bytes(14 * MIB))
                gate.release()
                assert process.wait() == 74
                assert any("disk" in line for line in process.err.rest())
                assert sum(name.endswith(".part") for name in os.listdir(inbox)) == 1
                (inbox / "ballast").unlink()
                before = len(gate.pieces)
                assert guest.run("download", "1", "-o", str(inbox), CHATNET_SERVER=gate.url).returncode == 0
                assert gate.pieces[before][0] >= 8 * MIB
            assert os.listdir(inbox) == ["video.mkv"]
            assert (inbox / "video.mkv").read_bytes() == CONTENT
    finally:
        guest.end()

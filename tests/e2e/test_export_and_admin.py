"""What is saved from a server: one conversation for its reader, everything for its owner."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.processes import Chatnet


@pytest.fixture
def talk(chatnet: Chatnet) -> Chatnet:
    for text in ("one", "<b>two</b>", "three"):
        chatnet.run("send", "--as", "alice", "--room", "lobby", text)
    return chatnet


def data_of(chatnet: Chatnet) -> Path:
    (path,) = chatnet.home.rglob("chatnet.db")
    return path


def test_a_room_is_exported_as_lines(talk: Chatnet) -> None:
    done = talk.run("export", "--room", "lobby")
    assert done.returncode == 0
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["one", "<b>two</b>", "three"]
    assert done.stdout == talk.run("history", "--room", "lobby", "--json").stdout


def test_a_room_is_exported_as_a_page_and_never_over_another_file(talk: Chatnet, tmp_path: Path) -> None:
    page = tmp_path / "lobby.html"
    args = ("export", "--room", "lobby", "--format", "html", "-o", str(page))
    assert talk.run(*args).returncode == 0
    first = page.read_text()
    assert "&lt;b&gt;two&lt;/b&gt;" in first
    talk.run("send", "--as", "alice", "--room", "lobby", "four")
    assert talk.run(*args).returncode == 73
    assert page.read_text() == first
    assert talk.run(*args, "--force").returncode == 0
    assert "four" in page.read_text()


def test_an_export_of_nothing_is_1_and_of_nobody_67(chatnet: Chatnet, tmp_path: Path) -> None:
    assert chatnet.run("export", "--room", "lobby").returncode == 1
    assert chatnet.run("export", "--with", "nobody", "-o", str(tmp_path / "x")).returncode == 67
    assert not (tmp_path / "x").exists()


def test_a_backup_of_a_running_server_is_whole_and_can_be_served(talk: Chatnet, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir(0o700)
    copy = folder / "chatnet.db"
    done = talk.run("admin", "backup", str(copy))
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 messages" in done.stdout
    assert talk.run("admin", "backup", str(copy)).returncode == 73
    assert talk.run("admin", "check", "--data", str(folder)).stdout == "no damage in 3 messages\n"
    talk.serve("--data", str(folder))
    assert len(talk.run("history", "--room", "lobby").stdout.splitlines()) == 3


def test_a_backup_that_cannot_be_made_is_73_and_of_nothing_66(talk: Chatnet, tmp_path: Path) -> None:
    assert talk.run("admin", "backup", str(tmp_path / "no" / "x.db")).returncode == 73
    empty = tmp_path / "empty"
    empty.mkdir()
    assert talk.run("admin", "backup", str(tmp_path / "x.db"), "--data", str(empty)).returncode == 66
    assert not (tmp_path / "x.db").exists()


def test_a_check_finds_no_damage_while_the_server_runs(talk: Chatnet) -> None:
    done = talk.run("admin", "check")
    assert (done.returncode, done.stdout) == (0, "no damage in 3 messages\n")


def test_a_check_names_the_damage(talk: Chatnet) -> None:
    assert talk.server is not None
    talk.server.interrupt()
    path = data_of(talk)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("UPDATE messages SET body = 'TWO' WHERE body = '<b>two</b>'")
    database.close()
    done = talk.run("admin", "check")
    assert done.returncode == 1
    assert "lobby#2" in done.stdout
    assert all(": " in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("is_running", [True, False])
def test_a_check_looks_at_the_header_of_the_file_too(talk: Chatnet, is_running: bool) -> None:
    assert talk.server is not None
    if not is_running:
        talk.server.interrupt()
    with data_of(talk).open("r+b") as file:
        file.seek(18)  # the write version, https://sqlite.org/fileformat.html, 1.3.3
        file.write(b"\x06")
    done = talk.run("admin", "check")
    assert (done.returncode, done.stdout) == (1, "the file: its header says that it is for a newer SQLite\n")


def test_a_check_of_nothing_is_66(alone: Chatnet, tmp_path: Path) -> None:
    assert alone.run("admin", "check").returncode == 66
    (tmp_path / "chatnet.db").write_bytes(b"")
    assert alone.run("admin", "check", "--data", str(tmp_path / "nowhere")).returncode == 66

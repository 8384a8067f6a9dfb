"""Files by commands: shared, listed, fetched, removed, and what is said where that does not work."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import COMMAND, DEADLINE, Chatnet

HOSTILE = "../../\x1b[2J\u202e evil\n.sh"


def write(chatnet: Chatnet, name: str, content: bytes) -> Path:
    path = chatnet.home / name
    path.write_bytes(content)
    return path


def content(size: int) -> bytes:
    """Bytes that are not the same everywhere."""
    return hashlib.shake_128(str(size).encode()).digest(size)


def files(chatnet: Chatnet, *where: str, name: str = "bob") -> list[dict[str, Any]]:
    done = chatnet.run("files", "--as", name, *where, "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_folder(chatnet: Chatnet, *args: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in an empty folder called ``inbox``."""
    folder = chatnet.home / "inbox"
    folder.mkdir(exist_ok=True)
    return subprocess.run([*COMMAND, *args], env=chatnet.environment, cwd=folder, capture_output=True, timeout=DEADLINE)


def known(chatnet: Chatnet, *names: str) -> None:
    """Guests whom the server knows, and who are not there now."""
    for name in names:
        assert chatnet.run("who", "--as", name).returncode == 0


# -- there and back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 60 * 1024, 60 * 1024 + 1, 3_000_000])
def test_a_file_goes_to_somebody_who_is_away_and_comes_back_the_same(chatnet: Chatnet, size: int) -> None:
    known(chatnet, "bob")
    path = write(chatnet, "data.bin", content(size))
    sent = chatnet.run("send", "--as", "alice", "--to", "bob", "--file", str(path), "from the trip")
    assert (sent.returncode, sent.stdout) == (0, ""), sent
    assert re.fullmatch(r"chatnet: sent data\.bin \(.*\)\n", sent.stderr)
    (file,) = files(chatnet, "--with", "alice")
    assert (file["name"], file["size"], file["sender"]["name"], file["fetched"]) == ("data.bin", size, "alice", 0)
    assert file["sha256"] == hashlib.sha256(content(size)).hexdigest()
    fetched = in_folder(chatnet, "download", "--as", "bob", str(file["id"]))
    assert (fetched.returncode, fetched.stdout) == (0, b"data.bin\n"), fetched
    assert fetched.stderr.startswith(b"chatnet: received data.bin (")
    assert (chatnet.home / "inbox" / "data.bin").read_bytes() == content(size)
    assert os.listdir(chatnet.home / "inbox") == ["data.bin"]
    assert files(chatnet, "--with", "alice")[0]["fetched"] == 1


def test_who_listens_and_who_looks_back_sees_it(chatnet: Chatnet) -> None:
    listener, programs = chatnet.listen("bob"), chatnet.listen("carl", "--json")
    path = write(chatnet, "video.mkv", content(1500))
    assert chatnet.run("send", "--as", "alice", "--room", "lobby", "--file", str(path), "my trip").returncode == 0
    shown = '* alice shared video.mkv (1.5 KiB), file 1: "my trip"'
    assert listener.out.next().endswith(f"lobby {shown}")
    heard = json.loads(programs.out.next())
    assert (heard["kind"], heard["text"], heard["file"]["id"]) == ("file", "my trip", 1)
    assert chatnet.run("history", "--room", "lobby").stdout.endswith(f"{shown}\n")
    exported = json.loads(chatnet.run("export", "--room", "lobby").stdout)
    assert exported["file"]["name"] == "video.mkv"
    assert "shared video.mkv (1.5 KiB), file 1" in chatnet.run("export", "--room", "lobby", "--format", "html").stdout


def test_many_files_are_shared_in_order_and_again_only_those_that_are_new(chatnet: Chatnet) -> None:
    paths = [str(write(chatnet, f"{n} ünd 🎬.csv", content(n * 1000))) for n in range(1, 4)]
    done = chatnet.run("upload", "--as", "alice", "--room", "lobby", "--json", *paths)
    assert done.returncode == 0, done
    reported = [json.loads(line) for line in done.stdout.splitlines()]
    assert [file["name"] for file in reported] == [f"{n} ünd 🎬.csv" for n in range(1, 4)]
    assert [file["file"] for file in reported] == [file["id"] for file in files(chatnet, "--room", "lobby")][::-1]
    paths.append(str(write(chatnet, "new.csv", b"new")))
    again = chatnet.run("upload", "--as", "alice", "--room", "lobby", *paths)
    assert again.returncode == 0, again
    assert again.stderr.count("is there already, as file") == 3
    assert again.stderr.endswith("chatnet: sent new.csv (3 bytes)\n")
    assert [file["name"] for file in files(chatnet, "--room", "lobby")][::-1] == [Path(path).name for path in paths]


def test_several_files_are_fetched_into_a_folder(chatnet: Chatnet) -> None:
    paths = [str(write(chatnet, name, name.encode())) for name in ("a.csv", "b.csv")]
    assert chatnet.run("upload", "--as", "alice", "--room", "lobby", "-q", *paths).stderr == ""
    done = in_folder(chatnet, "download", "1", "2", "-o", "..", "--quiet", "--json")
    assert (done.returncode, done.stderr) == (0, b""), done
    there = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert there == ["../a-2.csv", "../b-2.csv"]
    assert (chatnet.home / "a-2.csv").read_bytes() == b"a.csv"


def test_a_pipe_is_a_file_too_and_standard_output_takes_one(chatnet: Chatnet) -> None:
    known(chatnet, "bob")
    data = content(2_000_000)
    done = chatnet.run("send", "--as", "alice", "--to", "bob", "--file", "-", "--name", "project.tar", stdin=data)
    assert done.returncode == 0, done
    assert os.listdir(chatnet.home / "state" / "chatnet" / "spool") == []
    fetched = in_folder(chatnet, "download", "--as", "bob", "1", "-o", "-")
    assert (fetched.returncode, fetched.stdout) == (0, data), fetched.stderr
    assert os.listdir(chatnet.home / "state" / "chatnet" / "downloads") == []
    assert os.listdir(chatnet.home / "inbox") == []


def test_a_pipe_is_not_read_where_nobody_is(chatnet: Chatnet) -> None:
    sender = chatnet.start(
        "send", "--as", "alice", "--to", "nobody", "--file", "-", "--name", "x", stdin=subprocess.PIPE
    )
    assert sender.wait() == 67  # and its standard input was never closed


def test_options_of_send_work_for_files_too(chatnet: Chatnet) -> None:
    known(chatnet, "bob")
    path = str(write(chatnet, "data.bin", content(100_000)))
    to_bob = ("send", "--as", "alice", "--to", "bob", "--file", path, "--name", "other.bin", "--json")
    first = chatnet.run(*to_bob, "--id", "key", "--retry", "1m")
    second = chatnet.run(*to_bob, "--id", "key")
    assert first.returncode == second.returncode == 0, (first, second)
    assert json.loads(first.stdout) == json.loads(second.stdout)
    (file,) = files(chatnet, "--with", "alice")
    told = json.loads(first.stdout)
    assert (file["name"], file["seq"], file["id"]) == ("other.bin", told["seq"], told["file"])
    late = chatnet.run(*to_bob, "--wait", "delivered", "--timeout", "0.5")
    assert late.returncode == 75
    assert "stored as bob#2, not yet delivered" in late.stderr
    chatnet.listen("bob", "--since", "unread")
    waited = chatnet.run(*to_bob, "--wait", "delivered")
    assert (waited.returncode, json.loads(waited.stdout)["reached"]) == (0, "delivered")


# -- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space.txt", "🎬 写真.jpg", "-rf", "a" * 250, ".hidden"])
def test_a_file_of_any_name_is_sent_and_lands_in_the_folder(chatnet: Chatnet, name: str) -> None:
    write(chatnet, name, b"x")
    assert chatnet.run("upload", "--as", "alice", "--room", "lobby", f"{chatnet.home}/{name}").returncode == 0
    assert in_folder(chatnet, "download", "1").returncode == 0
    (there,) = (chatnet.home / "inbox").iterdir()
    assert there.read_bytes() == b"x"
    assert not there.name.startswith((".", "-"))


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX systems only")
@pytest.mark.parametrize("name", ["a\nb\x1b[2J.txt", "half \udcff.txt"])
def test_a_file_whose_name_is_no_text_is_sent_under_one_that_is(chatnet: Chatnet, name: str) -> None:
    write(chatnet, name, b"x")
    done = subprocess.run(
        [*COMMAND, "upload", "--as", "alice", "--room", "lobby", os.fsencode(chatnet.home / name)],
        env=chatnet.environment,
        capture_output=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done
    assert b"\x1b" not in done.stderr
    (file,) = files(chatnet, "--room", "lobby")
    assert file["name"].isprintable()
    assert in_folder(chatnet, "download", "1").returncode == 0
    assert len(os.listdir(chatnet.home / "inbox")) == 1


def test_whatever_a_file_is_called_it_stays_in_the_folder(chatnet: Chatnet) -> None:
    path = write(chatnet, "x", b"x")
    name = "../../etc/passwd\u202e"
    done = chatnet.run("send", "--as", "alice", "--room", "lobby", "--file", str(path), "--name", name)
    assert done.returncode == 0, done
    listed = chatnet.run("files", "--room", "lobby")
    assert "../../etc/passwd\\u202e" in listed.stdout
    assert in_folder(chatnet, "download", "1").stdout == b"passwd\n"
    assert os.listdir(chatnet.home / "inbox") == ["passwd"]


# -- what does not work ---------------------------------------------------------------------------------------


def test_nothing_is_ever_written_over(chatnet: Chatnet) -> None:
    path = write(chatnet, "data.bin", b"shared")
    chatnet.run("upload", "--as", "alice", "--room", "lobby", str(path))
    assert in_folder(chatnet, "download", "1").stdout == b"data.bin\n"
    assert in_folder(chatnet, "download", "1").stdout == b"data-2.bin\n"
    write(chatnet, "mine.txt", b"mine")
    done = in_folder(chatnet, "download", "1", "-o", "../mine.txt")
    assert (done.returncode, done.stdout) == (73, b"")
    assert b"there already" in done.stderr
    assert (chatnet.home / "mine.txt").read_bytes() == b"mine"


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_is_73(chatnet: Chatnet) -> None:
    chatnet.run("upload", "--as", "alice", "--room", "lobby", str(write(chatnet, "data.bin", b"shared")))
    done = in_folder(chatnet, "download", "1", "-o", "/proc")
    assert (done.returncode, done.stdout) == (73, b"")
    assert len(done.stderr.splitlines()) <= 2


def test_a_folder_that_is_not_there_is_73(chatnet: Chatnet) -> None:
    chatnet.run("upload", "--as", "alice", "--room", "lobby", str(write(chatnet, "data.bin", b"shared")))
    for output in ("nowhere/", "nowhere/data.bin"):
        done = in_folder(chatnet, "download", "1", "-o", output)
        assert done.returncode == 73, done
        assert len(done.stderr.splitlines()) <= 2


def test_a_file_that_is_removed_is_gone_and_said_to_be(chatnet: Chatnet) -> None:
    path = str(write(chatnet, "data.bin", b"shared"))
    assert chatnet.run("send", "--as", "alice", "--room", "lobby", "--file", path, "look").returncode == 0
    assert chatnet.run("files", "remove", "1", "--as", "bob").returncode == 77
    assert chatnet.run("files", "remove", "1", "--as", "alice").returncode == 0
    gone = chatnet.run("files", "--room", "lobby")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "no files" in gone.stderr
    assert 'shared a file that is gone: "look"' in chatnet.run("history", "--room", "lobby").stdout
    assert json.loads(chatnet.run("history", "--room", "lobby", "--json").stdout)["file"] is None
    for args in (["download", "1"], ["files", "remove", "1"]):
        done = chatnet.run(*args, "--as", "alice")
        assert done.returncode == 67, done


def test_others_neither_see_nor_fetch_what_is_not_for_them(chatnet: Chatnet) -> None:
    known(chatnet, "bob")
    path = str(write(chatnet, "data.bin", b"shared"))
    assert chatnet.run("send", "--as", "alice", "--to", "bob", "--file", path).returncode == 0
    assert chatnet.run("download", "1", "--as", "mallory").returncode == 67
    assert files(chatnet, name="mallory") == []
    assert [(file["id"], file["with"]) for file in files(chatnet)] == [(1, "alice")]


@pytest.mark.parametrize(
    ("args", "exit_code", "words"),
    [
        (["send", "--to", "bob", "--file", "nothing.bin"], 66, "no such file"),
        (["send", "--to", "bob", "--file", "."], 66, "is a folder"),
        (["upload", "--room", "lobby", "nothing.bin"], 66, "no such file"),
        (["upload", "--room", "nowhere", __file__], 67, "nowhere"),
        (["send", "--to", "nobody", "--file", __file__], 67, "nobody"),
        (["download", "99"], 67, "99"),
        (["files", "--room", "nowhere"], 67, "nowhere"),
        (["send", "--to", "bob", "--file", __file__, "x" * 20_000], 65, "16384"),
    ],
)
def test_what_goes_wrong_is_said_in_two_lines(chatnet: Chatnet, args: list[str], exit_code: int, words: str) -> None:
    known(chatnet, "bob")
    done = chatnet.run(*args)
    assert (done.returncode, done.stdout) == (exit_code, ""), done
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_limits_are_named_before_the_first_byte(alone: Chatnet) -> None:
    config = write(alone, "config.toml", b'[limits]\nfile = "100 KiB"\nfiles_per_guest = "150 KiB"\n')
    alone.serve("--config", str(config))
    small, big = write(alone, "small.bin", content(90_000)), write(alone, "big.bin", content(200_000))
    done = alone.run("upload", "--as", "alice", "--room", "lobby", str(big), str(small))
    assert done.returncode == 77
    assert "big.bin is not shared" in done.stderr
    assert "100 KiB" in done.stderr
    assert "sent small.bin" in done.stderr
    write(alone, "other.bin", content(90_001))
    done = alone.run("send", "--as", "alice", "--room", "lobby", "--file", str(alone.home / "other.bin"))
    assert done.returncode == 77
    assert "150 KiB" in done.stderr


def test_a_server_without_history_keeps_no_files_and_says_so(alone: Chatnet) -> None:
    alone.serve("--history", "none")
    for args in (["upload", "--room", "lobby", __file__], ["files"], ["download", "1"]):
        done = alone.run(*args)
        assert (done.returncode, done.stdout) == (77, ""), done
        assert "keeps no files" in done.stderr

"""``chatnet admin backup`` and ``check`` of a server that keeps files, on the data folder itself."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import PutFile, PutMessage, PutRoom, PutUser
from chatnet.files.content import path_of
from chatnet.files.store import DiskFileStore
from chatnet.model import Kind, Role
from chatnet.net.folders import lock_file
from chatnet.store.database import Database
from chatnet.testing.file_driver import FileDriver, digest, some_bytes
from tests.e2e.processes import Chatnet

NAMES = {1: "holiday.jpeg", 2: "\x1b[2Jübel\n.txt"}
CONTENTS = {1: some_bytes(100_000), 2: some_bytes(2000)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a server that has stopped: two files in the lobby."""
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    files = FileDriver(DiskFileStore(folder / "files", reserve=0))
    alice, lobby = PutUser(1, "alice", "", role=Role.GUEST, secret_hash=b"s" * 32), PutRoom(1, "lobby", 0, False)
    with closing(files.store), closing(Database(folder)) as database:
        database.write([[alice, lobby]])
        for id, content in CONTENTS.items():
            file = PutFile(id, 1, NAMES[id], len(content), files.upload(id, content), 1, "alice", 1000)
            message = PutMessage(1, 1, "alice", "", Kind.FILE, "look", 0, 1000, b"d" * 16, id, None, file=id)
            database.write([[file, message]])
    return folder


def place(folder: Path, id: int) -> Path:
    return folder / path_of(digest(CONTENTS[id]))


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


# -- check ------------------------------------------------------------------------------------------------------


def test_a_check_sees_that_all_contents_are_there_and_reads_them_if_asked(alone: Chatnet, data: Path) -> None:
    done = alone.run("admin", "check", "--data", str(data))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "no damage in 2 messages; 2 files (99.6 KiB) are all there (--deep reads them)\n",
        "",
    )
    done = alone.run("admin", "check", "--data", str(data), "--deep")
    assert (done.returncode, done.stdout) == (0, "no damage in 2 messages and 2 files (99.6 KiB)\n")


def test_a_check_names_what_is_gone_or_has_another_size(alone: Chatnet, data: Path) -> None:
    place(data / "files", 1).write_bytes(b"short")
    place(data / "files", 2).unlink()
    done = alone.run("admin", "check", "--data", str(data))
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            "file 1 (holiday.jpeg): its content has 5 bytes, not 100000",
            r"file 2 (\x1b[2Jübel\x0a.txt): its content is gone",
        ],
    )


def test_a_deep_check_names_what_is_damaged(alone: Chatnet, data: Path) -> None:
    flip(place(data / "files", 1))
    assert alone.run("admin", "check", "--data", str(data)).returncode == 0
    done = alone.run("admin", "check", "--data", str(data), "--deep")
    assert done.returncode == 1
    assert done.stdout.startswith("file 1 (holiday.jpeg): its content is damaged: its SHA-256 is ")
    assert done.stdout.endswith(f", not {digest(CONTENTS[1]).hex()}\n")


def test_a_check_without_the_folder_of_contents_says_so_once(alone: Chatnet, data: Path) -> None:
    shutil.rmtree(data / "files")
    done = alone.run("admin", "check", "--data", str(data))
    assert (done.returncode, done.stdout) == (
        1,
        "the folder files: it is not there, nor are the contents of 2 files (99.6 KiB)\n",
    )


# -- backup -----------------------------------------------------------------------------------------------------


def test_a_backup_without_contents_says_so(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "monday.db"
    done = alone.run("admin", "backup", str(copy), "--data", str(data))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"2 messages in {copy}, no damage\n",
        "The contents of 2 files (99.6 KiB) are not in it: add --files DIR to copy them, too.\n",
    )


def test_a_backup_with_contents_can_be_served(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    monday, tuesday, contents = tmp_path / "monday.db", tmp_path / "tuesday.db", tmp_path / "contents"
    for copy in (monday, tuesday):
        done = alone.run("admin", "backup", str(copy), "--files", str(contents), "--data", str(data))
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            f"2 messages in {copy} and 2 files (99.6 KiB) in {contents}, no damage\n",
            "",
        )
    shutil.rmtree(data)
    data.mkdir(0o700)
    shutil.copy(tuesday, data / "chatnet.db")
    shutil.copytree(contents, data / "files")
    alone.serve("--data", str(data))
    assert "holiday.jpeg" in alone.run("history", "--room", "lobby", "--as", "bob").stdout
    done = alone.run("admin", "check", "--data", str(data), "--deep")
    assert (done.returncode, done.stdout) == (0, "no damage in 2 messages and 2 files (99.6 KiB)\n")
    out = tmp_path / "out.jpeg"
    assert alone.run("download", "1", "-o", str(out), "--as", "bob").returncode == 0
    assert out.read_bytes() == CONTENTS[1]


def test_a_backup_names_the_contents_that_it_could_not_take(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    place(data / "files", 2).unlink()
    copy, contents = tmp_path / "monday.db", tmp_path / "contents"
    done = alone.run("admin", "backup", str(copy), "--files", str(contents), "--data", str(data))
    assert (done.returncode, done.stdout) == (1, "file 2 (\\x1b[2Jübel\\x0a.txt): its content is gone\n")
    assert copy.stat().st_size > 0
    assert place(contents, 1).read_bytes() == CONTENTS[1]


def test_a_folder_for_contents_that_cannot_be_had_is_73_and_named(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    args = ("admin", "backup", str(tmp_path / "x.db"), "--data", str(data), "--files")
    done = alone.run(*args, str(tmp_path / "no" / "contents"))
    assert (done.returncode, done.stderr) == (
        73,
        f"chatnet: cannot copy files into {tmp_path / 'no' / 'contents'}: no such file or directory\n",
    )
    (tmp_path / "taken").write_text("something dear")
    done = alone.run(*args, str(tmp_path / "taken"))
    assert (done.returncode, done.stderr) == (
        73,
        f"chatnet: cannot copy files into {tmp_path / 'taken'}: not a directory\n",
    )
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "content").write_text("something dear")
    done = alone.run(*args, str(tmp_path / "strange"))
    assert (done.returncode, done.stderr) == (
        73,
        f"chatnet: cannot copy files into {tmp_path / 'strange'}: file exists\n",
    )
    assert not (tmp_path / "x.db").exists()


def test_the_servers_own_folder_is_no_place_for_a_backup(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data)
    for folder in (data / "files", tmp_path / "link" / "files"):
        done = alone.run("admin", "backup", str(tmp_path / "x.db"), "--data", str(data), "--files", str(folder))
        assert done.returncode == 64
        assert "is where the server keeps its files" in done.stderr
        assert not (tmp_path / "x.db").exists()
    assert sorted(path.name for path in (data / "files").iterdir()) == ["content", "parts"]


def test_two_backups_do_not_copy_into_one_folder_at_a_time(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    contents = tmp_path / "contents"
    contents.mkdir()
    args = ("admin", "backup", str(tmp_path / "x.db"), "--data", str(data), "--files", str(contents))
    with (contents / "lock").open("ab") as other:
        assert lock_file(other.fileno())
        done = alone.run(*args)
        assert (done.returncode, done.stderr.count("\n")) == (73, 1)
        assert "another backup copies files into" in done.stderr
        assert not (tmp_path / "x.db").exists()
    assert alone.run(*args).returncode == 0


def test_a_backup_of_a_damaged_header_blames_the_database(alone: Chatnet, data: Path, tmp_path: Path) -> None:
    with (data / "chatnet.db").open("r+b") as file:
        file.seek(18)  # the write version, https://sqlite.org/fileformat.html, 1.3.3
        file.write(b"\x06")
    done = alone.run("admin", "backup", str(tmp_path / "x.db"), "--data", str(data))
    assert done.returncode == 66
    assert done.stderr.startswith(f"chatnet: cannot use the database {data / 'chatnet.db'}: its header ")
    assert "x.db" not in done.stderr
    assert not (tmp_path / "x.db").exists()

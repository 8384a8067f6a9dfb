"""Outboxes on disk: what is added stays until it is answered, whoever ends, and is never in two hands."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.client.outbox import Draft, ToConversation, ToRoom, ToUser
from chatnet.client.spool import DiskOutbox, Spool
from chatnet.errors import ConfigError, ErrorCode
from chatnet.model import Kind

BOB = ToUser("bob")


def test_what_waits_is_there_after_a_restart_with_its_device_and_number(tmp_path: Path) -> None:
    with DiskOutbox(tmp_path / "1") as outbox:
        device = outbox.device
        outbox.add(BOB, "a", Kind.TEXT, 0)
        outbox.add(ToRoom("lobby"), "b", Kind.ACTION, 7)
        outbox.add(ToConversation(5), "c", Kind.TEXT, 0)
        outbox.remove(1)
    with DiskOutbox(tmp_path / "1") as outbox:
        assert outbox.device == device
        assert list(outbox) == [
            Draft(2, ToRoom("lobby"), "b", Kind.ACTION, 7),
            Draft(3, ToConversation(5), "c"),
        ]
        assert outbox.after(2) == Draft(3, ToConversation(5), "c")


def test_no_number_is_given_out_twice(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        with DiskOutbox(tmp_path / "1") as outbox:
            draft = outbox.add(BOB, "hi", Kind.TEXT, 0)
            numbers.append(draft.n)
            outbox.remove(draft.n)
    assert numbers == [1, 2, 3]


def test_each_process_gets_an_outbox_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "box")
    with spool.claim() as one, spool.claim() as other:
        assert one.device != other.device
        with pytest.raises(ConfigError) as refusal:
            DiskOutbox(tmp_path / "box" / "1")
        assert refusal.value.code == ErrorCode.DATA_IN_USE
    with spool.claim() as again:
        assert again.device == one.device


def test_only_what_waits_and_is_in_nobodys_hands_is_to_be_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "box")
    assert list(spool.waiting()) == []
    with spool.claim() as one, spool.claim() as other, spool.claim():
        one.add(BOB, "mine", Kind.TEXT, 0)
        other.add(BOB, "left", Kind.TEXT, 0)
        other.close()
        waiting = []
        for outbox in spool.waiting():
            with outbox:
                waiting += [draft.body for draft in outbox]
        assert waiting == ["left"]
        assert [draft.body for draft in spool.peek()] == ["mine", "left"]


def test_a_process_that_is_killed_leaves_what_it_added(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from chatnet.client.spool import Spool\n"
        "from chatnet.client.outbox import ToUser\n"
        "from chatnet.model import Kind\n"
        "Spool(Path(sys.argv[1])).claim().add(ToUser('bob'), 'last words', Kind.TEXT, 0)\n"
        "os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "box")], timeout=30, check=False)
    assert done.returncode != 0
    spool = Spool(tmp_path / "box")
    assert [draft.body for draft in spool.peek()] == ["last words"]
    (outbox,) = spool.waiting()
    outbox.close()


def test_an_outbox_that_is_no_database_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "box" / "1"
    DiskOutbox(folder).close()
    (folder / "outbox.db").write_bytes(b"no database at all" * 100)
    for look in (lambda: list(Spool(tmp_path / "box").waiting()), lambda: Spool(tmp_path / "box").peek()):
        with pytest.raises(ConfigError) as refusal:
            look()
        assert refusal.value.code == ErrorCode.DATA_UNUSABLE
        assert str(folder) in refusal.value.message


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_can_read_what_waits(tmp_path: Path) -> None:
    with Spool(tmp_path / "box").claim() as outbox:
        outbox.add(BOB, "hi", Kind.TEXT, 0)
        for path in (tmp_path / "box").rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_draft_that_shares_a_file_still_does_after_a_restart(tmp_path: Path) -> None:
    with DiskOutbox(tmp_path / "1") as outbox:
        outbox.add(ToConversation(5), "from the trip", Kind.FILE, 0, 55)
    with DiskOutbox(tmp_path / "1") as outbox:
        assert list(outbox) == [Draft(1, ToConversation(5), "from the trip", Kind.FILE, 0, 55)]


def test_an_outbox_that_is_older_than_files_is_read_and_used_on(tmp_path: Path) -> None:
    folder = tmp_path / "box" / "1"
    with DiskOutbox(folder):
        pass
    with closing(sqlite3.connect(folder / "outbox.db", isolation_level=None)) as database:
        database.execute("ALTER TABLE drafts DROP COLUMN file")
        database.execute("INSERT INTO drafts VALUES (3, 'user', 'bob', 'old', 0, 0)")
    old = Draft(3, BOB, "old")
    assert Spool(tmp_path / "box").peek() == [old]
    for file in (55, 56):
        with DiskOutbox(folder) as outbox:
            new = outbox.add(ToConversation(5), "new", Kind.FILE, 0, file)
            assert list(outbox) == [old, new]
            assert new.file == file
            outbox.remove(new.n)

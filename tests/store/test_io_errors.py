"""A disk that fails ends the server before it promises anything more; one that is full only makes it wait."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, AnyEvent, HistoryPage, Nack, Opened
from chatnet.requests import CreateRoom, GetHistory, Post, Request
from chatnet.server import Server
from chatnet.store.sqlite import SqliteStore
from tests.e2e.raw import Raw, request
from tests.scripts.running import run_script

MIB = 1 << 20


def test_after_a_sync_that_fails_nothing_is_promised_and_the_server_ends() -> None:
    done = run_script("_io_errors.py", "14")
    assert done.returncode == 0, done.stderr
    assert "0 wrong" in done.stdout
    assert " of chatnet.db-wal" in done.stdout, "there are commits among those that failed"


# -- a full disk ------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of its own for a folder; skips the test where nobody may mount one."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk, and only on Linux")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "chatnet-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def ask(client: Raw, what: Request) -> AnyEvent:
    client.send(request(what))
    return client.event()


def test_a_full_disk_refuses_writers_for_now_serves_readers_and_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path, MIB):
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(MIB // 2))
        fast = 1e9
        limits = Limits(post_burst=fast, text_burst=fast, request_burst=fast, farewell_seconds=0.2)
        config = Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=limits)
        with Server(config, store=SqliteStore(tmp_path)) as server, Raw(server.addresses[0]) as client:
            client.log_in("writer")
            opened = ask(client, CreateRoom(1, "room"))
            assert isinstance(opened, Opened)
            room = opened.conversation.id

            n, answer = 1, ask(client, Post(1, room, "x" * 4000))
            while isinstance(answer, Ack):
                n += 1
                assert n < 1000, "this does not fit on the disk"
                answer = ask(client, Post(n, room, "x" * 4000))
            assert isinstance(answer, Nack)
            assert answer.code == ErrorCode.STORE_FULL
            assert answer.retry_after > 0

            page = ask(client, GetHistory(2, room, limit=3))
            assert isinstance(page, HistoryPage)
            assert [message.seq for message in page.messages] == [n - 3, n - 2, n - 1], "readers go on"
            assert isinstance(ask(client, Post(n, room, "x" * 4000)), Nack), "it is still full"

            ballast.unlink()
            answer = ask(client, Post(n, room, "there is room again"))
            assert isinstance(answer, Ack)
            assert answer.seq == n
            page = ask(client, GetHistory(3, room, limit=1))
            assert isinstance(page, HistoryPage)
            assert page.messages[0].body == "there is room again"

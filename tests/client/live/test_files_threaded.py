"""Transfers in a thread of their own: several at once, beside the chat, and told in one stream of notices."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatnet.address import Address
from chatnet.client.identity import Identity
from chatnet.client.news import Incoming, Online, Stored
from chatnet.client.receipts import Receipt
from chatnet.client.thread import Answered, Cancelled, ClientThread, Ended, Failed, Notice, Transferring
from chatnet.errors import ErrorCode
from tests.client.live.people import guest, send
from tests.client.servers import PATIENCE, Wire

SIZE = 2_000_000


@contextmanager
def threaded(
    server: Address, name: str, identity: Identity | None = None, capacity: int = 1000
) -> Iterator[ClientThread]:
    thread = ClientThread(lambda: guest(server, name, identity), capacity=capacity)
    thread.start()
    try:
        hear_until(thread, lambda notice: isinstance(notice, Online))
        yield thread
    finally:
        thread.stop()
        assert thread.join(PATIENCE)


def hear_until(thread: ClientThread, found: Callable[[Notice], bool]) -> list[Notice]:
    """All notices up to the first that is looked for."""
    heard: list[Notice] = []
    deadline = time.monotonic() + PATIENCE
    while not (heard and found(heard[-1])):
        assert time.monotonic() < deadline, f"only {heard}"
        heard += thread.take(1, timeout=1.0)
    return heard


def is_last(*numbers: int) -> Callable[[Notice], bool]:
    """Is this the last of the last words about all these?"""
    missing = set(numbers)

    def found(notice: Notice) -> bool:
        if isinstance(notice, Answered | Failed | Cancelled):
            missing.discard(notice.number)
        return not missing

    return found


def is_moving(number: int, done: int) -> Callable[[Notice], bool]:
    """Has this upload or download got so far?"""

    def found(notice: Notice) -> bool:
        if not isinstance(notice, Transferring) or notice.number != number:
            return False
        return notice.progress.phase in ("sending", "receiving") and notice.progress.done >= done

    return found


def new_file(tmp_path: Path, name: str, size: int = SIZE) -> Path:
    path = tmp_path / name
    path.write_bytes(os.urandom(size))
    return path


def test_two_of_each_and_the_chat_share_a_connection(wire: Wire, server: Address, tmp_path: Path, folder: Path) -> None:
    there = [new_file(tmp_path, f"there{number}") for number in range(2)]
    ids = [send(server, path) for path in there]
    up = [new_file(tmp_path, f"up{number}") for number in range(2)]
    with threaded(wire.address, "busy") as thread, guest(server, "friend") as friend:
        friend.join("lobby")
        uploads = [thread.upload(path, room="lobby", text=path.name) for path in up]
        downloads = [thread.download(id, folder=folder) for id in ids]
        thread.do(lambda chat: chat.post("hello", room="lobby"))
        heard = hear_until(thread, is_last(*uploads, *downloads))
        results = {notice.number: notice.value for notice in heard if isinstance(notice, Answered)}
        assert [results[number] for number in downloads] == [folder / path.name for path in there]
        assert all(isinstance(results[number], Receipt) for number in uploads)
        assert any(isinstance(notice, Stored) for notice in heard)
        texts = [next(friend.messages(PATIENCE)).text for _ in range(3)]
        assert texts[0] == "hello"
        assert sorted(texts[1:]) == ["up0", "up1"]
    for path in there:
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert wire.connections == 1


def test_hashing_does_not_keep_the_chat_waiting(
    server: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatnet.client.files.PIECE_BYTES", 500)
    path = new_file(tmp_path, "long")
    with threaded(server, "hasher") as thread:
        number = thread.upload(path, to="hasher")
        hear_until(thread, lambda notice: isinstance(notice, Transferring))
        thread.do(lambda chat: chat.post("hello", to="hasher"))
        heard = hear_until(thread, lambda notice: isinstance(notice, Incoming))
        assert {notice.progress.phase for notice in heard if isinstance(notice, Transferring)} <= {"hashing"}
        hear_until(thread, is_last(number))


def test_progress_is_told_often_but_does_not_flood(server: Address, tmp_path: Path) -> None:
    path = new_file(tmp_path, "much", 20_000_000)
    started = time.monotonic()
    with threaded(server, "teller") as thread:
        heard = hear_until(thread, is_last(thread.upload(path, to="teller")))
    told = [notice.progress for notice in heard if isinstance(notice, Transferring)]
    assert len(told) <= 10 * (time.monotonic() - started) + 2
    assert told[-1].done == told[-1].total == 20_000_000
    assert {progress.name for progress in told} == {"much"}


def test_a_lost_connection_is_told_and_mended(wire: Wire, server: Address, tmp_path: Path, folder: Path) -> None:
    id = send(server, new_file(tmp_path, "down", 10 * SIZE))
    path = new_file(tmp_path, "up", 10 * SIZE)
    with threaded(wire.address, "mended") as thread:
        up, down = thread.upload(path, to="mended"), thread.download(id, folder=folder)
        for number in (up, down):
            hear_until(thread, is_moving(number, 1))
            wire.cut()
        heard = hear_until(thread, is_last(up, down))
    assert not [notice for notice in heard if isinstance(notice, Failed)]
    assert (folder / "down").read_bytes() == (tmp_path / "down").read_bytes()
    assert wire.connections > 1
    assert wire.up < 11 * SIZE
    assert wire.down < 11 * SIZE


def test_what_fails_is_told_with_its_number_and_the_others_go_on(server: Address, tmp_path: Path, folder: Path) -> None:
    with threaded(server, "failer") as thread:
        missing = thread.upload(tmp_path / "missing", to="failer")
        nobody = thread.upload(new_file(tmp_path, "x"), to="nobody-at-all")
        unknown = thread.download(10**6, folder=folder)
        good = thread.upload(new_file(tmp_path, "y"), to="failer")
        heard = hear_until(thread, is_last(missing, nobody, unknown, good))
    codes = {notice.number: notice.error.code for notice in heard if isinstance(notice, Failed)}
    assert codes == {
        missing: ErrorCode.CANNOT_READ,
        nobody: ErrorCode.NO_SUCH_USER,
        unknown: ErrorCode.NO_SUCH_FILE,
    }


def test_what_is_cancelled_leaves_nothing_behind(wire: Wire, server: Address, tmp_path: Path, folder: Path) -> None:
    path, id = new_file(tmp_path, "up", 10 * SIZE), send(server, new_file(tmp_path, "down", 10 * SIZE))
    with threaded(wire.address, "fickle") as thread:
        up = thread.upload(path, to="fickle")
        down = thread.download(id, folder=folder)
        hear_until(thread, is_moving(up, 1))
        wire.stall()
        thread.cancel(up)
        thread.cancel(down)
        thread.cancel(down)
        thread.cancel(99)
        heard = hear_until(thread, is_last(up, down))
        assert [notice.number for notice in heard if isinstance(notice, Cancelled)] == [up, down]
        wire.stall(False)
        assert list(folder.iterdir()) == []
        passed = wire.up
        heard = hear_until(thread, is_last(thread.upload(path, to="fickle")))
        assert not any(isinstance(notice, Failed) for notice in heard)
        assert wire.up - passed >= 10 * SIZE, "the server has kept what was to be dropped"


def test_what_is_under_way_when_the_client_leaves_is_kept(
    wire: Wire, server: Address, tmp_path: Path, folder: Path
) -> None:
    path, id = new_file(tmp_path, "up", 10 * SIZE), send(server, new_file(tmp_path, "down", 10 * SIZE))
    identity = Identity.ephemeral()
    with threaded(wire.address, "leaver", identity) as thread:
        up, down = thread.upload(path, to="leaver"), thread.download(id, folder=folder)
        hear_until(thread, is_moving(up, 1))
        hear_until(thread, is_moving(down, 1))
        thread.stop()
        hear_until(thread, lambda notice: isinstance(notice, Ended))
    passed = wire.up
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    with threaded(wire.address, "leaver", identity) as thread:
        up, down = thread.upload(path, to="leaver"), thread.download(id, folder=folder)
        hear_until(thread, is_last(up, down))
    assert (folder / "down").read_bytes() == (tmp_path / "down").read_bytes()
    assert passed < wire.up < 11 * SIZE
    assert wire.down < 11 * SIZE


def test_nobody_takes_for_a_while_and_the_transfer_ends_all_the_same(server: Address, tmp_path: Path) -> None:
    with threaded(server, "sleeper", capacity=2) as thread:
        number = thread.upload(new_file(tmp_path, "x"), to="sleeper")
        for _ in range(10):
            thread.do(lambda chat: None)
        assert isinstance(hear_until(thread, is_last(number))[-1], Answered)

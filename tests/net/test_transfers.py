"""Files beside chat, over real sockets and a real disk: what overtakes what, and what a transfer costs the server."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.address import TCP, TLS, UNIX
from chatnet.core.file_jobs import ReadFile, WritePart
from chatnet.core.limits import KIB, MIB
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Closing, Credit, Deliver, FileChunk, Pong, TransferEnded
from chatnet.files import disk
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES
from chatnet.net.platform import has_unix_sockets, is_minimal
from chatnet.requests import Ping, StopTransfer
from chatnet.testing.file_driver import some_bytes
from tests.net.wires import DEADLINE, Person, World

CONTENT = some_bytes(2 * MIB)
FRAME = CHUNK_BYTES + 100
SMALL_BUFFER = 64 * KIB
WAYS = [TCP, TLS] + [UNIX] * has_unix_sockets()


@pytest.fixture(params=WAYS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "data", request.param)
    yield world
    world.close()


def shared(world: World, content: bytes = CONTENT) -> int:
    """A file in the lobby."""
    sharer = Person(world, "sharer")
    file = sharer.upload(content)
    sharer.line.close()
    return file


def skip_where_the_system_takes_all(world: World) -> None:
    """Then nothing is left that could wait."""
    if world.address.scheme != UNIX and (is_minimal() or not hasattr(socket, "TCP_NOTSENT_LOWAT")):
        pytest.skip("the system takes as much as it likes")


def test_a_file_comes_back_as_it_was_sent(world: World) -> None:
    file = shared(world)
    assert Person(world, "reader").download(file) == CONTENT


def test_what_is_said_during_a_download_arrives_between_its_pieces(world: World) -> None:
    file = shared(world)
    reader, talker = Person(world, "reader"), Person(world, "talker")

    def talk(at: int) -> None:
        said = len(talker.texts())
        if said * 300 * KIB < at < len(CONTENT) - MIB // 2:
            talker.post(said + 1, f"text {said}")
            talker.wait_for(Deliver, said + 1)

    assert reader.download(file, talk) == CONTENT
    order = "".join(type(event).__name__[0] for _, event in reader.heard if isinstance(event, FileChunk | Deliver))
    assert order.strip("F").count("D") == len(talker.texts()) >= 3, order


def test_what_is_said_during_an_upload_is_heard_before_it_ends(world: World) -> None:
    sender, talker = Person(world, "sender"), Person(world, "talker")
    ready = sender.announce(CONTENT)
    sender.send_chunks(ready.upload, CONTENT, 0, WINDOW_BYTES)
    talker.post(1, "meanwhile")
    sender.wait_for(Deliver)
    sender.post(1, "so I hear")
    talker.wait_for(Deliver, 2)
    assert talker.texts() == ["meanwhile", "so I hear"]
    assert sender.upload(CONTENT)


def test_one_that_reads_nothing_of_four_downloads_has_two_pieces_in_memory_and_chat_overtakes_the_rest(
    world: World,
) -> None:
    skip_where_the_system_takes_all(world)
    file = shared(world)
    slow, talker = Person(world, "slow", receive_buffer=SMALL_BUFFER), Person(world, "talker")
    world.files.asked.clear()
    for _ in range(4):
        slow.ask_for(file)
    world.settle()
    lane = slow.peer.bulk
    assert lane is not None
    assert 0 < lane.size <= FRAME
    assert slow.peer.queued == 0
    handed = slow.peer.sent
    # What was read was handed over, but for one piece with the network and one at hand.
    assert world.files.asked[ReadFile] * CHUNK_BYTES <= handed + 2 * CHUNK_BYTES
    talker.post(1, "hurry")
    talker.wait_for(Deliver)
    world.settle()
    assert slow.peer.queued < KIB
    slow.wait_for(FileChunk, 4 * -(-WINDOW_BYTES // CHUNK_BYTES))
    before = next(at for at, event in slow.heard if isinstance(event, Deliver))
    assert before <= handed + FRAME, "it waits for the rest of one piece at most"
    assert slow.texts() == ["hurry"]


def test_a_session_that_only_talks_has_no_second_lane(world: World) -> None:
    reader, talker = Person(world, "reader"), Person(world, "talker")
    file = shared(world)
    reader.download(file)
    talker.post(1)
    talker.wait_for(Deliver, 2)
    assert talker.peer.bulk is None
    assert reader.peer.bulk is not None


# -- a stop ---------------------------------------------------------------------------------------------------


def test_a_stop_in_the_middle_of_a_piece_finishes_it_and_says_why(world: World) -> None:
    skip_where_the_system_takes_all(world)
    file = shared(world)
    slow = Person(world, "slow", receive_buffer=SMALL_BUFFER)
    for _ in range(4):
        slow.ask_for(file)
    world.settle()
    world.server.stop()
    world.turn()
    slow.hear_out()
    chunks = slow.events(FileChunk)
    assert all(chunk.data == CONTENT[chunk.offset : chunk.offset + len(chunk.data)] for chunk in chunks)
    assert len(chunks) < 4 * WINDOW_BYTES // CHUNK_BYTES, "what was not begun is dropped"
    last = slow.heard[-1][1]
    assert isinstance(last, Closing)
    assert last.code == ErrorCode.SHUTTING_DOWN
    world.until(lambda: world.server.is_finished)


def test_an_upload_that_a_stop_interrupts_goes_on_after_it_without_a_byte_sent_twice(
    world: World, tmp_path: Path
) -> None:
    sender = Person(world, "sender")
    ready = sender.announce(CONTENT)
    sender.send_chunks(ready.upload, CONTENT, 0, ready.until)
    sender.until(lambda: world.files.asked[WritePart] * CHUNK_BYTES >= ready.until)
    world.server.stop()
    sender.hear_out()
    world.until(lambda: world.server.is_finished)
    again = World(tmp_path / "data", world.address.scheme)
    try:
        sender = Person(again, "sender")
        assert sender.announce(CONTENT).offset == ready.until
        file = sender.upload(CONTENT)
        assert Person(again, "reader").download(file) == CONTENT
    finally:
        again.close()


def test_a_server_that_is_closed_in_the_middle_of_transfers_leaves_nothing_open(tmp_path: Path) -> None:
    world = World(tmp_path / "data", TCP)
    file = shared(world)
    sender, reader = Person(world, "sender"), Person(world, "reader")
    ready = sender.announce(some_bytes(MIB))
    sender.send_chunks(ready.upload, some_bytes(MIB), 0, ready.until)
    reader.ask_for(file)
    world.turn()
    before = threading.active_count()
    world.close()
    assert threading.active_count() < before
    again = World(tmp_path / "data", TCP)
    assert Person(again, "reader").download(file) == CONTENT
    again.close()


# -- the disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[World]:
    """Over plain TCP: the disk does not care."""
    world = World(tmp_path / "data", TCP)
    yield world
    world.close()


class Held:
    """An operation of the file store's disk that takes until it is let go."""

    def __init__(self, patch: pytest.MonkeyPatch, operation: str) -> None:
        self.is_reached, self._may_go_on = threading.Event(), threading.Event()
        real = getattr(disk._RealFile, operation)

        def held(*arguments: object) -> object:
            self.is_reached.set()
            assert self._may_go_on.wait(DEADLINE)
            return real(*arguments)

        patch.setattr(disk._RealFile, operation, held)

    def let_go(self) -> None:
        self._may_go_on.set()


@pytest.mark.parametrize("operation", ["write", "read", "sync"])
def test_nobody_waits_for_the_file_workers_disk(plain: World, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    file = shared(plain)
    sender, reader, talker = Person(plain, "sender"), Person(plain, "reader"), Person(plain, "talker")
    other = some_bytes(MIB, 2)
    ready = sender.announce(other)
    held = Held(monkeypatch, operation)
    if operation == "read":
        reader.ask_for(file)
    else:
        sender.send_chunks(ready.upload, other, 0, ready.until)
    if operation == "sync":
        sender.say(StopTransfer(30, ready.upload))
    plain.until(held.is_reached.is_set)
    for n in range(1, 6):
        talker.post(n, f"text {n}")
        talker.say(Ping(n))
        talker.wait_for(Ack, n)
        talker.wait_for(Pong, n)
    assert not reader.events(FileChunk)
    assert not sender.events(Credit)
    held.let_go()
    assert Person(plain, "late").download(file) == CONTENT
    assert sender.upload(other)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, ErrorCode.STORE_FULL), (errno.EIO, ErrorCode.STORE_FAILING)]
)
def test_a_disk_that_fails_ends_an_upload_which_goes_on_later_and_nobody_else_notices(
    plain: World, monkeypatch: pytest.MonkeyPatch, number: int, code: ErrorCode
) -> None:
    sender, talker = Person(plain, "sender"), Person(plain, "talker")
    ready = sender.announce(CONTENT)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(disk._RealFile, "write", fail)
        sender.send_chunks(ready.upload, CONTENT, 0, ready.until)
        ended = sender.wait_for(TransferEnded)
        assert (ended.transfer, ended.code) == (ready.upload, code)
        assert ended.retry_after > 0
        talker.post(1, "nothing to me")
        talker.wait_for(Ack)
    file = sender.upload(CONTENT)
    assert talker.download(file) == CONTENT


def test_a_mistake_in_the_file_store_ends_the_server_and_says_what_it_was(
    plain: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Person(plain, "sender")
    ready = sender.announce(CONTENT)

    def mistake(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(disk._RealFile, "write", mistake)
    sender.send_chunks(ready.upload, CONTENT, 0, CHUNK_BYTES)
    with pytest.raises(RuntimeError, match="a bug"):
        plain.until(lambda: plain.server.is_finished)
    plain.server.close()
    sender.hear_out()
    assert sender.events(TransferEnded) == []


def test_an_upload_never_has_more_than_its_window_waiting_for_the_disk(
    plain: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Person(plain, "sender")
    ready = sender.announce(CONTENT)
    held = Held(monkeypatch, "write")
    sender.send_chunks(ready.upload, CONTENT, 0, len(CONTENT))
    closing = sender.wait_for(Closing)
    assert closing.code == ErrorCode.BAD_REQUEST
    assert plain.files.asked[WritePart] * CHUNK_BYTES <= WINDOW_BYTES + CHUNK_BYTES
    held.let_go()

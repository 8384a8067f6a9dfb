"""Files that do not get to the other side: each with a clear error, and nothing half-done left behind."""

import errno
import os
from pathlib import Path

import pytest

from chatnet.address import Address
from chatnet.client import files, partial
from chatnet.client.files import LocalFileError
from chatnet.client.identity import Identity
from chatnet.client.news import Incoming
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused
from tests.client.live.people import OVERHEAD, SIZE, At, code_of, guest, heard, mark_of, send
from tests.client.servers import Wire, keeping_files, running

pytestmark = pytest.mark.usefixtures("often")


def test_a_server_without_files_says_so_and_stays(path: Path, folder: Path) -> None:
    with running() as address, guest(address, "plain") as chat:
        for action in (
            lambda: chat.upload(path, to="plain"),
            lambda: chat.download(1, folder=folder),
            chat.files,
            lambda: chat.remove_file(1),
        ):
            assert code_of(action) == ErrorCode.UNSUPPORTED
        assert chat.send("still here", to="plain").seq == 1
        assert list(folder.iterdir()) == []


def test_limits_are_told_before_the_first_byte(tmp_path: Path, path: Path) -> None:
    limits = Limits(farewell_seconds=0.2, disk_reserve=0, file=1 << 20)
    with keeping_files(tmp_path / "data", limits=limits) as address:
        wire = Wire(address)
        with guest(wire.address, "big") as chat, pytest.raises(Refused, match="1 MiB") as refused:
            chat.upload(path, to="big")
        assert refused.value.code == ErrorCode.QUOTA
        assert wire.up < OVERHEAD
        wire.close()
    limits = Limits(farewell_seconds=0.2, disk_reserve=1 << 60)
    with (
        keeping_files(tmp_path / "data", limits=limits) as address,
        guest(address, "bigger") as chat,
        pytest.raises(Refused) as refused,
    ):
        chat.upload(path, to="big")
    assert refused.value.code == ErrorCode.STORE_FULL


def test_a_conversation_that_may_not_be_posted_to(server: Address, wire: Wire, path: Path) -> None:
    with guest(wire.address, "archivist") as chat:
        chat.create_room("old")
        chat.archive_room("old")
        assert code_of(lambda: chat.upload(path, room="old")) == ErrorCode.ROOM_ARCHIVED
        assert code_of(lambda: chat.upload(path, to="nobody-at-all")) == ErrorCode.NO_SUCH_USER
        assert code_of(lambda: chat.upload(path, room="nowhere")) == ErrorCode.NO_SUCH_ROOM
        assert code_of(lambda: chat.download(10**6)) == ErrorCode.NO_SUCH_FILE
    assert wire.up < OVERHEAD


def test_a_source_that_changes_is_noticed_and_can_be_sent_again(server: Address, path: Path) -> None:
    def change() -> None:
        path.write_bytes(bytes(SIZE))
        os.utime(path, ns=(1, 1))

    with guest(server, "changer") as chat:
        assert (
            code_of(lambda: chat.upload(path, to="changer", progress=At(SIZE // 2, change))) == ErrorCode.FILE_CHANGED
        )
        chat.upload(path, to="changer")


def test_a_source_that_is_not_there(server: Address, tmp_path: Path) -> None:
    with guest(server, "nothing") as chat:
        assert code_of(lambda: chat.upload(tmp_path / "missing", to="nothing")) == ErrorCode.CANNOT_READ


def test_a_disk_that_fills_up_leaves_what_came_and_the_same_once_more_goes_on(
    wire: Wire, server: Address, path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = send(server, path)
    write_all = files.write_all

    def fill() -> None:
        def fail(file: object, data: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(partial, "write_all", fail)

    with guest(wire.address, "full") as chat:
        with pytest.raises(LocalFileError, match="the disk is full\nMake room") as caught:
            chat.download(file, folder=folder, progress=At(SIZE // 2, fill))
        assert caught.value.code == ErrorCode.DISK_FULL
        assert [name.name for name in folder.iterdir()] == [f"trip.mkv.{mark_of(path)}.part"]
        monkeypatch.setattr(partial, "write_all", write_all)
        assert chat.download(file, folder=folder).read_bytes() == path.read_bytes()
        assert chat.send("still here", to="full").seq == 1
    assert wire.down < SIZE + 500_000 + OVERHEAD


def test_a_byte_that_changes_on_the_way_down_is_an_error_that_names_both_digests(
    wire: Wire, server: Address, path: Path, folder: Path
) -> None:
    file = send(server, path)
    with guest(wire.address, "damaged") as chat:
        wire.flip_down = wire.down + SIZE // 2
        with pytest.raises(LocalFileError, match=rf"its SHA-256 is [0-9a-f]{{64}}, not {mark_of(path)}") as caught:
            chat.download(file, folder=folder)
        assert caught.value.code == ErrorCode.BAD_DIGEST
        assert list(folder.iterdir()) == []
        assert chat.download(file, folder=folder).read_bytes() == path.read_bytes()


def test_a_byte_that_changes_on_the_way_up_is_an_error_that_names_both_digests(wire: Wire, path: Path) -> None:
    with guest(wire.address, "damager") as chat:
        wire.flip_up = wire.up + SIZE // 2
        with pytest.raises(Refused, match=mark_of(path)) as caught:
            chat.upload(path, to="damager")
        assert caught.value.code == ErrorCode.BAD_DIGEST
        chat.upload(path, to="damager")


def test_another_process_that_sends_the_same_takes_over(server: Address, wire: Wire, path: Path) -> None:
    identity = Identity.ephemeral()
    with guest(wire.address, "twice", identity) as first, guest(server, "twice", identity) as second:

        def take_over() -> None:
            second.upload(path, to="twice")

        with pytest.raises(Refused) as caught:
            first.upload(path, to="twice", progress=At(SIZE // 2, take_over))
        assert caught.value.code == ErrorCode.REPLACED


def test_a_file_goes_to_whom_it_was_meant_for_whoever_has_the_name_by_then(server: Address, path: Path) -> None:
    with guest(server, "giver") as giver, guest(server, "getter") as getter, guest(server, "taker") as taker:

        def swap() -> None:
            getter.rename("somebody")
            taker.rename("getter")

        giver.upload(path, to="getter", text="for you", progress=At(SIZE // 2, swap))
        assert heard(getter).body == "for you"
        assert taker.files(with_="giver") == []


def test_nothing_that_is_there_is_written_over(server: Address, wire: Wire, path: Path, folder: Path) -> None:
    file = send(server, path)
    (folder / "trip.mkv").write_bytes(b"mine")
    (folder / "out").symlink_to(folder / "elsewhere")
    with guest(wire.address, "careful") as chat:
        with pytest.raises(LocalFileError, match="is there already") as caught:
            chat.download(file, path=folder / "out")
        assert caught.value.code == ErrorCode.CANNOT_CREATE
        assert wire.down < OVERHEAD
        assert chat.download(file, folder=folder) == folder / "trip-2.mkv"
        with pytest.raises(TypeError):
            chat.download(file, folder=folder, path=folder / "out")
    assert (folder / "trip.mkv").read_bytes() == b"mine"
    assert not (folder / "elsewhere").exists()


def test_a_hostile_name_lands_in_the_folder(server: Address, path: Path, folder: Path) -> None:
    with guest(server, "hostile") as chat:
        chat.upload(path, to="hostile", name="../../.bashrc")
        file = heard(chat).file
        assert file is not None
        assert file.name == "../../.bashrc"
        assert chat.download(file.id, folder=folder) == folder / "bashrc"


def test_what_is_said_meanwhile_arrives(server: Address, path: Path) -> None:
    with guest(server, "talker") as talker, guest(server, "sender-x") as sender:
        talker.join("lobby")

        def talk() -> None:
            talker.send("hello", to="sender-x")

        at = At(SIZE // 4, talk)
        sender.upload(path, to="sender-x", progress=at)
        texts = [news.text for news in sender.events(0.0) if isinstance(news, Incoming)]
        assert texts == ["hello", ""]

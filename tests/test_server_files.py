"""A server's files: when there are any, where they are, and what happens before anybody is let in."""

import os
import stat
from pathlib import Path

import pytest

from chatnet.address import MEMORY, TCP, Address
from chatnet.config import Config
from chatnet.core.file_jobs import Collect, FileJob
from chatnet.core.limits import MIB, Limits
from chatnet.errors import ConfigError, ErrorCode
from chatnet.events import Hello, Joined, Refused, UploadReady
from chatnet.requests import Join, ListFiles, StartUpload
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.testing.clock import VirtualClock
from chatnet.testing.file_driver import digest, some_bytes
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk
from chatnet.testing.network import MemorySelector
from chatnet.transports.memory import MemoryNetwork
from tests.e2e.raw import PREFACE, Raw, request

LOOPBACK = Address(TCP, "127.0.0.1", 0)
LOBBY = 1
CONTENT = some_bytes(100_000)
ANNOUNCE = StartUpload(9, LOBBY, "file", len(CONTENT), digest(CONTENT))


def features(server: Server) -> list[str]:
    """What it says that it can do."""
    with Raw(server.addresses[0]) as raw:
        raw.send(PREFACE)
        return list(raw.answer(Hello).features)


def answer_to_an_upload(server: Server) -> UploadReady | Refused:
    with Raw(server.addresses[0]) as raw:
        raw.log_in("sender")
        raw.send(request(Join(2, "lobby")) + request(ANNOUNCE))
        raw.answer(Joined)
        while not isinstance(event := raw.event(), UploadReady | Refused):
            pass
        return event


def test_a_server_with_a_data_folder_keeps_files_and_says_so(tmp_path: Path) -> None:
    with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data")) as server:
        assert "files" in features(server)
        assert isinstance(answer_to_an_upload(server), UploadReady)


def test_a_server_that_keeps_nothing_keeps_no_files_and_says_so() -> None:
    with Server(Config(bind=(LOOPBACK,))) as server:
        assert "files" not in features(server)
        answer = answer_to_an_upload(server)
        assert isinstance(answer, Refused)
        assert (answer.code, answer.reason) == (
            ErrorCode.UNSUPPORTED,
            "this server keeps no files (--history none)",
        )
        with Raw(server.addresses[0]) as raw:
            raw.log_in("reader")
            raw.send(request(ListFiles(3)))
            assert raw.answer(Refused).code == ErrorCode.UNSUPPORTED


def test_nobody_else_can_look_into_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Server(Config(bind=(LOOPBACK,), data=data)) as server:
        answer_to_an_upload(server)
        found = [Path(place) / name for place, folders, files in os.walk(data) for name in [*folders, *files]]
        assert data / "files" in found
        assert any(path.suffix == ".part" for path in found)
        for path in found:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_second_server_is_refused_before_it_touches_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Server(Config(bind=(LOOPBACK,), data=data)):
        (data / "files" / "content" / "ab").mkdir()
        orphan = data / "files" / "content" / "ab" / digest(b"orphan").hex()
        orphan.write_bytes(b"orphan")
        with pytest.raises(ConfigError) as caught:
            Server(Config(bind=(LOOPBACK,), data=data)).start()
        assert caught.value.code == ErrorCode.DATA_IN_USE
        assert orphan.exists()


def test_a_folder_of_files_that_cannot_be_used_stops_the_start_and_frees_the_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "files").write_text("in the way")
    server = Server(Config(bind=(LOOPBACK,), data=data))
    with pytest.raises(ConfigError) as caught:
        server.start()
    assert caught.value.code == ErrorCode.DATA_UNUSABLE
    assert str(data / "files") in caught.value.message
    (data / "files").unlink()
    with Server(Config(bind=(LOOPBACK,), data=data)) as server:
        assert "files" in features(server)


def test_what_a_crash_has_left_behind_goes_at_the_start_though_nobody_comes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = Config(bind=(LOOPBACK,), data=data)
    with Server(config):
        """It makes its folders."""
    name = digest(b"orphan").hex()
    orphan = data / "files" / "content" / name[:2] / name
    orphan.parent.mkdir(mode=0o700)
    orphan.write_bytes(b"orphan")
    server = Server(config)
    server.start()
    server.turn()  # waits for nobody
    server.close()
    assert not orphan.exists()


class NotingFileStore(SteppedFileStore):
    """In memory; notes its jobs, and when it is closed."""

    def __init__(self, log: list[object]) -> None:
        super().__init__(MemoryDisk(room=MIB))
        self.log = log

    def submit(self, job: FileJob) -> None:
        self.log.append(type(job))
        super().submit(job)

    def close(self) -> None:
        self.log.append("files closed")
        super().close()


class NotingStore(MemoryStore):
    """Likewise."""

    def __init__(self, log: list[object]) -> None:
        super().__init__()
        self.log = log

    def close(self) -> None:
        self.log.append("messages closed")
        super().close()


def test_the_file_store_is_asked_before_anybody_is_let_in_and_closed_behind_the_message_store() -> None:
    clock, network = VirtualClock(), MemoryNetwork()
    log: list[object] = []
    here = Address(MEMORY, "here")
    server = Server(
        Config(bind=(here,)),
        selector=MemorySelector(clock),
        clock=clock,
        store=NotingStore(log),
        files=NotingFileStore(log),
        listeners=[network.listen(here)],
    )
    server.start()
    server.turn()
    assert log == [Collect]
    assert clock.now().monotonic == 0.0, "it waits for nobody"
    client = network.connect(here)
    client.send(PREFACE)
    server.turn()
    assert client.receive(MIB) is None, "it is greeted in the next turn"
    server.stop()
    while not server.is_finished:
        client.close()
        server.turn()
    assert log == [Collect, "messages closed", "files closed"]


def test_a_disk_without_the_room_that_is_reserved_refuses_an_upload_before_its_first_byte(tmp_path: Path) -> None:
    limits = Limits(disk_reserve=1 << 52)
    with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data", limits=limits)) as server:
        answer = answer_to_an_upload(server)
        assert isinstance(answer, Refused)
        assert answer.code == ErrorCode.STORE_FULL
        assert "97.7 KiB are to come" in answer.reason


def test_a_file_over_the_limit_is_refused_with_the_limit(tmp_path: Path) -> None:
    limits = Limits(file=1000)
    with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data", limits=limits)) as server:
        answer = answer_to_an_upload(server)
        assert isinstance(answer, Refused)
        assert answer.code == ErrorCode.QUOTA
        assert "1000 bytes" in answer.reason

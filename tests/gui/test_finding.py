"""The window's way in: as admin, and only to the server that uses the folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.address import TCP, TLS, UNIX, Address
from chatnet.client.credentials import LocalCredentials
from chatnet.config import Config
from chatnet.errors import ChatnetError, ErrorCode, Refused
from chatnet.model import Role
from chatnet.net import platform
from chatnet.net.platform import has_unix_sockets, is_minimal
from chatnet.server import Server
from chatnet_gui.finding import Entrance, find_way

needs_unix = pytest.mark.skipif(not has_unix_sockets(), reason="no unix sockets here")


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local socket of these tests is in their folder."""
    (tmp_path / "run").mkdir(mode=0o755)
    monkeypatch.setattr(platform, "SYSTEM_SOCKET_FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(platform, "TEMPORARY_FOLDER", str(tmp_path / "nowhere"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def without_socket(folder: Path) -> Iterator[Server]:
    with Server(Config(bind=(Address(TLS, "127.0.0.1", 0),), data=folder)) as server:
        yield server


def reason(folder: Path) -> str:
    with pytest.raises(ChatnetError) as raised, Entrance(folder)():
        pass
    return raised.value.code


def test_without_a_server_there_is_no_way(folder: Path) -> None:
    assert reason(folder) == ErrorCode.UNREACHABLE


def test_the_private_file_makes_an_admin(without_socket: Server, folder: Path) -> None:
    entrance = Entrance(folder)
    assert entrance.session == 0
    with entrance() as chat:
        assert chat.user.role is Role.ADMIN
        assert chat.address == without_socket.addresses[0]
        [own] = chat.admin.connections()
        assert own.session == entrance.session != 0


def test_a_file_that_a_killed_server_left_is_no_way(folder: Path) -> None:
    with Server(Config(bind=(Address(TLS, "127.0.0.1", 0),), data=folder)):
        left = (folder / "local-access").read_bytes()
    (folder / "local-access").write_bytes(left)
    assert reason(folder) == ErrorCode.UNREACHABLE


def test_another_server_at_the_old_place_is_not_talked_to(folder: Path, tmp_path: Path) -> None:
    with Server(Config(bind=(Address(TLS, "127.0.0.1", 0),), data=folder)) as server:
        left = (folder / "local-access").read_bytes()
    (folder / "local-access").write_bytes(left)
    with Server(Config(bind=(server.addresses[0],), data=tmp_path / "other")):
        assert reason(folder) == ErrorCode.UNTRUSTED


def test_an_old_token_is_refused(folder: Path) -> None:
    with Server(Config(bind=(Address(TLS, "127.0.0.1", 0),), data=folder)) as server:
        left = (folder / "local-access").read_bytes()
    with Server(Config(bind=(server.addresses[0],), data=folder)):
        (folder / "local-access").write_bytes(left)
        with pytest.raises(Refused), Entrance(folder)():
            pass


def test_a_server_without_any_way_in_is_not_found(folder: Path) -> None:
    with Server(Config(bind=(Address(TCP, "127.0.0.1", 0),), data=folder)):
        assert reason(folder) == ErrorCode.UNREACHABLE


@needs_unix
def test_the_local_socket_makes_an_admin(folder: Path) -> None:
    with Server(Config(bind=(Address(UNIX, path=platform.local_socket_path()),), data=folder)) as server:
        assert find_way(folder).credentials == LocalCredentials()
        with Entrance(folder)() as chat:
            assert chat.user.role is Role.ADMIN
            assert chat.address == server.addresses[0]


@needs_unix
@pytest.mark.skipif(not hasattr(os, "getuid") or is_minimal(), reason="nobody says who listens")
def test_the_socket_of_the_server_of_another_folder_is_left_alone(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "lock").write_text("1")  # another process than this one, which listens
    with Server(Config(bind=(Address(UNIX, path=platform.local_socket_path()),), data=tmp_path / "other")):
        assert reason(folder) == ErrorCode.UNREACHABLE

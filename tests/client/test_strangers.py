"""What a client says when there is no chatnet server where it looks."""

import socket
import time

import pytest

from chatnet import Client
from chatnet.address import TCP, Address
from chatnet.client import discovery
from chatnet.client.identity import Identity
from chatnet.errors import ChatnetError, ConfigError, ErrorCode, TimedOut, Unreachable
from chatnet.events import Closing
from chatnet.net import platform
from chatnet.wire.codec import encode
from tests.client.servers import listening, running


def error_at(address: Address, timeout: float = 5.0) -> ChatnetError:
    """What connecting to it raises."""
    with pytest.raises(ChatnetError) as failure:
        Client(address, name="me", identity=Identity.ephemeral(), timeout=timeout).connect()
    return failure.value


@pytest.mark.parametrize(
    "words", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"], ids=["http", "ssh"]
)
@pytest.mark.parametrize("hangs_up", [False, True])
def test_another_protocol_is_told_from_chatnet(words: bytes, hangs_up: bool) -> None:
    with listening(words, hangs_up=hangs_up) as address:
        error = error_at(address)
    assert isinstance(error, Unreachable)
    assert error.code == ErrorCode.NOT_CHATNET
    assert error.message == f"{address}: what answers there is not a chatnet server"


def test_silence_is_given_up_after_the_timeout() -> None:
    with listening(None) as address:
        started = time.monotonic()
        error = error_at(address, timeout=0.3)
        assert 0.3 <= time.monotonic() - started < 5
    assert isinstance(error, TimedOut)
    assert error.code == ErrorCode.NO_ANSWER
    assert str(address) in error.message


def test_a_server_that_hangs_up_at_once_is_unreachable() -> None:
    with listening(None, hangs_up=True) as address:
        error = error_at(address)
    assert isinstance(error, Unreachable)
    assert error.code == ErrorCode.UNREACHABLE


def test_a_server_that_is_full_says_so() -> None:
    with listening(encode(Closing(ErrorCode.SERVER_FULL, "too many are here", 5.0)), hangs_up=True) as address:
        error = error_at(address)
    assert isinstance(error, Unreachable)
    assert (error.code, error.message) == (ErrorCode.SERVER_FULL, f"{address}: too many are here")


def closed_port() -> Address:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Address(TCP, "127.0.0.1", listener.getsockname()[1])


def test_a_port_that_refuses_is_unreachable() -> None:
    address = closed_port()
    error = error_at(address)
    assert isinstance(error, Unreachable)
    assert str(address) in error.message


# -- looking for a server -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where local sockets are looked for, instead of the machine's own places; and an empty home."""
    for variable in (discovery.VARIABLE, discovery.PROFILE_VARIABLE, discovery.TOKEN_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path_factory.mktemp("home")))
    monkeypatch.setattr(discovery, "DEFAULT_PORT", closed_port().port)
    folder = tmp_path_factory.mktemp("s")
    monkeypatch.setattr(platform, "SYSTEM_SOCKET_FOLDER", str(folder))
    monkeypatch.setattr(platform, "TEMPORARY_FOLDER", str(folder / "none"))
    return str(folder)


def test_nothing_found_names_all_that_was_tried_and_how_to_start_one(folder: str) -> None:
    with pytest.raises(Unreachable) as failure:
        Client(name="me", identity=Identity.ephemeral()).connect()
    assert str(discovery.candidates()[-1]) in failure.value.message
    assert "chatnet serve" in failure.value.message
    assert folder


@pytest.mark.skipif(not platform.has_unix_sockets(), reason="no unix sockets")
def test_a_dead_local_socket_is_passed_over(folder: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{folder}/chatnet.sock")
    with pytest.raises(Unreachable) as failure:
        Client(name="me", identity=Identity.ephemeral()).connect()
    assert f"chatnet+unix://{folder}/chatnet.sock" in failure.value.message
    assert str(discovery.candidates()[-1]) in failure.value.message


def test_the_environment_says_where_the_server_is(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder
    with running() as address:
        monkeypatch.setenv(discovery.VARIABLE, str(address))
        with Client(name="me", identity=Identity.ephemeral()) as chat:
            assert chat.address == address
    monkeypatch.setenv(discovery.VARIABLE, "chatnet+tcp:nonsense")
    with pytest.raises(ConfigError):
        Client(name="me", identity=Identity.ephemeral()).connect()

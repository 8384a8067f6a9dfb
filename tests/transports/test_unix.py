"""Unix sockets."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chatnet.address import UNIX, Address
from chatnet.errors import CannotListen, ConfigError, ErrorCode, Unreachable
from chatnet.net.platform import has_unix_sockets, new_selector
from chatnet.testing.listener_conformance import ListenerConformance, Listening
from chatnet.testing.transport_conformance import PATIENCE, Pair, TransportConformance, wait
from chatnet.transports import unix

needs_unix_sockets = pytest.mark.skipif(not has_unix_sockets(), reason="there are no unix sockets")


@pytest.fixture(autouse=True)
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder with a short name, since a socket's path may have only about 100 bytes."""
    with TemporaryDirectory(prefix="chatnet-") as name:
        if request.instance is not None:
            request.instance.address = Address(UNIX, path=f"{name}/socket")
        yield Path(name)


@pytest.fixture
def address(folder: Path) -> Address:
    return Address(UNIX, path=str(folder / "socket"))


def connected_pair(address: Address) -> Pair:
    selector = new_selector()
    listener = unix.listen(address)
    client = unix.connect(address, PATIENCE)
    assert wait(selector, listener.selectable, 1)
    server = listener.accept()
    assert server is not None
    listener.close()
    return Pair(client, server, selector)


@needs_unix_sockets
class TestUnix(TransportConformance):
    address: Address

    def make_pair(self) -> Pair:
        return connected_pair(self.address)


@needs_unix_sockets
class TestUnixListener(ListenerConformance):
    address: Address

    def make_listener(self) -> Listening:
        return Listening(unix.listen(self.address), unix.connect, new_selector())


@contextmanager
def full_backlog(address: Address) -> Iterator[None]:
    """A server at this address that accepts nobody, with a backlog that is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(address.path)
        listener.listen(0)
        answer = 0
        while answer != errno.EAGAIN:
            client = sockets.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            answer = client.connect_ex(address.path)
        yield


# -- who it is ------------------------------------------------------------------------------------------------


@needs_unix_sockets
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not say who connects")
def test_the_system_says_who_connects(address: Address) -> None:
    pair = connected_pair(address)
    assert pair.server.peer == f"unix: pid {os.getpid()}, uid {os.getuid()}"
    assert pair.server.is_local
    pair.client.close()
    pair.server.close()


@needs_unix_sockets
def test_a_system_that_does_not_say_who_connects_is_no_obstacle(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "peer_credentials", lambda _: None)
    pair = connected_pair(address)
    assert pair.server.peer == "unix"
    pair.client.close()
    pair.server.close()


# -- the file -------------------------------------------------------------------------------------------------


@needs_unix_sockets
def test_everybody_may_connect_whatever_the_umask_is(address: Address) -> None:
    old = os.umask(0o077)
    try:
        listener = unix.listen(address)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(address.path).st_mode) == 0o666
    listener.close()


@needs_unix_sockets
def test_a_close_removes_the_file(address: Address) -> None:
    unix.listen(address).close()
    assert not os.path.lexists(address.path)


@needs_unix_sockets
def test_a_close_leaves_the_file_of_another_server(address: Address) -> None:
    ours = unix.listen(address)
    os.unlink(address.path)
    theirs = unix.listen(address)
    ours.close()
    assert os.path.lexists(address.path)
    unix.connect(address, PATIENCE).close()
    theirs.close()


@needs_unix_sockets
def test_a_file_that_a_dead_server_left_is_replaced(address: Address) -> None:
    dead = unix.listen(address)
    dead.selectable.close()
    assert os.path.lexists(address.path)
    with pytest.raises(Unreachable, match="nobody listens"):
        unix.connect(address, PATIENCE)
    listener = unix.listen(address)
    unix.connect(address, PATIENCE).close()
    listener.close()


@needs_unix_sockets
def test_the_file_of_a_live_server_is_left_alone(address: Address) -> None:
    listener = unix.listen(address)
    with pytest.raises(CannotListen, match="in use") as refused:
        unix.listen(address)
    assert refused.value.code == ErrorCode.ADDRESS_IN_USE
    unix.connect(address, PATIENCE).close()
    listener.close()


@needs_unix_sockets
def test_a_live_server_that_is_busy_is_left_alone(address: Address) -> None:
    with full_backlog(address):
        with pytest.raises(CannotListen) as refused:
            unix.listen(address)
        assert refused.value.code == ErrorCode.ADDRESS_IN_USE


@needs_unix_sockets
def test_a_file_that_is_no_socket_is_left_alone(address: Address) -> None:
    Path(address.path).write_text("precious")
    with pytest.raises(CannotListen, match="no socket") as refused:
        unix.listen(address)
    assert refused.value.code == ErrorCode.CANNOT_LISTEN
    assert Path(address.path).read_text() == "precious"


# -- what goes wrong ------------------------------------------------------------------------------------------


@needs_unix_sockets
def test_a_connect_to_a_busy_server_ends_in_time(address: Address) -> None:
    with full_backlog(address), pytest.raises(Unreachable, match=r"no answer from .* within 0.05 s"):
        unix.connect(address, 0.05)


@needs_unix_sockets
def test_a_path_without_a_socket_is_unreachable(address: Address) -> None:
    with pytest.raises(Unreachable, match="there is no socket") as failure:
        unix.connect(address, PATIENCE)
    assert address.path in failure.value.message
    assert "\n" not in failure.value.message


@needs_unix_sockets
def test_a_socket_that_one_may_not_use_says_so(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may use all, so the system's answer is put in its place.
    def connect(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Unreachable, match="no permission"):
        unix.connect(address, PATIENCE)


@needs_unix_sockets
def test_a_path_that_is_too_long_says_so(folder: Path) -> None:
    long = Address(UNIX, path=str(folder / ("x" * 120)))
    with pytest.raises(CannotListen, match="too long"):
        unix.listen(long)
    with pytest.raises(Unreachable, match="too long"):
        unix.connect(long, PATIENCE)


@needs_unix_sockets
def test_a_folder_that_does_not_exist_says_so(folder: Path) -> None:
    with pytest.raises(CannotListen, match="its folder does not exist"):
        unix.listen(Address(UNIX, path=str(folder / "nowhere" / "socket")))


@needs_unix_sockets
def test_a_zero_byte_does_not_cut_a_path_short(folder: Path) -> None:
    address = Address(UNIX, path=f"{folder}/a\0b")
    with pytest.raises(ConfigError) as refused:
        unix.listen(address)
    assert refused.value.code == ErrorCode.BAD_ADDRESS
    assert list(folder.iterdir()) == []


def test_a_system_without_unix_sockets_says_what_to_use_instead(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    for action in (lambda: unix.listen(address), lambda: unix.connect(address, PATIENCE)):
        with pytest.raises(ConfigError, match=r"chatnet\+tcp://") as refused:
            action()
        assert refused.value.code == ErrorCode.UNSUPPORTED

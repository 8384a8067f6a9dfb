"""Signals, selectors and the place of the local socket."""

import os
import selectors
import signal
import stat
from pathlib import Path

import pytest

from chatnet.errors import CannotListen, ErrorCode
from chatnet.net import platform
from chatnet.net.loop import EventLoop
from chatnet.net.system import SystemClock
from chatnet.net.waker import SocketWaker

needs_unix = pytest.mark.skipif(not platform.has_unix_sockets(), reason="no unix sockets here")
NOBODY = 65534


# -- selectors ------------------------------------------------------------------------------------------------


def test_a_poor_system_has_only_select_and_no_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    with platform.new_selector() as selector:
        assert isinstance(selector, selectors.SelectSelector)
        capacity = platform.connection_capacity(selector)
    assert capacity is not None
    assert 400 < capacity < 512
    assert not platform.has_unix_sockets()
    assert platform.find_local_sockets() == []


def test_only_select_limits_the_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    with selectors.DefaultSelector() as selector:
        limited = isinstance(selector, selectors.SelectSelector)
        assert (platform.connection_capacity(selector) is None) is not limited


@pytest.mark.skipif(os.name != "posix", reason="no such limit there")
def test_as_many_files_may_be_open_as_the_administrator_allows() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = min(512, before[1])
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lower, before[1]))
        platform.allow_many_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft == (lower if hard == resource.RLIM_INFINITY else hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# -- signals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_and_wakes_the_loop(number: int) -> None:
    waker, stops = SocketWaker(), []
    with platform.new_selector() as selector:
        loop = EventLoop(selector, SystemClock(), waker)
        with platform.stop_on_signals(lambda: stops.append(1), waker.fileno()):
            signal.raise_signal(number)
            loop.run_turn(10.0)
        assert stops == [1]
    waker.close()


def test_a_second_interrupt_does_not_wait() -> None:
    waker, stops = SocketWaker(), []
    with platform.stop_on_signals(lambda: stops.append(1), waker.fileno()):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stops == [1]
    waker.close()


def test_afterwards_signals_mean_what_they_meant_before() -> None:
    waker = SocketWaker()
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with platform.stop_on_signals(lambda: None, waker.fileno()):
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1
    waker.close()


def test_held_signals_wait_for_a_good_moment() -> None:
    wakes: list[int] = []
    signals = platform.HeldSignals()
    # Of the kind that would end the tests, made harmless.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        signals.__enter__()
        signals.hold(lambda: wakes.append(1))
        signals.check()
        signal.raise_signal(signal.SIGTERM)
        assert wakes == [1]
        with pytest.raises(KeyboardInterrupt):
            signals.check()
        with pytest.raises(KeyboardInterrupt):
            signals.__exit__()
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_signal_is_not_held() -> None:
    signals = platform.HeldSignals()
    signals.__enter__()
    signals.hold(lambda: None)
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signals.__exit__()


def test_two_kinds_of_signals_may_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    restore, came = signal.signal, []
    signals = platform.HeldSignals()
    signals.__enter__()
    signals.hold(lambda: came.append(1))

    def interrupted(number: int, handler: object) -> object:
        if not came:
            came.append(0)
            signal.raise_signal(signal.SIGINT)  # while SIGTERM is dealt with, and SIGINT not restored yet
        return restore(number, handler)  # type: ignore[arg-type]

    monkeypatch.setattr(signal, "signal", interrupted)
    signals._old = dict(sorted(signals._old.items(), key=lambda item: item[0] != signal.SIGINT))
    signal.raise_signal(signal.SIGTERM)
    monkeypatch.undo()
    assert came == [0, 1, 1]
    with pytest.raises(KeyboardInterrupt):
        signals.check()
    signals._came = None


def test_nothing_is_held_before_there_is_work() -> None:
    with platform.HeldSignals() as signals:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signals.check()


def test_what_a_process_ignores_is_not_held() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with platform.HeldSignals() as signals:
            signals.hold(lambda: None)
            signal.raise_signal(signal.SIGTERM)
            signals.check()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


# -- the local socket -----------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: ``run/chatnet`` for the system, ``tmp`` for everybody."""
    monkeypatch.setattr(platform, "SYSTEM_SOCKET_FOLDER", str(tmp_path / "run" / "chatnet"))
    monkeypatch.setattr(platform, "TEMPORARY_FOLDER", str(tmp_path / "tmp"))
    (tmp_path / "run").mkdir()
    (tmp_path / "tmp").mkdir()
    return tmp_path


def no_access(path: str, mode: int) -> bool:
    del path, mode
    return False


@needs_unix
def test_the_local_socket_is_the_systems_where_its_folder_can_be_written(folders: Path) -> None:
    assert platform.local_socket_path() == str(folders / "run/chatnet/chatnet.sock")
    (folders / "run/chatnet").mkdir()
    assert platform.local_socket_path() == str(folders / "run/chatnet/chatnet.sock")


@needs_unix
def test_else_it_is_one_of_the_users_own(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", no_access)
    assert platform.local_socket_path() == str(folders / f"tmp/chatnet-{os.getuid()}/chatnet.sock")


@needs_unix
def test_its_place_does_not_depend_on_environment_variables(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", no_access)
    before = platform.local_socket_path()
    for name in ("TMPDIR", "XDG_RUNTIME_DIR", "HOME", "USER"):
        monkeypatch.setenv(name, str(folders / "elsewhere"))
    assert platform.local_socket_path() == before


@needs_unix
@pytest.mark.usefixtures("folders")
def test_its_folder_can_be_entered_by_all_and_changed_by_its_owner_only() -> None:
    path = platform.local_socket_path()
    old = os.umask(0o077)
    try:
        platform.prepare_socket_folder(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o755
    platform.prepare_socket_folder(path)


@needs_unix
@pytest.mark.parametrize("spoiled", ["link", "file", "open to all", "somebody else's"])
def test_a_folder_that_others_may_control_is_neither_used_nor_looked_into(folders: Path, spoiled: str) -> None:
    folder = folders / "run/chatnet"
    if spoiled == "link":
        (folders / "elsewhere").mkdir()
        folder.symlink_to(folders / "elsewhere")
    elif spoiled == "file":
        folder.touch()
    else:
        folder.mkdir()
    if spoiled == "open to all":
        folder.chmod(0o777)
    if spoiled == "somebody else's":
        if os.getuid():
            pytest.skip("only root can give a folder away")
        os.chown(folder, NOBODY, -1)
    if spoiled != "file":
        (folder / "chatnet.sock").touch()
    with pytest.raises(CannotListen, match="cannot put the local socket into") as caught:
        platform.prepare_socket_folder(str(folder / "chatnet.sock"))
    assert caught.value.code == ErrorCode.CANNOT_LISTEN
    assert platform.find_local_sockets() == []


@needs_unix
def test_a_folder_that_cannot_be_made_is_one_clear_line(folders: Path) -> None:
    with pytest.raises(CannotListen, match=r"cannot make the folder .*: No such file or directory"):
        platform.prepare_socket_folder(str(folders / "nowhere/chatnet/chatnet.sock"))


@needs_unix
def test_clients_look_at_the_systems_socket_first_then_at_the_users_own(folders: Path) -> None:
    assert platform.find_local_sockets() == []
    system, own = folders / "run/chatnet/chatnet.sock", folders / f"tmp/chatnet-{os.getuid()}/chatnet.sock"
    for path in (own, system):
        path.parent.mkdir(mode=0o755)
        path.touch()
    assert platform.find_local_sockets() == [str(system), str(own)]
    system.unlink()
    assert platform.find_local_sockets() == [str(own)]

"""The server as a child process: what it says, how it ends, and that nobody has to read what it says."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatnet.address import TLS, UNIX, Address
from chatnet.errors import ErrorCode
from chatnet.net.platform import has_unix_sockets, local_socket_path
from chatnet_gui import hosting
from chatnet_gui.hosting import CAPACITY, Exited, Hosted, HostNotice, Listening, NotServing, Printed, ServeOrder
from tests.e2e.processes import DEADLINE

Start = Callable[..., Hosted]
HERE = Address(TLS, "127.0.0.1", 0)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, or what stands for them, and leaves none behind."""
    started: list[Hosted] = []

    def start_one(program: str = "", port: int = 0, data: str = "data") -> Hosted:
        order = ServeOrder("127.0.0.1", port, tmp_path / data, has_socket=False)
        command = (sys.executable, "-c", program) if program else hosting.COMMAND
        started.append(Hosted(order, command))
        return started[-1]

    yield start_one
    for hosted in started:
        hosted.kill()


def until(hosted: Hosted, kind: type[HostNotice]) -> list[HostNotice]:
    """All notices up to the first of this kind."""
    notices: list[HostNotice] = []
    end = time.monotonic() + DEADLINE
    while not (notices and isinstance(notices[-1], kind)):
        taken = hosted.take(1, timeout=max(0.01, end - time.monotonic()))
        assert taken, f"no {kind.__name__} in time, but {notices}"
        notices += taken
    return notices


def test_it_listens_and_ends_when_it_is_asked_to(start: Start) -> None:
    hosted = start()
    listening = until(hosted, Listening)[-1]
    assert isinstance(listening, Listening)
    assert listening.addresses[0].host == "127.0.0.1"
    hosted.stop()
    rest = until(hosted, Exited)
    assert rest[-1] == Exited(0, 0)
    assert Printed("chatnet: stopped") in rest
    hosted.stop()  # once more does nothing


def test_the_same_port_and_folder_can_be_used_again_at_once(start: Start) -> None:
    first = start()
    listening = until(first, Listening)[-1]
    assert isinstance(listening, Listening)
    first.stop()
    until(first, Exited)
    again = start(port=listening.addresses[0].port)
    assert until(again, Listening)[-1] == listening


def test_a_port_in_use_is_told_by_its_code(start: Start) -> None:
    listening = until(start(), Listening)[-1]
    assert isinstance(listening, Listening)
    second = start(port=listening.addresses[0].port, data="other")
    [*_, refused] = until(second, NotServing)
    assert isinstance(refused, NotServing)
    assert refused.code == ErrorCode.ADDRESS_IN_USE
    assert until(second, Exited)[-1] == Exited(73, 0)


def test_a_folder_in_use_is_told_by_its_code(start: Start) -> None:
    until(start(), Listening)
    refused = until(start(), NotServing)[-1]
    assert isinstance(refused, NotServing)
    assert refused.code == ErrorCode.DATA_IN_USE


@pytest.mark.skipif(os.name == "nt", reason="there are no process groups")
def test_the_terminals_ctrl_c_does_not_reach_it(start: Start) -> None:
    hosted = start("import os, time; print(os.getpgrp() == os.getpid(), flush=True)")
    assert Printed("True") in until(hosted, Exited)


def test_a_server_that_says_much_does_not_wait_for_a_window_that_is_busy(start: Start) -> None:
    lines = CAPACITY + 500
    hosted = start(f"import sys; sys.stderr.writelines(f'line {{n}}\\n' for n in range({lines}))")
    end = time.monotonic() + DEADLINE
    while hosted._process.poll() is None:  # nothing of it is taken meanwhile
        assert time.monotonic() < end, "it waits"
    for thread in hosted._threads:  # what it said last may still be in the pipe
        thread.join(DEADLINE)
    assert until(hosted, Exited)[-1] == Exited(0, 500)


def test_what_is_no_event_is_printed(start: Start) -> None:
    program = r"print('{\"event\": \"listening\", \"addresses\": [\"nonsense\"]}'); print('[1]'); print('caf\xe9')"
    hosted = start(program)
    printed = [notice.text for notice in until(hosted, Exited) if isinstance(notice, Printed)]
    assert printed == ['{"event": "listening", "addresses": ["nonsense"]}', "[1]", "café"]


def test_an_endless_line_comes_in_pieces(start: Start) -> None:
    hosted = start("print('x' * 10_000)")
    printed = [notice.text for notice in until(hosted, Exited) if isinstance(notice, Printed)]
    assert "".join(printed) == "x" * 10_000
    assert len(printed) == 3


def test_a_signal_that_ended_it_is_told(start: Start) -> None:
    hosted = start()
    until(hosted, Listening)
    hosted.kill()
    assert until(hosted, Exited)[-1] == Exited(-9 if os.name == "posix" else 1, 0)


# -- the order ------------------------------------------------------------------------------------------------


def test_an_order_becomes_a_command_line(tmp_path: Path) -> None:
    order = ServeOrder("::1", 6000, tmp_path, is_open=True, has_socket=False)
    assert order.arguments() == ["serve", "--json", "--open", "--data", str(tmp_path), "--bind", "chatnet://[::1]:6000"]


def test_for_the_local_network_it_listens_everywhere(tmp_path: Path) -> None:
    order = ServeOrder("127.0.0.1", 6000, tmp_path, is_lan=True, has_socket=False)
    assert "--lan" in order.arguments()
    [bind] = order.binds()
    assert bind.host in ("::", "0.0.0.0")
    assert bind.port == 6000


@pytest.mark.skipif(not has_unix_sockets(), reason="no unix sockets")
def test_commands_on_this_machine_find_it_by_the_local_socket(tmp_path: Path) -> None:
    binds = ServeOrder("127.0.0.1", 0, tmp_path).binds()
    assert binds == [HERE, Address(UNIX, path=local_socket_path())]

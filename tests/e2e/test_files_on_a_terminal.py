"""What a person sees of transfers at a real terminal, and that it stays as wide as the terminal is."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.screens import Screen
from tests.e2e.file_gate import FileGate
from tests.e2e.processes import COMMAND, DEADLINE, Chatnet

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
select = pytest.importorskip("select")
termios = pytest.importorskip("termios")

COLUMNS = 60
SIZE = 8_000_000
ENOUGH = 70


class Terminal:
    """A command whose stderr is a terminal of `COLUMNS` columns, and whose stdout is not."""

    def __init__(self, chatnet: Chatnet, *args: str, **environment: str) -> None:
        self._screen, inside = pty.openpty()
        termios.tcsetwinsize(inside, (24, COLUMNS))
        self.screen = Screen()
        self.widest = 0
        with open(os.devnull, "wb") as null:
            self.popen = subprocess.Popen(
                [*COMMAND, *args],
                env=chatnet.environment | {"TERM": "xterm"} | environment,
                stdin=null,
                stdout=subprocess.PIPE,
                stderr=inside,
            )
        os.close(inside)

    def until(self, pattern: str) -> str:
        """Wait until a row of the screen looks like this; the row."""
        end = time.monotonic() + DEADLINE
        while True:
            for row in self.screen.seen:
                if re.search(pattern, row):
                    return row
            ready, _, _ = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {pattern!r} in {self.screen.seen}"
            assert self._read(), f"no {pattern!r} in {self.screen.seen}"

    def end(self) -> list[str]:
        """What stands there when the command has ended."""
        while self._read():
            pass
        self.popen.wait(DEADLINE)
        return self.screen.seen

    def _read(self) -> bool:
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.screen.write(data.decode())
        self.widest = max(self.widest, *map(len, self.screen.rows))
        return bool(data)

    def close(self) -> None:
        self.popen.kill()
        self.popen.communicate()
        os.close(self._screen)


@pytest.fixture
def source(chatnet: Chatnet) -> Path:
    path = chatnet.home / "video.mkv"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def gate(chatnet: Chatnet) -> Iterator[FileGate]:
    with FileGate(chatnet.environment["CHATNET_SERVER"], passing=ENOUGH) as gate:
        yield gate


def test_a_bar_grows_and_gives_way_to_a_line(chatnet: Chatnet, source: Path, gate: FileGate) -> None:
    terminal = Terminal(chatnet, "upload", "--room", "lobby", str(source), CHATNET_SERVER=gate.url)
    try:
        gate.wait_until_held()
        row = terminal.until(r"video\.mkv   \d\d%")
        assert " of 7.6 MiB" in row
        gate.release()
        (line,) = terminal.end()
        assert line.startswith("chatnet: sent video.mkv (7.6 MiB")
        assert terminal.widest < COLUMNS
    finally:
        terminal.close()


def test_a_lost_connection_is_shown_and_so_is_that_it_goes_on(chatnet: Chatnet, source: Path, gate: FileGate) -> None:
    assert chatnet.run("upload", "--room", "lobby", str(source)).returncode == 0
    assert chatnet.server is not None
    url = chatnet.environment["CHATNET_SERVER"]
    terminal = Terminal(chatnet, "download", "1", "-o", str(chatnet.home / "copy"), CHATNET_SERVER=gate.url)
    try:
        gate.wait_until_held()
        chatnet.server.popen.kill()
        chatnet.server.wait()
        gate.cut()
        gate.release()
        terminal.until(r"\d%  connection lost, trying again")
        chatnet.serve(bind=url)
        (line,) = terminal.end()
        assert line.startswith("chatnet: received copy (7.6 MiB")
    finally:
        terminal.close()


def test_several_files_have_a_line_for_all(chatnet: Chatnet, source: Path, gate: FileGate) -> None:
    small = chatnet.home / "small.csv"
    small.write_bytes(b"1;2")
    terminal = Terminal(chatnet, "upload", "--room", "lobby", str(small), str(source), CHATNET_SERVER=gate.url)
    try:
        gate.wait_until_held()
        terminal.until(r"^1 of 2 files   \d\d%")
        assert [row.split()[0] for row in terminal.screen.seen] == ["chatnet:", "video.mkv", "1"]
        gate.release()
        assert [line.partition(" (")[0] for line in terminal.end()] == [
            "chatnet: sent small.csv",
            "chatnet: sent video.mkv",
        ]
    finally:
        terminal.close()


def test_ctrl_c_says_how_to_go_on_and_leaves_a_clean_screen(chatnet: Chatnet, source: Path, gate: FileGate) -> None:
    terminal = Terminal(chatnet, "upload", "--room", "lobby", str(source), CHATNET_SERVER=gate.url)
    try:
        gate.wait_until_held()
        terminal.until(r"video\.mkv   \d\d%.* of 7.6 MiB$|video\.mkv   \d\d%.* left$")
        terminal.popen.send_signal(signal.SIGINT)
        first, second = terminal.end()
        assert re.fullmatch(r"chatnet: stopped at \d+% of video.mkv; what was sent is kept", first)
        assert second == "  Run the same command again to go on from there."
        assert terminal.popen.returncode == 130
    finally:
        terminal.close()


def test_a_file_is_not_poured_into_a_terminal(chatnet: Chatnet, source: Path) -> None:
    assert chatnet.run("upload", "--room", "lobby", str(source)).returncode == 0
    outside, inside = pty.openpty()
    try:
        done = subprocess.run(
            [*COMMAND, "download", "1", "-o", "-"],
            env=chatnet.environment,
            stdout=inside,
            stderr=subprocess.PIPE,
            timeout=DEADLINE,
        )
        assert done.returncode == 64
        assert b"standard output is a terminal" in done.stderr
    finally:
        os.close(inside)
        os.close(outside)

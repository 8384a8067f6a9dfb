"""The line-by-line client: from pipes, and in a terminal while others talk."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.processes import COMMAND, DEADLINE, Chatnet

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
select = pytest.importorskip("select")
termios = pytest.importorskip("termios")


def said(lines: list[str]) -> list[str]:
    """Lines without the time in front."""
    return [line.split("] ", 1)[-1] for line in lines]


# -- pipes ----------------------------------------------------------------------------------------------------


def test_lines_of_a_pipe_are_said_and_its_end_is_the_end(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    done = chatnet.run("chat", "--as", "alice", stdin=b"hello\nworld\n")
    assert done.returncode == 0
    assert said(done.stdout.splitlines()) == ["lobby <alice> hello", "lobby <alice> world"]
    assert said([bob.out.next(), bob.out.next()]) == ["lobby <alice> hello", "lobby <alice> world"]


def test_the_commands_do_what_help_says(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    script = [
        "/help",
        "/me waves",
        "/msg bob psst",
        "/msg bob",
        "are you there?",
        "/create ops",
        "hi ops",
        "//not a command",
        "/history 1",
        "/who",
        "/rooms",
        "/nick alicia",
        "it is me",
        "/part",
        "lost",
        "/join lobby",
        "back",
        "/quit",
        "never said",
    ]
    done = chatnet.run("chat", "--as", "alice", stdin="\n".join(script).encode())
    assert done.returncode == 0
    assert said(done.stdout.splitlines()) == [
        "lobby * alice waves",
        "alice -> bob: psst",
        "alice -> bob: are you there?",
        "ops <alice> hi ops",
        "ops <alice> /not a command",
        "ops <alice> /not a command",
        "alice",
        "lobby  2 online",
        "ops  1 online",
        "ops <alicia> it is me",
        "lobby <alicia> back",
    ]
    assert "/join ROOM" in done.stderr
    assert "you are now alicia" in done.stderr
    assert "you are nowhere" in done.stderr
    heard = said([bob.out.next() for _ in range(4)])
    assert heard == ["lobby * alice waves", "alice -> bob: psst", "alice -> bob: are you there?", "lobby <alicia> back"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"/join nowhere", "no room"),
        (b"/join #lobby", "'lobby'"),
        (b"/msg nobody hi", "no user"),
        (b"/frobnicate", "no command"),
        (b"/nick not a name", "1 to 32"),
        (b"/create lobby", "already"),
        (b"/join", "/join ROOM"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * 20_000, "16384"),
        (b"x" * 100_000, "16384"),
        (b"/part nowhere", "nowhere"),
    ],
)
def test_what_goes_wrong_is_said_and_the_talk_goes_on(chatnet: Chatnet, line: bytes, words: str) -> None:
    done = chatnet.run("chat", "--as", "alice", stdin=line + b"\ngoing on\n")
    assert done.returncode == 0
    assert words in done.stderr
    assert said(done.stdout.splitlines()) == ["lobby <alice> going on"]


def test_a_talk_with_one_user_starts_there(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    assert chatnet.run("chat", "--as", "alice", "--to", "bob", stdin=b"hi\n").returncode == 0
    assert said([bob.out.next()]) == ["alice -> bob: hi"]


def test_a_talk_with_nobody_does_not_start(chatnet: Chatnet) -> None:
    assert chatnet.run("chat", "--to", "nobody", stdin=b"hi\n").returncode == 67
    assert chatnet.run("chat", "--room", "nowhere", stdin=b"hi\n").returncode == 67


def test_who_comes_and_goes_is_told(chatnet: Chatnet) -> None:
    chat = chatnet.start("chat", "--as", "alice", stdin=subprocess.PIPE)
    chat.err.until("Ctrl-D")
    bob = chatnet.listen("bob")
    chat.err.until("lobby: bob has joined")
    bob.popen.terminate()
    chat.err.until("lobby: bob has left")


# -- a terminal -----------------------------------------------------------------------------------------------


class Terminal:
    """``chatnet chat`` at a terminal of 40 columns."""

    def __init__(self, chatnet: Chatnet, *args: str) -> None:
        self._screen, self._inside = pty.openpty()
        termios.tcsetwinsize(self._screen, (24, 40))
        self.modes = termios.tcgetattr(self._inside)
        self.popen = subprocess.Popen(
            [*COMMAND, "chat", *args],
            env=chatnet.environment | {"TERM": "xterm", "NO_COLOR": "1"},
            stdin=self._inside,
            stdout=self._inside,
            stderr=self._inside,
        )
        self._seen = ""

    def until(self, part: str) -> str:
        """All that is printed up to these characters."""
        end = time.monotonic() + DEADLINE
        while part not in self._seen:
            ready, _, _ = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {part!r} in {self._seen!r}"
            self._seen += os.read(self._screen, 65536).decode()
        before, _, self._seen = self._seen.partition(part)
        return before

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def modes_now(self) -> list[object]:
        modes: list[object] = termios.tcgetattr(self._inside)
        return modes

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait(DEADLINE)
        os.close(self._screen)
        os.close(self._inside)


@pytest.fixture
def terminal(chatnet: Chatnet) -> Iterator[Terminal]:
    terminal = Terminal(chatnet, "--as", "alice")
    try:
        terminal.until("lobby> ")
        yield terminal
    finally:
        terminal.end()


def test_what_is_typed_is_said_and_not_shown_twice(chatnet: Chatnet, terminal: Terminal) -> None:
    bob = chatnet.listen("bob")
    terminal.type("hello\r")
    assert said([bob.out.next()]) == ["lobby <alice> hello"]
    terminal.type("/help\r")
    assert "<alice>" not in terminal.until("/join")


def test_a_message_appears_above_the_line_being_typed(chatnet: Chatnet, terminal: Terminal) -> None:
    bob = chatnet.listen("bob")
    terminal.until("bob has joined")
    terminal.type("half a li")
    terminal.until("half a li")
    chatnet.run("send", "--as", "carol", "--room", "lobby", "hi")
    assert terminal.until("lobby <carol> hi").endswith("] ")
    terminal.until("lobby> half a li")
    terminal.type("ne\r")
    assert said([bob.out.next(), bob.out.next()]) == ["lobby <carol> hi", "lobby <alice> half a line"]


def test_a_typed_line_of_several_rows_is_taken_away_whole(chatnet: Chatnet, terminal: Terminal) -> None:
    line = "x" * 80 + "end"
    terminal.type(line)
    terminal.until("end")
    chatnet.run("send", "--as", "carol", "--room", "lobby", "hi")
    terminal.until("\x1b[2A\r\x1b[J")
    terminal.until("lobby <carol> hi")
    terminal.until("lobby> " + line)


def test_ctrl_d_leaves(terminal: Terminal) -> None:
    terminal.type("\x04")
    assert terminal.popen.wait(DEADLINE) == 0
    assert terminal.modes_now() == terminal.modes


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_in_the_middle_of_a_line_leaves_the_terminal_as_it_was(
    terminal: Terminal, number: int, code: int
) -> None:
    terminal.type("half a li")
    terminal.until("half a li")
    terminal.popen.send_signal(number)
    assert terminal.popen.wait(DEADLINE) == code
    assert terminal.modes_now() == terminal.modes

"""What a person sees of transfers: on a terminal, and elsewhere."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
from msgspec.structs import replace

from chatnet.client.progress import Progress
from chatnet_cli import transfer_display
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.transfer_display import TransferDisplay
from tests.cli.screens import Screen

MIB = 2**20
HALF = Progress("video.mkv", 5 * MIB, 10 * MIB, 1.0 * MIB, 5.0, "sending")


class Clock:
    """`time.monotonic` as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(transfer_display, "time", clock)
    return clock


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


@contextmanager
def on(stream: io.StringIO, verb: str, count: int = 1, total: int | None = None) -> Iterator[TransferDisplay]:
    """A display whose stderr is the stream."""
    with redirect_stderr(stream), TransferDisplay(verb, count, total) as display:
        yield display


def test_one_file_has_one_line_that_is_drawn_over(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent") as display:
        for percent in range(0, 101, 10):
            display.show(replace(HALF, done=percent * MIB // 10))
            clock.now += 1
        (line,) = screen.seen
        assert line.startswith("video.mkv  100% [==========]  10 MiB of 10 MiB      1 MiB/s")
        display.end("video.mkv", 10 * MIB)
    assert screen.seen == ["chatnet: sent video.mkv (10 MiB, 930.9 KiB/s)"]


def test_several_files_have_a_line_for_all_of_them_too(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent", 3, 30 * MIB) as display:
        display.show(HALF)
        clock.now += 0.2
        display.end("a.csv", 10 * MIB)
        display.show(replace(HALF, name="b.csv"))
        assert screen.seen[0] == "chatnet: sent a.csv (10 MiB)"
        assert screen.seen[1].startswith("b.csv   50% [")
        assert screen.seen[2].startswith("1 of 3 files   50% [")
        assert screen.seen[2].endswith("15 MiB of 30 MiB      0:15 left")
    assert screen.seen == ["chatnet: sent a.csv (10 MiB)"]


def test_what_is_hashed_counts_for_its_own_line_only(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent", 2, 20 * MIB) as display:
        display.show(replace(HALF, phase="hashing"))
        assert screen.seen[0].endswith("reading it")
        assert screen.seen[1].startswith("0 of 2 files    0%")


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (replace(HALF, waiting_for="connection"), "connection lost, trying again"),
        (replace(HALF, waiting_for="server"), "waiting for the server"),
        (replace(HALF, phase="checking"), "checking it"),
    ],
)
def test_what_it_waits_for_is_said_at_once(screen: Screen, clock: Clock, progress: Progress, words: str) -> None:
    with on(screen, "sent") as display:
        display.show(HALF)
        display.show(progress)
        assert screen.seen[0].endswith(words)
        display.show(HALF)
        assert screen.seen[0].endswith("left")


def test_it_is_drawn_no_oftener_than_the_eye_follows(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent") as display:
        for done in range(1000):
            display.show(replace(HALF, done=done))
            clock.now += 0.001
        assert 5 < screen.getvalue().count("\r") < 15


def test_a_pipe_of_unknown_length_is_shown_by_what_has_come(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent") as display:
        display.show_reading("a\x1b[2J.tar", 3 * MIB, None)
        assert screen.seen == [r"a\x1b[2J.tar  3 MiB  reading it"]


def test_nothing_that_is_no_terminal_gets_more_than_a_line_at_the_end(clock: Clock) -> None:
    pipe = io.StringIO()
    with on(pipe, "received", 2) as display:
        display.show(HALF)
        display.end("a.csv", 1)
        display.show(HALF)
        display.end("b.csv", 2)
    assert pipe.getvalue() == "chatnet: received a.csv (1 byte)\nchatnet: received b.csv (2 bytes)\n"


LOST, HELD = replace(HALF, waiting_for="connection"), replace(HALF, waiting_for="server", reason="full\x1b[2J")


def test_where_nothing_is_drawn_one_line_says_what_it_waits_for_and_one_that_it_goes_on(clock: Clock) -> None:
    pipe = io.StringIO()
    with on(pipe, "sent") as display:
        for progress in (HALF, LOST, LOST, HELD, HALF, HALF, HELD, HELD):
            display.show(progress)
            clock.now += 1
    assert pipe.getvalue().splitlines() == [
        "chatnet: video.mkv: connection lost, trying again",
        "chatnet: video.mkv goes on",
        r"chatnet: video.mkv: waiting for the server: full\x1b[2J",
    ]


def test_a_file_that_is_done_needs_no_word_that_it_goes_on_and_the_next_may_stand_still_again(clock: Clock) -> None:
    pipe = io.StringIO()
    with on(pipe, "sent", 2) as display:
        display.show(LOST)
        display.end("video.mkv", 1)
        display.show(replace(LOST, name="b.csv"))
    assert pipe.getvalue().splitlines() == [
        "chatnet: video.mkv: connection lost, trying again",
        "chatnet: sent video.mkv (1 byte)",
        "chatnet: b.csv: connection lost, trying again",
    ]


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_of_what_stands_still_nothing_is_left_on_a_terminal_and_nothing_said_to_the_quiet(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, stream: Callable[[], io.StringIO]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    err = stream()
    with redirect_stderr(err), TransferDisplay("sent", quiet=not isinstance(err, Screen)) as display:
        display.show(LOST)
        display.show(HALF)
    assert (err.seen if isinstance(err, Screen) else err.getvalue()) in ([], "")


def test_a_terminal_that_cannot_move_its_cursor_counts_as_none(
    screen: Screen, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with on(screen, "sent") as display:
        display.show(HALF)
    assert screen.getvalue() == ""


def test_quiet_is_quiet(screen: Screen, clock: Clock) -> None:
    with redirect_stderr(screen), TransferDisplay("sent", quiet=True) as display:
        display.show(HALF)
        display.show_reading("x", 1, None)
        display.end("video.mkv", 10 * MIB)
        display.skip(1, "a.csv is there already")
    assert screen.getvalue() == ""


def test_what_is_drawn_gives_way_to_what_others_print(screen: Screen, clock: Clock) -> None:
    with on(screen, "sent") as display:
        with display.drawing():
            display.show(HALF)
            assert screen.seen
        assert screen.seen == []
        display.skip(1, "a.csv is there already")
        assert screen.seen == ["chatnet: a.csv is there already"]


def interrupted(screen: Screen, before: Callable[[TransferDisplay], None], error: BaseException) -> None:
    with on(screen, "sent", 2, 5) as display:
        before(display)
        raise error


def test_an_error_finds_a_clean_screen(screen: Screen, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(screen, lambda display: display.show(HALF), ZeroDivisionError())
    assert screen.seen == []


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (lambda display: None, "stopped before it began"),
        (lambda display: display.show(replace(HALF, phase="hashing")), "stopped before it began"),
        (lambda display: display.show(HALF), "stopped at 50% of video.mkv; what was sent is kept"),
        (lambda display: display.end("a.csv", 1), "stopped after 1 of 2 files"),
    ],
)
def test_ctrl_c_says_how_to_go_on(
    screen: Screen, clock: Clock, before: Callable[[TransferDisplay], None], words: str
) -> None:
    with pytest.raises(Failure) as caught:
        interrupted(screen, before, KeyboardInterrupt())
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert str(caught.value).splitlines() == [words, "Run the same command again to go on from there."]


def test_ctrl_c_when_all_was_sent_advises_to_look_before_sending_it_again(screen: Screen, clock: Clock) -> None:
    done = replace(HALF, done=HALF.total, phase="checking")
    with pytest.raises(Failure, match=r"(?s)all of video.mkv was sent.*'chatnet files'"):
        interrupted(screen, lambda display: display.show(done), KeyboardInterrupt())


def test_a_name_that_the_terminal_cannot_show_still_fits(
    screen: Screen, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Screen, "encoding", "ascii")
    with on(screen, "sent") as display:
        display.show(replace(HALF, name="é" * 70))
        (row,) = screen.seen
        assert len(row) < 80
        assert row.isascii()

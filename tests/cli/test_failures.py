"""Whatever ends a command becomes a line or two and an exit code."""

import io
import sys

import click
import pytest

from chatnet.errors import ErrorCode, Refused, Unreachable
from chatnet_cli import app
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure, explain


def test_a_refusal_says_why_and_what_to_do_next() -> None:
    exit_code, text = explain(Refused(ErrorCode.NAME_IN_USE, "the name 'bob' is taken"))
    assert exit_code is ExitCode.NOT_ALLOWED
    assert text.splitlines() == ["the name 'bob' is taken", "Choose another name with --as NAME."]


def test_a_message_of_two_lines_says_what_to_do_next_itself() -> None:
    message = "no chatnet server was found.\nStart one with: chatnet serve"
    assert explain(Unreachable(ErrorCode.SHUTTING_DOWN, message))[1] == message


def test_what_a_server_says_cannot_command_the_terminal() -> None:
    assert explain(Refused("X", "\x1b[2Jno\x9b"))[1] == r"\x1b[2Jno\x9b"


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (KeyboardInterrupt(), 130, False),
        (click.Abort(), 130, False),
        (BrokenPipeError(), 0, False),
        (OSError(28, "No space left on device"), 74, True),
        (Failure(ExitCode.BAD_TEXT, "empty"), 65, True),
        (click.FileError("notes.txt", "not found"), 66, True),
        (click.UsageError("no"), 64, True),
        (ZeroDivisionError("oops"), 70, True),
    ],
)
def test_everything_else_has_its_exit_code_too(error: BaseException, exit_code: int, said: bool) -> None:
    code, text = explain(error)
    assert (code, bool(text)) == (exit_code, said)


@pytest.fixture
def with_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def oops(instance: object, ctx: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(click.Group, "invoke", oops)


@pytest.mark.usefixtures("with_a_bug")
def test_70_for_a_bug_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([]) == 70
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in shown
    assert "Traceback" not in shown


@pytest.mark.usefixtures("with_a_bug")
def test_the_place_of_a_bug_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATNET_TRACEBACK", "1")
    assert app.run([]) == 70
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert "test_failures.py" in shown


def test_a_traceback_with_words_of_a_server_does_not_command_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug(args: list[str]) -> int:
        raise RuntimeError(f"{args}: " + "\x1b]0;owned\x07\x9b2J\u202e\u200b")

    monkeypatch.setattr(app, "_invoke", bug)
    monkeypatch.setenv("CHATNET_TRACEBACK", "1")
    assert app.run([]) == 70
    shown = capsys.readouterr().err
    assert r"\x1b]0;owned\x07\x9b2J\u202e\u200b" in shown
    assert not set(shown) & set("\x1b\x07\x9b\u202e\u200b")


@pytest.mark.parametrize(
    "error",
    [
        Failure(ExitCode.NOTHING, "\x1b[2J\u202e"),
        Refused("X", "\x1b[2J\u202e"),
        OSError(5, "\x1b[2J\u202e"),
        click.UsageError("\x1b[2J\u202e"),
        click.FileError("\x1b[2J\u202e", "\x1b[2J\u202e"),
        ValueError("\x1b[2J\u202e"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_carries_a_control_to_the_terminal(error: Exception) -> None:
    text = explain(error)[1]
    assert r"\x1b[2J\u202e" in text
    assert not set(text) & set("\x1b\u202e")


def test_a_closed_stderr_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert app.run(["frobnicate"]) == 64


def test_a_full_stderr_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, f"no space for {len(text)}")

    monkeypatch.setattr(sys, "stderr", Full())
    assert app.run(["frobnicate"]) == 64


def test_ctrl_c_while_the_first_modules_are_loaded_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from chatnet_cli.main import main

    def interrupted(args: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", interrupted)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130

"""A server's log on its terminal."""

import logging
from collections.abc import Iterator

import pytest

from chatnet_cli.log_lines import TalkHandler, log_to_stderr

_log = logging.getLogger("chatnet.test")
HOSTILE = "\x1b]0;owned\x07\x9b2J\u202e\u200b"


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    log_to_stderr()
    log_to_stderr()
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, TalkHandler)]:
        root.removeHandler(handler)


def test_a_warning_is_one_line_and_what_it_quotes_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    _log.warning("a client said %s", HOSTILE)
    assert capsys.readouterr().err == "chatnet: a client said " + r"\x1b]0;owned\x07\x9b2J\u202e\u200b" + "\n"


def test_a_traceback_keeps_its_lines_and_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        _log.exception("error in the core")
    shown = capsys.readouterr().err
    assert shown.startswith("chatnet: error in the core\nTraceback")
    assert not set(shown) & set("\x1b\x07\x9b\u202e\u200b")


def test_what_is_less_than_a_warning_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    _log.info("nothing to see")
    assert capsys.readouterr().err == ""

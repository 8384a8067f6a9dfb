"""Fixtures: a server, and windows that talk to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.processes import Chatnet
from tests.gui.windows import Display, Window


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """The name of a display for widgets in this very process. One for all tests: Tk never lets go of a display, and
    ends the process if that goes away.
    """
    display = Display()
    yield display.name
    display.close()


@pytest.fixture
def chatnet(tmp_path: Path) -> Iterator[Chatnet]:
    """A user whose commands talk to a running server."""
    user = Chatnet(tmp_path / "owner")
    user.home.mkdir()
    try:
        user.serve()
        yield user
    finally:
        user.end()


@pytest.fixture
def window(chatnet: Chatnet, tmp_path: Path) -> Iterator[Callable[[str], Window]]:
    """Opens windows, each of a user with an empty home."""
    with ExitStack() as opened:

        def open_window(name: str) -> Window:
            user = Chatnet(tmp_path / name)
            user.home.mkdir(exist_ok=True)
            user.environment["CHATNET_SERVER"] = chatnet.environment["CHATNET_SERVER"]
            made = Window(user, tmp_path)
            opened.callback(made.close)
            return made

        yield open_window

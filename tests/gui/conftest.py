"""Fixtures: a server, windows that talk to it, and a window in this very process."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def tk_root(screen: str) -> Iterator[Any]:
    """Tk, once for all tests: if another thread lets go of it, that ends the process."""
    import tkinter as tk

    root = tk.Tk(screenName=screen)
    yield root
    root.destroy()


@pytest.fixture(scope="session")
def theme(tk_root: Any) -> Any:
    """The light one, with text of the usual size."""
    from chatnet_gui.theme import Theme

    theme = Theme(tk_root)
    theme.apply(dark=False, size=11)
    return theme


@pytest.fixture(scope="module")
def root(tk_root: Any) -> Iterator[Any]:
    """A window for the widgets of one module. What is left of them is collected by this thread, as Tk wants it."""
    yield tk_root
    for widget in list(tk_root.children.values()):
        widget.destroy()
    gc.collect()


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

"""Hands files and folders over to the desktop. Never anything that would run as a program."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from chatnet_gui.viewmodels.file_rows import may_open


class CannotOpen(Exception):
    """The message says why."""


def open_file(path: Path) -> None:
    """Show a file with the program that the desktop has for it.

    :raises CannotOpen: it is a program itself, or there is nothing to show it with.
    """
    if not may_open(path.name):
        raise CannotOpen(f"{path.name} could run as a program, so it is not opened from here")
    _hand_over(path)


def show_folder(path: Path) -> None:
    """Show the folder that a file is in, with the file marked where the desktop can do that.

    :raises CannotOpen: there is nothing to show it with.
    """
    if sys.platform == "win32":
        _start(["explorer", "/select,", str(path)])
    elif sys.platform == "darwin":
        _start(["open", "-R", str(path)])
    else:
        _hand_over(path.parent)


def _hand_over(path: Path) -> None:
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError as error:
            raise CannotOpen(f"{path.name} cannot be opened: {error.strerror or error}") from error
    else:
        # An absolute path, so that no name is taken for an option.
        _start(["open" if sys.platform == "darwin" else "xdg-open", str(path.absolute())])


def _start(command: list[str]) -> None:
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    except OSError as error:
        raise CannotOpen(f"there is no {command[0]} here to open it with") from error
    threading.Thread(target=process.wait, daemon=True).start()  # nothing stays of it when it has ended

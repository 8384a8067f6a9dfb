"""Files are handed to the desktop, and programs never."""

import stat
import sys
from pathlib import Path

import pytest

from chatnet_gui.opening import CannotOpen, open_file, show_folder
from tests.e2e.processes import DEADLINE

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="xdg-open is that of other systems")


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for xdg-open notes what it is given."""
    note, tool = tmp_path / "note", tmp_path / "bin" / "xdg-open"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nprintf %s "$1" > "{note}.new"\nmv "{note}.new" "{note}"\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return note


def wait_for(note: Path) -> str:
    import time

    deadline = time.monotonic() + DEADLINE
    while not note.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return note.read_text()


def test_a_file_is_opened_by_the_desktop(opened: Path, tmp_path: Path) -> None:
    open_file(tmp_path / "-odd name.txt")
    assert wait_for(opened) == str(tmp_path / "-odd name.txt")


def test_its_folder_is_shown(opened: Path, tmp_path: Path) -> None:
    show_folder(tmp_path / "a.exe")
    assert wait_for(opened) == str(tmp_path)


def test_a_program_is_not_opened(opened: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="could run as a program"):
        open_file(tmp_path / "a.exe")
    assert not opened.exists()


def test_where_there_is_nothing_to_open_it_with_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotOpen, match="no xdg-open"):
        open_file(tmp_path / "a.txt")

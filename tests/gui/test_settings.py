"""What the windows remember."""

import os
import stat
from pathlib import Path

import pytest

from chatnet_gui.viewmodels.settings import (
    DEFAULT_FONT_SIZE,
    FONT_SIZES,
    Settings,
    load_settings,
    save_settings,
    system_prefers_dark,
)


def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "windows" / "settings.json"
    settings = Settings(theme="dark", font_size=14, hours24=False, geometry="800x600+1+2")
    settings.account("s alice").drafts["room:lobby"] = "not yet 🙂"
    settings.account("s alice").cleared["room:lobby"] = 7
    assert save_settings(settings, path) == ""
    assert load_settings(path) == settings


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_can_read_the_drafts(tmp_path: Path) -> None:
    path = tmp_path / "windows" / "settings.json"
    save_settings(Settings(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"theme": "pink"}', b'{"font_size": "x"}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    assert load_settings(tmp_path / "settings.json") == Settings()


def test_a_size_that_nobody_could_read_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(b'{"font_size": 1000}')
    assert load_settings(tmp_path / "settings.json").font_size == FONT_SIZES[-1]


def test_what_cannot_be_remembered_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert save_settings(Settings(), tmp_path / "file" / "settings.json") != ""


def test_text_grows_and_shrinks_within_bounds() -> None:
    settings = Settings()
    for _ in range(50):
        settings.zoom(1)
    assert settings.font_size == FONT_SIZES[-1]
    for _ in range(50):
        settings.zoom(-1)
    assert settings.font_size == FONT_SIZES[0]
    settings.zoom(0)
    assert settings.font_size == DEFAULT_FONT_SIZE


@pytest.mark.skipif(os.name == "nt", reason="asks the registry there")
def test_a_desktop_that_says_nothing_is_light(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not system_prefers_dark()


@pytest.mark.skipif(os.name == "nt", reason="asks the registry there")
def test_a_dark_desktop_is_dark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("gsettings", "defaults"):
        (tmp_path / name).write_text("#!/bin/sh\necho \"'prefer-dark'\"\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system_prefers_dark()


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "windows" / "settings.json"
    settings = Settings()
    assert save_settings(settings, path) == ""
    first = path.stat().st_ino
    assert save_settings(settings, path) == ""
    assert path.stat().st_ino == first
    settings.zoom(1)
    assert save_settings(settings, path) == ""
    assert load_settings(path).font_size == settings.font_size

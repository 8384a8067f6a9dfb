"""What the server window remembers."""

from pathlib import Path

import pytest

from chatnet_gui.viewmodels.server_settings import ServerSettings, load_server_settings, server_settings_path
from chatnet_gui.viewmodels.settings import FONT_SIZES, save_settings, settings_path


def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "windows" / "server.json"
    settings = ServerSettings("dark", 14, False, "900x700+1+2", "10.0.0.7", 6000, True, True, "/srv/chat", "-sent")
    assert save_settings(settings, path) == ""
    assert load_server_settings(path) == settings


def test_the_clients_window_has_another_file() -> None:
    assert server_settings_path() != settings_path()
    assert server_settings_path().parent == settings_path().parent


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"port": "x"}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "server.json").write_bytes(content)
    assert load_server_settings(tmp_path / "server.json") == ServerSettings()


def test_text_stays_readable(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_bytes(b'{"font_size": 1000}')
    settings = load_server_settings(tmp_path / "server.json")
    assert settings.font_size == FONT_SIZES[-1]
    for _ in range(50):
        settings.zoom(-1)
    assert settings.font_size == FONT_SIZES[0]

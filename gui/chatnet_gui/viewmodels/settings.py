"""What the windows remember on this device, in one small private file.

A file that is missing or damaged is no reason not to chat: then everything is as at first. Drafts are in it, so nobody
else can read it.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from chatnet.client.folders import state_folder
from chatnet.errors import ConfigError
from chatnet.model import LOBBY
from chatnet.net.folders import make_private_folder

Theme = Literal["system", "light", "dark"]
FONT_SIZES = range(8, 25)
DEFAULT_FONT_SIZE = 11
_FILE_NAME = "settings.json"


class AccountNotes(msgspec.Struct):
    """What belongs to one user of one server."""

    rooms: list[str] = msgspec.field(default_factory=lambda: [LOBBY])
    """To be in again next time."""
    cleared: dict[str, int] = {}
    """The last message that Clear Chat hides, by conversation."""
    drafts: dict[str, str] = {}
    """What was typed and not sent, by conversation."""
    selected: str = ""
    files: dict[str, str] = {}
    """Where files are on this device, by the hexadecimal digits of their SHA-256."""


class Settings(msgspec.Struct):
    """Everything, as it is on the disk."""

    theme: Theme = "system"
    font_size: int = DEFAULT_FONT_SIZE
    notify: bool = True
    """Ring, and show on the desktop, what calls for attention while no window has the focus."""
    hours24: bool = True
    download_folder: str = ""
    """Empty for the user's own."""
    previews: bool = True
    """Fetch small pictures by itself, to show them."""
    geometry: str = ""
    last_server: str = ""
    last_name: str = ""
    accounts: dict[str, AccountNotes] = {}

    def account(self, key: str) -> AccountNotes:
        """The notes of an account, made now if there are none."""
        return self.accounts.setdefault(key, AccountNotes())

    def zoom(self, step: int) -> None:
        """Larger or smaller text; 0 for the first size."""
        size = self.font_size + step if step else DEFAULT_FONT_SIZE
        self.font_size = min(max(size, FONT_SIZES[0]), FONT_SIZES[-1])

    @property
    def downloads(self) -> Path:
        """The folder that files are put into."""
        if self.download_folder:
            return Path(self.download_folder)
        usual = Path.home() / "Downloads"
        return usual if usual.is_dir() else Path.home()


def settings_path() -> Path:
    """The file; it may not exist yet."""
    return Path(state_folder()) / "windows" / _FILE_NAME


def load_settings(path: Path | None = None) -> Settings:
    """What was remembered."""
    try:
        settings = msgspec.json.decode((path or settings_path()).read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError):
        return Settings()
    settings.font_size = min(max(settings.font_size, FONT_SIZES[0]), FONT_SIZES[-1])
    return settings


def save_settings(settings: msgspec.Struct, path: Path | None = None) -> str:
    """Remember everything; returns why that cannot be done, or nothing. The file is replaced whole, if it changes."""
    path = path or settings_path()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    content = msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
    with suppress(OSError):
        if path.read_bytes() == content:
            return ""
    try:
        make_private_folder(path.parent)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except ConfigError as error:
        return error.message
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        return f"cannot remember settings in {path}: {error.strerror or error}"
    return ""


def system_prefers_dark() -> bool:
    """Has the user set the desktop to dark? Where that cannot be known, no."""
    if sys.platform == "win32":
        import winreg

        try:
            path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
                return winreg.QueryValueEx(key, "AppsUseLightTheme")[0] == 0
        except OSError:
            return False
    if sys.platform == "darwin":
        return _says_dark("defaults", "read", "-g", "AppleInterfaceStyle")
    return _says_dark("gsettings", "get", "org.gnome.desktop.interface", "color-scheme")


def _says_dark(*command: str) -> bool:
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1.0, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "dark" in done.stdout.casefold()

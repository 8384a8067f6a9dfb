"""What the server window remembers on this device, in a file of its own: the client's window may be open beside it."""

from pathlib import Path

import msgspec

from chatnet.address import DEFAULT_PORT
from chatnet.net.folders import default_data_folder
from chatnet_gui.viewmodels.settings import DEFAULT_FONT_SIZE, FONT_SIZES, Theme, settings_path

_FILE_NAME = "server.json"


class ServerSettings(msgspec.Struct):
    """Everything, as it is on the disk."""

    theme: Theme = "system"
    font_size: int = DEFAULT_FONT_SIZE
    hours24: bool = True
    geometry: str = ""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    is_lan: bool = False
    is_open: bool = False
    data: str = ""
    """The data folder; empty for the usual one."""
    sort: str = "name"
    """The column by which the table of clients is sorted, with a hyphen in front if it runs downwards."""

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data) if self.data else default_data_folder()

    def zoom(self, step: int) -> None:
        """Larger or smaller text; 0 for the first size."""
        size = self.font_size + step if step else DEFAULT_FONT_SIZE
        self.font_size = min(max(size, FONT_SIZES[0]), FONT_SIZES[-1])


def server_settings_path() -> Path:
    """The file; it may not exist yet."""
    return settings_path().with_name(_FILE_NAME)


def load_server_settings(path: Path | None = None) -> ServerSettings:
    """What was remembered; a file that is missing or damaged is as none."""
    try:
        settings = msgspec.json.decode((path or server_settings_path()).read_bytes(), type=ServerSettings)
    except (OSError, msgspec.DecodeError):
        return ServerSettings()
    settings.font_size = min(max(settings.font_size, FONT_SIZES[0]), FONT_SIZES[-1])
    return settings

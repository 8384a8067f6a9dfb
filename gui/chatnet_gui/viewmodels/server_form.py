"""The fields of the server window: where to listen, for whom, and where to keep it; what is wrong with them, in plain
words beside the field.
"""

import os
import re
from ipaddress import IPv6Address
from pathlib import Path

from chatnet.address import TLS, parse
from chatnet.errors import ConfigError, ErrorCode
from chatnet_gui.hosting import ServeOrder
from chatnet_gui.viewmodels.server_settings import ServerSettings
from chatnet_gui.viewmodels.words import sentence

FIELDS = ("host", "port", "data")
LAN_HOST = "all addresses of this machine"
"""What stands in place of an address when there is no choice."""
_FREE_FOR_ALL = 1024
"""The first port that most systems let everybody use."""
_PLAIN: dict[str, tuple[str, str]] = {
    ErrorCode.ADDRESS_IN_USE: ("port", "Another program uses this port. Stop it, or choose another port."),
    ErrorCode.DATA_IN_USE: ("data", "Another server uses this folder. Stop it, or choose another folder."),
    ErrorCode.DATA_TOO_NEW: ("data", "A newer chatnet has written into this folder. Update this one."),
}


class FormModel:
    """State of the fields."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self.values = {"host": settings.host, "port": str(settings.port), "data": show_folder(settings.folder)}
        self.is_lan, self.is_open = settings.is_lan, settings.is_open
        self.errors: dict[str, str] = {}
        """What is wrong, by field; under the empty name, what belongs to none."""

    @property
    def folder(self) -> Path:
        """The data folder, as it stands there."""
        return Path(os.path.abspath(os.path.expanduser(self.values["data"].strip())))

    @property
    def nearest_folder(self) -> Path:
        """Where to begin to look for another data folder: the first that exists on the way up."""
        return next((folder for folder in (self.folder, *self.folder.parents) if folder.is_dir()), Path.home())

    def set(self, field: str, value: str) -> None:
        """Something was typed: what was wrong with it is open again."""
        self.values[field] = value
        self.errors.pop(field, None)
        self.errors.pop("", None)

    def order(self) -> ServeOrder | None:
        """What to start, which is remembered; None if there is something wrong with it."""
        self.errors = {}
        port = self._check_port()
        host = "" if self.is_lan else self._check_host()
        self._check_folder()
        if self.errors:
            return None
        self._remember(host, port)
        return ServeOrder(host, port, self.folder, is_lan=self.is_lan, is_open=self.is_open)

    def failed(self, code: str, message: str) -> None:
        """Say in plain words why the server could not start, beside the field that it is about."""
        if code == ErrorCode.CANNOT_LISTEN:
            reserved = self._check_port() < _FREE_FOR_ALL
            field = "port" if reserved else "host"
            text = "This system lets no program of yours use a port below 1024." if reserved else sentence(message)
        elif code == ErrorCode.DATA_UNUSABLE:
            field, text = "data", sentence(message)
        elif code == ErrorCode.BAD_ADDRESS:
            field, text = "host", sentence(message)
        else:
            field, text = _PLAIN.get(code, ("", sentence(message)))
        self.errors[field] = text

    # -- parts ------------------------------------------------------------------------------------------------

    def _check_port(self) -> int:
        text = self.values["port"].strip()
        if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
            self.errors["port"] = "A port is a number from 1 to 65535."
            return 0
        return int(text)

    def _check_host(self) -> str:
        text = self.values["host"].strip()
        if not text:
            self.errors["host"] = "Say at which address to listen; 127.0.0.1 is for this machine alone."
            return ""
        host = _host(text)
        if not host:
            self.errors["host"] = "This is no address. Examples: 127.0.0.1, 192.168.1.20, ::1"
        return host

    def _check_folder(self) -> None:
        if not self.values["data"].strip():
            self.errors["data"] = "Say in which folder everything is to be kept."
        elif self.folder.exists() and not self.folder.is_dir():
            self.errors["data"] = "This is a file, not a folder."

    def _remember(self, host: str, port: int) -> None:
        settings = self._settings
        if not self.is_lan:
            settings.host = host
        settings.port, settings.is_lan, settings.is_open = port, self.is_lan, self.is_open
        settings.data = str(self.folder)


def show_folder(folder: Path) -> str:
    """A folder as people write it, from their home on."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):  # elsewhere; or a user without a home
        return str(folder)


def _host(text: str) -> str:
    """A host as it stands in an address; empty if this is none."""
    try:
        if ":" in text:
            return str(IPv6Address(text.strip("[]")))
        host = parse(f"{TLS}://{text}").host
    except (ConfigError, ValueError):
        return ""
    return host if re.fullmatch(r"[^\s/]+", host) else ""

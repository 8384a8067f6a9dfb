"""The private file by which a server's owner gets in on the same machine where there are no unix sockets.

The server writes it into its data folder, which nobody else can enter: where it listens, its key, and a token.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec

from chatnet.address import Address, parse
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.folders import default_data_folder

FILE_NAME = "local-access"
_EVERYWHERE = ("0.0.0.0", "::")
_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """How the owner gets in."""

    address: Address
    pin: bytes
    token: bytes = field(repr=False)


class _File(msgspec.Struct, frozen=True):
    address: str
    pin: _Hex32
    token: _Hex32


def load_local_access(folder: Path | None = None) -> LocalAccess | None:
    """What the server of this user has left in its data folder; None if there is nothing.

    :raises ConfigError: BAD_OPTION: it cannot be understood.
    """
    path = (folder or default_data_folder()) / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError:
        return None  # no server of this user was ever here, or it needs no such file
    try:
        found = msgspec.json.decode(content, type=_File)
        return LocalAccess(parse(found.address), bytes.fromhex(found.pin), bytes.fromhex(found.token))
    except (msgspec.DecodeError, ConfigError) as error:
        message = f"{path} is damaged: {error}\nRestart the server, which makes it anew, or remove it."
        raise ConfigError(ErrorCode.BAD_OPTION, message) from error


def write(folder: Path, address: Address, pin: bytes, token: bytes) -> Callable[[], None]:
    """Leave the file in the server's private folder, readable by its owner alone; returns what removes it again.

    :raises ConfigError: DATA_UNUSABLE: it cannot be written.
    """
    if address.host in _EVERYWHERE:
        address = replace(address, host="127.0.0.1")
    path = folder / FILE_NAME
    new = path.with_name(f"{FILE_NAME}.new")
    try:
        new.unlink(missing_ok=True)
        with open(new, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(msgspec.json.encode(_File(str(address), pin.hex(), token.hex())))
        new.replace(path)
    except OSError as error:
        raise ConfigError(ErrorCode.DATA_UNUSABLE, f"cannot write {path}: {error.strerror or error}") from error

    def remove() -> None:
        with suppress(OSError):  # without its server it is of no use to anybody
            path.unlink()

    return remove

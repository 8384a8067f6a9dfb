"""Where chatnet keeps its files on each system, made so that nobody else can read them, and locked.

A folder is private from its first moment on: it is made with the right mode, not changed to it later.
"""

import os
import stat
import sys
from pathlib import Path

from chatnet.errors import ConfigError, ErrorCode

_LOCK_NAME = "lock"


def default_data_folder() -> Path:
    """Where a server of this user keeps its messages."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "chatnet" / "server"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "chatnet" / "server"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "chatnet" / "server"


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, or check that an existing one is like that.

    :raises ConfigError: DATA_UNUSABLE.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from None
    if not hasattr(os, "getuid"):
        return  # Windows: what is below the user's profile is the user's.
    if found.st_uid != os.getuid():
        raise _unusable(folder, f"it belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _unusable(folder, f"others may enter it; close it with  chmod 700 {folder}")


class FolderLock:
    """Held by the one server that uses a folder; the system frees it, however the server ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        :raises ConfigError: DATA_IN_USE, with the process that holds it.
        """
        self._file = open(folder / _LOCK_NAME, "a+b", opener=_open_private)  # noqa: SIM115
        try:
            _lock(self._file.fileno())
        except OSError:
            self._file.seek(0)
            holder = self._file.read(20).decode("ascii", "replace").strip() or "unknown"
            self._file.close()
            raise ConfigError(
                ErrorCode.DATA_IN_USE,
                f"another server (process {holder}) uses the data folder {folder}; stop it or choose another with --data",
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    def release(self) -> None:
        """Let another server use the folder."""
        self._file.close()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30
    """Locked bytes cannot be read by others on Windows, so the lock is far behind the process number."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unusable(folder: Path, why: str) -> ConfigError:
    return ConfigError(ErrorCode.DATA_UNUSABLE, f"cannot keep messages in {folder}: {why}")

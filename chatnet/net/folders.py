"""Where chatnet keeps its files on each system, made so that nobody else can read them, and locked.

A folder is private from its first moment on: it is made with the right mode, not changed to it later. What is made
here is synced, so that a database in it cannot vanish with its folder when the power fails.
"""

import errno
import os
import stat
import sys
from pathlib import Path

from chatnet.errors import ConfigError, ErrorCode

_LOCK_NAME = "lock"
_HELD_BY_ANOTHER = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What systems say of a lock that somebody else holds; Windows says the latter two."""

_CANNOT_BE_SYNCED = (errno.EINVAL, errno.ENOTSUP)
"""What file systems say that have no such thing, some of those over a network for instance."""


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
        _make_folders(folder.parent)
        _make_own_folder(folder)
        found = folder.stat()
    except OSError as error:
        raise _unusable(folder, (error.strerror or str(error)).lower()) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(folder, "it is not a folder")
    if not hasattr(os, "getuid"):
        return  # Windows: what is below the user's profile is the user's.
    if found.st_uid != os.getuid():
        raise _unusable(folder, f"it belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _unusable(folder, f"others may enter it; close it with  chmod 700 {folder}")


def sync_folder(folder: Path) -> None:
    """Make durable which files are in a folder. Does nothing where folders cannot be synced, as on Windows.

    :raises OSError: the disk failed.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return  # one may make files in it, but not look at it: then one cannot sync it either
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_BE_SYNCED:
            raise
    finally:
        os.close(descriptor)


def _make_folders(folder: Path) -> None:
    """A folder and all that lead to it, as private as the umask wants them."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _make_own_folder(folder: Path) -> None:
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        return
    folder.chmod(0o700)  # a umask may have taken rights from the owner, too
    sync_folder(folder.parent)


class FolderLock:
    """Held by the one server that uses a folder; the system frees it, however the server ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        :raises ConfigError: DATA_IN_USE, with the process that holds it; DATA_UNUSABLE if there can be no lock.
        """
        try:
            self._file = open(folder / _LOCK_NAME, "a+b", opener=_open_private)  # noqa: SIM115
        except OSError as error:
            raise _unusable(folder, (error.strerror or str(error)).lower()) from error
        try:
            _lock(self._file.fileno())
            self._file.truncate(0)
            self._file.write(str(os.getpid()).encode())
            self._file.flush()
        except OSError as error:
            holder = self._holder()
            self._file.close()
            if error.errno not in _HELD_BY_ANOTHER:
                raise _unusable(folder, f"it cannot be locked: {(error.strerror or str(error)).lower()}") from error
            raise ConfigError(
                ErrorCode.DATA_IN_USE,
                f"another server (process {holder}) uses the data folder {folder}; "
                "stop it or choose another with --data",
            ) from None

    def _holder(self) -> str:
        self._file.seek(0)
        return self._file.read(20).decode("ascii", "replace").strip() or "unknown"

    def release(self) -> None:
        """Let another server use the folder."""
        self._file.close()


def lock_holder(folder: Path) -> int | None:
    """The process that holds a folder's lock, or was the last that did; None if there was none."""
    try:
        text = (folder / _LOCK_NAME).read_bytes()[:20]
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def lock_file(descriptor: int) -> bool:
    """Take the lock of an open file, until it is closed; False if another process, or another opening, has it.

    :raises OSError: there can be no lock there.
    """
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno not in _HELD_BY_ANOTHER:
            raise
        return False
    return True


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
    return ConfigError(ErrorCode.DATA_UNUSABLE, f"cannot use the folder {folder}: {why}")

"""What differs between operating systems: selectors, signals, child processes, and where the local socket lives.

Linux is the reference; each function here has an answer for macOS and Windows too. Nothing else in chatnet asks what
system it runs on. With ``CHATNET_TEST_PLATFORM=minimal`` the answers are those of the poorest system, so that the
ways taken there are tested everywhere.
"""

import errno
import os
import select
import selectors
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from chatnet.errors import CannotListen, ErrorCode

if TYPE_CHECKING:
    import subprocess

SYSTEM_SOCKET_FOLDER = "/run/chatnet"
TEMPORARY_FOLDER = "/tmp"
"""Not ``tempfile.gettempdir()``: a cron job has other environment variables than the shell that started the server."""
SOCKET_NAME = "chatnet.sock"
_SELECT_CAPACITY = 512
"""What ``select`` can watch on Windows; on POSIX it is 1024."""
_NO_ROOM = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
"""Of Linux: renameat2(2)."""
_RESERVED_FILES = 32
"""File descriptors that are no connections: listeners, the store, the standard streams."""


def is_minimal() -> bool:
    """Shall everything behave as on the poorest system?"""
    return os.environ.get("CHATNET_TEST_PLATFORM") == "minimal"


# -- selectors ------------------------------------------------------------------------------------------------


def new_selector() -> selectors.BaseSelector:
    """The best selector of this system."""
    if is_minimal():
        return selectors.SelectSelector()
    if hasattr(select, "epoll"):
        from chatnet.net.epoll import EpollSelector

        return EpollSelector()
    return selectors.DefaultSelector()


def connection_capacity(selector: selectors.BaseSelector) -> int | None:
    """How many connections a selector can watch, or None where only the number of open files limits it."""
    if isinstance(selector, selectors.SelectSelector):
        return _SELECT_CAPACITY - _RESERVED_FILES
    return None


def allow_many_files() -> None:
    """Raise this process's limit of open files to what the administrator allows. Does nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports an unlimited hard limit that it does not accept as a soft one.
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# -- signals --------------------------------------------------------------------------------------------------


@contextmanager
def stop_on_signals(
    stop: Callable[[], None], wakeup_fd: int, reload: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """While inside, SIGTERM and Ctrl-C call ``stop``; a second Ctrl-C raises KeyboardInterrupt.

    SIGHUP, where there is such a thing, calls ``reload``.

    ``wakeup_fd`` is a non-blocking descriptor that wakes the loop: without it a signal that comes just before the
    loop waits would be seen only after the wait, and on Windows Ctrl-C does not end a wait at all. Only for the main
    thread.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if number not in numbers:
            reload()
            return
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    numbers = _ending_signals()
    # A full channel means that the loop is about to wake anyway.
    old_fd = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
    old_handlers = [(number, signal.signal(number, on_signal)) for number in numbers + _hangup()]
    try:
        yield
    finally:
        for number, handler in old_handlers:
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)


def _ending_signals() -> list[signal.Signals]:
    return [signal.SIGTERM, signal.SIGINT] + ([signal.SIGBREAK] if hasattr(signal, "SIGBREAK") else [])


def _hangup() -> list[signal.Signals]:
    return [signal.SIGHUP] if hasattr(signal, "SIGHUP") and not is_minimal() else []


class HeldSignals:
    """While inside, what ends a program waits until its work is at a point where it can be left in good order.

    Ctrl-C, SIGTERM and a closed terminal take effect at the next `check`, or else at the end of the block; the second
    of them does at once, wherever the program is, and so does the first before `hold`. What this process was told to
    ignore stays ignored. Only for the main thread.
    """

    def __init__(self) -> None:
        self._old: dict[signal.Signals, Any] = {}
        self._wake: Callable[[], None] | None = None
        self._came: signal.Signals | None = None

    def __enter__(self) -> Self:
        for number in _ending_signals() + _hangup():
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._old[number] = signal.signal(number, self._on_signal)
        return self

    def hold(self, wake: Callable[[], None]) -> None:
        """From now on; ``wake`` ends the wait that may be under way, so that `check` is reached."""
        self._wake = wake

    def check(self) -> None:
        """Now is a good moment.

        :raises KeyboardInterrupt: a signal has come. If it was another one than Ctrl-C, that ends the process at the
            end of the block.
        """
        if self._came is not None:
            raise KeyboardInterrupt

    def __exit__(self, *exc: object) -> None:
        self._restore()
        if self._came is not None:
            signal.raise_signal(self._came)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._restore()
        if self._wake is None:
            signal.raise_signal(number)
        else:
            self._came = signal.Signals(number)
            self._wake()

    def _restore(self) -> None:
        while self._old:  # another signal may come meanwhile, and restore the rest
            signal.signal(*self._old.popitem())


def everywhere() -> str:
    """The address that means all of this machine's: of both families where one socket can listen to both."""
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"


# -- users ----------------------------------------------------------------------------------------------------


def own_uid() -> int:
    """The operating system's number for the user who runs this process; -1 where users have none."""
    return os.getuid() if hasattr(os, "getuid") and not is_minimal() else -1


def login_name(uid: int) -> str:
    """The login name of a user of this machine; empty if there is none of this number, or no such numbers at all."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return ""


# -- the local socket -----------------------------------------------------------------------------------------


def has_unix_sockets() -> bool:
    """Can programs on this machine meet at a path?"""
    return hasattr(socket, "AF_UNIX") and os.name == "posix" and not is_minimal()


def local_socket_path() -> str:
    """Where a server of this user listens for programs on the same machine."""
    return os.path.join(_writable_folder(), SOCKET_NAME)


def _writable_folder() -> str:
    place = SYSTEM_SOCKET_FOLDER
    if os.access(place if os.path.isdir(place) else os.path.dirname(place), os.W_OK | os.X_OK):
        return place
    return _own_folder()


def _own_folder() -> str:
    return os.path.join(TEMPORARY_FOLDER, f"chatnet-{os.getuid()}")


def find_local_sockets() -> list[str]:
    """The paths at which a client may find a server of this machine, in the order in which to try them.

    A folder that somebody else could have made is not looked into: its server could be anybody's. A path that is
    returned may still have no server behind it, if one died there.
    """
    if not has_unix_sockets():
        return []
    folders = [folder for folder in (SYSTEM_SOCKET_FOLDER, _own_folder()) if _whats_wrong(folder) is None]
    paths = [os.path.join(folder, SOCKET_NAME) for folder in folders]
    return [path for path in paths if os.path.exists(path)]


def prepare_socket_folder(path: str) -> None:
    """Make the folder of the local socket at ``path``; everybody may enter it, only its owner may change it.

    :raises CannotListen: CANNOT_LISTEN if it is not a folder that nobody else controls.
    """
    folder = os.path.dirname(path)
    try:
        os.mkdir(folder, 0o755)
        os.chmod(folder, 0o755)  # whatever the umask is
    except FileExistsError:
        pass
    except OSError as error:
        raise CannotListen(ErrorCode.CANNOT_LISTEN, f"cannot make the folder {folder}: {error.strerror}") from error
    wrong = _whats_wrong(folder)
    if wrong is not None:
        raise CannotListen(
            ErrorCode.CANNOT_LISTEN,
            f"cannot put the local socket into {folder}: {wrong}. Remove it, or choose addresses with --bind.",
        )


def _whats_wrong(folder: str) -> str | None:
    """Why a folder must not be trusted; None if only root or this user could have made it and can change it."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return "it does not exist"
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if found.st_uid not in (0, os.getuid()):
        return f"it belongs to another user (uid {found.st_uid})"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write into it"
    return None


# -- files ----------------------------------------------------------------------------------------------------


def sync_file(descriptor: int) -> None:
    """Make durable what was written to a file, with its length.

    :raises OSError: the disk failed, and nobody knows what of it is there.
    """
    if sys.platform == "darwin":
        import fcntl

        # There, fsync leaves the data in the disk's own cache. Source: fsync(2) of macOS.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync") and not is_minimal():
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def rename_new(source: str, target: str) -> None:
    """Give a file another name in the same folder, in one step, and never the name of something that is there.

    :raises FileExistsError: there is something of that name, be it a link to nowhere.
    :raises OSError: it cannot be done.
    """
    if sys.platform == "win32":
        os.rename(source, target)  # never replaces anything there
        return
    if _rename_no_replace(source, target):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, on a system that cannot rename like that: the look before must do.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)
    else:
        os.unlink(source)


def _rename_no_replace(source: str, target: str) -> bool:
    """Rename by renameat2(2) with RENAME_NOREPLACE; False where the system or the file system has no such thing."""
    if sys.platform != "linux" or is_minimal():
        return False
    import ctypes

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if not renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE):
        return True
    error = ctypes.get_errno()
    if error in (errno.ENOSYS, errno.EINVAL, errno.EPERM):
        return False  # EPERM: what a filter of system calls may say of one that it does not know
    raise OSError(error, os.strerror(error), target)


def can_rename_open_files() -> bool:
    """May a file get another name while a program has it open?"""
    return os.name == "posix"


def is_full(error: OSError) -> bool:
    """Is there no room on the disk, or none for this user?"""
    return error.errno in _NO_ROOM


# -- memory ---------------------------------------------------------------------------------------------------


def resident_bytes() -> int:
    """Memory that this process has now; 0 where the system does not say. Source: proc_pid_statm(5) of Linux."""
    if sys.platform != "linux" or is_minimal():
        return 0
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


# -- child processes ------------------------------------------------------------------------------------------


def start_apart(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a program in a process group of its own: Ctrl-C in the terminal is not meant for it. What it prints is
    to be read from two pipes.

    :raises OSError: there is no such program, or no room for another process.
    """
    import subprocess

    group: int | None = None
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        group = 0
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=flags,
        process_group=group,
    )


def ask_to_end(process: "subprocess.Popen[bytes]") -> None:
    """Have a program that `start_apart` has started stop by itself, if it listens to `stop_on_signals`."""
    if sys.platform == "win32":
        process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        process.terminate()

"""Unix sockets: ``chatnet+unix:///PATH``, for programs on the same machine.

Everybody who can enter the folder may connect; the kernel says who it is (SO_PEERCRED). A socket file outlives a
server that was killed: so a file behind which nobody listens is removed, and one behind which somebody does never is.
"""

import errno
import os
import socket
import stat
from contextlib import suppress

from chatnet.address import Address
from chatnet.errors import CannotListen, ConfigError, ErrorCode
from chatnet.net.platform import has_unix_sockets
from chatnet.net.sockets import peer_credentials
from chatnet.transports.stream import BACKLOG, StreamTransport, connect_any

_EVERYBODY = 0o666


class UnixListener:
    """An open socket file."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self.address = address
        self._file = os.lstat(address.path)

    @property
    def selectable(self) -> socket.socket:
        return self._socket

    def accept(self) -> StreamTransport | None:
        try:
            sock, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        return _transport(sock)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        # Before the socket, which keeps the inode's number from being given to somebody else's file.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.lstat(self.address.path), self._file):
                os.unlink(self.address.path)
        self._socket.close()


def listen(address: Address) -> UnixListener:
    """Open a socket file.

    :raises CannotListen: ADDRESS_IN_USE or CANNOT_LISTEN.
    :raises ConfigError: UNSUPPORTED on a system without unix sockets, BAD_ADDRESS for a path that cannot be.
    """
    _check(address)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(sock, address)
        os.chmod(address.path, _EVERYBODY)
        sock.listen(BACKLOG)
        sock.setblocking(False)
        return UnixListener(sock, address)
    except OSError as error:
        sock.close()
        message = f"cannot listen at {address}: {_reason(error)}"
        raise CannotListen(ErrorCode.CANNOT_LISTEN, message) from error
    except BaseException:
        sock.close()
        raise


def connect(address: Address, timeout: float) -> StreamTransport:
    """Connect within ``timeout`` seconds.

    :raises Unreachable: UNREACHABLE, with a line that says why.
    :raises ConfigError: UNSUPPORTED on a system without unix sockets, BAD_ADDRESS for a path that cannot be.
    """
    _check(address)
    return _transport(connect_any([(socket.AF_UNIX, address.path)], address, timeout))


def _check(address: Address) -> None:
    if not has_unix_sockets():
        message = f"there are no unix sockets on this system, so not {address}; use chatnet+tcp://localhost:5555"
        raise ConfigError(ErrorCode.UNSUPPORTED, message)
    if "\0" in address.path:  # for the system the path would end there
        raise ConfigError(ErrorCode.BAD_ADDRESS, f"{str(address)!r} has a zero byte in its path")


def _transport(sock: socket.socket) -> StreamTransport:
    sock.setblocking(False)
    who = peer_credentials(sock)
    if who is None:
        return StreamTransport(sock, "unix", is_local=True)
    return StreamTransport(sock, f"unix: pid {who.pid}, uid {who.uid}", is_local=True, uid=who.uid)


def _bind(sock: socket.socket, address: Address) -> None:
    try:
        sock.bind(address.path)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        _remove_stale(address)
        sock.bind(address.path)


def _remove_stale(address: Address) -> None:
    """Remove a socket file behind which nobody listens.

    :raises CannotListen: somebody does, or it is no socket file.
    """
    found = os.lstat(address.path)
    if not stat.S_ISSOCK(found.st_mode):
        message = f"cannot listen at {address}: there is a file of that name, which is no socket"
        raise CannotListen(ErrorCode.CANNOT_LISTEN, message)
    if _somebody_listens(address.path):
        raise _in_use(address)
    os.unlink(address.path)


def _somebody_listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except BlockingIOError:  # its backlog is full
            return True
        return True


def _in_use(address: Address) -> CannotListen:
    message = f"{address} is in use: a server listens there already"
    return CannotListen(ErrorCode.ADDRESS_IN_USE, message)


def _reason(error: OSError) -> str:
    if error.errno is None:  # Python's own "AF_UNIX path too long"
        return "the path is too long for a unix socket (the limit is about 100 bytes)"
    if error.errno == errno.ENOENT:
        return "its folder does not exist"
    return error.strerror or str(error)

"""The server of `scripts/crash_test`: a real one in a process of its own, to be killed and started again.

It has the durable stores, no rate limits, and small buffers, so that a short run comes to all that happens when they
are full: checkpoints, refills from the disk, pages. What it writes to its standard error is an error of the server's.
"""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from random import Random
from select import select

from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.limits import KIB, Limits
from chatnet.files.store import FOLDER, DiskFileStore
from chatnet.net.folders import FolderLock, make_private_folder
from chatnet.net.platform import stop_on_signals
from chatnet.server import Server
from chatnet.store.sqlite import SqliteStore

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_UP = b"up\n"
_CHECKPOINT_BYTES = 64 * KIB
_PORTS = (20_000, 32_000)
"""Below those of outgoing connections, one of which could otherwise take the place of a dead server."""


class ServerFailed(Exception):
    """The server did not start, ended by itself, or complained."""


def limits() -> Limits:
    """No rates, early pings, and buffers that fill up."""
    fast = 1e9
    return Limits(
        post_burst=fast,
        posts_per_second=fast,
        text_burst=fast,
        text_per_second=fast,
        request_burst=fast,
        requests_per_second=fast,
        sessions_per_user=1000,
        login_seconds=3.0,
        ping_seconds=1.0,
        silence_seconds=2.5,
        output_soft=16 * KIB,
        output_low=4 * KIB,
        page=8 * KIB,
        tail_messages=16,
    )


def serve(folder: Path, port: int) -> None:
    """Serve until SIGTERM; says ``up`` on standard output once it listens."""
    make_private_folder(folder)
    lock = FolderLock(folder)
    store = SqliteStore(folder, checkpoint_bytes=_CHECKPOINT_BYTES)
    files = DiskFileStore(folder / FOLDER, reserve=limits().disk_reserve)
    config = Config(bind=(Address(TCP, "127.0.0.1", port),), limits=limits())
    server = Server(config, store=store, files=files)
    server.start()
    with stop_on_signals(server.stop, server.wakeup_fd):
        sys.stdout.buffer.write(_UP)
        sys.stdout.buffer.flush()
        server.run()
    lock.release()


def free_port(random: Random) -> int:
    """A port that nobody listens on."""
    for _ in range(100):
        port = random.randint(*_PORTS)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed("no free port was found")


class ServerProcess:
    """The server process of the moment. All of them together have one data folder, one port and one log."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._is_up = False

    def spawn(self) -> None:
        """Start a process; it is not up yet."""
        self._is_up = False
        with self._log.open("ab") as log:
            command = [sys.executable, __file__, str(self.folder), str(self.port)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    def is_up(self, seconds: float) -> bool:
        """Does it listen within so many seconds?

        :raises ServerFailed: it has ended instead.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        if not self._is_up and select([self._process.stdout], [], [], seconds)[0]:
            if self._process.stdout.readline() != _UP:
                raise ServerFailed(f"the server ended with exit code {self._process.wait()}: {self.complaints()}")
            self._is_up = True
        return self._is_up

    def wait_until_up(self) -> None:
        """Wait until it listens.

        :raises ServerFailed: it does not.
        """
        if not self.is_up(START_SECONDS):
            raise ServerFailed(f"the server was not up {START_SECONDS:.0f} s after its start: {self.complaints()}")

    def kill(self) -> None:
        """SIGKILL, at once.

        :raises ServerFailed: it was dead before, or had complained.
        """
        assert self._process is not None
        code = self._process.poll()
        self.end()
        if code is not None or self.complaints():
            raise ServerFailed(f"before the kill, exit code {code}: {self.complaints()}")

    def stop(self) -> None:
        """SIGTERM, and wait for the end.

        :raises ServerFailed: it ended badly, or not at all.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerFailed("the server did not stop on SIGTERM") from None
        finally:
            self.end()
        if code or self.complaints():
            raise ServerFailed(f"at the end, exit code {code}: {self.complaints()}")

    def end(self) -> None:
        """Make sure that it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def complaints(self) -> str:
        """All that any of the processes has written to its standard error."""
        return self._log.read_text("utf-8", "replace").strip()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))

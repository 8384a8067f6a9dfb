"""A ``chatnet serve`` that the window has started: a child process in a group of its own, and what it says.

The rule kept here: its pipes are read at all times, by threads, however busy the window is. A server that had to wait
until somebody reads its log would serve nobody. What the window does not take in time is left out, and counted.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from chatnet.address import TLS, UNIX, Address, parse
from chatnet.errors import ConfigError
from chatnet.net.platform import ask_to_end, everywhere, has_unix_sockets, local_socket_path, start_apart

COMMAND = (sys.executable, "-m", "chatnet")
CAPACITY = 1000
"""Lines that wait to be taken."""
_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ServeOrder:
    """What kind of server to start."""

    host: str
    port: int
    data: Path
    is_lan: bool = False
    """Listen everywhere, whatever ``host`` says, and make it known on the local network."""
    is_open: bool = False
    has_socket: bool = True
    """The local socket too, where there are such things: by it commands on this machine find their server."""

    def binds(self) -> list[Address]:
        """Where it is to listen."""
        binds = [Address(TLS, everywhere() if self.is_lan else self.host, self.port)]
        if self.has_socket and has_unix_sockets():
            binds.append(Address(UNIX, path=local_socket_path()))
        return binds

    def arguments(self) -> list[str]:
        """The same on the command line."""
        binds = [part for address in self.binds() for part in ("--bind", str(address))]
        flags = ["--lan"] * self.is_lan + ["--open"] * self.is_open
        return ["serve", "--json", *flags, "--data", str(self.data), *binds]


# -- what happens ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listening:
    """From now on it can be talked to."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class NotServing:
    """Why there will be no server; `Exited` follows."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that it printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The last notice: the process is gone."""

    code: int
    """Its exit code; less than 0 for the signal that ended it."""
    left_out: int
    """How many lines nobody took in time."""


HostNotice = Listening | NotServing | Printed | Exited


class _Line(msgspec.Struct):
    """What ``serve --json`` prints: one of its two events."""

    event: str
    addresses: list[str] = []
    code: str | None = None
    message: str = ""


class Hosted:
    """One running server; it starts when this is made.

    :raises OSError: it cannot be started.
    """

    def __init__(self, order: ServeOrder, command: Sequence[str] = COMMAND) -> None:
        self._changed = threading.Condition()
        self._notices: deque[HostNotice] = deque()
        self._left_out = 0
        self._process = start_apart([*command, *order.arguments()])
        self._threads = [
            threading.Thread(target=self._read, args=(stream, understand), name="chatnet serve", daemon=True)
            for stream, understand in ((self._process.stdout, _understand), (self._process.stderr, _printed))
        ]
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._await_end, name="chatnet serve: end", daemon=True).start()

    def stop(self) -> None:
        """Have it let everybody have what is theirs, and end; `Exited` will follow. Does not wait."""
        if self._process.poll() is None:
            ask_to_end(self._process)

    def kill(self) -> None:
        """End it at once: what it has acknowledged is on the disk, and nothing else was promised."""
        self._process.kill()

    def take(self, most: int = CAPACITY, timeout: float = 0.0) -> list[HostNotice]:
        """What has happened, at most so much; waits up to ``timeout`` seconds for the first."""
        with self._changed:
            if timeout:
                self._changed.wait_for(lambda: bool(self._notices), timeout)
            return [self._notices.popleft() for _ in range(min(most, len(self._notices)))]

    # -- the threads ------------------------------------------------------------------------------------------

    def _read(self, stream: IO[bytes], understand: Callable[[str], HostNotice]) -> None:
        with stream:
            while line := stream.readline(_LINE_BYTES):
                self._put(understand(line.decode(errors="replace").rstrip("\r\n")))

    def _await_end(self) -> None:
        code = self._process.wait()
        for thread in self._threads:
            thread.join()  # until everything that it said has been read
        self._put(Exited(code, self._left_out))

    def _put(self, notice: HostNotice) -> None:
        with self._changed:
            if isinstance(notice, Printed) and len(self._notices) >= CAPACITY:
                self._left_out += 1
            else:
                self._notices.append(notice)
            self._changed.notify_all()


def _printed(line: str) -> HostNotice:
    return Printed(line)


def _understand(line: str) -> HostNotice:
    """One line of what it prints for programs."""
    try:
        said = msgspec.json.decode(line, type=_Line)
        if said.event == "listening":
            return Listening(tuple(map(parse, said.addresses)))
    except (msgspec.DecodeError, ConfigError):
        return Printed(line)
    return NotServing(said.code or "", said.message) if said.event == "failed" else Printed(line)

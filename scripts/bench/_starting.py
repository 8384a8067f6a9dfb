"""Starts a server as its own users would, alone on its core, and ends it."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _peer import Peer
from _pinning import SERVER_CORE, core, pinned
from _serving import CannotMeasure

_READY_SECONDS = 20.0
_END_SECONDS = 10.0
_LOG_BYTES = 400


@dataclass(frozen=True)
class Started:
    """It listens."""

    pid: int
    port: int


@contextmanager
def started(peer: Peer, folder: Path) -> Iterator[Started]:
    """A server with its files in a new folder, until the end of the block.

    :raises CannotMeasure: it is not installed, or does not start.
    """
    port, log = _free_port(), folder / "log"
    # GOMAXPROCS: where no core can be chosen, at least no more than one is used.
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "GOMAXPROCS": "1"}
    command = peer.command(folder, port)
    with log.open("wb") as output, pinned(core(SERVER_CORE)):
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    with process:
        try:
            _wait(process, port, peer, log)
            yield Started(process.pid, port)
        finally:
            _end(process)


def _wait(process: "subprocess.Popen[bytes]", port: int, peer: Peer, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                said = log.read_bytes()[-_LOG_BYTES:].decode(errors="replace").strip()
                raise CannotMeasure(f"{peer.name} does not start: {said}") from None
            time.sleep(0.05)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port

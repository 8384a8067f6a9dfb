"""The server of `scripts/hostile_test`: a real one with the limits that are shipped, on every way in, until SIGTERM.

It says where it listens in one line of JSON. What it writes to its standard error is an error of the server's.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from _hostile_lines import Target, Wrong

from chatnet.address import TCP, TLS, UNIX, Address, parse
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.net.folders import make_private_folder
from chatnet.net.platform import has_unix_sockets, stop_on_signals
from chatnet.server import Server

_END_SECONDS = 30.0
_PATIENT = Limits()


@contextmanager
def running(*options: str) -> Iterator[Target]:
    """A server, to be attacked.

    :raises Wrong: it does not start, ended by itself, complained, or does not stop.
    """
    with TemporaryDirectory(prefix="chatnet-hostile-") as folder:
        command = [sys.executable, __file__, folder, *options]
        with (
            Path(folder, "log").open("w+b") as log,
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as process,
        ):
            assert process.stdout is not None
            line = process.stdout.readline()
            try:
                if not line:
                    raise Wrong(f"the server did not start: {_words(log.name)}")
                yield Target(tuple(map(parse, json.loads(line))), process.pid)
                if process.poll() is not None:
                    raise Wrong(f"the server has ended with {process.returncode}: {_words(log.name)}")
                process.send_signal(signal.SIGTERM)
                code = process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                raise Wrong("the server does not stop") from None
            finally:
                process.kill()
            complaints = _words(log.name)
            if code or complaints:
                raise Wrong(f"the server ended with {code}, and has written: {complaints}")


def _words(path: str) -> str:
    return Path(path).read_text("utf-8", "replace").strip()[-2000:]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS:"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--durable", action="store_true", help="keep messages on disk, not in memory")
    parser.add_argument("--login-seconds", type=float, default=_PATIENT.login_seconds)
    parser.add_argument("--handshake-seconds", type=float, default=_PATIENT.handshake_seconds)
    options = parser.parse_args()
    data, identity = options.folder / "data", options.folder / "identity"
    make_private_folder(identity)
    bind = [Address(TCP, "127.0.0.1", 0), Address(TLS, "127.0.0.1", 0)]
    if has_unix_sockets():
        bind.append(Address(UNIX, path=str(options.folder / "socket")))
    limits = Limits(login_seconds=options.login_seconds, handshake_seconds=options.handshake_seconds)
    data = data if options.durable else None
    server = Server(Config(bind=tuple(bind), open=True, data=data, identity=identity, limits=limits))
    try:
        server.start()
        with stop_on_signals(server.stop, server.wakeup_fd):
            print(json.dumps([str(address) for address in server.addresses]), flush=True)
            server.run()
    finally:
        server.close()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    main()

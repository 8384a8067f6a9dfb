"""Other ways to bring a file from one place to another over loopback: each tells its time, and the CPU of both ends.

They return None where the program for it is not installed.
"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 10.0
_PIECE = 1 << 18
_RECEIVE = f"""
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock, open(sys.argv[2], "wb") as file:
    while data := sock.recv({_PIECE}):
        file.write(data)
"""


@dataclass(frozen=True)
class Copy:
    """Seconds of the clock, and of CPU at both ends."""

    seconds: float
    sender_cpu: float
    receiver_cpu: float | None
    """None where nobody can say: the processes of some servers are nobody's children."""


def plain_copy(source: Path, target: Path, folder: Path) -> Copy:
    """Read, send; receive, write: nothing is verified, and nothing synced."""
    del folder
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = [sys.executable, "-c", _RECEIVE, str(listener.getsockname()[1]), str(target)]
        before, own, start = _children(), time.process_time(), time.perf_counter()
        with subprocess.Popen(receiver):
            sock, _ = listener.accept()
            with sock, source.open("rb") as file:
                while data := file.read(_PIECE):
                    sock.sendall(data)
        return Copy(time.perf_counter() - start, time.process_time() - own, _children() - before)


def rsync(source: Path, target: Path, folder: Path) -> Copy | None:
    """To its own daemon, as a whole file."""
    program = shutil.which("rsync")
    if program is None:
        return None
    port, config = _free_port(), folder / "rsyncd.conf"
    config.write_text(f"use chroot = no\n[it]\npath = {folder}\nread only = no\n{_who()}")
    serve = [program, "--daemon", "--no-detach", f"--config={config}", "--address=127.0.0.1", f"--port={port}"]
    return _through(serve, port, [program, "-W", str(source), f"rsync://127.0.0.1:{port}/it/{target.name}"])


def scp(source: Path, target: Path, folder: Path) -> Copy | None:
    """To a server of its own, with keys made for it."""
    program, server, keygen = shutil.which("scp"), shutil.which("sshd", path=_sbin()), shutil.which("ssh-keygen")
    if program is None or server is None or keygen is None:
        return None
    port, key, config = _free_port(), folder / "key", folder / "sshd_config"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    config.write_text(
        f"HostKey {key}\nAuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
        "Subsystem sftp internal-sftp\n"
    )
    known = ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known", "-o", "LogLevel=ERROR"]
    serve = [server, "-D", "-f", str(config), "-p", str(port), "-o", "ListenAddress=127.0.0.1"]
    send = [program, "-q", "-i", str(key), *known, "-P", str(port), str(source), f"127.0.0.1:{target}"]
    copy = _through(serve, port, send)
    return None if copy is None else Copy(copy.seconds, copy.sender_cpu, None)


def _through(serve: Sequence[str], port: int, send: Sequence[str]) -> Copy | None:
    """Start a server, send by a program; the CPU of the server is that of all its processes."""
    with ExitStack() as stack:
        server = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        if not _listens(port):
            return None
        before, start = _children(), time.perf_counter()
        if subprocess.run(send, stdin=subprocess.DEVNULL, check=False).returncode:
            return None
        seconds, sent = time.perf_counter() - start, _children()
    return Copy(seconds, sent - before, _children() - sent)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def _sbin() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _who() -> str:
    """rsync's daemon becomes somebody else where it is started by root."""
    return f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.getuid() == 0 else ""

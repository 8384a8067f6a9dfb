"""Real ``chatnet`` processes for tests: an own home, every wait with a deadline, and nothing left running."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

DEADLINE = 20.0
"""Seconds for anything that should take well under one; only a failing test waits that long."""
_INHERITED = ("PATH", "PYTHONPATH", "SYSTEMROOT", "CHATNET_TEST_PLATFORM", "LANG", "LC_ALL")
COMMAND = [sys.executable, "-m", "chatnet"]


class Lines:
    """What a process prints, line by line as it comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seen: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self._thread = threading.Thread(target=self._pump, args=(stream,), daemon=True)
        self._thread.start()

    def _pump(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._queue.put(line.decode().rstrip("\r\n"))
        self._queue.put(None)

    def next(self, deadline: float = DEADLINE) -> str:
        """The next line. Fails if there is none in time, or no more."""
        try:
            line = self._queue.get(timeout=deadline)
        except Empty:
            raise AssertionError(f"no line within {deadline} s; so far: {self.seen}") from None
        assert line is not None, f"the output has ended; so far: {self.seen}"
        self.seen.append(line)
        return line

    def until(self, part: str, deadline: float = DEADLINE) -> str:
        """Read on to the first line with ``part`` in it."""
        end = time.monotonic() + deadline
        while part not in (line := self.next(max(0.01, end - time.monotonic()))):
            pass
        return line

    def rest(self, deadline: float = DEADLINE) -> list[str]:
        """All further lines, once the process has closed its output."""
        lines: list[str] = []
        while (line := self._queue.get(timeout=deadline)) is not None:
            lines.append(line)
        self.seen += lines
        return lines


class Process:
    """One running ``chatnet``."""

    def __init__(
        self, command: list[str], environment: dict[str, str], stdin: int | IO[bytes] = subprocess.DEVNULL
    ) -> None:
        self.popen = subprocess.Popen(
            command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.popen.stdout is not None
        assert self.popen.stderr is not None
        self.out = Lines(self.popen.stdout)
        self.err = Lines(self.popen.stderr)

    def type(self, text: str) -> None:
        """Give it a line on its standard input."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(text.encode() + b"\n")
        self.popen.stdin.flush()

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.signal(signal.SIGINT)
        return self.wait()

    def wait(self, deadline: float = DEADLINE) -> int:
        """The exit code, once it has ended."""
        return self.popen.wait(deadline)

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.popen.poll() is None:
            self.popen.kill()
        if self.popen.stdin is not None and not self.popen.stdin.closed:
            # What was typed and not read is lost with the process.
            with suppress(BrokenPipeError):
                self.popen.stdin.close()
        self.popen.wait(DEADLINE)


class Chatnet:
    """A machine's user with an empty home, who runs ``chatnet``."""

    def __init__(self, home: Path) -> None:
        self.environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.environment |= {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "LOCALAPPDATA": str(home / "local"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "PYTHONUTF8": "1",
        }
        self.home = home
        self.server: Process | None = None
        """The latest one."""
        self._processes: list[Process] = []

    def start(self, *args: str, stdin: int | IO[bytes] = subprocess.DEVNULL, **environment: str) -> Process:
        """Start ``chatnet ARGS...`` and go on."""
        process = Process([*COMMAND, *args], self.environment | environment, stdin)
        self._processes.append(process)
        return process

    def run(self, *args: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``chatnet ARGS...`` to its end."""
        done = subprocess.run(
            [*COMMAND, *args], env=self.environment | environment, input=stdin, capture_output=True, timeout=DEADLINE
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def serve(self, *args: str, bind: str = "chatnet+tcp://127.0.0.1:0") -> Process:
        """Start a server on a free port; whatever is run from now on talks to it."""
        server = self.server = self.start("serve", "--bind", bind, "--json", *args)
        listening: dict[str, Any] = json.loads(server.out.next())
        assert listening["event"] == "listening"
        assert listening["pid"] == server.popen.pid
        self.environment["CHATNET_SERVER"] = listening["addresses"][0]
        return server

    def listen(self, name: str, *args: str) -> Process:
        """Start ``chatnet listen`` and wait until it hears what is said from now on."""
        process = self.start("listen", "--as", name, *args)
        process.err.until("listening")
        return process

    def end(self) -> None:
        for process in self._processes:
            process.end()

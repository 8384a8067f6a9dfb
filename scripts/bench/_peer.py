"""What a load must know of a chat server to talk to it: how to start it, to come in, and to say something.

A server is not asked for more than chat: a client comes in, is in one room, and each text reaches all who are there.
Rates and counts that would stand in the way of a load are lifted, and everything else is as shipped.
"""

import shutil
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path

from _serving import CannotMeasure

Dialogue = Generator[bytes, bytes, None]
"""Yields what is to be sent, and is sent what came meanwhile."""
_SYSTEM_PROGRAMS = ("/usr/sbin", "/sbin", "/usr/local/sbin")


class Peer:
    """A server. One object talks for all clients of one load; clients and rooms are numbers from 0 on."""

    name = ""
    program = ""
    """What has to be installed."""
    echo = True
    """Does somebody hear what it says itself?"""
    at_once = 64
    """Clients that come in at the same time."""
    unanswered = 0
    """Messages that a client may have under way at most; 0 for any number."""
    tuned = ""
    encrypted = False

    def command(self, folder: Path, port: int) -> Sequence[str]:
        """Starts it in the foreground on 127.0.0.1, with its files in a new folder."""
        raise NotImplementedError

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        """Come in and be in a room; somebody is the first in each."""
        raise NotImplementedError

    def post(self, client: int, room: int, text: bytes) -> bytes:
        """A message, with the text as it is."""
        raise NotImplementedError

    def alive(self) -> bytes:
        """What a silent client says now and then, so that it is not asked; nothing if it need not."""
        return b""

    def to_be_told_of(self, client: int, size: int) -> int:
        """Of how many others in its room of this size a client has to hear, in whatever it got since it came."""
        del client, size
        return 0

    def version(self) -> str:
        """As it says so itself."""
        return first_line([self.find(), "--version"])

    @classmethod
    def find(cls) -> str:
        """Its program.

        :raises CannotMeasure: it is not installed.
        """
        found = shutil.which(cls.program) or shutil.which(cls.program, path=":".join(_SYSTEM_PROGRAMS))
        if found is None:
            raise CannotMeasure(f"{cls.name} is not measured: there is no {cls.program} here")
        return found


def user_name(client: int) -> bytes:
    """Nine bytes, as many as old servers allow."""
    return b"user%05d" % client


def expect(sending: bytes, token: bytes) -> Generator[bytes, bytes, bytes]:
    """Send something, and wait until the answer has come; all that came up to then."""
    data = yield sending
    while token not in data:
        data += yield b""
    return data


def first_line(command: Sequence[str]) -> str:
    """Of what a program says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    return next(filter(None, lines), "?")


def write(folder: Path, name: str, text: str) -> str:
    """A file for the server; its path."""
    path = folder / name
    path.write_text(text)
    return str(path)

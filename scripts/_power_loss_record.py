"""Records some lives of a server on one folder: each is killed just before it syncs, but the last one is stopped.

Small checkpoints, so that there are many of them.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _power_loss_trace import STRACE, Step, Sync, TraceReader
from _talk_load import GUEST_HOLD_SECONDS, TalkLoad
from _talkers import Lost

from chatnet.store.opening import FILE_NAME

FILES = (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-journal")
"""The last one is there while a new database is made."""
CHECKPOINT_BYTES = 48 * 1024
FIRST_KILL, LATER_KILLS = (70, 90), (15, 50)
"""At which sync of its life a server is killed: in the middle of what is said, so that something of it is written and
not synced."""
_SERVER = Path(__file__).with_name("_store_server.py")
_PATIENCE_SECONDS = 20.0


class CannotRecord(Exception):
    """There is no recording; the message says why."""


class DidNotStart(CannotRecord):
    """The server ended before it listened."""

    def __init__(self, exit_code: int, said: str) -> None:
        super().__init__(f"the server did not start under strace: {said}")
        self.exit_code = exit_code


@dataclass(frozen=True)
class Book:
    """What the clients know."""

    said: dict[bytes, dict[int, tuple[int, str]]]
    """By device and number: conversation and text."""
    dropped: int
    """The personal chat of those who left for good."""
    steps: list[Step] = field(repr=False)


@dataclass(frozen=True)
class Traced:
    """A server under strace."""

    process: subprocess.Popen[bytes]
    """That of strace; it ends as the server ends."""
    pid: int
    """The server's own."""
    port: int


@contextmanager
def traced_server(folder: Path, trace: Path, *options: str, inject: tuple[str, ...] = ()) -> Iterator[Traced]:
    """A server under strace.

    :raises DidNotStart: it does not come to listen.
    :raises CannotRecord: there is no strace.
    """
    injections = [word for what in inject for word in ("-e", f"inject={what}")]
    command = [*STRACE, *injections, "-o", str(trace), sys.executable, str(_SERVER), str(folder), *options]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise CannotRecord("there is no strace, by which the server's writes are recorded") from None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise DidNotStart(process.wait(_PATIENCE_SECONDS), process.stderr.read().decode())
        listening = json.loads(line)
        yield Traced(process, listening["pid"], listening["port"])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def record(folder: Path, seed: int = 1, *, synchronous: str = "full", lives: int = 4, rounds: int = 15) -> Book:
    """Record a server's lives; the traces stay beside the folder.

    :raises CannotRecord: strace is not there, or may not be used; or the server did something else than expected.
    """
    reader, chance = TraceReader(folder, FILES), random.Random(seed)
    load = TalkLoad(chance)
    fixed = ("--synchronous", synchronous, "--checkpoint-bytes", str(CHECKPOINT_BYTES))
    steps: list[Step] = []
    for life in range(lives):
        trace = folder.with_name(f"{life}.strace")
        # Those who are cut off by a kill must not be forgotten meanwhile.
        options = (*fixed, "--guest-hold-seconds", str(3600 if life else GUEST_HOLD_SECONDS))
        kill = f"fdatasync:signal=SIGKILL:when={chance.randint(*(LATER_KILLS if life else FIRST_KILL))}"
        with traced_server(folder, trace, *options, inject=(kill,) if life < lives - 1 else ()) as server:
            _live(server, load, is_first=not life, rounds=rounds)
        steps += reader.read(trace)
    if not any(isinstance(step, Sync) for step in steps):
        raise CannotRecord("there is not one sync in what strace has recorded")
    return Book(load.said, load.dropped, steps)


def _live(server: Traced, load: TalkLoad, *, is_first: bool, rounds: int) -> None:
    why = "it was stopped"
    try:
        if is_first:
            load.begin(server.port, guests_leave=True)
        else:
            load.come_back(server.port)
        load.talk(rounds)
        os.kill(server.pid, signal.SIGTERM)
    except Lost as lost:
        why = str(lost)
    load.hang_up()
    try:
        server.process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise CannotRecord(f"the server goes on, although {why}") from None

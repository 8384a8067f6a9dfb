"""Reads what ``strace`` has recorded: what a server did to its files, and what it told its clients, in that order.

A write counts from the moment it is asked for, a sync from the moment it has returned, and what is told from the moment
it is handed to the socket: each as early, or late, as is worst.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chatnet.events import Event
from chatnet.wire.codec import decode_event
from chatnet.wire.frames import MAX_PAYLOAD, FrameReader

SYSCALLS = (
    "openat,open,creat,pwrite64,write,pwritev,pwritev2,writev,fallocate,fdatasync,fsync,sync_file_range,"
    "ftruncate,truncate,unlink,unlinkat,rename,renameat,renameat2,sendto"
)
STRACE = ("strace", "-f", "-ttt", "-yy", "-xx", "-s", "1000000", "-e", "signal=none", "-e", f"trace={SYSCALLS}")


class NotUnderstood(Exception):
    """The server, or SQLite in it, did something to a file that is not modelled here."""


# -- what happened --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Write:
    """Bytes for a place in a file."""

    file: str
    offset: int
    data: bytes


@dataclass(slots=True)
class Truncate:
    """A file has this size from now on."""

    file: str
    size: int


@dataclass(slots=True)
class Create:
    """A new, empty file."""

    file: str


@dataclass(slots=True)
class Unlink:
    """A file is gone."""

    file: str


@dataclass(slots=True)
class Sync:
    """All that was written to a file before is durable; for the folder (empty name), which files there are."""

    file: str


@dataclass(slots=True)
class SyncFailed:
    """Nobody knows what of a file is durable, but for what was before."""

    file: str
    at: float
    """Seconds, by the clock on the wall."""


@dataclass(slots=True)
class Told:
    """Clients can see this from now on."""

    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Begins:
    """A process begins with the files as the last one left them: no power was lost in between."""


Step = Write | Truncate | Create | Unlink | Sync | SyncFailed | Told | Begins


# -- reading --------------------------------------------------------------------------------------------------

_LINE = re.compile(r"(?P<pid>\d+) +(?P<at>\d+\.\d+) (?P<call>\w+)\((?P<args>.*)$")
_RESUMED = re.compile(r"(?P<pid>\d+) +(?P<at>\d+\.\d+) <\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")
_ENDED = re.compile(r"\d+ +(?P<at>\d+\.\d+) \+\+\+ ")
_RESULT = re.compile(r"\) += (?P<value>-?\d+)")
_DESCRIPTOR = re.compile(r"(?P<number>-?\w+)<(?P<path>[^>]*)>")
_STRING = re.compile(r'"(?P<hex>[^"]*)"')
_UNFINISHED = " <unfinished ...>"


@dataclass(slots=True)
class _Call:
    name: str
    args: str
    step: Step | None = None


class TraceReader:
    """Turns traces into steps. One for all processes that used a folder, one after the other."""

    def __init__(self, folder: Path, files: tuple[str, ...]) -> None:
        self._folder = str(folder)
        self._files = {str(folder / name): name for name in files}
        self._there: set[str] = set()
        self._streams: dict[str, FrameReader] = {}
        self.ended = 0.0
        """When the last process ended, by the clock on the wall."""

    def read(self, trace: Path) -> list[Step]:
        """All steps of one process.

        :raises NotUnderstood: something in it has no model here.
        """
        self._streams.clear()
        steps: list[Step] = [Begins()]
        waiting: dict[str, _Call] = {}
        with trace.open("r", encoding="ascii") as lines:
            for line in lines:
                steps += self._line(line.rstrip("\n"), waiting)
        return steps

    def _line(self, line: str, waiting: dict[str, _Call]) -> Iterator[Step]:
        resumed = _RESUMED.match(line)
        if resumed:
            call = waiting.pop(resumed["pid"])
            yield from self._end(call, resumed["rest"], float(resumed["at"]))
            return
        started = _LINE.match(line)
        if not started:
            ended = _ENDED.match(line)
            self.ended = float(ended["at"]) if ended else self.ended
            return
        args = started["args"]
        call = _Call(started["call"], args.removesuffix(_UNFINISHED))
        call.step = self._begin(call)
        if call.step is not None:
            yield call.step
        if args.endswith(_UNFINISHED):
            waiting[started["pid"]] = call
        else:
            yield from self._end(call, args, float(started["at"]))

    def _begin(self, call: _Call) -> Step | None:
        """What counts from the moment it is asked for."""
        match call.name:
            case "pwrite64":
                file = self._file(call.args)
                return (
                    None
                    if file is None
                    else Write(file, int(call.args.rsplit(", ", 1)[1].split(")")[0]), _bytes(call.args))
                )
            case "ftruncate":
                file = self._file(call.args)
                return None if file is None else Truncate(file, int(call.args.rsplit(", ", 1)[1].split(")")[0]))
            case "sendto":
                return Told()
            case "openat" | "unlink" | "fsync" | "fdatasync":
                return None
        if self._file(call.args) is not None or self._named(call.args) is not None:
            raise NotUnderstood(f"{call.name} of a database file: {call.args[:200]}")
        return None

    def _end(self, call: _Call, rest: str, at: float) -> Iterator[Step]:
        """What counts once it has returned, and what a send has taken."""
        found = _RESULT.search(rest)
        if found is None:
            return  # the process ended within it
        value = int(found["value"])
        match call.name:
            case "pwrite64" | "ftruncate" if call.step is not None:
                if value < 0 or (isinstance(call.step, Write) and value != len(call.step.data)):
                    raise NotUnderstood(f"{call.name} failed: {rest[-100:]}")
            case "sendto":
                assert isinstance(call.step, Told)
                call.step.events += self._told(call.args, value)
            case "fsync" | "fdatasync":
                file = self._file(call.args)
                if value < 0 and _DESCRIPTOR.match(call.args):
                    yield SyncFailed(self._any_file(call.args), at)
                elif file is not None:
                    yield Sync(file)
            case "openat" if value >= 0:
                file = self._named(call.args)
                if file is not None and file not in self._there and "O_CREAT" in call.args:
                    self._there.add(file)
                    yield Create(file)
            case "unlink" if value == 0:
                file = self._named(call.args)
                if file is not None:
                    self._there.discard(file)
                    yield Unlink(file)

    def _file(self, args: str) -> str | None:
        """Which file a descriptor in front is of; empty for the folder itself, None for others."""
        found = _DESCRIPTOR.match(args)
        if found is None:
            return None
        path = _unhex(found["path"]).decode()
        return "" if path == self._folder else self._files.get(path)

    def _any_file(self, args: str) -> str:
        """The name of a file in the folder; the whole path of others."""
        found = _DESCRIPTOR.match(args)
        path = "" if found is None else _unhex(found["path"]).decode("utf-8", "replace")
        return path.removeprefix(self._folder).removeprefix("/")

    def _named(self, args: str) -> str | None:
        found = _STRING.search(args)
        return self._files.get(_unhex(found["hex"]).decode("utf-8", "replace")) if found else None

    def _told(self, args: str, taken: int) -> Iterator[Event]:
        found = _DESCRIPTOR.match(args)
        if found is None or taken <= 0 or not _unhex(found["path"]).startswith(b"TCP:"):
            return
        stream = self._streams.setdefault(found.group(), FrameReader(MAX_PAYLOAD))
        stream.receive(_bytes(args)[:taken])
        while (payload := stream.next_frame()) is not None:
            event = decode_event(payload)
            if event is not None:
                yield event


def _bytes(args: str) -> bytes:
    found = _STRING.search(args)
    assert found is not None
    if args[found.end() :].startswith("..."):
        raise NotUnderstood("strace has cut a string")
    return _unhex(found["hex"])


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if "\\x" in text else text.encode()

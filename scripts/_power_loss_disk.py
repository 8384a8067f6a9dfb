"""What a disk may hold after the power was lost: any mixture of what was synced and what was written since.

A sector (512 bytes) is as it was at the last sync of its file, or as any later write left it, whatever became of the
others; a file's size and the folder's entries likewise. Nothing that was synced is ever undone. A file is shortened as
a whole or not at all, since file systems free what was behind its new end only once that is durable: what is written
afterwards is there only if the file was shortened, and what was cut off is whole if it was not.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from _power_loss_trace import Begins, Create, Step, Sync, SyncFailed, Told, Truncate, Unlink, Write

SECTOR = 512
Operation = Write | Truncate


@dataclass(slots=True)
class Inode:
    """A file's content, under whatever name."""

    pending: list[Operation] = field(default_factory=list)
    """Asked for since the last sync."""
    versions: list[list[bytes]] = field(default_factory=lambda: [[b""]])
    """What is durable, then the file after each pending operation; a new list from each that made it shorter on."""

    @property
    def durable(self) -> bytes:
        """As it was at the last sync."""
        return self.versions[0][0]

    def ask(self, operation: Operation) -> None:
        """One more is pending."""
        content = bytearray(self.versions[-1][-1])
        before = len(content)
        _apply(content, operation)
        if len(content) < before:
            self.versions.append([])
        self.versions[-1].append(bytes(content))
        self.pending.append(operation)

    def sync(self) -> None:
        """All is durable."""
        self.versions = [self.versions[-1][-1:]]
        self.pending.clear()


@dataclass(slots=True)
class Disk:
    """What is durable, and what is under way."""

    names: list[dict[str, Inode]] = field(default_factory=lambda: [{}])
    """The folder's entries: as they are durable, and after each change since."""

    def apply(self, step: Step) -> None:
        """Go on by one step."""
        match step:
            case Write() | Truncate():
                self.names[-1][step.file].ask(step)
            case Create():
                self.names.append(self.names[-1] | {step.file: Inode()})
            case Unlink():
                self.names.append({name: inode for name, inode in self.names[-1].items() if name != step.file})
            case Sync(""):
                del self.names[:-1]
            case Sync():
                self.names[-1][step.file].sync()
            case SyncFailed() | Told() | Begins():
                pass

    # -- states -----------------------------------------------------------------------------------------------

    def states(self, chance: random.Random, count: int) -> Iterator[tuple[str, dict[str, bytes]]]:
        """``count`` states in which the files may be found, each with what it is called, each kind in turn.

        All of the pending writes are there, or nothing, or the first few, or these and a torn one; or any mixture.
        """
        first = chance.randrange(len(_KINDS))
        for i in range(count):
            kind = _KINDS[(first + i) % len(_KINDS)]
            yield kind, self.state(kind, chance)

    def state(self, kind: str, chance: random.Random) -> dict[str, bytes]:
        """One state: ``all``, ``nothing``, ``prefix``, ``torn`` or ``mixture``."""
        names = self.names[-1] if kind == "all" else chance.choice(self.names)
        return {name: _found(inode, kind, chance) for name, inode in names.items()}


_KINDS = ("all", "nothing", "prefix", "torn", "mixture", "mixture")


def _apply(content: bytearray, operation: Operation) -> None:
    if isinstance(operation, Truncate):
        del content[operation.size :]
        content.extend(bytes(operation.size - len(content)))
        return
    end = operation.offset + len(operation.data)
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = operation.data


def _found(inode: Inode, kind: str, chance: random.Random) -> bytes:
    pending = inode.pending
    if kind == "mixture" and pending:
        return _mixture(inode, chance)
    count = {"all": len(pending), "nothing": 0}.get(kind, chance.randint(0, len(pending)))
    found = list(chain.from_iterable(inode.versions))[count]
    if kind == "torn" and count < len(pending):
        return _torn(found, pending[count], chance)
    return found


def _torn(before: bytes, operation: Operation, chance: random.Random) -> bytes:
    """Some sectors of a write are there, others are not."""
    if isinstance(operation, Truncate):
        return before
    content = bytearray(before)
    _apply(content, operation)
    first, last = operation.offset // SECTOR, (operation.offset + len(operation.data) - 1) // SECTOR
    for sector in range(first, last + 1):
        if chance.random() < 0.5:
            place = slice(sector * SECTOR, min((sector + 1) * SECTOR, len(content)))
            old = before[place]
            content[place] = old + bytes(place.stop - place.start - len(old))
    return bytes(content)


def _mixture(inode: Inode, chance: random.Random) -> bytes:
    """Every sector, and the size, as at any moment since the last sync, or between two times that the file was cut."""
    versions = chance.choice(inode.versions)
    late = chance.random()
    size = len(chance.choice(versions))
    found = bytearray(size)
    for start in range(0, size, SECTOR):
        version = versions[-1] if chance.random() < late else chance.choice(versions)
        piece = version[start : min(start + SECTOR, size)]
        found[start : start + len(piece)] = piece
    return bytes(found)


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold exactly these files."""
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)

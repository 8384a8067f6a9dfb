"""How much is measured, and where: what all benchmarks of one run share."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

_PROBE_BYTES = 1 << 22
_COMMIT_BYTES = 1 << 14


@dataclass(frozen=True)
class Setting:
    """``scratch`` is on the disk to be measured. Full sizes are for a report, small ones tell whether all is well."""

    scratch: Path
    is_full: bool = False
    seconds: float = 1.0
    """Of measuring, for each figure."""
    minutes: float = 0.2
    """Of watching, where something must stay as it is."""
    _numbers: Iterator[int] = field(default_factory=count)

    def pick(self, small: int, full: int) -> int:
        """A size."""
        return full if self.is_full else small

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new private folder, which goes with all that is in it."""
        with TemporaryDirectory(prefix=f"{next(self._numbers)}-", dir=self.scratch) as folder:
            yield Path(folder)


def sync_times(folder: Path, rounds: int = 200) -> list[float]:
    """Seconds that the disk needs to make 16 KiB durable, sorted.

    As a commit does it: the bytes go over others in a file that keeps its length.
    """
    path = folder / "sync-probe"
    times = []
    with path.open("w+b", buffering=0) as file:
        file.write(os.urandom(_PROBE_BYTES))
        os.fsync(file.fileno())
        for i in range(rounds):
            os.pwrite(file.fileno(), os.urandom(_COMMIT_BYTES), i * _COMMIT_BYTES % _PROBE_BYTES)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    path.unlink()
    return sorted(times)


def file_system(folder: Path) -> str:
    """The kind of the file system that holds a folder, and its device; empty where that cannot be told."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    held = [line.split()[:3] for line in mounts.read_text().splitlines()]
    device, _, kind = max(
        (mount for mount in held if folder.resolve().is_relative_to(mount[1])), key=lambda mount: len(mount[1])
    )
    return f"{kind} on {device}"

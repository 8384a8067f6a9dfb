"""What was measured on: figures without that mean nothing."""

import os
import platform
import sqlite3
from pathlib import Path
from tempfile import gettempdir

from _figures import percentile
from _setting import file_system, sync_times

import chatnet

EX_UNAVAILABLE = 69
_LASTING = Path("/var/tmp")
"""Where temporary files survive a restart, and so are on a disk."""


def default_folder() -> Path:
    """Where a disk is likely."""
    return _LASTING if _LASTING.is_dir() else Path(gettempdir())


def machine(scratch: Path) -> dict[str, object]:
    """Versions, and how fast the disk is at this moment."""
    syncs = sync_times(scratch)
    return {
        "chatnet": chatnet.__version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "processor": _processor(),
        "load average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "disk": file_system(scratch),
        "fdatasync p50 ms": round(1000 * percentile(syncs, 50), 3),
        "fdatasync p99 ms": round(1000 * percentile(syncs, 99), 3),
    }


def _processor() -> str:
    """Linux knows its name best."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()

"""Which core does what, and how many files may be open: what a machine must give before it can be measured.

The server has one core alone, and the load another. So a server that would take more cores is measured on one, as all
others are, and neither takes the other's time.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from _serving import CannotMeasure

SERVER_CORE, LOAD_CORE = 0, 1
"""The first and the second of those that this process may use."""


def core(which: int) -> set[int]:
    """That one; none where cores cannot be chosen, or are too few."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    cores = sorted(os.sched_getaffinity(0))
    return {cores[which]} if len(cores) > 1 else set()


def why_not_pinned() -> str:
    """What stands in the way; empty if nothing does."""
    if not hasattr(os, "sched_setaffinity"):
        return "this system binds no process to a core: the server shares its core with others, and figures vary more"
    if len(os.sched_getaffinity(0)) < 2:
        return "there is one core only: the server shares it with the load, and figures mean little"
    return ""


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """This process, and those that it starts meanwhile, run on these cores; on all if there are none."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_open_files(count: int) -> None:
    """As many as a load needs, for this process and those that it starts.

    :raises CannotMeasure: the system does not allow so many.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise CannotMeasure(
            f"{count:,} files must be open at once, and {hard:,} are allowed: raise that first, "
            f"`ulimit -Hn {count}` as root, or LimitNOFILE in a unit of systemd"
        )
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))

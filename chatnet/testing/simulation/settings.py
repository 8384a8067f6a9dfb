"""What differs from seed to seed: limits, the store's window and manners, the network's faults.

All limits are small, so that everything that is limited really happens: slow readers, time-outs, pages, a window that
drops messages. Every seed is bad in its own way; some are bad in all ways, and some in none.
"""

from random import Random

from chatnet.core.limits import KIB, Limits
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.files.parts import Pace
from chatnet.testing.network import Faults
from chatnet.testing.simulation.disk import DiskManners
from chatnet.testing.simulation.file_disk import FileManners

KINDS_OF_STORE = ("memory", "sqlite")


def some_limits(rng: Random, *, with_files: bool) -> Limits:
    """Limits that a few people reach."""
    soft = rng.choice((1, 1, 4, 16)) * KIB
    return Limits(
        login_seconds=5.0,
        strangers=rng.choice((2, 256)),
        frame=(64 if with_files else 8) * KIB,
        output_before_login=4 * KIB,
        output_soft=soft,
        output_low=512,
        output_hard=soft + rng.choice((8, 64)) * KIB,
        ping_seconds=4.0,
        silence_seconds=10.0,
        farewell_seconds=3.0,
        post_burst=rng.choice((5.0, 50.0)),
        posts_per_second=rng.choice((5.0, 50.0)),
        text_burst=rng.choice((8, 64)) * KIB,
        text_per_second=rng.choice((8, 64)) * KIB,
        request_burst=20.0,
        requests_per_second=10.0,
        text=2 * KIB,
        page=rng.choice((512, 4 * KIB)),
        presence_members=rng.choice((1, 200)),
        presence_seconds=2.0,
        tail_messages=rng.choice((2, 2, 16, 0)),
        tail_seconds=2.0,
        file=rng.choice((250, 1000, 1000)) * KIB,
        files_per_guest=rng.choice((1000, 100_000, 100_000)) * KIB,
        transfers=rng.choice((2, 64, 64)),
        transfers_per_session=rng.choice((1, 4)),
        upload_seconds=rng.choice((30.0, 86_400.0)),
        unposted_seconds=rng.choice((30.0, 86_400.0)),
    )


def some_window(rng: Random) -> dict[str, int]:
    """How much a `MemoryStore` keeps."""
    return {"window_messages": rng.choice((20, 1000)), "window_bytes": rng.choice((20, 1000)) * KIB}


def some_manners(rng: Random) -> DiskManners:
    """How slow a disk is, and how often its log is moved into the database."""
    return DiskManners(delay=rng.choice((0.0, 0.01, 0.3)), checkpoint_bytes=rng.choice((32 * KIB, 4096 * KIB)))


def some_file_manners(rng: Random) -> FileManners:
    """How slow a file store is, how often it makes sure of what it has, and how often the power fails."""
    pace = Pace(mark=rng.choice((1, 60)) * KIB, sync=rng.choice((1, 130, 1000)) * KIB, read=16 * KIB, free=50 * KIB)
    return FileManners(delay=rng.choice((0.0, 0.01, 0.1)), pace=pace, power_cuts=rng.choice((0.0, 0.5, 0.9)))


def some_retention(rng: Random) -> Keep:
    """How long messages are kept. They are looked at when a server starts, so restarts forget some."""
    return rng.choice((KEEP_ALL, KEEP_ALL, Keep(everywhere=20.0)))


def some_faults(rng: Random) -> Faults:
    """How bad a network is."""

    def chance(most: float) -> float:
        return rng.choice((0.0, most / 10, most))

    return Faults(
        delay=rng.choice((0.0, 0.01, 0.1, 1.0)),
        split=chance(0.8),
        stall=chance(0.02),
        stall_seconds=rng.choice((0.5, 5.0, 20.0)),
        reset=chance(0.05),
        half_close=chance(0.01),
        refuse=chance(0.3),
    )

"""`scripts/power_loss_test`: a short run of it, and that traces and disks are read and lost as they are meant to be."""

import random
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.events import Ack
from chatnet.wire.codec import encode
from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from _power_loss_disk import SECTOR, Disk
from _power_loss_trace import (
    Begins,
    Create,
    NotUnderstood,
    Step,
    Sync,
    SyncFailed,
    Told,
    TraceReader,
    Truncate,
    Unlink,
    Write,
)

FOLDER = Path("/data")
FILES = ("a.db", "a.db-wal")


def hexed(data: str | bytes) -> str:
    """As strace -xx writes it."""
    return "".join(f"\\x{byte:02x}" for byte in (data.encode() if isinstance(data, str) else data))


def read(tmp_path: Path, *lines: str) -> list[Step]:
    trace = tmp_path / "trace"
    trace.write_text("\n".join(lines))
    first, *steps = TraceReader(FOLDER, FILES).read(trace)
    assert first == Begins()
    return steps


def line(call: str, pid: str = "12345 ") -> str:
    return f"{pid}1700000000.000001 {call}"


def open_line(name: str) -> str:
    path = hexed(f"/data/{name}")
    return line(f'openat(AT_FDCWD<{hexed("/")}>, "{path}", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 4<{path}>')


# In its recording, a server is killed between a write and its sync, and the next one is asked for what was written.
SEED = "2"


def test_nothing_that_was_promised_is_lost_with_the_power() -> None:
    done = run_script("_power_loss.py", "2000", "--seed", SEED)
    assert done.returncode == 0, done.stderr
    checkpoints = re.search(r"(\d+) checkpoints", done.stdout)
    assert checkpoints is not None
    assert int(checkpoints[1]) >= 10, "the run has many checkpoints"
    states = re.search(r"started on (\d+) different states .* 0 times with losses", done.stdout)
    assert states is not None
    assert int(states[1]) >= 2000


def test_a_store_that_does_not_sync_its_commits_is_found_out() -> None:
    done = run_script("_power_loss.py", "200", "--seed", SEED, "--synchronous", "normal", "--rounds", "5")
    assert done.returncode == 1, done.stdout
    assert "I1: message" in done.stderr


# -- traces -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pid", ["12345 ", "123   ", "7 "])
def test_every_step_is_read_however_strace_pads_its_lines(tmp_path: Path, pid: str) -> None:
    log = f"5<{hexed('/data/a.db-wal')}>"
    assert read(
        tmp_path,
        open_line("a.db-wal"),
        line(f'pwrite64({log}, "{hexed(b"abc")}", 3, 24) = 3', pid),
        line(f"ftruncate({log}, 4096) = 0", pid),
        line(f"fdatasync({log}) = 0", pid),
        line(f"fdatasync(6<{hexed('/data')}>) = 0", pid),
        line(f'unlink("{hexed("/data/a.db-wal")}") = 0', pid),
        f"{pid}1700000000.000002 +++ exited with 0 +++",
    ) == [
        Create("a.db-wal"),
        Write("a.db-wal", 24, b"abc"),
        Truncate("a.db-wal", 4096),
        Sync("a.db-wal"),
        Sync(""),
        Unlink("a.db-wal"),
    ]


def test_a_write_counts_when_it_is_asked_for_and_a_sync_when_it_has_returned(tmp_path: Path) -> None:
    log, other = f"5<{hexed('/data/a.db-wal')}>", f"6<{hexed('/data/a.db')}>"
    assert read(
        tmp_path,
        open_line("a.db-wal"),
        line(f"fdatasync({log} <unfinished ...>", "1 "),
        line(f'pwrite64({other}, "{hexed(b"x")}", 1, 0 <unfinished ...>', "2 "),
        line("<... fdatasync resumed>) = 0", "1 "),
        line("<... pwrite64 resumed>) = 1", "2 "),
    ) == [Create("a.db-wal"), Write("a.db", 0, b"x"), Sync("a.db-wal")]


def test_what_clients_are_told_is_read_from_the_bytes_that_were_taken(tmp_path: Path) -> None:
    socket = f"7<{hexed('TCP:[127.0.0.1:5555->127.0.0.1:40000]')}>"
    waker = f"8<{hexed('UNIX-STREAM:[1->2]')}>"
    one, two = encode(Ack(1, 2, 3, 4)), encode(Ack(2, 2, 4, 5))
    whole = one + two
    steps = read(
        tmp_path,
        line(f'sendto({waker}, "{hexed(bytes(1))}", 1, 0, NULL, 0) = 1'),
        line(f'sendto({socket}, "{hexed(whole)}", {len(whole)}, 0, NULL, 0) = {len(one) + 3}'),
        line(f'sendto({socket}, "{hexed(whole[len(one) + 3 :])}", {len(two) - 3}, 0, NULL, 0) = {len(two) - 3}'),
    )
    assert [step.events for step in steps if isinstance(step, Told)] == [[], [Ack(1, 2, 3, 4)], [Ack(2, 2, 4, 5)]]


def test_a_sync_that_failed_is_told_of_any_file(tmp_path: Path) -> None:
    search = f"9<{hexed('/data/search.db')}>"
    assert read(
        tmp_path,
        line(f"fdatasync({search}) = -1 EIO (Input/output error) (INJECTED)"),
        line("fdatasync(1073741824) = -1 EBADF (Bad file descriptor)"),
    ) == [SyncFailed("search.db", 1700000000.000001)]


@pytest.mark.parametrize(
    "call",
    [
        'write(5<{log}>, "{x}", 1) = 1',
        "fallocate(5<{log}>, 0, 0, 4096) = 0",
        'rename("{log}", "{x}") = 0',
        'pwrite64(5<{log}>, "{x}"..., 4096, 0) = 4096',
        'pwrite64(5<{log}>, "{x}{x}", 2, 0) = 1',
    ],
)
def test_what_has_no_model_is_an_error(tmp_path: Path, call: str) -> None:
    with pytest.raises(NotUnderstood):
        read(tmp_path, line(call.format(log=hexed("/data/a.db-wal"), x=hexed("x"))))


# -- disks ------------------------------------------------------------------------------------------------------


def states(disk: Disk, count: int = 60) -> list[tuple[str, dict[str, bytes]]]:
    return list(disk.states(random.Random(1), count))


def after(*steps: Step) -> Disk:
    disk = Disk()
    for step in steps:
        disk.apply(step)
    return disk


def test_what_was_synced_is_always_there() -> None:
    disk = after(Create("f"), Sync(""), Write("f", 0, b"a" * 2000), Sync("f"))
    assert all(files == {"f": b"a" * 2000} for _, files in states(disk))


def test_what_was_not_synced_may_be_there_or_not_or_torn() -> None:
    disk = after(Create("f"), Sync(""), Write("f", 0, b"a" * 1024), Sync("f"), Write("f", 0, b"b" * 1024))
    found = {files["f"] for _, files in states(disk)}
    a, b = b"a" * SECTOR, b"b" * SECTOR
    assert found == {a + a, a + b, b + a, b + b}


def test_a_file_may_have_grown_without_what_was_written() -> None:
    disk = after(Create("f"), Sync(""), Write("f", SECTOR, b"b" * SECTOR))
    found = {files["f"] for _, files in states(disk)}
    assert {b"", bytes(2 * SECTOR), bytes(SECTOR) + b"b" * SECTOR} <= found


def test_a_new_file_or_the_end_of_one_is_durable_with_the_folder_only() -> None:
    made = after(Create("f"), Write("f", 0, b"x"), Sync("f"))
    assert {tuple(files) for _, files in states(made)} == {(), ("f",)}
    gone = after(Create("f"), Sync(""), Write("f", 0, b"x"), Sync("f"), Unlink("f"))
    assert {tuple(files) for _, files in states(gone)} == {(), ("f",)}
    assert all(files.get("f", b"x") == b"x" for _, files in states(gone))
    assert {tuple(files) for _, files in states(after(Create("f"), Sync(""), Unlink("f"), Sync("")))} == {()}


def test_a_file_is_cut_as_a_whole() -> None:
    disk = after(
        Create("f"),
        Sync(""),
        Write("f", 0, b"a" * 1024),
        Sync("f"),
        Truncate("f", 0),
        Write("f", SECTOR, b"b" * SECTOR),
    )
    found = {files["f"] for _, files in states(disk)}
    assert found == {b"a" * 1024, b"", bytes(1024), bytes(SECTOR) + b"b" * SECTOR}


_steps = st.builds(Write, st.just("f"), st.integers(0, 3000), st.binary(min_size=1, max_size=1500)) | st.builds(
    Truncate, st.just("f"), st.integers(0, 4000)
)


@given(st.lists(_steps, max_size=4), st.lists(_steps, max_size=4), st.integers(0, 2**32))
def test_every_sector_and_the_length_are_as_at_some_moment_since_the_last_sync(
    before: list[Step], since: list[Step], seed: int
) -> None:
    disk = after(Create("f"), Sync(""), *before, Sync("f"))
    moments = [whole(disk)]
    for step in since:
        disk.apply(step)
        moments.append(whole(disk))
    for kind, files in disk.states(random.Random(seed), 12):
        found = files["f"]
        assert any(is_mixture(found, some) for some in between_cuts(moments))
        if kind in ("all", "nothing"):
            assert found == moments[-1 if kind == "all" else 0]
        if kind == "prefix":
            assert found in moments


def whole(disk: Disk) -> bytes:
    """The file if nothing is lost."""
    ((_, files),) = (state for state in states(disk, 6) if state[0] == "all")
    return files["f"]


def between_cuts(moments: list[bytes]) -> list[list[bytes]]:
    """These moments, parted wherever the file was shortened."""
    parts = [moments[:1]]
    for then, now in pairwise(moments):
        if len(now) < len(then):
            parts.append([])
        parts[-1].append(now)
    return parts


def is_mixture(found: bytes, moments: list[bytes]) -> bool:
    """Is each sector as at one of the moments?

    The length may be another one's: then nothing is seen of what lies behind it, and zeros where nothing was yet.
    """
    return any(len(found) == len(moment) for moment in moments) and all(
        found[start : start + SECTOR]
        in {moment[start : start + SECTOR].ljust(SECTOR, b"\0")[: len(found) - start] for moment in moments}
        for start in range(0, len(found), SECTOR)
    )

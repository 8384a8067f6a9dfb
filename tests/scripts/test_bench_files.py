"""The load of files under way: that it moves them both ways and finds out what is wrong; that its benchmark runs."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

import chatnet.server
from chatnet.address import TCP, Address
from chatnet.config import Config
from chatnet.core.limits import MIB
from chatnet.events import Event, FileChunk
from chatnet.server import Server
from chatnet.wire.codec import encode
from tests.net.frontends import Dialect
from tests.scripts.running import run_script

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
from _slow_files import SLOW
from _transfers import Carried, Traffic, carry, digest_of, piece, share

SIZE = 3 * MIB + 12_345


@contextmanager
def file_server(data: Path) -> Iterator[int]:
    with Server(Config(bind=(Address(TCP, "127.0.0.1", 0),), data=data)) as server:
        yield server.addresses[0].port


def carried(data: Path, *, uploads: int = 0, downloads: int = 0) -> Carried:
    with file_server(data) as port:
        file = share(port, SIZE)
        return carry(
            Traffic(port=port, uploads=uploads, downloads=downloads, file=file, size=SIZE, seconds=1.0),
        )


def test_contents_are_as_long_as_they_should_be_however_they_are_cut_and_each_is_another() -> None:
    whole = piece(3, 0, SIZE)
    assert len(whole) == SIZE
    assert b"".join(piece(3, at, min(at + 60_000, SIZE)) for at in range(0, SIZE, 60_000)) == whole
    assert hashlib.sha256(whole).digest() == digest_of(3, SIZE)
    assert len({digest_of(seed, SIZE) for seed in range(20)}) == 20


def test_files_are_carried_both_ways_again_and_again(tmp_path: Path) -> None:
    found = carried(tmp_path / "data", uploads=1, downloads=1)
    assert found.faults == ()
    assert found.up > SIZE
    assert found.down > SIZE


def damaged(event: Event) -> Event:
    if isinstance(event, FileChunk) and event.offset > MIB:
        return msgspec.structs.replace(event, data=event.data[:-1] + bytes([event.data[-1] ^ 1]))
    return event


def displaced(event: Event) -> Event:
    return msgspec.structs.replace(event, offset=event.offset + 1) if isinstance(event, FileChunk) else event


@pytest.mark.parametrize("spoil", [damaged, displaced])
def test_a_server_that_hands_out_something_else_is_found_out(
    spoil: Callable[[Event], Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiling(event: Event) -> bytes:
        return encode(spoil(event))

    monkeypatch.setattr(chatnet.server, "NativeFrontend", partial(Dialect, spoiling))
    found = carried(tmp_path / "data", downloads=1)
    assert any("a download differs from the file" in fault for fault in found.faults), found.faults


def test_the_loop_is_watched_while_the_disk_is_slow(tmp_path: Path) -> None:
    done = run_script("bench/_run.py", "slow_files", "--json", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["benchmarks"]["slow_files"]
    assert found["wrong"] == []
    moved = {case: figures["down MiB/s"]["median"] for case, figures in found["cases"].items()}
    assert moved["4 transfers"] > moved[SLOW] > moved["no transfer"] == 0
    assert list(tmp_path.iterdir()) == []

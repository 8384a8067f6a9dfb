"""A real server that keeps files, a wire to it that can be cut, and places on the client's disk."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatnet.client.client
from chatnet.address import Address
from tests.client.live.people import SIZE
from tests.client.servers import Wire, keeping_files


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatnet.client.client, "chance", lambda: 0.0)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told after every step, so that a test can act at any."""
    monkeypatch.setattr("chatnet.client.progress.SHOWN_SECONDS", 0.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with keeping_files(tmp_path_factory.mktemp("data") / "server") as address:
        yield address


@pytest.fixture
def wire(server: Address) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that the server does not know."""
    path = tmp_path / "trip.mkv"
    path.write_bytes(random.Random(str(tmp_path)).randbytes(SIZE))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder

"""Where `download` puts what it fetches; what comes over a connection is tested with real servers."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import click
import pytest

from chatnet.client.folders import state_folder
from chatnet.errors import ErrorCode, Unreachable
from chatnet_cli.fetching import Fetching, fetch, fetch_to_stdout


class Server:
    """Stands for an account and its client: a download is a file that is there at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Path | None, Path | None]] = []
        self.errors: list[Exception] = []
        self.reconnect = False

    def drain(self) -> None: ...

    def client(self, *, reconnect: bool) -> Self:
        self.reconnect = reconnect
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None: ...

    def download(self, file: int, *, folder: Path | None, path: Path | None, progress: object) -> Path:
        if self.errors:
            raise self.errors.pop()
        self.asked.append((file, folder, path))
        found = path or (folder or Path()) / f"{file}.txt"
        found.write_text(f"content {file}\n")
        return found


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def server() -> Server:
    return Server()


Make = Callable[..., Fetching]


@pytest.fixture
def fetching(server: Server) -> Make:
    def make(*files: int, retry: int | None = None) -> Fetching:
        account: Any = server
        return Fetching(account, files, retry, quiet=True)

    return make


def test_files_go_into_this_folder_and_their_paths_to_stdout(
    server: Server, fetching: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(fetching(5, 6), None, as_json=False)
    assert server.asked == [(5, Path(), None), (6, Path(), None)]
    assert server.reconnect
    assert capsys.readouterr().out == "5.txt\n6.txt\n"


@pytest.mark.parametrize("output", ["there", f"there{os.sep}"])
def test_a_folder_that_is_there_takes_them(server: Server, fetching: Make, output: str) -> None:
    Path("there").mkdir()
    fetch(fetching(5, 6), output, as_json=True)
    assert server.asked == [(5, Path("there"), None), (6, Path("there"), None)]


def test_any_other_path_is_exact(server: Server, fetching: Make, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(fetching(5), "film.mkv", as_json=True)
    assert server.asked == [(5, None, Path("film.mkv"))]
    assert capsys.readouterr().out == '{"id": 5, "path": "film.mkv", "size": 10}\n'
    with pytest.raises(click.UsageError, match="-o DIR"):
        fetch(fetching(5, 6), "film2.mkv", as_json=False)


def test_another_attempt_goes_on_with_what_is_left(
    server: Server, fetching: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    server.errors = [Unreachable(ErrorCode.UNREACHABLE, "gone")]
    fetch(fetching(5, 6, retry=60), None, as_json=False)
    assert [file for file, _, _ in server.asked] == [5, 6]
    assert not server.reconnect
    assert capsys.readouterr().out == "5.txt\n6.txt\n"


class Stdout(io.TextIOWrapper):
    """A stdout whose bytes can be looked at."""

    def __init__(self, raw: io.RawIOBase | io.BytesIO) -> None:
        super().__init__(raw)  # type: ignore[arg-type]


class Full(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raise OSError(28, "No space left on device")


def test_standard_output_gets_the_content_and_nothing_is_left(fetching: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Stdout(raw))
    fetch_to_stdout(fetching(5, 6))
    assert raw.getvalue() == b"content 5\ncontent 6\n"
    assert list((Path(state_folder()) / "downloads").iterdir()) == []


def test_nothing_is_left_either_where_it_cannot_be_written(fetching: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", stdout := Stdout(Full()))
    with pytest.raises(OSError, match="No space"):
        fetch_to_stdout(fetching(5))
    stdout.detach()
    assert list((Path(state_folder()) / "downloads").iterdir()) == []


def test_what_nobody_comes_back_for_is_removed_after_a_week(fetching: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(state_folder()) / "downloads"
    folder.mkdir(0o700, parents=True)
    for name, days in (("old.part", 8), ("new.part", 6)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    monkeypatch.setattr("sys.stdout", Stdout(io.BytesIO()))
    fetch_to_stdout(fetching(5))
    assert [path.name for path in folder.iterdir()] == ["new.part"]

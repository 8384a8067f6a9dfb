"""The data folder: where it is, that it is private, and that one server has it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.errors import ConfigError, ErrorCode
from chatnet.net import folders
from chatnet.net.folders import FolderLock, default_data_folder, lock_holder, make_private_folder, sync_folder

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")


@pytest.fixture
def umask_nobody() -> Iterator[None]:
    """A umask that takes all rights from everybody, the owner too."""
    old = os.umask(0o777)
    yield
    os.umask(old)


def refusal(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        make_private_folder(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    return caught.value


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="where Linux has it")
def test_the_default_is_where_the_desktop_standards_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    assert default_data_folder() == tmp_path / "elsewhere" / "chatnet" / "server"
    monkeypatch.setenv("XDG_DATA_HOME", "")
    assert default_data_folder() == tmp_path / ".local" / "share" / "chatnet" / "server"


def test_it_is_made_with_all_that_leads_to_it_and_only_once(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    make_private_folder(folder)
    (folder / "file").touch()
    make_private_folder(folder)
    assert [file.name for file in folder.iterdir()] == ["file"]


@posix_only
def test_only_its_owner_may_enter_it(tmp_path: Path, umask_nobody: None) -> None:
    folder = tmp_path / "data"
    make_private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@posix_only
@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_refused_and_left_as_it_is(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    error = refusal(tmp_path)
    assert error.code == ErrorCode.DATA_UNUSABLE
    assert "chmod 700" in str(error)
    assert tmp_path.stat().st_mode & 0o777 == mode


@posix_only
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert "another user" in str(refusal(tmp_path))


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "not a folder" in str(refusal(tmp_path / "file"))
    assert refusal(tmp_path / "file" / "data").code == ErrorCode.DATA_UNUSABLE


def test_a_new_folder_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(folders, "sync_folder", synced.append)
    make_private_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_folder_can_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    if hasattr(os, "O_DIRECTORY"):
        with pytest.raises(FileNotFoundError):
            sync_folder(tmp_path / "nowhere")


# -- the lock -------------------------------------------------------------------------------------------------


def test_a_second_server_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(ConfigError, match=f"process {os.getpid()}") as caught:
        FolderLock(tmp_path)
    assert caught.value.code == ErrorCode.DATA_IN_USE
    lock.release()
    FolderLock(tmp_path).release()


def test_who_holds_a_folder_is_known_to_others(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None
    lock = FolderLock(tmp_path)
    assert lock_holder(tmp_path) == os.getpid()
    lock.release()
    (tmp_path / "lock").write_text("nobody")
    assert lock_holder(tmp_path) is None


def test_the_lock_of_a_killed_server_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, os; from pathlib import Path; from chatnet.net.folders import FolderLock;"
        "lock = FolderLock(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"locked"
        with pytest.raises(ConfigError, match=f"process {other.pid}"):
            FolderLock(tmp_path)
        other.kill()
        other.wait(10)
        FolderLock(tmp_path).release()


def test_a_folder_that_cannot_be_locked_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        FolderLock(tmp_path / "nowhere")
    assert caught.value.code == ErrorCode.DATA_UNUSABLE


@posix_only
def test_a_lock_that_fails_is_no_other_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(folders, "_lock", fail)
    with pytest.raises(ConfigError, match="cannot be locked: no locks available") as caught:
        FolderLock(tmp_path)
    assert caught.value.code == ErrorCode.DATA_UNUSABLE


@posix_only
def test_the_lock_file_is_private(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert (tmp_path / "lock").stat().st_mode & 0o077 == 0
    lock.release()

import errno
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from chatnet.client.folders import state_folder
from chatnet.client.identity import Identity, load_identity
from chatnet.errors import ConfigError


def test_the_secret_is_made_once_and_the_device_every_time(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "state" / "guest-secret")
    first, second = load_identity(path), load_identity(path)
    assert first.secret == second.secret
    assert len(first.secret) == 32
    assert first.device != second.device
    assert len(first.device) == 16


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
def test_nobody_else_can_read_the_secret(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    old = os.umask(0)
    try:
        load_identity(str(folder / "guest-secret"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "guest-secret").stat().st_mode) == 0o600
    assert [entry.name for entry in folder.iterdir()] == ["guest-secret"]


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_that_start_at_once_all_have_the_same_secret(
    tmp_path: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", _no_links)
    count = 8 if has_links else 1
    start = Barrier(count)

    def load(_: int) -> bytes:
        start.wait(10)
        return load_identity(str(tmp_path / "guest-secret")).secret

    with ThreadPoolExecutor(count) as pool:
        secrets = set(pool.map(load, range(count)))
    assert secrets == {load_identity(str(tmp_path / "guest-secret")).secret}
    assert [entry.name for entry in tmp_path.iterdir()] == ["guest-secret"]


def _no_links(source: str, target: str) -> None:
    del source, target
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("content", [b"", b"abc\n", b"zz" * 32, b"00" * 31, b"00" * 33, b"\xff" * 64])
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "guest-secret"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is damaged"):
        load_identity(str(path))
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_read_or_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot keep this computer's guest secret in"):
        load_identity(str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot keep this computer's guest secret in"):
        load_identity(str(tmp_path / "file" / "guest-secret"))


def test_the_default_is_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    identity = load_identity()
    assert load_identity(os.path.join(state_folder(), "guest-secret")).secret == identity.secret
    assert state_folder().startswith(str(tmp_path))


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG folders")
def test_a_relative_state_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_folder() == str(tmp_path / ".local" / "state" / "chatnet")


def test_each_server_sees_another_secret_and_none_sees_the_kept_one() -> None:
    identity = Identity.ephemeral()
    shown = [identity.secret_for(bytes([number]) * 16) for number in range(3)]
    assert len({*shown, identity.secret}) == 4
    assert shown[0] == identity.on_new_device().secret_for(b"\0" * 16)


def test_no_two_strangers_are_alike() -> None:
    one, other = Identity.ephemeral(), Identity.ephemeral()
    assert one.secret != other.secret
    assert one.device != other.device

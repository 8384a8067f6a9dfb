"""Files that are being received: they go on, are verified, and land under a name of their own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.client import partial
from chatnet.client.files import LocalFileError, whole
from chatnet.client.partial import PartialFile, open_partial
from chatnet.client.safe_names import safe_name
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.net import folders, platform
from chatnet.testing.file_driver import some_bytes
from tests.client.test_safe_names import NASTY

CONTENT = some_bytes(5000)
DIGEST = hashlib.sha256(CONTENT).digest()
MARK = DIGEST.hex()[:8]


def receive(folder: Path, name: str = "photo.jpg", end: int = 5000, *, is_exact: bool = False) -> PartialFile:
    """Get a file up to some byte, from where an earlier try ended."""
    file = whole(open_partial(folder, name, len(CONTENT), DIGEST, is_exact=is_exact))
    for at in range(file.offset, end, 700):
        file.write(at, CONTENT[at : min(at + 700, end)])
    return file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- the usual course -----------------------------------------------------------------------------------------


def test_a_file_appears_under_its_name_when_it_is_complete(tmp_path: Path) -> None:
    file = receive(tmp_path)
    assert names(tmp_path) == [f"photo.jpg.{MARK}.part"]
    assert file.finish() == tmp_path / "photo.jpg"
    assert names(tmp_path) == ["photo.jpg"]
    assert (tmp_path / "photo.jpg").read_bytes() == CONTENT


def test_an_empty_file_is_one_too(tmp_path: Path) -> None:
    whole(open_partial(tmp_path, "empty", 0, hashlib.sha256().digest())).finish()
    assert (tmp_path / "empty").read_bytes() == b""


def test_another_try_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    receive(tmp_path, end=3000).close()
    done: list[int] = []
    file = whole(open_partial(tmp_path, "photo.jpg", 5000, DIGEST), done.append)
    assert file.offset == 3000
    assert done == [3000]
    file.close()
    assert receive(tmp_path).finish().read_bytes() == CONTENT


def test_a_process_that_is_killed_leaves_all_that_it_wrote(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.client.test_partial import receive\n"
        "receive(Path(sys.argv[1]), end=3000); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    file = receive(tmp_path, end=0)
    assert file.offset == 3000
    file.close()
    assert receive(tmp_path).finish().read_bytes() == CONTENT


def test_bytes_that_do_not_follow_are_the_servers_mistake(tmp_path: Path) -> None:
    file = receive(tmp_path, end=1000)
    for offset, size in ((0, 10), (999, 10), (1001, 10), (1000, 4001)):
        with pytest.raises(ProtocolError):
            file.write(offset, bytes(size))
    file.close()
    assert receive(tmp_path).finish().read_bytes() == CONTENT


def test_what_is_not_what_it_should_be_is_removed_and_both_digests_are_named(tmp_path: Path) -> None:
    file = receive(tmp_path, end=4000)
    file.write(4000, bytes(1000))
    with pytest.raises(LocalFileError) as caught:
        file.finish()
    assert caught.value.code == ErrorCode.BAD_DIGEST
    assert DIGEST.hex() in caught.value.message
    assert hashlib.sha256(CONTENT[:4000] + bytes(1000)).hexdigest() in caught.value.message
    assert names(tmp_path) == []


def test_what_is_left_of_a_longer_file_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / f"photo.jpg.{MARK}.part").write_bytes(bytes(6000))
    assert receive(tmp_path).finish().read_bytes() == CONTENT


# -- names ----------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    (tmp_path / "photo-2.jpg").symlink_to("nowhere")
    (tmp_path / "photo-3.jpg").mkdir()
    assert receive(tmp_path).finish() == tmp_path / "photo-4.jpg"
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_an_exact_name_that_is_taken_is_refused_before_the_first_byte(tmp_path: Path) -> None:
    (tmp_path / ".out put").symlink_to("nowhere")
    with pytest.raises(LocalFileError, match="is there already") as caught:
        receive(tmp_path, ".out put", is_exact=True)
    assert caught.value.code == ErrorCode.CANNOT_CREATE
    assert names(tmp_path) == [".out put"]


def test_an_exact_name_that_is_taken_meanwhile_is_not_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    file = receive(tmp_path, "out", is_exact=True)
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(LocalFileError, match="is there already"):
        file.finish()
    assert (tmp_path / "out").read_bytes() == b"mine"
    (tmp_path / "out").unlink()
    file = receive(tmp_path, "out", end=0, is_exact=True)
    assert file.offset == 5000
    assert file.finish().read_bytes() == CONTENT


def _bad_symlink(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def _bad_dangling_symlink(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("not there"))


def _bad_hard_link(path: Path, victim: Path) -> None:
    os.link(victim, path)


def _bad_folder(path: Path, victim: Path) -> None:
    path.mkdir()


def _bad_pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "put_in_the_way", [_bad_symlink, _bad_dangling_symlink, _bad_hard_link, _bad_folder, _bad_pipe]
)
def test_what_is_in_the_way_of_the_unfinished_file_is_left_alone(tmp_path: Path, put_in_the_way: object) -> None:
    assert callable(put_in_the_way)
    folder = tmp_path / "downloads"
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(CONTENT[:100])
    put_in_the_way(folder / f"photo.jpg.{MARK}.part", victim)
    path = receive(folder).finish()
    assert path == folder / "photo.jpg"
    assert path.read_bytes() == CONTENT
    assert victim.read_bytes() == CONTENT[:100]
    assert names(tmp_path) == ["downloads", "victim"]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="a system that cannot be told")
def test_a_link_that_comes_at_the_last_moment_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / f"photo.jpg.{MARK}.part").symlink_to(victim)
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)
    receive(folder).finish()
    assert victim.read_bytes() == b"mine"


def test_a_file_that_another_process_finishes_at_the_last_moment_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / f"photo.jpg.{MARK}.part"
    part.write_bytes(CONTENT[:100])
    lock = folders.lock_file

    def lock_late(descriptor: int) -> bool:
        if part.exists():
            part.rename(tmp_path / "photo.jpg")
        return lock(descriptor)

    monkeypatch.setattr(partial, "lock_file", lock_late)
    assert receive(tmp_path).finish() == tmp_path / "photo-2.jpg"
    assert (tmp_path / "photo.jpg").read_bytes() == CONTENT[:100]


def test_two_at_the_same_time_do_not_write_into_each_other(tmp_path: Path) -> None:
    first = receive(tmp_path, end=3000)
    second = receive(tmp_path)
    assert second.finish() == tmp_path / "photo.jpg"
    first.write(3000, CONTENT[3000:])
    assert first.finish() == tmp_path / "photo-2.jpg"
    assert (tmp_path / "photo.jpg").read_bytes() == (tmp_path / "photo-2.jpg").read_bytes() == CONTENT


@given(given=NASTY, there=st.lists(NASTY, max_size=3), end=st.integers(0, 5000))
def test_whatever_it_is_called_it_lands_in_the_folder_and_over_nothing(
    tmp_path_factory: pytest.TempPathFactory, given: str, there: list[str], end: int
) -> None:
    outer = tmp_path_factory.mktemp("outer")
    folder = outer / "downloads"
    folder.mkdir()
    before = {safe_name(name) for name in [*there, given]}
    for name in before:
        (folder / name).write_bytes(b"mine")
    receive(folder, given, end).close()
    path = receive(folder, given).finish()
    assert path.parent == folder
    assert path.read_bytes() == CONTENT
    assert set(names(folder)) == before | {path.name}
    assert path.name not in before
    assert all((folder / name).read_bytes() == b"mine" for name in before)
    assert names(outer) == ["downloads"]


# -- systems and disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["rename", "link", "look"])
def test_nothing_is_replaced_whatever_the_system_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way != "rename":
        monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    if way == "look":
        monkeypatch.setattr(os, "link", _no_links)
    for path in ("first", "second"):
        (tmp_path / path).write_text(path)
    (tmp_path / "dangling").symlink_to("nowhere")
    for target in ("second", "dangling"):
        with pytest.raises(FileExistsError):
            platform.rename_new(str(tmp_path / "first"), str(tmp_path / target))
    platform.rename_new(str(tmp_path / "first"), str(tmp_path / "third"))
    assert names(tmp_path) == ["dangling", "second", "third"]
    assert (tmp_path / "second").read_text() == "second"
    assert (tmp_path / "third").read_text() == "first"


def _no_links(*arguments: object, **options: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_file_for_which_there_is_no_room_is_refused_before_the_first_byte(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match=r"needs 1024 TiB; the disk of .* has room for") as caught:
        whole(open_partial(tmp_path, "huge", 1 << 50, DIGEST))
    assert caught.value.code == ErrorCode.DISK_FULL
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match=r"cannot write .*/no/photo.jpg.*: no such file or directory") as caught:
        receive(tmp_path / "no")
    assert caught.value.code == ErrorCode.CANNOT_CREATE


def test_a_disk_that_fills_up_leaves_what_came_for_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = receive(tmp_path, end=3000)
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr("chatnet.client.files.is_full", lambda error: error.errno == 27)  # EFBIG stands for ENOSPC
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, old[1]))
    try:
        with pytest.raises(LocalFileError, match="the disk is full") as caught:
            file.write(3000, CONTENT[3000:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
        file.close()
    assert caught.value.code == ErrorCode.DISK_FULL
    again = receive(tmp_path, end=0)
    assert again.offset == 4000
    again.close()
    assert receive(tmp_path).finish().read_bytes() == CONTENT


def test_no_more_is_written_than_the_disk_can_take_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "SYNC_BYTES", 1400)
    synced: list[int] = []
    monkeypatch.setattr(partial, "sync_file", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    receive(tmp_path).finish()
    assert synced == [1400, 2800, 4200, 5000]


def test_what_the_disk_may_have_lost_is_not_taken_for_there_by_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "SYNC_BYTES", 1400)
    file = receive(tmp_path, end=3500)

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(partial, "sync_file", fail)
        with pytest.raises(LocalFileError, match="input/output error"):
            file.write(3500, CONTENT[3500:4300])
    file.close()
    file = receive(tmp_path, end=0)
    assert file.offset == 2800
    file.close()
    assert receive(tmp_path).finish().read_bytes() == CONTENT

"""Files that appear only when they are complete."""

from pathlib import Path

import pytest

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.new_file import new_file


def test_a_file_is_there_once_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with new_file(path, force=False) as write:
        write("one\n")
        assert not path.exists()
        write("zwö\n")
    assert path.read_bytes() == "one\nzwö\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with new_file(tmp_path / "a.txt", force=False) as write:
            write("half\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(Failure) as failure, new_file(path, force=False):
        pass
    assert failure.value.exit_code is ExitCode.CANNOT_CREATE
    assert path.read_text() == "old"
    with new_file(path, force=True) as write:
        write("new")
    assert path.read_text() == "new"


def test_a_file_that_comes_meanwhile_stays_too(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"

    def too_late() -> None:
        with new_file(path, force=False) as write:
            write("mine")
            path.write_text("theirs")

    with pytest.raises(Failure):
        too_late()
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_73(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failure, new_file(tmp_path / "no" / "a.txt", force=False):
        pass
    assert failure.value.exit_code is ExitCode.CANNOT_CREATE


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_no_file(tmp_path: Path, force: bool) -> None:
    with pytest.raises(Failure) as failure, new_file(tmp_path, force=force):
        pass
    assert failure.value.exit_code is ExitCode.CANNOT_CREATE

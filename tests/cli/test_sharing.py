"""What `upload` does with many files, and what it does when something goes wrong; no server is needed for that."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from chatnet.client.files import LocalFileError, Source
from chatnet.client.receipts import Receipt
from chatnet.errors import ErrorCode, Refused, Unreachable
from chatnet.model import SharedFile, User
from chatnet_cli.failures import Failure
from chatnet_cli.sharing import Sharing, size_of
from chatnet_cli.sharing_many import share_all

ALICE = User(1, "alice")


class Place:
    """Stands for an account, its clients, and a place where files are shared."""

    def __init__(self) -> None:
        self.shared: list[tuple[str, str]] = []
        """Names and texts."""
        self.there: list[SharedFile] = []
        self.errors: dict[str, list[Exception]] = {}
        """What the next attempts to share a name end with."""
        self.connections = 0
        self.reconnect = False
        self.may_list = True
        self.user = ALICE

    def drain(self) -> None: ...

    def client(self, *, reconnect: bool) -> Self:
        self.reconnect = reconnect
        return self

    def __enter__(self) -> Self:
        self.connections += 1
        return self

    def __exit__(self, *raised: object) -> None: ...

    def files(self, *, room: str | None, with_: str | None) -> list[SharedFile]:
        if not self.may_list:
            raise Refused(ErrorCode.FORBIDDEN, "for sending only")
        return self.there

    def upload(self, source: Path | Source, *, name: str, text: str, room: str, **options: Any) -> Receipt:
        if errors := self.errors.get(name):
            raise errors.pop(0)
        self.shared.append((name, text))
        self.add(name, source.read_bytes() if isinstance(source, Path) else source.read(0, source.size))
        return Receipt(1, len(self.shared), 0, file=len(self.there))

    def add(self, name: str, content: bytes, sender: int = ALICE.id) -> None:
        digest = hashlib.sha256(content).digest()
        self.there.append(SharedFile(len(self.there) + 1, 1, 1, name, len(content), digest, sender, "", 0))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return Place()


@pytest.fixture
def upload(place: Place, tmp_path: Path) -> Callable[..., list[dict[str, object]]]:
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text(name)

    def run(*names: str, retry: int | None = None) -> list[dict[str, object]]:
        reported: list[dict[str, object]] = []
        sharing = Sharing(place, None, "lab", "look", retry, quiet=False)  # type: ignore[arg-type]
        share_all(sharing, [tmp_path / name for name in names], reported.append)
        return reported

    return run


Upload = Callable[..., list[dict[str, object]]]


def test_all_are_shared_over_one_connection_with_the_text(place: Place, upload: Upload) -> None:
    reported = upload("a.csv", "b.csv")
    assert place.shared == [("a.csv", "look"), ("b.csv", "look")]
    assert place.connections == 1 + 1  # one to look what is there
    assert place.reconnect
    told = [(each["name"], each["size"], each["seq"], each["file"]) for each in reported]
    assert told == [("a.csv", 5, 1, 1), ("b.csv", 5, 2, 2)]


def test_what_one_has_shared_already_is_not_shared_again(
    place: Place, upload: Upload, capsys: pytest.CaptureFixture[str]
) -> None:
    place.add("a.csv", b"a.csv")
    assert len(upload("a.csv", "b.csv")) == 1
    assert place.shared == [("b.csv", "look")]
    assert "a.csv is there already, as file 1" in capsys.readouterr().err
    assert upload("a.csv", "b.csv") == []


@pytest.mark.parametrize(("content", "sender"), [(b"other", 1), (b"a.csv", 2)])
def test_another_content_and_what_others_have_shared_do_not_count(
    place: Place, upload: Upload, content: bytes, sender: int
) -> None:
    place.add("a.csv", content, sender)
    upload("a.csv")
    assert place.shared == [("a.csv", "look")]


def test_who_may_only_send_does_not_look(place: Place, upload: Upload) -> None:
    place.may_list = False
    upload("a.csv")
    assert place.shared == [("a.csv", "look")]


def test_the_others_do_not_suffer_for_one_that_cannot_be_shared(
    place: Place, upload: Upload, capsys: pytest.CaptureFixture[str]
) -> None:
    place.errors["b.csv"] = [Refused(ErrorCode.QUOTA, "the limit is 1 KiB")]
    with pytest.raises(Failure, match="1 of 3 files were not shared") as caught:
        upload("a.csv", "b.csv", "c.csv")
    assert caught.value.exit_code == 77
    assert [name for name, _ in place.shared] == ["a.csv", "c.csv"]
    assert "b.csv is not shared: the limit is 1 KiB" in capsys.readouterr().err


def test_what_concerns_all_ends_it_and_says_how_far_it_got(
    place: Place, upload: Upload, capsys: pytest.CaptureFixture[str]
) -> None:
    place.errors["b.csv"] = [Refused(ErrorCode.MUTED, "not now")]
    with pytest.raises(Refused, match="not now"):
        upload("a.csv", "b.csv", "c.csv")
    assert "1 of 3 files are shared; the same command shares the rest" in capsys.readouterr().err


@pytest.mark.parametrize("may_list", [True, False])
def test_another_attempt_goes_on_with_what_is_left(place: Place, upload: Upload, may_list: bool) -> None:
    place.may_list = may_list
    place.errors["b.csv"] = [Unreachable(ErrorCode.UNREACHABLE, "gone")] * 2
    assert len(upload("a.csv", "b.csv", retry=60)) == 2
    assert [name for name, _ in place.shared] == ["a.csv", "b.csv"]
    assert place.connections == 3 * 2
    assert not place.reconnect


def test_nothing_is_shared_if_one_cannot_be_read(place: Place, upload: Upload) -> None:
    with pytest.raises(LocalFileError, match="no such file"):
        upload("a.csv", "nothing.csv")
    assert place.connections == 0


def test_a_folder_is_no_file_and_it_is_said_how_to_send_it(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    with pytest.raises(LocalFileError, match=r"(?s)is a folder.*tar c .*project \| .*--name project.tar"):
        size_of(tmp_path / "project")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_nobody_waits_for_the_other_end_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LocalFileError, match="not a plain file"):
        size_of(tmp_path / "pipe")

"""Files on their way: progress, failures, cancelling, and where files are found again."""

from pathlib import Path

import pytest

from chatnet.client.news import FileGone
from chatnet.client.progress import Progress
from chatnet.client.receipts import Receipt
from chatnet.client.thread import Answered, Cancelled, Failed, Notice, Transferring
from chatnet.errors import ErrorCode, Refused
from chatnet.model import SharedFile
from chatnet_gui.viewmodels.file_rows import FileLook
from chatnet_gui.viewmodels.session import MESSAGES, TRANSFERS, SessionModel
from chatnet_gui.viewmodels.settings import Settings
from tests.gui.making import ALICE, LOBBY, FakeNetwork, FakeServer, file_message, incoming, lobby, logged_in, shared


def progress(done: int, *, total: int = 1000, rate: float = 0.0, left: float | None = None, **more: str) -> Progress:
    phase = more.get("phase", "receiving")
    return Progress("x", done, total, rate, left, phase, more.get("waiting_for", ""))  # type: ignore[arg-type]


@pytest.fixture
def file() -> SharedFile:
    return shared("plan.pdf", 1000)


@pytest.fixture
def seen(file: SharedFile, tmp_path: Path) -> tuple[SessionModel, FakeNetwork]:
    """A session that shows a message with the file."""
    server = FakeServer()
    server.histories[LOBBY] = [file_message(1, file)]
    return logged_in(server, Settings(download_folder=str(tmp_path)))


def looks(session: SessionModel) -> dict[int, FileLook]:
    assert session.selected is not None
    return dict(session.files.look(session.selected).files)


def last(network: FakeNetwork) -> tuple[int, str]:
    return list(network.transfers.items())[-1]


def test_a_download_goes_into_the_folder_of_the_settings(
    seen: tuple[SessionModel, FakeNetwork], file: SharedFile, tmp_path: Path
) -> None:
    session, network = seen
    session.files.download(file)
    assert last(network)[1] == f"download 7 into {tmp_path}"
    assert looks(session) == {7: FileLook(is_coming=True)}
    session.files.download(file)
    assert len(network.transfers) == 1


def test_how_it_is_getting_on_is_told_in_words(seen: tuple[SessionModel, FakeNetwork], file: SharedFile) -> None:
    session, network = seen
    session.files.download(file)
    number, _ = last(network)
    session.take_changes()
    states = []
    for step in (
        progress(250, rate=100.0, left=7.5), progress(500, waiting_for="connection"), progress(0, phase="checking"),
        progress(500, rate=1.0, left=5000),
    ):  # fmt: skip
        session.handle(Transferring(number, step))
        states.append(session.files.shown[0][1].state)
    assert states == [
        "receiving 25% of 1000 bytes, 100 bytes/s, 8 s left",
        "waits for a connection",
        "checking 0% of 1000 bytes",
        "receiving 50% of 1000 bytes, 1 byte/s, 1 h 23 min left",
    ]
    assert session.take_changes() == {TRANSFERS}  # and no row is made anew for that


def test_what_has_come_is_found_again_here_and_in_the_next_run(
    seen: tuple[SessionModel, FakeNetwork], file: SharedFile, tmp_path: Path
) -> None:
    session, network = seen
    session.files.download(file)
    path = tmp_path / "plan.pdf"
    path.write_bytes(bytes(1000))
    session.handle(Answered(last(network)[0], path))
    assert session.files.shown == []
    assert looks(session) == {7: FileLook(is_here=True)}
    assert session.files.path_of(file) == path
    assert session.notes.files == {file.digest.hex(): str(path)}
    path.unlink()
    assert session.files.path_of(file) is None
    assert looks(session) == {}


def test_a_file_of_another_size_in_its_place_is_not_taken_for_it(
    seen: tuple[SessionModel, FakeNetwork], file: SharedFile, tmp_path: Path
) -> None:
    session, _ = seen
    (tmp_path / "plan.pdf").write_bytes(b"something else")
    session.notes.files[file.digest.hex()] = str(tmp_path / "plan.pdf")
    assert looks(session) == {}


def test_what_fails_says_why_and_can_be_tried_again(seen: tuple[SessionModel, FakeNetwork], file: SharedFile) -> None:
    session, network = seen
    session.files.download(file)
    session.handle(Failed(last(network)[0], Refused(ErrorCode.NO_SUCH_FILE, "there is no such file\nIt is gone.")))
    [(number, transfer)] = session.files.shown
    assert transfer.state == "there is no such file"
    assert looks(session) == {7: FileLook(trouble="there is no such file")}
    assert session.files.running == 0
    session.files.retry(number)
    assert len(network.transfers) == 2
    assert session.files.running == 1
    assert looks(session) == {7: FileLook(is_coming=True)}


def test_what_has_failed_is_taken_off_the_list_when_dismissed(
    seen: tuple[SessionModel, FakeNetwork], file: SharedFile
) -> None:
    session, network = seen
    session.files.download(file)
    session.handle(Failed(last(network)[0], Refused(ErrorCode.NO_SUCH_FILE, "gone")))
    session.files.cancel(last(network)[0])
    assert session.files.shown == []
    assert looks(session) == {}
    assert network.cancelled == []


def test_a_cancelled_one_stops_first_and_then_goes(seen: tuple[SessionModel, FakeNetwork], file: SharedFile) -> None:
    session, network = seen
    session.files.download(file)
    number, _ = last(network)
    session.files.cancel_download(file.id)
    assert network.cancelled == [number]
    assert session.files.shown[0][1].state == "stopping"
    session.handle(Cancelled(number))
    assert session.files.shown == []
    assert looks(session) == {}


def test_several_files_are_sent_and_the_words_go_with_the_first(seen: tuple[SessionModel, FakeNetwork]) -> None:
    session, network = seen
    assert session.selected is not None
    session.files.upload(session.selected, [Path("/x/a.txt"), Path("/x/b\u202etxt.exe")], "both")
    assert list(network.transfers.values()) == ["upload a.txt to lobby: both", "upload b\u202etxt.exe to lobby: "]
    assert [transfer.name for _, transfer in session.files.shown] == ["a.txt", "b\\u202etxt.exe"]


@pytest.mark.parametrize("first", ["message", "answer"])
def test_what_was_sent_from_here_is_here(first: str, seen: tuple[SessionModel, FakeNetwork], tmp_path: Path) -> None:
    session, network = seen
    assert session.selected is not None
    path = tmp_path / "own.txt"
    path.write_bytes(bytes(5))
    session.files.upload(session.selected, [path])
    own = shared("own.txt", 5, id=8, seq=2, sender=ALICE)
    notices: list[Notice] = [
        incoming(lobby(), file_message(2, own, sender=ALICE)), Answered(last(network)[0], Receipt(LOBBY, 2, 0))
    ]  # fmt: skip
    for notice in notices if first == "message" else reversed(notices):
        session.handle(notice)
    assert looks(session) == {8: FileLook(is_here=True)}


def test_a_file_that_is_removed_is_told_of(seen: tuple[SessionModel, FakeNetwork]) -> None:
    session, _ = seen
    session.take_changes()
    session.handle(FileGone(lobby(1), 7, 1))
    assert session.selected is not None
    assert session.selected.messages[0].file is None
    assert MESSAGES in session.take_changes()


def test_only_so_many_places_are_remembered(seen: tuple[SessionModel, FakeNetwork], tmp_path: Path) -> None:
    session, network = seen
    for id in range(600):
        session.files.download(shared(f"{id}", 1, id=id))
        session.handle(Answered(last(network)[0], tmp_path / f"{id}"))
    assert len(session.notes.files) == 500
    assert session.notes.files[shared("599", 1, id=599).digest.hex()] == str(tmp_path / "599")

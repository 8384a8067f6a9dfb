"""What ends uploads and downloads alike, for a while or for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.client.outbox import ToConversation, ToUser
from chatnet.client.transfer import PATIENCE_SECONDS, Transfer
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Credit, DownloadReady, FileChunk, Opened, ProofWanted, TransferEnded, Uploaded, UploadReady
from chatnet.events import Refused as RefusedEvent
from chatnet.model import WINDOW_BYTES, Piece
from chatnet.requests import FinishUpload, Open, Ping, SendChunk, StartDownload, StartUpload, StopTransfer
from chatnet.testing.file_driver import some_bytes
from chatnet.wire.codec import decode_request
from chatnet.wire.frames import HEADER_BYTES
from tests.client.contents import BIG, SMALL, Held, Kept, shared
from tests.client.script import CHAT, Script


@pytest.fixture
def online() -> Script:
    """A session that is logged in to a server that keeps files."""
    script = Script(features=("files",))
    script.log_in()
    return script


def begin(script: Script, kind: str) -> Transfer:
    """A transfer that is asked for."""
    if kind == "upload":
        return script.session.transfers.upload(Held(), ToConversation(5), "trip.mkv")
    return script.session.transfers.download(55)


def asked(script: Script) -> int:
    """The id of the only request, beside pings, which begins a transfer."""
    (request,) = [request for request in script.hears() if not isinstance(request, Ping)]
    assert isinstance(request, StartUpload | StartDownload)
    return request.id


def answer(script: Script, kind: str, number: int) -> None:
    """Let a transfer begin that is asked for."""
    id = asked(script)
    script.says(UploadReady(id, number, 0, WINDOW_BYTES) if kind == "upload" else DownloadReady(id, number, shared()))


def move(script: Script, transfer: Transfer, kind: str, number: int) -> None:
    """Let some of it get through."""
    if kind == "upload":
        script.session.bulk_to_send()
        script.says(Credit(number, WINDOW_BYTES, 0))
    else:
        assert isinstance(script.session.transfers._find(number), Transfer)
        script.says(FileChunk(number, transfer.received, BIG[transfer.received :][:1000]))  # type: ignore[attr-defined]


@pytest.fixture(params=["upload", "download"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def moving(script: Script, kind: str) -> Transfer:
    """A transfer of which some has got through, as number 3."""
    transfer = begin(script, kind)
    answer(script, kind, 3)
    if kind == "download":
        transfer.receive_into(Kept())  # type: ignore[attr-defined]
        script.hears()
    move(script, transfer, kind, 3)
    return transfer


# -- the server ends it ---------------------------------------------------------------------------------------


def test_what_is_ended_for_a_while_begins_again_then(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    assert not online.session.has_bulk
    assert (transfer.held_until, transfer.reason) == (online.now + 30, "no room")
    online.wait(29.0)
    assert online.hears() == []
    online.wait(1.0)
    assert (transfer.held_until, transfer.reason) == (None, "")
    answer(online, kind, 4)
    assert transfer.failure is None


def test_what_is_ended_for_good_fails_and_is_not_asked_for_again(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.REPLACED, "it goes on elsewhere"))
    assert transfer.failure == transfer.failure
    assert isinstance(transfer.failure, Refused)
    assert (transfer.failure.code, transfer.failure.message) == (ErrorCode.REPLACED, "it goes on elsewhere")
    online.drop()
    online.log_in()
    assert online.hears() == []


def test_what_is_said_of_one_that_has_ended_is_passed_over(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    online.says(Credit(3, WINDOW_BYTES, 0), FileChunk(3, 1000, b"late"), TransferEnded(3, ErrorCode.BANNED, "out"))
    assert transfer.failure is None
    assert not online.session.has_bulk


def test_a_wait_goes_on_over_another_connection(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    online.wait(10.0)
    online.drop()
    online.log_in()
    assert online.hears() == []
    online.wait(20.0)
    assert asked(online)
    assert transfer.held_until is None


@pytest.mark.parametrize("code", [ErrorCode.STORE_FULL, ErrorCode.STORE_FAILING])
def test_a_server_without_room_says_so_before_the_first_byte(online: Script, kind: str, code: ErrorCode) -> None:
    transfer = begin(online, kind)
    online.says(RefusedEvent(asked(online), code, "2 GiB are wanted", 30.0))
    assert isinstance(transfer.failure, Refused)
    assert (transfer.failure.code, transfer.failure.retry_after) == (code, 30.0)


@pytest.mark.parametrize("code", [ErrorCode.TOO_MANY_TRANSFERS, ErrorCode.RETRY_AFTER])
def test_a_busy_server_is_waited_for_however_long_it_takes(online: Script, kind: str, code: ErrorCode) -> None:
    transfer = begin(online, kind)
    for _ in range(100):
        online.says(RefusedEvent(asked(online), code, "4 are under way", 20.0))
        online.wait(19.0)
        assert all(isinstance(request, Ping) for request in online.hears())
        online.wait(1.0)
    assert transfer.failure is None
    answer(online, kind, 1)


def test_patience_with_a_server_that_cannot_go_on_ends(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    since, waits = online.now, 1
    while transfer.failure is None:
        online.wait(30.0)
        online.says(RefusedEvent(asked(online), ErrorCode.STORE_FULL, "still no room", 30.0))
        waits += 1
        assert waits < 100
    assert online.now - since == PATIENCE_SECONDS
    assert isinstance(transfer.failure, Refused)
    assert (transfer.failure.message, transfer.failure.retry_after) == ("still no room", 30.0)


def test_patience_begins_anew_with_every_byte(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    number = 3
    for _ in range(20):
        online.says(TransferEnded(number, ErrorCode.STORE_FAILING, "input/output error", 30.0))
        online.wait(30.0)
        number += 1
        answer(online, kind, number)
        move(online, transfer, kind, number)
        online.hears()
    assert transfer.failure is None


@pytest.mark.parametrize("code", [ErrorCode.QUOTA, ErrorCode.BANNED, ErrorCode.NO_SUCH_FILE])
def test_a_refusal_is_final(online: Script, kind: str, code: ErrorCode) -> None:
    transfer = begin(online, kind)
    online.says(RefusedEvent(asked(online), code, "no"))
    assert isinstance(transfer.failure, Refused)
    assert transfer.failure.code == code
    assert online.hears() == []


def test_bytes_that_the_server_could_not_verify_are_a_failure(online: Script) -> None:
    upload = online.session.transfers.upload(Held(SMALL), ToConversation(5), "trip.mkv")
    answer(online, "upload", 3)
    online.session.bulk_to_send()
    online.says(RefusedEvent(online.hears_one(FinishUpload).id, ErrorCode.BAD_DIGEST, "it is aa.., not bb.."))
    assert isinstance(upload.failure, Refused)
    assert upload.failure.code == ErrorCode.BAD_DIGEST


# -- it is given up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forget", [False, True])
def test_what_is_given_up_is_stopped_on_the_server(online: Script, kind: str, forget: bool) -> None:
    transfer = moving(online, kind)
    online.hears()
    transfer.stop(forget=forget)
    stop = online.hears_one(StopTransfer)
    assert (stop.transfer, stop.forget) == (3, forget)
    assert not online.session.has_bulk
    online.says(Credit(3, WINDOW_BYTES, 0), FileChunk(3, 1000, b"late"), TransferEnded(3, ErrorCode.BANNED, "out"))
    online.drop()
    online.log_in()
    assert online.hears() == []
    assert transfer.failure is None


def test_what_is_given_up_before_it_has_a_number_is_stopped_once_it_has(online: Script, kind: str) -> None:
    transfer = begin(online, kind)
    id = asked(online)
    transfer.stop(forget=True)
    assert online.hears() == []
    ready = UploadReady(id, 3, 0, 9) if kind == "upload" else DownloadReady(id, 3, shared())
    online.says(ready)
    stop = online.hears_one(StopTransfer)
    assert (stop.transfer, stop.forget) == (3, True)


def test_a_proof_that_is_wanted_of_what_is_given_up(online: Script) -> None:
    upload = online.session.transfers.upload(Held(), ToConversation(5), "trip.mkv")
    id = asked(online)
    upload.stop(forget=False)
    online.says(ProofWanted(id, 3, b"n" * 32, [Piece(0, 5)]))
    assert online.hears_one(StopTransfer).transfer == 3
    assert upload.question is None


def test_giving_up_what_is_over_does_nothing(online: Script) -> None:
    upload = online.session.transfers.upload(Held(SMALL), ToConversation(5), "trip.mkv")
    online.says(Uploaded(asked(online), shared(SMALL)))
    upload.stop(forget=True)
    assert not upload.is_stopped
    assert online.hears() == []


def test_what_is_held_is_given_up_without_a_word(online: Script, kind: str) -> None:
    transfer = moving(online, kind)
    online.hears()
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    transfer.stop(forget=True)
    online.wait(31.0)
    assert all(isinstance(request, Ping) for request in online.hears())


# -- other servers --------------------------------------------------------------------------------------------


def test_a_server_without_files_is_asked_nothing(kind: str) -> None:
    script = Script()
    waiting = begin(script, kind)
    script.log_in()
    late = begin(script, kind)
    assert script.hears() == []
    for transfer in (waiting, late):
        assert isinstance(transfer.failure, Refused)
        assert transfer.failure.code == ErrorCode.UNSUPPORTED
    with pytest.raises(Refused, match="keeps no files"):
        script.session.transfers.check_support()


def test_on_another_server_the_name_is_looked_up_again(online: Script) -> None:
    upload = online.session.transfers.upload(Held(), ToUser("bob"), "trip.mkv")
    online.says(Opened(online.hears_one(Open).id, CHAT))
    by_id = online.session.transfers.upload(Held(), ToConversation(5), "trip.mkv")
    online.drop()
    online.log_in(server=b"t" * 16)
    assert online.hears_one(Open).user == "bob"
    assert upload.failure is None
    assert isinstance(by_id.failure, Refused)
    assert by_id.failure.code == ErrorCode.NO_SUCH_CONVERSATION


def test_a_server_that_keeps_files_after_all(kind: str) -> None:
    script = Script()
    script.log_in()
    script.drop()
    transfer = begin(script, kind)
    script.features = ("files",)
    script.log_in()
    assert transfer.failure is None
    assert asked(script)


def test_while_there_is_no_login_nothing_is_due(online: Script, kind: str) -> None:
    moving(online, kind)
    online.says(TransferEnded(3, ErrorCode.STORE_FULL, "no room", 30.0))
    online.drop()
    online.now += 60
    online.greet()
    assert online.session.next_tick == online.now + 10, "it waits for nothing but the login"


def test_names_that_no_server_could_read_are_refused_at_once(online: Script) -> None:
    transfers = online.session.transfers
    for name, target in (("\ud800", ToUser("bob")), ("x", ToUser("\ud800")), ("x", ToUser(""))):
        with pytest.raises(Refused):
            transfers.upload(Held(), target, name)
    with pytest.raises(Refused):
        transfers.download(-1)
    assert online.hears() == []


# -- anything at all ------------------------------------------------------------------------------------------

CONTENT = some_bytes(5000)
IDS = st.integers(1, 12)
NUMBERS = st.integers(0, 4)
SIZES = st.integers(0, 6000) | st.sampled_from([0, 5000, 2**53])
EVENTS = st.one_of(
    st.builds(UploadReady, IDS, NUMBERS, SIZES, SIZES),
    st.builds(ProofWanted, IDS, NUMBERS, st.just(b"n" * 32), st.lists(st.builds(Piece, SIZES, SIZES), max_size=3)),
    st.builds(Uploaded, IDS, st.sampled_from([shared(CONTENT), shared(SMALL)])),
    st.builds(Credit, NUMBERS, SIZES, SIZES),
    st.builds(DownloadReady, IDS, NUMBERS, st.sampled_from([shared(CONTENT), shared(SMALL), shared(id=56)])),
    st.builds(lambda n, at, length: FileChunk(n, at, CONTENT[at : at + length] or b"x"), NUMBERS, SIZES, SIZES),
    st.builds(
        TransferEnded, NUMBERS, st.sampled_from(["STORE_FULL", "REPLACED"]), st.just(""), st.sampled_from([0.0, 5.0])
    ),
    st.builds(RefusedEvent, IDS, st.sampled_from(["STORE_FULL", "QUOTA"]), st.just(""), st.sampled_from([0.0, 5.0])),
)
STEPS = st.lists(EVENTS | st.sampled_from(["drop", "send", "receive", "prove", "stop", "wait"]), max_size=40)


class Anything:
    """A session with an upload and a download, and a server that says anything."""

    def __init__(self) -> None:
        self.script = Script(features=("files",))
        self.upload = self.script.session.transfers.upload(Held(CONTENT), ToConversation(5), "x")
        self.download = self.script.session.transfers.download(55)
        self.kept = Kept()
        self.credit = 0
        self.script.log_in()

    def take(self, step: object) -> None:
        script = self.script
        if step == "drop" or script.session.wants_close:
            script.drop()
            self.credit = 0
            script.log_in()
        elif step == "send":
            self.send()
        elif step == "receive" and self.download.file is not None and not self.download.is_over:
            self.download.receive_into(self.kept)
        elif step == "prove" and self.upload.question is not None:
            self.upload.prove(self.upload.question, b"p" * 32)
        elif step == "stop":
            self.upload.stop(forget=False)
        elif step == "wait":
            script.wait(6.0)
        elif not isinstance(step, str):
            script.says(step)  # type: ignore[arg-type]
            if isinstance(step, UploadReady | Credit):
                self.credit = max(self.credit, step.until)

    def send(self) -> None:
        data = self.script.session.bulk_to_send()
        if data:
            chunk = decode_request(data[HEADER_BYTES:])
            assert isinstance(chunk, SendChunk)
            assert chunk.data == CONTENT[chunk.offset : chunk.offset + len(chunk.data)]
            assert chunk.offset + len(chunk.data) <= self.credit


@given(steps=STEPS)
def test_whatever_a_server_says_nothing_breaks_and_what_has_come_is_the_start_of_it(steps: list[object]) -> None:
    anything = Anything()
    for step in steps:
        anything.take(step)
        anything.script.hears()
        assert anything.kept.content == CONTENT[: anything.kept.offset]
        assert anything.upload.file in (None, shared(CONTENT))
        assert anything.upload.sent <= len(CONTENT)

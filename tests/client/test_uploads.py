"""How a session sends a file, with a server that a test plays line by line."""

import pytest

from chatnet.auth.possession import answer
from chatnet.client.files import LocalFileError
from chatnet.client.outbox import ToConversation, ToUser
from chatnet.client.uploads import Stage, Upload
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import Credit, Opened, ProofWanted, Uploaded, UploadReady
from chatnet.events import Refused as RefusedEvent
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Kind, Piece, SharedFile
from chatnet.requests import FinishUpload, Open, Post, ProveUpload, SendChunk, StartUpload, StopTransfer
from chatnet.wire.codec import decode_request
from chatnet.wire.frames import HEADER_BYTES
from tests.client.contents import BIG, SMALL, Held, shared
from tests.client.script import CHAT, Script

NONCE = b"n" * 32


@pytest.fixture(params=[False, True], ids=["whole", "byte by byte"])
def online(request: pytest.FixtureRequest) -> Script:
    """A session that is logged in to a server that keeps files."""
    script = Script(byte_by_byte=request.param, features=("files",))
    script.log_in()
    return script


def begin(script: Script, content: Held | None = None) -> Upload:
    return script.session.transfers.upload(content or Held(), ToConversation(5), "trip.mkv")


def chunks(script: Script) -> list[SendChunk]:
    """All that may be sent now."""
    found = []
    while data := script.session.bulk_to_send():
        chunk = decode_request(data[HEADER_BYTES:])
        assert isinstance(chunk, SendChunk)
        found.append(chunk)
    assert not script.session.has_bulk
    return found


def begun(script: Script, content: Held | None = None, offset: int = 0, until: int = WINDOW_BYTES) -> Upload:
    """An upload of which the server wants the bytes, as number 3."""
    upload = begin(script, content)
    script.says(UploadReady(script.hears_one(StartUpload).id, 3, offset, until))
    return upload


# -- the usual course -----------------------------------------------------------------------------------------


def test_a_file_is_announced_sent_finished_and_then_it_is_there(online: Script) -> None:
    upload = begin(online, Held(SMALL))
    start = online.hears_one(StartUpload)
    assert start == StartUpload(start.id, 5, "trip.mkv", 1000, Held(SMALL).digest)
    assert not online.session.has_bulk
    online.says(UploadReady(start.id, 3, 0, WINDOW_BYTES))
    assert online.hears() == []
    assert chunks(online) == [SendChunk(3, 0, SMALL)]
    finish = online.hears_one(FinishUpload)
    assert (finish.upload, upload.stage) == (3, Stage.FINISHING)
    online.says(Uploaded(finish.id, shared(SMALL)))
    assert upload.is_complete
    assert upload.file == shared(SMALL)
    assert online.hears() == []


def test_nothing_is_sent_over_the_credit(online: Script) -> None:
    upload = begun(online, until=100_000)
    assert [(chunk.offset, len(chunk.data)) for chunk in chunks(online)] == [(0, CHUNK_BYTES), (CHUNK_BYTES, 38_560)]
    online.says(Credit(3, 100_001, 0))
    assert [chunk.data for chunk in chunks(online)] == [BIG[100_000:100_001]]
    assert (upload.sent, upload.durable) == (100_001, 0)


def test_credit_that_comes_twice_or_late_changes_nothing(online: Script) -> None:
    upload = begun(online, until=1000)
    online.says(Credit(3, 3000, 900), Credit(3, 3000, 900), Credit(3, 2000, 500), Credit(99, 50_000, 0))
    assert b"".join(chunk.data for chunk in chunks(online)) == BIG[:3000]
    assert upload.durable == 0, "nothing was sent when it was said to be there"
    online.says(Credit(3, 3000, 900), Credit(3, 2000, 500))
    assert upload.durable == 900
    assert chunks(online) == []


def test_an_empty_file_is_finished_at_once(online: Script) -> None:
    begun(online, Held(b""), until=0)
    assert not online.session.has_bulk
    assert online.hears_one(FinishUpload).upload == 3


def test_what_is_on_the_server_already_is_not_sent(online: Script) -> None:
    upload = begun(online, offset=len(BIG) - 10, until=len(BIG))
    assert chunks(online) == [SendChunk(3, len(BIG) - 10, BIG[-10:])]
    assert upload.moved == 10
    online.hears_one(FinishUpload)


def test_all_of_it_is_on_the_server_already(online: Script) -> None:
    begun(online, offset=len(BIG), until=len(BIG))
    assert not online.session.has_bulk
    online.hears_one(FinishUpload)


def test_somebody_has_uploaded_it_for_one_before(online: Script) -> None:
    upload = begin(online)
    online.says(Uploaded(online.hears_one(StartUpload).id, shared()))
    assert upload.file == shared()


def test_a_conversation_that_is_not_known_is_looked_up_first(online: Script) -> None:
    online.session.transfers.upload(Held(), ToUser("bob"), "trip.mkv")
    found = online.hears_one(Open)
    assert found.user == "bob"
    online.says(Opened(found.id, CHAT))
    assert online.hears_one(StartUpload).conversation == CHAT.id
    online.session.transfers.upload(Held(SMALL), ToUser("bob"), "trip.mkv")
    assert online.hears_one(StartUpload).conversation == CHAT.id


def test_nobody_of_that_name(online: Script) -> None:
    upload = online.session.transfers.upload(Held(), ToUser("bob"), "trip.mkv")
    online.says(RefusedEvent(online.hears_one(Open).id, ErrorCode.NO_SUCH_USER, "nobody is called bob"))
    assert isinstance(upload.failure, Refused)
    assert upload.failure.code == ErrorCode.NO_SUCH_USER
    assert online.hears() == []


def test_what_is_said_goes_out_before_the_next_bytes(online: Script) -> None:
    begun(online)
    online.session.bulk_to_send()
    online.session.post(ToConversation(5), "hi")
    assert online.hears() == [Post(1, 5, "hi", Kind.TEXT)]
    assert online.session.has_bulk


def test_a_post_can_share_what_was_uploaded(online: Script) -> None:
    online.session.post(ToConversation(5), "", Kind.FILE, 0, 55)
    assert online.hears() == [Post(1, 5, "", Kind.FILE, 0, 55)]


def test_uploads_take_turns(online: Script) -> None:
    for number in (1, 2):
        start = begin(online, Held(BIG[number:]))
        online.says(UploadReady(online.hears_one(StartUpload).id, number, 0, WINDOW_BYTES))
        assert start.stage is Stage.SENDING
    assert [chunk.upload for chunk in chunks(online)] == [1, 2] * 5


# -- possession -----------------------------------------------------------------------------------------------


def test_a_proof_spares_the_bytes(online: Script) -> None:
    upload = begin(online)
    online.says(ProofWanted(online.hears_one(StartUpload).id, 3, NONCE, [Piece(10, 20), Piece(4000, 1000)]))
    question = upload.question
    assert question is not None
    assert (question.nonce, question.ranges) == (NONCE, ((10, 20), (4000, 1000)))
    proof = answer(NONCE, question.ranges, [BIG[10:30], BIG[4000:5000]])
    upload.prove(question, proof)
    proved = online.hears_one(ProveUpload)
    assert proved == ProveUpload(proved.id, 3, proof)
    assert upload.question is None
    online.says(Uploaded(proved.id, shared()))
    assert upload.is_complete
    assert upload.moved == 0


def test_a_proof_that_is_wrong_makes_the_bytes_come(online: Script) -> None:
    upload = begin(online)
    online.says(ProofWanted(online.hears_one(StartUpload).id, 3, NONCE, [Piece(0, 5)]))
    assert upload.question is not None
    upload.prove(upload.question, b"wrong" * 6 + b"!!")
    online.says(UploadReady(online.hears_one(ProveUpload).id, 3, 0, 100))
    assert chunks(online) == [SendChunk(3, 0, BIG[:100])]


@pytest.mark.parametrize(
    "pieces", [[Piece(0, len(BIG) + 1)], [Piece(0, 1)] * 257, [Piece(0, len(BIG))] * 28], ids=["over", "many", "much"]
)
def test_a_question_that_no_server_would_ask_is_not_read_for(online: Script, pieces: list[Piece]) -> None:
    upload = begin(online)
    online.says(ProofWanted(online.hears_one(StartUpload).id, 3, NONCE, pieces))
    assert upload.question is None
    assert online.hears_one(ProveUpload).proof == b""


def test_a_proof_for_an_earlier_connection_is_kept_to_oneself(online: Script) -> None:
    upload = begin(online)
    online.says(ProofWanted(online.hears_one(StartUpload).id, 3, NONCE, [Piece(0, 5)]))
    question = upload.question
    assert question is not None
    online.drop()
    online.log_in()
    online.says(ProofWanted(online.hears_one(StartUpload).id, 3, b"m" * 32, [Piece(0, 5)]))
    upload.prove(question, b"p" * 32)
    assert online.hears() == []
    assert upload.question is not None


# -- what comes between ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES, 100_000])
def test_after_a_lost_connection_it_goes_on_where_the_server_says(online: Script, offset: int) -> None:
    upload = begun(online, until=100_000)
    chunks(online)
    online.drop()
    assert not online.session.has_bulk
    assert online.session.bulk_to_send() == b""
    online.log_in()
    online.says(UploadReady(online.hears_one(StartUpload).id, 1, offset, len(BIG)))
    assert upload.sent == offset
    assert b"".join(chunk.data for chunk in chunks(online)) == BIG[offset:]


@pytest.mark.parametrize("steps", range(4))
def test_a_connection_that_breaks_at_any_stage_begins_anew(online: Script, steps: int) -> None:
    upload = begin(online, Held(SMALL))
    if steps > 0:
        online.says(UploadReady(online.hears_one(StartUpload).id, 3, 0, WINDOW_BYTES))
    if steps > 1:
        chunks(online)
    if steps > 2:
        online.hears_one(FinishUpload)
    online.drop()
    assert upload.stage is Stage.IDLE
    online.log_in()
    online.says(UploadReady(online.hears_one(StartUpload).id, 1, 0, WINDOW_BYTES))
    assert chunks(online) == [SendChunk(1, 0, SMALL)]
    online.says(Uploaded(online.hears_one(FinishUpload).id, shared(SMALL)))
    assert upload.is_complete


def test_what_is_begun_without_a_connection_waits_for_one() -> None:
    script = Script(features=("files",))
    begin(script)
    script.log_in()
    script.hears_one(StartUpload)


def test_a_file_that_changes_is_dropped_from_the_server(online: Script) -> None:
    content = Held()
    upload = begun(online, content)
    online.session.bulk_to_send()
    content.failure = LocalFileError(ErrorCode.FILE_CHANGED, "it was changed")
    assert chunks(online) == []
    assert upload.failure is content.failure
    stop = online.hears_one(StopTransfer)
    assert stop == StopTransfer(stop.id, 3, forget=True)


def test_of_a_file_that_cannot_be_read_the_server_keeps_what_it_has(online: Script) -> None:
    content = Held()
    upload = begun(online, content)
    content.failure = LocalFileError(ErrorCode.CANNOT_READ, "input/output error")
    assert chunks(online) == []
    assert upload.failure is content.failure
    assert not online.hears_one(StopTransfer).forget


def test_one_that_cannot_be_read_does_not_keep_the_others_from_their_turn(online: Script) -> None:
    content = Held()
    begun(online, content)
    begin(online, Held(SMALL))
    online.says(UploadReady(online.hears_one(StartUpload).id, 4, 0, WINDOW_BYTES))
    content.failure = LocalFileError(ErrorCode.CANNOT_READ, "input/output error")
    assert [chunk.upload for chunk in chunks(online)] == [4]


# -- a server that makes no sense -----------------------------------------------------------------------------


def test_a_server_cannot_have_more_than_there_is(online: Script) -> None:
    begun(online, offset=len(BIG) + 1, until=len(BIG) + 1)
    assert online.session.wants_close
    assert not online.session.has_bulk
    online.drop()
    assert isinstance(online.session.failure, ProtocolError)


@pytest.mark.parametrize("file", [shared(SMALL), shared(conversation=6)], ids=["content", "place"])
def test_a_server_cannot_say_that_something_else_was_uploaded(online: Script, file: SharedFile) -> None:
    upload = begin(online)
    online.says(Uploaded(online.hears_one(StartUpload).id, file))
    assert online.session.wants_close
    assert upload.file is None


def test_a_server_cannot_answer_with_anything_else(online: Script) -> None:
    begin(online)
    online.says(Opened(online.hears_one(StartUpload).id, CHAT))
    assert online.session.wants_close

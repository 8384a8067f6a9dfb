"""Uploads: announced, proven or sent, finished, and found again."""

from random import Random

import pytest

from chatnet.core.effects import FileWork, Reply
from chatnet.core.entries import DropUpload, PutFile, PutUpload
from chatnet.core.file_jobs import (
    ClosePart,
    DropPart,
    FinishPart,
    OpenPart,
    ProveFile,
    WritePart,
)
from chatnet.core.limits import KIB
from chatnet.core.uploads import SMALL_BYTES
from chatnet.errors import ErrorCode
from chatnet.events import Credit, ProofWanted, Refused, TransferEnded, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, SharedFile
from chatnet.requests import (
    FinishUpload,
    ProveUpload,
    SendChunk,
    StartUpload,
    StopTransfer,
)
from tests.core.filing import SMALL, FileScript, asked, only, right_proof, work_of
from tests.core.script import LOBBY_ID, START, entries, events, refusal, the
from tests.core.slow_files import sha256

BIG = Random(5).randbytes(3 * WINDOW_BYTES)
EMPTY = b""


# -- the straight way -----------------------------------------------------------------------------------------


def test_a_small_file_goes_up_and_is_there_verified() -> None:
    chat = FileScript("alice")
    effects = chat.start("alice")
    row = PutUpload(1, 1, LOBBY_ID, "trip.mkv", len(SMALL), sha256(SMALL), int(START * 1000))
    assert entries(effects)[-1] == row
    assert work_of(effects) == [], "no byte is asked for before the store knows of it"
    assert work_of(chat.store_all()) == [OpenPart(1, len(SMALL), sha256(SMALL))]
    assert chat.work() == [Reply("alice", UploadReady(7, 1, 0, len(SMALL)))]
    assert chat.ask("alice", SendChunk(1, 0, SMALL)) == [FileWork(WritePart(1, 0, SMALL))]
    assert chat.work() == [], "there is no credit to give"
    assert chat.ask("alice", FinishUpload(8, 1)) == [FileWork(FinishPart(1))]
    file = PutFile(1, LOBBY_ID, "trip.mkv", len(SMALL), sha256(SMALL), 1, "alice", int(START * 1000))
    assert chat.work() == [file, DropUpload(1)]
    shared = SharedFile(1, LOBBY_ID, 0, "trip.mkv", len(SMALL), sha256(SMALL), 1, "alice", int(START * 1000))
    assert chat.store_all() == [Reply("alice", Uploaded(8, shared)), FileWork(DropPart(1))]
    chat.work_all()
    assert chat.files.files == {sha256(SMALL): SMALL}
    assert not chat.files.parts
    assert not chat.store.uploads


def test_an_empty_file_has_no_bytes_to_send() -> None:
    chat = FileScript("alice")
    assert chat.begin("alice", EMPTY) == UploadReady(7, 1, 0, 0)
    chat.ask("alice", FinishUpload(8, 1))
    assert the(Uploaded, chat.work_all(), "alice").file.size == 0


def test_credit_comes_as_bytes_are_taken_and_never_more_than_a_window() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    assert (ready.offset, ready.until) == (0, WINDOW_BYTES)
    chat.send("alice", ready, BIG)
    credits = []
    while chat.files.waiting:
        credits += [event for event in events(chat.work(), "alice") if isinstance(event, Credit)]
    assert credits == [Credit(1, 3 * CHUNK_BYTES + WINDOW_BYTES, 3 * CHUNK_BYTES)]
    chat.send("alice", UploadReady(7, 1, WINDOW_BYTES, credits[-1].until), BIG)
    told = [event for event in events(chat.work_files(), "alice") if isinstance(event, Credit)]
    assert told[-1].until <= told[-1].durable + WINDOW_BYTES


def test_a_big_file_goes_up_window_by_window() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    at, until = 0, ready.until
    while at < len(BIG):
        chat.send("alice", UploadReady(7, ready.upload, at, until), BIG)
        at = until
        until = max([e.until for e in events(chat.work_files(), "alice") if isinstance(e, Credit)], default=until)
    chat.ask("alice", FinishUpload(8, ready.upload))
    assert the(Uploaded, chat.work_all(), "alice").file.digest == sha256(BIG)
    assert chat.files.files == {sha256(BIG): BIG}


# -- found again ----------------------------------------------------------------------------------------------


def test_who_lost_the_connection_goes_on_where_the_server_is() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG, 2 * CHUNK_BYTES)
    effects = chat.disconnect("alice")
    assert work_of(effects) == [ClosePart(1)], "what came becomes durable"
    chat.work_all()
    chat.login("alice")
    assert chat.begin("alice", BIG) == UploadReady(7, 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + WINDOW_BYTES)
    assert only(chat) == 1


def test_another_process_takes_an_upload_over_and_the_first_is_told() -> None:
    chat = FileScript("alice")
    chat.login("second", "alice", secret="alice")
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG, CHUNK_BYTES)
    effects = chat.start("second", BIG)
    assert the(TransferEnded, effects, "alice").code == ErrorCode.REPLACED
    ready = the(UploadReady, effects + chat.work_all(), "second")
    assert (ready.upload, ready.offset) == (1, CHUNK_BYTES), "all that the first had sent"
    assert chat.ask("alice", SendChunk(1, CHUNK_BYTES, b"x" * SMALL_BYTES)) == [], "it was under way"
    assert only(chat) == 1


def test_who_waits_for_an_upload_that_another_takes_over_is_refused() -> None:
    chat = FileScript("alice")
    chat.login("second", "alice", secret="alice")
    chat.start("alice")
    effects = chat.start("second")
    assert the(Refused, effects, "alice") == Refused(7, ErrorCode.REPLACED, "this upload goes on elsewhere")
    effects = chat.work_all()
    the(UploadReady, effects, "second")
    assert events(effects, "alice") == []


def test_the_same_once_more_on_one_connection_gets_a_new_number() -> None:
    chat = FileScript("alice")
    chat.begin("alice", BIG)
    effects = chat.start("alice", BIG) + chat.work_all()
    assert the(TransferEnded, effects, "alice").transfer == 1
    assert the(UploadReady, effects, "alice").upload == 2


def test_an_upload_of_another_name_place_or_content_is_another_one() -> None:
    chat = FileScript("alice", "bob")
    talk = chat.chat("alice", "bob")
    for name, place, content in [
        ("a", LOBBY_ID, SMALL),
        ("b", LOBBY_ID, SMALL),
        ("a", talk, SMALL),
        ("a", LOBBY_ID, BIG),
    ]:
        chat.begin("alice", content, name, place)
    assert len(chat.store.uploads) == 4


def test_an_upload_outlives_the_server() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG, CHUNK_BYTES)
    chat.work_all()
    chat = chat.again("alice")
    assert chat.begin("alice", BIG).offset == CHUNK_BYTES


def test_a_server_that_dies_between_content_and_row_costs_no_byte() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.work_all()
    chat.ask("alice", FinishUpload(8, ready.upload))
    chat.work_files()
    assert chat.files.files, "the content is there, and no row of it"
    chat = chat.again("alice")
    assert chat.files.files, "the upload still holds it"
    ready = chat.begin("alice")
    assert ready.offset == ready.until == len(SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    the(Uploaded, chat.work_all(), "alice")


def test_a_file_that_nobody_has_posted_yet_is_found_again_at_once() -> None:
    chat = FileScript("alice")
    file = chat.upload("alice")
    assert chat.start("alice") == [Reply("alice", Uploaded(7, file))]
    chat.post("alice", 1, file)
    assert Uploaded(7, file) not in events(chat.start("alice"), "alice"), "it is being shared: this is another one"


def test_an_upload_that_ends_while_nobody_waits_is_a_file_for_who_comes_back() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    chat.disconnect("alice")
    assert work_of(chat.work_all()) == [DropPart(1)]
    chat.login("alice")
    the(Uploaded, chat.start("alice"), "alice")


@pytest.mark.parametrize("when", range(6))
def test_a_connection_that_breaks_at_any_moment_leaves_an_upload_that_goes_on(when: int) -> None:
    chat = FileScript("alice")
    steps = [
        lambda: chat.start("alice", BIG),
        chat.store_all,
        chat.work_files,
        lambda: chat.send("alice", UploadReady(7, 1, 0, WINDOW_BYTES), BIG),
        chat.work,
        chat.work_files,
    ]
    for step in steps[: when + 1]:
        step()
    chat.disconnect("alice")
    if when % 2:
        chat.work_all()
    chat.login("alice")
    effects = chat.start("alice", BIG) + chat.work_all()
    assert the(UploadReady, effects, "alice").offset == (0 if when < 3 else WINDOW_BYTES)


def test_a_part_that_is_opened_for_nobody_is_closed_again() -> None:
    chat = FileScript("alice")
    chat.start("alice", BIG)
    chat.store_all()
    chat.disconnect("alice")
    assert work_of(chat.work()) == [ClosePart(1)]


# -- proofs ---------------------------------------------------------------------------------------------------


def test_who_has_a_content_that_is_here_need_not_send_it() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice", BIG[: 200 * KIB])
    effects = chat.start("bob", BIG[: 200 * KIB]) + chat.work_all()
    assert not any(isinstance(job, OpenPart) for job in work_of(effects))
    wanted = the(ProofWanted, effects, "bob")
    effects = chat.ask("bob", ProveUpload(8, wanted.upload, right_proof(wanted, BIG[: 200 * KIB])))
    file = the(Uploaded, effects + chat.work_all(), "bob").file
    assert (file.sender_name, file.digest) == ("bob", sha256(BIG[: 200 * KIB]))
    assert len(chat.files.files) == 1


@pytest.mark.parametrize("proof", [b"", b"x" * 32, sha256(SMALL)])
def test_who_knows_only_the_hash_has_to_send_the_bytes(proof: bytes) -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    wanted = asked(chat, "bob")
    effects = chat.ask("bob", ProveUpload(8, wanted.upload, proof)) + chat.work_all()
    assert the(UploadReady, effects, "bob") == UploadReady(8, wanted.upload, 0, len(SMALL))
    chat.ask("bob", SendChunk(wanted.upload, 0, b"x" * len(SMALL)))
    effects = chat.ask("bob", FinishUpload(9, wanted.upload)) + chat.work_all()
    assert the(Refused, effects, "bob").code == ErrorCode.BAD_DIGEST
    assert [file.file.sender for file in chat.store.files.values()] == [1]


def test_the_answer_to_one_question_is_none_to_another() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    first = asked(chat, "bob")
    proof = right_proof(first, SMALL)
    chat.disconnect("bob")
    chat.login("bob")
    second = asked(chat, "bob")
    assert second.nonce != first.nonce
    effects = chat.ask("bob", ProveUpload(8, second.upload, proof)) + chat.work_all()
    the(UploadReady, effects, "bob")


def test_a_content_that_was_announced_with_another_size_has_to_be_sent() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    effects = chat.ask("bob", StartUpload(7, LOBBY_ID, "x", len(SMALL) + 1, sha256(SMALL))) + chat.work_all()
    ready = the(UploadReady, effects, "bob")
    chat.ask("bob", SendChunk(ready.upload, 0, SMALL + b"x"))
    effects = chat.ask("bob", FinishUpload(8, ready.upload)) + chat.work_all()
    assert the(Refused, effects, "bob").code == ErrorCode.BAD_DIGEST
    assert chat.files.files == {sha256(SMALL): SMALL}


def test_who_leaves_questions_without_an_answer_is_not_asked_for_an_hour() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    for _ in range(3):
        wanted = asked(chat, "bob")
        chat.ask("bob", StopTransfer(8, wanted.upload, forget=True))
        chat.work_all()
    effects = chat.start("bob") + chat.work_all()
    assert not any(isinstance(job, ProveFile) for job in work_of(effects))
    ready = the(UploadReady, effects, "bob")
    chat.ask("bob", StopTransfer(8, ready.upload, forget=True))
    chat.work_all()
    chat.seconds += 3601
    asked(chat, "bob")


def test_who_answers_is_asked_as_often_as_he_likes() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    for n in range(10):
        chat.upload("bob", name=f"copy {n}")
    assert len(chat.store.files) == 11


def test_a_question_that_the_disk_cannot_make_is_not_asked() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    chat.start("bob")
    chat.store_all()
    effects = chat.work(fails=True)
    assert work_of(effects) == [OpenPart(2, len(SMALL), sha256(SMALL))]


def test_a_content_that_is_gone_from_the_disk_comes_back_with_the_next_upload() -> None:
    chat = FileScript("alice", "bob")
    file = chat.share("alice", 1)
    chat.files.files.clear()
    ready = chat.begin("bob")
    assert refusal(chat.fetch("bob", file.id)) == ErrorCode.NO_SUCH_FILE
    chat.send("bob", ready, SMALL)
    chat.ask("bob", FinishUpload(8, ready.upload))
    chat.work_all()
    chat.fetch("bob", file.id)
    assert chat.drain("bob")

"""Uploads: announced, proven or sent, finished; found again; and every refusal before the first byte."""

from random import Random

import pytest

from chatnet.core.effects import Append, Close, FileWork, Pause, Reply
from chatnet.core.entries import DropUpload, PutFile, PutUpload
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    DropFile,
    DropPart,
    FinishPart,
    OpenPart,
    ProveFile,
    WritePart,
)
from chatnet.core.limits import KIB, MIB, Limits
from chatnet.core.uploads import NAME_BYTES, SMALL_BYTES
from chatnet.errors import ErrorCode
from chatnet.events import Credit, Done, Hello, ProofWanted, Refused, TransferEnded, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Act, SharedFile
from chatnet.requests import (
    ChangeRoom,
    FinishUpload,
    ListFiles,
    Moderate,
    ProveUpload,
    RemoveFile,
    SendChunk,
    StartDownload,
    StartUpload,
    StopTransfer,
)
from tests.core.filing import SMALL, FileScript, announce, right_proof, work_of
from tests.core.script import FAR, LOBBY_ID, START, Script, entries, events, refusal, the
from tests.core.slow_files import RETRY_AFTER, sha256

BIG = Random(5).randbytes(3 * WINDOW_BYTES)
EMPTY = b""


def only(chat: FileScript) -> int:
    """The number of the one upload that the store knows."""
    (row,) = chat.store.uploads.values()
    return row.id


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
    assert chat.work() == [Append(file), Append(DropUpload(1))]
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


# -- proofs ---------------------------------------------------------------------------------------------------


def asked(chat: FileScript, session: str, content: bytes = SMALL, name: str = "trip.mkv") -> ProofWanted:
    """The question that a session gets."""
    return the(ProofWanted, chat.start(session, content, name) + chat.work_all(), session)


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


# -- refusals, all before the first byte ----------------------------------------------------------------------


def refused(chat: FileScript, request: StartUpload, session: str = "alice") -> Refused:
    """How an announcement is refused; the stores are not asked for anything."""
    effects = chat.ask(session, request)
    assert not any(isinstance(effect, FileWork | Append) for effect in effects)
    return the(Refused, effects, session)


def test_a_file_over_the_limit_is_refused() -> None:
    chat = FileScript("alice", limits=Limits(file=1 * MIB))
    no = refused(chat, StartUpload(7, LOBBY_ID, "x", 1 * MIB + 1, sha256(SMALL)))
    assert (no.code, no.retry_after) == (ErrorCode.QUOTA, 0)
    assert "over this server's limit of 1 MiB for one file" in no.reason


def test_guests_have_less_room_and_uploads_count_from_the_first_byte_on() -> None:
    chat = FileScript("alice", "bob", limits=Limits(file=1 * MIB, files_per_guest=2 * MIB - 1))
    chat.ask("alice", StartUpload(7, LOBBY_ID, "x", 1 * MIB, sha256(b"1")))
    no = refused(chat, StartUpload(7, LOBBY_ID, "y", 1 * MIB, sha256(b"2")))
    assert no.code == ErrorCode.QUOTA
    assert "over the limit of 2 MiB for guests" in no.reason
    chat.ask("bob", StartUpload(7, LOBBY_ID, "y", 1 * MIB, sha256(b"2")))


def test_a_user_has_only_so_many_files_and_so_has_the_server() -> None:
    chat = FileScript("alice", "bob", limits=Limits(file_count_per_user=1, files=2))
    chat.upload("alice", SMALL)
    assert "you have 1 files on this server already" in refused(chat, announce(b"2")).reason
    chat.begin("bob", b"3")
    chat.login("carol")
    assert "this server keeps at most 2 files" in refused(chat, announce(b"4"), "carol").reason


def test_a_connection_has_only_so_many_transfers_and_may_try_again() -> None:
    chat = FileScript("alice", limits=Limits(transfers_per_session=2))
    for n in (1, 2):
        chat.begin("alice", name=str(n))
    no = refused(chat, announce(SMALL, "3"))
    assert no.code == ErrorCode.TOO_MANY_TRANSFERS
    assert no.retry_after > 0
    the(UploadReady, chat.start("alice", name="2") + chat.work_all(), "alice")
    chat.ask("alice", StopTransfer(8, 1))
    chat.begin("alice", name="3")


def test_the_server_has_only_so_many_transfers_and_paused_ones_do_not_count() -> None:
    chat = FileScript("alice", "bob", limits=Limits(transfers=1))
    ready = chat.begin("alice")
    assert refused(chat, announce(SMALL), "bob").code == ErrorCode.TOO_MANY_TRANSFERS
    chat.ask("alice", StopTransfer(8, ready.upload))
    assert refused(chat, announce(SMALL), "bob").code == ErrorCode.TOO_MANY_TRANSFERS, "not closed yet"
    chat.work_all()
    chat.begin("bob")


@pytest.mark.parametrize("name", ["", "x" * (NAME_BYTES + 1), "é" * 128, "a\nb", "a\0b", "a\x85b", "a\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    assert refused(FileScript("alice"), announce(SMALL, name)).code == ErrorCode.BAD_NAME


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\x", "con", "x" * NAME_BYTES, "\u202egpj.exe", " ", "é" * 127]
)
def test_any_other_name_is_taken_as_it_is(name: str) -> None:
    assert FileScript("alice").upload("alice", name=name).name == name


def test_nobody_uploads_where_he_may_not_post() -> None:
    chat = FileScript("alice", "bob")
    board = chat.room("bob", "board")
    assert refused(chat, announce(SMALL, place=77)).code == ErrorCode.NO_SUCH_CONVERSATION
    chat.ask("bob", ChangeRoom(9, board, archived=True))
    chat.store_all()
    assert refused(chat, announce(SMALL, place=board)).code == ErrorCode.ROOM_ARCHIVED
    chat.ask("bob", ChangeRoom(9, board, archived=False, private=True))
    chat.store_all()
    assert refused(chat, announce(SMALL, place=board)).code == ErrorCode.NO_SUCH_CONVERSATION
    chat.ask("bob", ChangeRoom(9, board, private=False))
    chat.ask("bob", Moderate(9, Act.MUTE, "alice", board))
    chat.store_all()
    assert refused(chat, announce(SMALL, place=board)).code == ErrorCode.MUTED
    chat.ask("bob", Moderate(9, Act.BAN, "alice", board))
    chat.store_all()
    assert refused(chat, announce(SMALL, place=board)).code == ErrorCode.BANNED


def test_a_server_without_files_says_so_to_every_request() -> None:
    chat = Script("alice")
    assert the(Hello, chat.connect("x"), "x").features == []
    for request in (
        announce(SMALL),
        ProveUpload(7, 1, b""),
        FinishUpload(7, 1),
        StopTransfer(7, 1),
        StartDownload(7, 1),
        ListFiles(7),
        RemoveFile(7, 1),
    ):
        assert refusal(chat.ask("alice", request)) == ErrorCode.UNSUPPORTED


def test_a_server_with_files_says_so_and_collects_what_a_crash_has_left_first_of_all() -> None:
    chat = FileScript()
    assert the(Hello, chat.connect("x"), "x").features == ["files"]
    assert chat.first == [FileWork(Collect(frozenset(), {}))]


def test_nobody_who_is_not_logged_in_uploads_anything() -> None:
    chat = FileScript()
    chat.connect("x", FAR)
    assert refusal(chat.ask("x", announce(SMALL))) == ErrorCode.NOT_LOGGED_IN
    assert isinstance(chat.ask("x", SendChunk(1, 0, b"x"))[-1], Close)


# -- bytes that nobody has asked for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chunk",
    [
        SendChunk(1, 1, b"x"),
        SendChunk(1, 0, SMALL + b"x"),
        SendChunk(2, 0, b"x"),
        SendChunk(0, 0, b"x"),
    ],
    ids=["at another place", "too many", "a number that was never given out", "no number"],
)
def test_bytes_that_were_not_asked_for_end_the_connection(chunk: SendChunk) -> None:
    chat = FileScript("alice")
    chat.begin("alice")
    effects = chat.ask("alice", chunk)
    assert isinstance(effects[-1], Close)
    assert effects[-1].code == ErrorCode.BAD_REQUEST
    assert work_of(effects) == [ClosePart(1)], "what there is of the upload is kept"


def test_bytes_over_the_credit_end_the_connection() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG)
    assert isinstance(chat.ask("alice", SendChunk(1, WINDOW_BYTES, b"x"))[-1], Close)


def test_bytes_instead_of_a_proof_end_the_connection() -> None:
    chat = FileScript("alice", "bob")
    chat.upload("alice")
    wanted = asked(chat, "bob")
    assert isinstance(chat.ask("bob", SendChunk(wanted.upload, 0, SMALL))[-1], Close)


def test_chunks_are_no_requests_unless_they_move_next_to_nothing() -> None:
    chat = FileScript("alice", limits=Limits(request_burst=3.0))
    ready = chat.begin("alice", BIG)
    for n in range(60):
        effects = chat.ask("alice", SendChunk(ready.upload, n * SMALL_BYTES, BIG[:SMALL_BYTES]))
        assert [type(effect) for effect in effects] == [FileWork]
    at = 60 * SMALL_BYTES
    told = [effect for n in range(9) for effect in chat.ask("alice", SendChunk(ready.upload, at + n, b"x"))]
    assert any(isinstance(effect, Pause) for effect in told)


def test_chunks_of_an_upload_that_is_over_are_rationed() -> None:
    chat = FileScript("alice", limits=Limits(request_burst=4.0))
    ready = chat.begin("alice", BIG)
    chat.ask("alice", StopTransfer(8, ready.upload))
    told = [effect for _ in range(9) for effect in chat.ask("alice", SendChunk(ready.upload, 0, BIG[:CHUNK_BYTES]))]
    assert {type(effect) for effect in told} == {Pause}


def test_an_upload_is_finished_only_when_all_has_come_and_only_once() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    assert refusal(chat.ask("alice", FinishUpload(8, ready.upload))) == ErrorCode.BAD_REQUEST
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    assert refusal(chat.ask("alice", FinishUpload(9, ready.upload))) == ErrorCode.BAD_REQUEST
    assert refusal(chat.ask("alice", ProveUpload(9, ready.upload, b""))) == ErrorCode.BAD_REQUEST
    assert the(Uploaded, chat.work_all(), "alice").id == 8
    assert refusal(chat.ask("alice", FinishUpload(9, ready.upload))) == ErrorCode.BAD_REQUEST
    assert refusal(chat.ask("alice", FinishUpload(9, 99))) == ErrorCode.BAD_REQUEST


# -- stopping -------------------------------------------------------------------------------------------------


def test_a_stopped_upload_is_kept_and_a_forgotten_one_is_dropped_with_its_quota() -> None:
    chat = FileScript("alice", limits=Limits(files_per_guest=len(BIG)))
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG)
    assert events(chat.ask("alice", StopTransfer(8, ready.upload)), "alice") == [Done(8)]
    chat.work_all()
    assert chat.store.uploads
    ready = chat.begin("alice", BIG)
    assert ready.offset == WINDOW_BYTES
    effects = chat.ask("alice", StopTransfer(8, ready.upload, forget=True))
    assert entries(effects) == [DropUpload(1)]
    assert work_of(effects) == [], "the row goes first"
    assert work_of(chat.store_all()) == [DropFile(sha256(BIG)), DropPart(1)]
    assert not chat.store.uploads
    chat.begin("alice", BIG)


def test_stopping_what_has_ended_is_no_mistake_and_what_never_was_is_one() -> None:
    chat = FileScript("alice")
    chat.upload("alice")
    assert chat.ask("alice", StopTransfer(8, 1)) == [Reply("alice", Done(8))]
    assert refusal(chat.ask("alice", StopTransfer(8, 2))) == ErrorCode.BAD_REQUEST


@pytest.mark.parametrize("done", range(5))
def test_an_upload_can_be_forgotten_at_any_moment_and_nothing_is_left(done: int) -> None:
    chat = FileScript("alice")
    steps = [
        lambda: chat.start("alice"),
        chat.work_all,
        lambda: chat.send("alice", UploadReady(7, 1, 0, 99), SMALL),
        lambda: chat.ask("alice", FinishUpload(8, 1)),
        chat.work_files,
    ]
    for step in steps[: done + 1]:
        step()
    effects = chat.ask("alice", StopTransfer(9, 1, forget=True)) + chat.work_all()
    assert Done(9) in events(effects, "alice")
    assert not chat.store.uploads
    assert not chat.store.files
    assert not chat.files.files
    assert not chat.files.parts
    chat.upload("alice", name="again")


# -- failures -------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_before_the_first_byte_and_nothing_is_left() -> None:
    chat = FileScript("alice")
    chat.start("alice")
    chat.store_all()
    effects = chat.work(fails=True)
    no = the(Refused, effects, "alice")
    assert (no.code, no.retry_after) == (ErrorCode.STORE_FULL, RETRY_AFTER)
    chat.work_all()
    assert not chat.store.uploads
    chat.begin("alice")


def test_a_disk_that_fills_up_ends_the_transfer_and_what_came_is_kept() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice", BIG)
    chat.send("alice", ready, BIG)
    chat.work()
    ended = the(TransferEnded, chat.work(fails=True), "alice")
    assert (ended.transfer, ended.code, ended.retry_after) == (1, ErrorCode.STORE_FULL, RETRY_AFTER)
    assert events(chat.work_files(), "alice") == [], "it is told once"
    assert chat.begin("alice", BIG).offset == CHUNK_BYTES


def test_a_disk_that_fills_up_at_the_end_refuses_with_that_and_not_with_what_follows() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    assert the(Refused, chat.work(fails=True), "alice").code == ErrorCode.STORE_FULL
    assert chat.work_all() == []
    assert chat.begin("alice").offset == 0


def test_a_disk_that_cannot_finish_can_later() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.work_files()
    chat.ask("alice", FinishUpload(8, ready.upload))
    no = the(Refused, chat.work(fails=True), "alice")
    assert (no.id, no.code, no.retry_after) == (8, ErrorCode.STORE_FULL, RETRY_AFTER)
    ready = chat.begin("alice")
    assert ready.offset == len(SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    the(Uploaded, chat.work_all(), "alice")


def test_a_close_that_fails_is_a_close_too() -> None:
    chat = FileScript("alice")
    chat.begin("alice", BIG)
    chat.disconnect("alice")
    chat.work(fails=True)
    chat.login("alice")
    chat.begin("alice", BIG)


def test_what_is_not_what_was_announced_is_refused_and_nothing_is_left() -> None:
    chat = FileScript("alice", limits=Limits(files_per_guest=len(SMALL)))
    ready = chat.begin("alice")
    chat.ask("alice", SendChunk(ready.upload, 0, b"x" * len(SMALL)))
    chat.ask("alice", FinishUpload(8, ready.upload))
    no = the(Refused, chat.work_all(), "alice")
    assert no.code == ErrorCode.BAD_DIGEST
    assert sha256(SMALL).hex() in no.reason
    assert sha256(b"x" * len(SMALL)).hex() in no.reason
    assert not chat.store.uploads
    assert not chat.files.files
    chat.upload("alice")


def test_a_store_that_cannot_keep_the_row_begins_nothing() -> None:
    chat = FileScript("alice", limits=Limits(files_per_guest=len(SMALL)))
    chat.start("alice")
    effects = chat.fail_all()
    assert the(Refused, effects, "alice").code == ErrorCode.STORE_FULL
    assert not any(isinstance(job, OpenPart) for job in work_of(effects))
    chat.begin("alice")


def test_a_store_that_cannot_keep_the_file_costs_no_byte() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    chat.work_files()
    effects = chat.fail_all()
    assert the(Refused, effects, "alice").retry_after == 1.0
    assert work_of(effects) == []
    ready = chat.begin("alice")
    assert ready.offset == len(SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    the(Uploaded, chat.work_all(), "alice")


def test_a_row_that_could_not_be_dropped_is_dropped_later() -> None:
    chat = FileScript("alice")
    ready = chat.begin("alice")
    chat.ask("alice", StopTransfer(8, ready.upload, forget=True))
    assert work_of(chat.fail_all()) == []
    chat.tick()
    chat.work_all()
    assert not chat.store.uploads
    assert not chat.files.parts


# -- time and ends --------------------------------------------------------------------------------------------


def test_an_upload_that_nobody_goes_on_with_is_dropped_after_a_week() -> None:
    limits = Limits(guest_hold_seconds=1e9)
    chat = FileScript("alice", limits=limits)
    chat.begin("alice", BIG)
    chat.disconnect("alice")
    chat.work_all()
    chat.tick(7 * 86_400 - 60)
    chat.work_all()
    assert chat.store.uploads
    chat.tick(61)
    chat.work_all()
    assert not chat.store.uploads
    assert not chat.files.parts


def test_going_on_with_an_upload_keeps_it_for_another_week_also_over_a_restart() -> None:
    chat = FileScript("alice", limits=Limits(guest_hold_seconds=1e9))
    chat.begin("alice", BIG)
    chat.disconnect("alice")
    chat.tick(6 * 86_400)
    chat.login("alice")
    chat.begin("alice", BIG)
    chat = chat.again(limits=Limits(guest_hold_seconds=1e9))
    chat.tick(2 * 86_400)
    chat.work_all()
    assert chat.store.uploads


def test_an_upload_under_way_is_never_too_old() -> None:
    chat = FileScript("alice")
    chat.begin("alice", BIG)
    chat.tick(8 * 86_400)
    chat.work_all()
    assert chat.store.uploads


def test_a_guest_who_is_gone_for_good_leaves_no_upload_and_nothing_unposted() -> None:
    chat = FileScript("alice", "bob", limits=Limits(guest_hold_seconds=10))
    shared = chat.share("alice", 1)
    chat.upload("alice", b"not posted", "other")
    chat.begin("alice", BIG)
    chat.disconnect("alice")
    chat.work_all()
    chat.tick(11)
    chat.work_all()
    assert not chat.store.uploads
    assert [kept.file.id for kept in chat.store.files.values()] == [shared.id]
    assert chat.files.files == {sha256(SMALL): SMALL}
    assert chat.list_files("bob", LOBBY_ID, 1).name == "trip.mkv"


def test_a_guest_who_is_gone_while_its_file_is_stored_leaves_none() -> None:
    chat = FileScript("alice", limits=Limits(guest_hold_seconds=10))
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    chat.disconnect("alice")
    chat.work_files()
    chat.tick(11)
    chat.work_all()
    assert not chat.store.files
    assert not chat.files.files


def test_uploads_of_users_who_are_gone_are_dropped_at_the_start() -> None:
    chat = FileScript("alice")
    chat.begin("alice", BIG)
    del chat.store.users[1]
    chat = chat.again()
    chat.tick()
    chat.work_all()
    assert not chat.store.uploads
    assert not chat.files.parts


def test_who_is_banned_gets_no_more_credit() -> None:
    chat = FileScript("bob", "alice")
    board = chat.room("bob", "board")
    ready = chat.begin("alice", BIG, place=board)
    chat.send("alice", ready, BIG)
    chat.ask("bob", Moderate(9, Act.BAN, "alice", board))
    chat.store_all()
    effects = chat.work_all()
    assert the(TransferEnded, effects, "alice").code == ErrorCode.BANNED
    assert not any(isinstance(event, Credit) for event in events(effects, "alice"))
    assert ClosePart(1) in work_of(effects)

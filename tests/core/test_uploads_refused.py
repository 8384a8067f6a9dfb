"""Uploads that are refused, all before the first byte; and bytes that nobody has asked for."""

from random import Random

import pytest

from chatnet.core.effects import Close, FileWork, Pause
from chatnet.core.entries import Entry
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
)
from chatnet.core.limits import MIB, Limits
from chatnet.core.uploads import NAME_BYTES, SMALL_BYTES
from chatnet.errors import ErrorCode
from chatnet.events import Hello, Refused, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Act
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
from tests.core.filing import SMALL, FileScript, announce, asked, work_of
from tests.core.script import FAR, LOBBY_ID, Script, refusal, the
from tests.core.slow_files import sha256

BIG = Random(5).randbytes(3 * WINDOW_BYTES)


# -- refusals, all before the first byte ----------------------------------------------------------------------


def refused(chat: FileScript, request: StartUpload, session: str = "alice") -> Refused:
    """How an announcement is refused; the stores are not asked for anything."""
    effects = chat.ask(session, request)
    assert not any(isinstance(effect, FileWork | Entry) for effect in effects)
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

"""Uploads that are stopped, fail, grow old, or lose their user: what is kept, and that nothing else is."""

from random import Random

import pytest

from chatnet.core.effects import Reply
from chatnet.core.entries import DropUpload, PutUpload
from chatnet.core.file_jobs import (
    ClosePart,
    DropFile,
    DropPart,
    OpenPart,
)
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Credit, Done, Refused, TransferEnded, Uploaded, UploadReady
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Act
from chatnet.requests import (
    FinishUpload,
    Moderate,
    SendChunk,
    StopTransfer,
)
from tests.core.filing import SMALL, FileScript, only, work_of
from tests.core.script import LOBBY_ID, entries, events, refusal, the
from tests.core.slow_files import RETRY_AFTER, sha256

BIG = Random(5).randbytes(3 * WINDOW_BYTES)


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


def test_of_two_rows_for_the_same_the_newer_goes_on_after_a_restart() -> None:
    """One was forgotten, which could not be stored, and begun anew."""
    chat = FileScript("alice")
    chat.begin("alice", BIG)
    chat.store.uploads[2] = PutUpload(2, 1, LOBBY_ID, "trip.mkv", len(BIG), sha256(BIG), 0)
    chat.store.last_upload = 2
    chat = chat.again("alice")
    assert only(chat) == 2
    chat.begin("alice", BIG)
    assert only(chat) == 2


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

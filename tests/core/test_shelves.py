"""Files that are there: for how long, over restarts, and whoever is gone."""

from chatnet.auth.tokens import hash_token
from chatnet.core.effects import Close, FileWork
from chatnet.core.entries import DropShared, PutToken
from chatnet.core.file_jobs import Collect, DropFile
from chatnet.core.limits import Limits
from chatnet.core.retention import Keep
from chatnet.errors import ErrorCode
from chatnet.events import (
    Ack,
    FileRemoved,
    Refused,
    Uploaded,
)
from chatnet.model import Act, Kind, Scope
from chatnet.requests import (
    DropAccount,
    FinishUpload,
    GrantCredit,
    Post,
    RemoveFile,
)
from tests.core.filing import SMALL, FileScript, accounts, listed, nack, work_of
from tests.core.proving import token, token_login
from tests.core.script import LOBBY_ID, entries, events, refusal, the
from tests.core.slow_files import sha256

DAY = 86_400.0


# -- time -----------------------------------------------------------------------------------------------------


def test_what_nobody_posts_is_removed_after_a_day() -> None:
    chat = FileScript("alice", limits=Limits(files_per_guest=2 * len(SMALL)))
    file = chat.upload("alice")
    chat.share("alice", 1, name="shared")
    chat.tick(DAY - 1)
    assert chat.work_all() == []
    chat.tick(61)
    chat.work_all()
    assert [kept.file.name for kept in chat.store.files.values()] == ["shared"]
    assert nack(chat, "alice", Post(2, LOBBY_ID, "", Kind.FILE, file=file.id)) == ErrorCode.NO_SUCH_FILE
    chat.upload("alice")


def test_what_is_being_posted_is_not_removed() -> None:
    chat = FileScript("alice")
    file = chat.upload("alice")
    chat.post("alice", 1, file)
    chat.submit()
    chat.tick(DAY + 60)
    chat.work_all()
    assert listed(chat, "alice") == ["trip.mkv"]


def test_files_go_with_the_messages_that_shared_them() -> None:
    chat = FileScript("alice", keep=Keep(everywhere=3600.0), limits=Limits(files_per_guest=3 * len(SMALL)))
    chat.share("alice", 1, name="old")
    chat.seconds += 3000
    chat.share("alice", 2, name="new")
    chat.tick(1000)
    effects = chat.store_all()
    assert entries(effects) == [DropShared(1)]
    assert listed(chat, "alice") == ["new"]
    assert work_of(chat.work_all()) == [], "the new one has the same content"
    chat.tick(3600)
    chat.work_all()
    assert chat.files.files == {}
    assert chat.store.files == {}


def test_a_row_that_could_not_be_dropped_keeps_its_content_until_it_is() -> None:
    chat = FileScript("alice")
    chat.upload("alice")
    chat.tick(DAY + 60)
    assert work_of(chat.fail_all()) == []
    chat.tick(1)
    assert work_of(chat.store_all()) == [DropFile(sha256(SMALL))]


def test_a_personal_chat_that_nobody_is_left_in_takes_its_files_along() -> None:
    chat = FileScript("alice", "bob", limits=Limits(guest_hold_seconds=10))
    talk = chat.chat("alice", "bob")
    chat.share("alice", 1, place=talk)
    chat.upload("alice", b"not posted", place=talk)
    chat.begin("bob", b"not sent", place=talk)
    chat.disconnect("alice")
    chat.disconnect("bob")
    chat.tick(11)
    chat.work_all()
    assert (chat.store.files, chat.store.uploads, chat.files.files, chat.files.parts) == ({}, {}, {}, {})


def test_a_personal_chat_stays_unused_only_as_long_as_nobody_uploads_into_it() -> None:
    chat = FileScript("alice", "bob", "carol", limits=Limits(unused_chats=0))
    talk = chat.chat("alice", "bob")
    file = chat.upload("alice", place=talk)
    chat.tick()
    chat.work_all()
    chat.post("alice", 1, file)
    the(Ack, chat.store_all(), "alice")


# -- restarts -------------------------------------------------------------------------------------------------


def test_files_are_there_after_a_restart_and_everything_else_is_collected() -> None:
    chat = FileScript("alice")
    file = chat.share("alice", 1)
    unposted = chat.upload("alice", b"2")
    chat.begin("alice", b"3")
    chat.files.files[sha256(b"stray")] = b"stray"
    chat.files.parts[99] = bytearray(b"stray")
    chat = chat.again("alice")
    sizes = {sha256(SMALL): len(SMALL), sha256(b"2"): 1}
    assert chat.first[0] == FileWork(Collect(frozenset({3}), sizes, frozenset({sha256(b"3")}))), "3 is not missing"
    assert chat.files.files == {sha256(SMALL): SMALL, sha256(b"2"): b"2"}
    assert set(chat.files.parts) == {3}
    assert chat.list_files("alice", LOBBY_ID, 1) == file
    chat.post("alice", 2, unposted)
    chat.store_all()
    assert len(listed(chat, "alice")) == 2
    assert chat.upload("alice", b"4").id == 3, "no number is given out twice"


def test_quotas_are_counted_again_at_the_start() -> None:
    chat = FileScript("alice")
    chat.share("alice", 1)
    chat.begin("alice", b"2")
    chat = chat.again("alice", limits=Limits(files_per_guest=len(SMALL) + 1))
    assert refusal(chat.start("alice", b"3")) == ErrorCode.QUOTA
    chat.begin("alice", b"2")


def test_files_of_forgotten_messages_are_dropped_at_the_start() -> None:
    chat = FileScript("alice")
    chat.share("alice", 1)
    chat.said("alice", 2)
    chat.store.first[LOBBY_ID] = 2
    chat = chat.again("alice")
    assert entries(chat.first) == [DropShared(1)]
    assert chat.files.files == {}
    assert listed(chat, "alice") == []


def test_files_of_a_chat_without_anybody_go_with_it() -> None:
    chat = FileScript("alice", "bob")
    talk = chat.chat("alice", "bob")
    chat.share("alice", 1, place=talk)
    chat.store.users.clear()
    chat = chat.again()
    chat.tick()
    chat.work_all()
    assert (chat.store.files, chat.files.files) == ({}, {})


def test_a_file_that_the_server_has_lost_is_listed_and_cannot_be_fetched() -> None:
    chat = FileScript("alice")
    file = chat.share("alice", 1)
    chat.files.files.clear()
    chat = chat.again("alice")
    assert listed(chat, "alice") == ["trip.mkv"]
    effects = chat.fetch("alice", file.id)
    assert refusal(effects) == ErrorCode.NO_SUCH_FILE
    assert "lost" in the(Refused, effects, "alice").reason
    ready = chat.begin("alice")
    chat.send("alice", ready, SMALL)
    chat.ask("alice", FinishUpload(8, ready.upload))
    the(Uploaded, chat.work_all(), "alice")
    chat.fetch("alice", file.id)
    assert chat.drain("alice"), "the same content came again"


# -- accounts -------------------------------------------------------------------------------------------------


def test_admins_remove_any_file_also_in_chats_that_they_cannot_read() -> None:
    chat = accounts()
    talk = chat.chat("bert", "cleo")
    file = chat.share("bert", 1, place=talk)
    assert refusal(chat.fetch("ada", file.id)) == ErrorCode.NO_SUCH_FILE
    chat.ask("ada", RemoveFile(8, file.id))
    assert events(chat.store_all(), "cleo") == [FileRemoved(talk, file.id, 1)]
    (deed,) = chat.store.deeds
    assert (deed.actor_name, deed.act, deed.subject, deed.conversation) == ("ada", Act.REMOVE_FILE, "bert", 0)


def test_an_account_that_is_removed_leaves_what_it_has_shared() -> None:
    chat = accounts()
    chat.share("bert", 1)
    chat.upload("bert", b"not posted")
    chat.begin("bert", b"not sent")
    chat.ask("ada", DropAccount(9, "bert"))
    chat.work_all()
    assert listed(chat, "cleo") == ["trip.mkv"]
    assert not chat.store.uploads
    assert chat.files.files == {sha256(SMALL): SMALL}


def test_a_token_to_send_sends_files_and_fetches_none() -> None:
    chat = accounts(PutToken(9, 2, hash_token(token("s")), "", Scope.SEND, 0, 0))
    token_login(chat, "s", token("s"))
    file = chat.upload("s")
    chat.post("s", 1, file)
    the(Ack, chat.work_all(), "s")
    assert refusal(chat.fetch("s", file.id)) == ErrorCode.FORBIDDEN
    assert isinstance(chat.ask("s", GrantCredit(9, 9))[-1], Close)

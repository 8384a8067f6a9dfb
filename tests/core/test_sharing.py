"""Files as they are shared: by posts, told with their messages, listed, removed."""

import pytest

from chatnet.core.attaching import FILE_BYTES
from chatnet.core.effects import Read
from chatnet.core.entries import CheckMessage, DropShared, Found, PutMessage, SearchMessages
from chatnet.core.file_jobs import DropFile
from chatnet.core.limits import KIB, Limits
from chatnet.errors import ErrorCode
from chatnet.events import (
    Ack,
    Deliver,
    Done,
    FilePage,
    FileRemoved,
    HistoryPage,
    Nack,
    Refused,
    SearchPage,
)
from chatnet.model import Act, Kind, SharedFile
from chatnet.requests import (
    ChangeRoom,
    Follow,
    GetHistory,
    ListFiles,
    Moderate,
    Post,
    RemoveFile,
    Search,
)
from chatnet.wire.codec import encode
from tests.core.filing import SMALL, FileScript, listed, nack, work_of
from tests.core.script import LOBBY_ID, Script, entries, events, refusal, the
from tests.core.slow_files import sha256

DAY = 86_400.0


# -- posts ----------------------------------------------------------------------------------------------------


def test_a_file_is_told_with_the_message_that_shares_it() -> None:
    chat = FileScript("alice", "bob")
    chat.join("alice", "bob")
    file = chat.upload("alice")
    entry = entries(chat.post("alice", 1, file, "from the trip"))[-1]
    assert isinstance(entry, PutMessage)
    assert (entry.kind, entry.file, entry.body) == (Kind.FILE, file.id, "from the trip")
    effects = chat.store_all()
    (message,) = the(Deliver, effects, "bob").messages
    assert (message.kind, message.body) == (Kind.FILE, "from the trip")
    assert message.file == SharedFile(
        file.id, LOBBY_ID, 1, "trip.mkv", len(SMALL), sha256(SMALL), 1, "alice", file.time
    )
    assert the(Ack, effects, "alice").seq == 1


def test_a_file_needs_no_text() -> None:
    chat = FileScript("alice")
    chat.post("alice", 1, chat.upload("alice"), "")
    the(Ack, chat.store_all(), "alice")


def test_only_an_own_file_of_that_conversation_that_is_not_shared_yet_can_be_posted() -> None:
    chat = FileScript("alice", "bob")
    talk = chat.chat("alice", "bob")
    here, there = chat.upload("alice"), chat.upload("alice", b"2", place=talk)
    assert nack(chat, "bob", Post(1, LOBBY_ID, "", Kind.FILE, file=here.id)) == ErrorCode.NO_SUCH_FILE
    assert nack(chat, "alice", Post(1, LOBBY_ID, "", Kind.FILE, file=there.id)) == ErrorCode.NO_SUCH_FILE
    assert nack(chat, "alice", Post(2, LOBBY_ID, "", Kind.FILE, file=99)) == ErrorCode.NO_SUCH_FILE
    chat.post("alice", 3, here)
    assert nack(chat, "alice", Post(4, LOBBY_ID, "", Kind.FILE, file=here.id)) == ErrorCode.BAD_REQUEST, "under way"
    assert nack(chat, "alice", Post(5, LOBBY_ID, "", Kind.FILE, file=here.id)) == ErrorCode.BAD_REQUEST, "shared"


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.ACTION, Kind.ASK, Kind.ANSWER])
def test_no_message_of_another_kind_shares_a_file(kind: Kind) -> None:
    chat = FileScript("alice")
    chat.said("alice", 1)
    file = chat.upload("alice")
    assert nack(chat, "alice", Post(2, LOBBY_ID, "hi", kind, 1, file.id)) == ErrorCode.BAD_REQUEST


def test_the_same_post_once_more_is_answered_as_the_first_time() -> None:
    chat = FileScript("alice")
    file = chat.upload("alice")
    chat.post("alice", 1, file)
    chat.login("again", "alice", secret="alice", device="alice")
    assert isinstance(entries(chat.post("again", 1, file))[-1], CheckMessage), "the first one is still under way"
    effects = chat.store_all()
    assert the(Ack, effects, "alice").seq == the(Ack, effects, "again").seq == 1
    assert isinstance(entries(chat.post("again", 1, file))[-1], CheckMessage)
    assert the(Ack, chat.store_all(), "again").seq == 1


def test_a_post_that_was_not_stored_can_be_sent_again() -> None:
    chat = FileScript("alice")
    file = chat.upload("alice")
    chat.post("alice", 1, file)
    assert the(Nack, chat.fail_all(), "alice").retry_after == 1.0
    chat.post("alice", 1, file)
    assert the(Ack, chat.store_all(), "alice").seq == 1


def test_a_duplicate_of_another_message_shares_nothing() -> None:
    chat = FileScript("alice")
    chat.said("alice", 1)
    file = chat.upload("alice")
    chat.post("alice", 1, file)
    assert the(Ack, chat.store_all(), "alice").seq == 1
    assert listed(chat, "alice") == []
    chat.post("alice", 2, file)
    chat.store_all()
    assert listed(chat, "alice") == ["trip.mkv"]


def test_a_server_without_files_refuses_to_share_one() -> None:
    chat = FileScript("alice")
    file = chat.share("alice", 1)
    plain = Script("alice")
    plain.ask("alice", Post(1, LOBBY_ID, "", Kind.FILE, file=file.id))
    assert the(Nack, plain.store_all(), "alice").code == ErrorCode.UNSUPPORTED


# -- messages leave with their files --------------------------------------------------------------------------


def test_history_shows_files_as_they_are_now() -> None:
    chat = FileScript("alice")
    chat.said("alice", 1)
    file = chat.share("alice", 2)
    chat.said("alice", 3)

    def history() -> HistoryPage:
        chat.ask("alice", GetHistory(7, LOBBY_ID))
        return the(HistoryPage, chat.read_page(), "alice")

    assert [message.file for message in history().messages] == [None, file, None]
    chat.ask("alice", RemoveFile(8, file.id))
    chat.work_all()
    assert [(message.kind, message.file) for message in history().messages][1] == (Kind.FILE, None)


@pytest.mark.parametrize("is_busy", [True, False], ids=["from the tail", "from the store"])
def test_who_catches_up_gets_files_too(is_busy: bool) -> None:
    chat = FileScript("alice", "bob")
    talk = chat.chat("alice", "bob")
    chat.said("alice", 1, conversation=talk)
    file = chat.share("alice", 2, place=talk)
    if not is_busy:
        chat.tick(60)
    effects = chat.ask("bob", Follow(7, talk, 0))
    if not is_busy:
        effects = chat.read_page()
    assert [message.file for message in the(Deliver, effects, "bob").messages] == [None, file]


def test_pages_of_messages_with_files_fit_into_a_frame() -> None:
    chat = FileScript("bob", limits=Limits(request_burst=1e9, post_burst=1e9))
    chat.login("alice", "a" * 32, display="\N{WAVING HAND SIGN}" * 40)
    talk = chat.chat("alice", "bob")
    for n in range(1, 201):
        chat.share("alice", n, f"{n}".encode(), "é" * 127, talk)
    chat.ask("bob", GetHistory(7, talk, limit=1000))
    page = chat.read_page()
    assert 60 < len(the(HistoryPage, page, "bob").messages) < 100
    assert len(encode(the(HistoryPage, page, "bob"))) < 64 * KIB
    chat.tick(60)
    chat.ask("bob", Follow(7, talk, 0))
    for event in events(chat.read_page(), "bob"):
        assert len(encode(event)) < 64 * KIB
    assert len(encode(the(FilePage, chat.ask("bob", ListFiles(7, talk)), "bob"))) < 64 * KIB


def test_a_file_has_the_size_that_pages_count_with() -> None:
    big = 2**53
    file = SharedFile(2**62, 2**62, 2**62, "x" * 255, big, b"d" * 32, 2**62, "n" * 32, 2**62, 2**62)
    assert len(encode(FilePage(1, [file]))) < FILE_BYTES


def test_what_is_found_by_its_words_has_its_file() -> None:
    chat = FileScript("alice")
    file = chat.share("alice", 1)
    (read,) = [effect for effect in chat.ask("alice", Search(7, "trip")) if isinstance(effect, Read)]
    assert isinstance(read.query, SearchMessages)
    found = Found(read.query, [(LOBBY_ID, chat.store.log[LOBBY_ID][0], 1)], 0)
    (hit,) = the(SearchPage, chat.take(chat.hub.completed(found, chat.now)), "alice").hits
    assert hit.message.file == file


# -- lists ----------------------------------------------------------------------------------------------------


def test_files_are_listed_newest_first_once_they_are_shared() -> None:
    chat = FileScript("alice", "bob")
    talk = chat.chat("alice", "bob")
    chat.share("alice", 1, b"1", "one")
    chat.share("alice", 2, b"2", "two", talk)
    chat.share("alice", 3, b"3", "three")
    chat.upload("alice", b"4", "not yet")
    assert listed(chat, "bob") == ["three", "two", "one"]
    assert listed(chat, "bob", LOBBY_ID) == ["three", "one"]
    assert listed(chat, "bob", talk) == ["two"]


def test_lists_come_in_pages() -> None:
    chat = FileScript("alice", limits=Limits(page=3 * FILE_BYTES))
    for n in range(1, 8):
        chat.share("alice", n, f"{n}".encode(), f"{n}")
    for place in (0, LOBBY_ID):
        pages = []
        cursor = 0
        while True:
            page = the(FilePage, chat.ask("alice", ListFiles(7, place, cursor)), "alice")
            pages.append([file.name for file in page.files])
            cursor = page.next
            if not cursor:
                break
        assert pages == [["7", "6", "5"], ["4", "3", "2"], ["1"]]


def test_nobody_is_shown_files_of_what_he_may_not_read() -> None:
    chat = FileScript("alice", "bob", "carol")
    board = chat.room("alice", "board")
    talk = chat.chat("alice", "bob")
    chat.share("alice", 1, b"1", "on the board", board)
    chat.share("alice", 2, b"2", "between us", talk)
    assert listed(chat, "carol") == ["on the board"]
    assert refusal(chat.ask("carol", ListFiles(7, talk))) == ErrorCode.NO_SUCH_CONVERSATION
    chat.ask("alice", ChangeRoom(9, board, private=True))
    chat.store_all()
    assert listed(chat, "carol") == []
    assert refusal(chat.ask("carol", ListFiles(7, board))) == ErrorCode.NO_SUCH_CONVERSATION
    chat.ask("alice", Moderate(9, Act.INVITE, "carol", board))
    chat.store_all()
    assert listed(chat, "carol") == ["on the board"]
    chat.join("carol", room="board")
    chat.store_all()
    chat.ask("alice", Moderate(9, Act.KICK, "carol", board))
    chat.store_all()
    assert listed(chat, "carol") == []


# -- removal --------------------------------------------------------------------------------------------------


def test_who_has_shared_a_file_removes_it_for_all() -> None:
    chat = FileScript("alice", "bob", limits=Limits(files_per_guest=len(SMALL)))
    chat.join("alice", "bob")
    file = chat.share("alice", 1)
    effects = chat.ask("alice", RemoveFile(8, file.id))
    assert effects == [DropShared(file.id)], "no line of the audit log: it is one's own"
    assert listed(chat, "bob") == ["trip.mkv"], "nothing is seen before it is stored"
    effects = chat.store_all()
    assert the(FileRemoved, effects, "bob") == FileRemoved(LOBBY_ID, file.id, 1)
    assert events(effects, "alice") == [FileRemoved(LOBBY_ID, file.id, 1), Done(8)]
    assert work_of(effects) == [DropFile(sha256(SMALL))]
    assert listed(chat, "bob") == []
    assert refusal(chat.ask("alice", RemoveFile(8, file.id))) == ErrorCode.NO_SUCH_FILE
    chat.upload("alice", name="there is room again")


def test_a_content_stays_as_long_as_somebody_has_a_file_of_it() -> None:
    chat = FileScript("alice", "bob")
    first, second = chat.share("alice", 1), chat.share("bob", 1, name="mine")
    chat.ask("alice", RemoveFile(8, first.id))
    assert work_of(chat.work_all()) == []
    chat.ask("bob", RemoveFile(8, second.id))
    assert work_of(chat.work_all()) == [DropFile(sha256(SMALL))]


def test_a_removal_that_cannot_be_stored_changes_nothing() -> None:
    chat = FileScript("alice")
    file = chat.share("alice", 1)
    chat.ask("alice", RemoveFile(8, file.id))
    assert refusal(chat.ask("alice", RemoveFile(9, file.id))) == ErrorCode.RETRY_AFTER
    assert events(chat.fail_all(), "alice") == [Refused(8, ErrorCode.STORE_FULL, "the disk is full", 1.0)]
    assert listed(chat, "alice") == ["trip.mkv"]
    chat.ask("alice", RemoveFile(8, file.id))
    chat.work_all()
    assert listed(chat, "alice") == []


def test_a_file_that_is_being_removed_cannot_be_posted_and_one_that_is_being_posted_can_be_removed() -> None:
    chat = FileScript("alice", "bob")
    chat.join("alice", "bob")
    file = chat.upload("alice")
    chat.post("alice", 1, file)
    chat.ask("alice", RemoveFile(8, file.id))
    assert nack(chat, "alice", Post(2, LOBBY_ID, "", Kind.FILE, file=file.id)) == ErrorCode.NO_SUCH_FILE
    assert listed(chat, "bob") == []
    other = chat.upload("alice", b"2")
    chat.post("alice", 3, other)
    chat.ask("alice", RemoveFile(8, other.id))
    effects = chat.store_all()
    told = [event for event in events(effects, "bob") if isinstance(event, Deliver | FileRemoved)]
    assert [type(event) for event in told] == [Deliver, FileRemoved]


def test_a_file_that_is_over_for_another_reason_while_it_is_being_removed_is_over() -> None:
    chat = FileScript("alice")
    file = chat.upload("alice")
    chat.ask("alice", RemoveFile(8, file.id))
    chat.submit()
    chat.tick(DAY + 60)
    assert events(chat.store_one(), "alice") == [Done(8)]
    chat.work_all()
    assert (chat.store.files, chat.files.files) == ({}, {})


def test_those_who_keep_order_remove_files_and_the_audit_log_says_so() -> None:
    chat = FileScript("owner", "alice", "bob")
    board = chat.room("owner", "board")
    file = chat.share("alice", 1, place=board)
    assert refusal(chat.ask("bob", RemoveFile(8, file.id))) == ErrorCode.FORBIDDEN
    chat.ask("owner", RemoveFile(8, file.id))
    chat.store_all()
    (deed,) = chat.store.deeds
    assert (deed.actor_name, deed.act, deed.subject) == ("owner", Act.REMOVE_FILE, "alice")
    assert (deed.conversation, deed.detail) == (board, f"file {file.id}: trip.mkv")


def test_nobody_removes_what_he_may_not_see_and_who_shared_it_always_may() -> None:
    chat = FileScript("alice", "bob", "carol")
    talk = chat.chat("alice", "bob")
    board = chat.room("bob", "board")
    file = chat.share("alice", 1, place=talk)
    assert refusal(chat.ask("carol", RemoveFile(8, file.id))) == ErrorCode.NO_SUCH_FILE
    assert refusal(chat.ask("bob", RemoveFile(8, file.id))) == ErrorCode.FORBIDDEN
    assert refusal(chat.ask("carol", RemoveFile(8, 99))) == ErrorCode.NO_SUCH_FILE
    unposted = chat.upload("alice", b"2")
    assert refusal(chat.ask("bob", RemoveFile(8, unposted.id))) == ErrorCode.NO_SUCH_FILE
    mine = chat.share("alice", 2, b"3", place=board)
    chat.ask("bob", Moderate(9, Act.BAN, "alice", board))
    chat.store_all()
    assert Done(8) in events(chat.ask("alice", RemoveFile(8, mine.id)) + chat.work_all(), "alice")
    effects = chat.ask("alice", RemoveFile(8, unposted.id)) + chat.work_all()
    assert not any(isinstance(event, FileRemoved) for event in events(effects, "bob"))

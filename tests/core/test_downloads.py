"""Downloads: piece by piece, as fast as the client takes them, and only to who may read at that moment."""

from collections.abc import Callable
from random import Random

import pytest

from chatnet.core.effects import Bulk, Close, FileWork, Pause, Reply
from chatnet.core.entries import PutFile
from chatnet.core.file_jobs import DropFile, ReadFile
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Done, DownloadReady, FileChunk, Refused, TransferEnded
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Act, SharedFile
from chatnet.requests import ChangeRoom, GrantCredit, Moderate, Part, RemoveFile, StartDownload, StopTransfer
from tests.core.filing import SMALL, FileScript, accounts, chunks, work_of
from tests.core.script import LOBBY_ID, entries, events, refusal, the
from tests.core.slow_files import RETRY_AFTER, sha256

CONTENT = Random(7).randbytes(WINDOW_BYTES - 1000)
"""As much as may be on its way at once, nearly: five pieces."""


def play(place: str = "", content: bytes = CONTENT) -> tuple[FileScript, SharedFile]:
    """Alice has shared a file in the lobby, or in a room of her own; Bob is there."""
    chat = FileScript("alice", "bob")
    where = chat.room("alice", place) if place else LOBBY_ID
    return chat, chat.share("alice", 1, content, place=where)


def bytes_of(pieces: list[FileChunk]) -> bytes:
    """What came, which must be in one piece."""
    content = b""
    for piece in pieces:
        assert piece.offset == pieces[0].offset + len(content)
        assert len(piece.data) <= CHUNK_BYTES
        content += piece.data
    return content


# -- the straight way -----------------------------------------------------------------------------------------


def test_a_file_comes_piece_by_piece_and_is_read_only_as_fast_as_it_goes_out() -> None:
    chat, file = play()
    effects = chat.fetch("bob", file.id)
    reads = [ReadFile(file.digest, n * CHUNK_BYTES, CHUNK_BYTES) for n in (0, 1)]
    assert effects[0] == Reply("bob", DownloadReady(8, 1, file))
    assert [(job.digest, job.offset, job.length) for job in work_of(effects) if isinstance(job, ReadFile)] == [
        (job.digest, job.offset, job.length) for job in reads
    ]
    assert chat.work() == [Bulk("bob", FileChunk(1, 0, CONTENT[:CHUNK_BYTES]))]
    assert chat.work() == [], "one piece with the network, and one at hand"
    effects = chat.sent("bob")
    assert effects[0] == Bulk("bob", FileChunk(1, CHUNK_BYTES, CONTENT[CHUNK_BYTES : 2 * CHUNK_BYTES]))
    assert [type(effect) for effect in effects[1:]] == [FileWork]
    assert bytes_of(chunks(effects + chat.drain("bob"), "bob")) == CONTENT[CHUNK_BYTES:]


def test_a_download_goes_on_from_any_byte() -> None:
    chat, file = play()
    chat.fetch("bob", file.id, 100_001)
    assert bytes_of(chunks(chat.drain("bob"), "bob")) == CONTENT[100_001:]


def test_nothing_comes_beyond_the_credit() -> None:
    chat, file = play()
    chat.ask("bob", StartDownload(8, file.id, 0, 70_000))
    assert bytes_of(chunks(chat.drain("bob"), "bob")) == CONTENT[:70_000]
    assert chat.ask("bob", GrantCredit(1, 60_000)) == [], "less than before is no credit"
    effects = chat.ask("bob", GrantCredit(1, 70_000 + WINDOW_BYTES)) + chat.drain("bob")
    assert bytes_of(chunks(effects, "bob")) == CONTENT[70_000:]


def test_an_empty_file_is_there_at_once() -> None:
    chat, file = play(content=b"")
    effects = chat.fetch("bob", file.id)
    assert effects == [Reply("bob", DownloadReady(8, 1, file))]
    assert chat.list_files("bob", LOBBY_ID, 1).fetched == 1
    for _ in range(5):
        chat.fetch("bob", file.id)


def test_transfers_of_a_session_take_turns() -> None:
    chat = FileScript("alice", "bob")
    first, second = chat.share("alice", 1, CONTENT), chat.share("alice", 2, CONTENT[:-1], "other")
    chat.fetch("bob", first.id)
    chat.fetch("bob", second.id)
    order = [piece.download for piece in chunks(chat.drain("bob"), "bob")]
    assert order == [1, 1, 1, 2, 1, 2, 1, 2, 2, 2], "two were asked for before there was a second file"


def test_a_slow_reader_costs_two_pieces_however_many_files_it_fetches() -> None:
    chat = FileScript("alice", "bob")
    files = [chat.share("alice", n, CONTENT[n:], str(n)) for n in range(1, 5)]
    reads = [job for file in files for job in work_of(chat.fetch("bob", file.id))]
    assert len(reads) == 2
    assert work_of(chat.work_files()) == []
    assert work_of(chat.tick(60)) == []


# -- counting -------------------------------------------------------------------------------------------------


def test_a_file_counts_as_fetched_when_its_last_piece_is_sent() -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    chat.work_files()
    while "bob" in chat.unsent:
        assert chat.list_files("bob", LOBBY_ID, 1).fetched == 0
        chat.sent("bob")
        chat.work_files()
    assert chat.list_files("bob", LOBBY_ID, 1).fetched == 1
    assert chat.ask("bob", StopTransfer(8, 1)) == [Reply("bob", Done(8))], "it has ended"


def test_who_asks_only_for_the_end_is_not_counted_again() -> None:
    chat, file = play(content=SMALL)
    chat.fetch("bob", file.id, len(SMALL))
    assert chat.list_files("bob", LOBBY_ID, 1).fetched == 0


def test_the_store_is_told_of_fetches_now_and_then() -> None:
    chat, file = play(content=SMALL)
    chat.tick(60)
    chat.work_all()
    for _ in range(3):
        chat.fetch("bob", file.id)
        chat.drain("bob")
    assert entries(chat.tick(59)) == []
    (entry,) = entries(chat.tick(1))
    assert isinstance(entry, PutFile)
    assert (entry.id, entry.fetched) == (file.id, 3)
    chat.store_all()
    assert entries(chat.tick(61)) == []
    assert chat.again("bob").list_files("bob", LOBBY_ID, 1).fetched == 3


def test_a_removed_file_does_not_come_back_by_being_counted() -> None:
    chat, file = play(content=SMALL)
    chat.fetch("bob", file.id)
    chat.drain("bob")
    chat.ask("alice", RemoveFile(8, file.id))
    chat.tick(61)
    chat.work_all()
    assert chat.store.files == {}


def test_a_file_that_could_not_be_removed_is_counted_after_all() -> None:
    chat, file = play(content=SMALL)
    chat.fetch("bob", file.id)
    chat.drain("bob")
    chat.ask("alice", RemoveFile(8, file.id))
    chat.tick(61)
    chat.fail_all()
    chat.tick(61)
    chat.work_all()
    assert chat.store.files[file.id].file.fetched == 1


# -- refusals -------------------------------------------------------------------------------------------------


def test_nobody_fetches_what_he_may_not_read_or_what_is_not_shared() -> None:
    chat = FileScript("alice", "bob", "carol")
    talk = chat.chat("alice", "bob")
    file, unposted = chat.share("alice", 1, place=talk), chat.upload("alice", b"2")
    for session, id in [("carol", file.id), ("carol", 99), ("bob", unposted.id), ("alice", unposted.id)]:
        assert refusal(chat.fetch(session, id)) == ErrorCode.NO_SUCH_FILE
    chat.fetch("bob", file.id)
    assert bytes_of(chunks(chat.drain("bob"), "bob")) == SMALL


def test_who_is_banned_is_told_so_and_who_is_out_of_a_private_room_is_told_nothing() -> None:
    chat, file = play("board")
    board = file.conversation
    chat.ask("alice", Moderate(9, Act.BAN, "bob", board))
    chat.store_all()
    assert refusal(chat.fetch("bob", file.id)) == ErrorCode.BANNED
    chat.ask("alice", Moderate(9, Act.UNBAN, "bob", board))
    chat.ask("alice", ChangeRoom(9, board, private=True))
    chat.store_all()
    assert refusal(chat.fetch("bob", file.id)) == ErrorCode.NO_SUCH_FILE


@pytest.mark.parametrize(
    ("offset", "until"), [(len(SMALL) + 1, 0), (0, WINDOW_BYTES + 1), (5, WINDOW_BYTES + 6)], ids=str
)
def test_places_that_make_no_sense_are_refused(offset: int, until: int) -> None:
    chat, file = play(content=SMALL)
    effects = chat.ask("bob", StartDownload(8, file.id, offset, until))
    assert refusal(effects) == ErrorCode.BAD_REQUEST


def test_downloads_count_among_the_transfers_of_a_connection_and_of_the_server() -> None:
    chat = FileScript("alice", "bob", limits=Limits(transfers=3, transfers_per_session=2))
    file = chat.share("alice", 1, CONTENT)
    chat.fetch("bob", file.id)
    chat.begin("bob", SMALL)
    effects = chat.fetch("bob", file.id)
    assert refusal(effects) == ErrorCode.TOO_MANY_TRANSFERS
    assert the(Refused, effects, "bob").retry_after > 0
    chat.fetch("alice", file.id)
    chat.login("carol")
    assert refusal(chat.fetch("carol", file.id)) == ErrorCode.TOO_MANY_TRANSFERS
    chat.disconnect("bob")
    chat.work_all()
    chat.fetch("carol", file.id)


@pytest.mark.parametrize(
    "credit",
    [GrantCredit(1, WINDOW_BYTES + 1), GrantCredit(2, 10), GrantCredit(0, 10)],
    ids=["more than may be on its way", "a number that was never given out", "no number"],
)
def test_credit_that_makes_no_sense_ends_the_connection(credit: GrantCredit) -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    last = chat.ask("bob", credit)[-1]
    assert isinstance(last, Close)
    assert last.code == ErrorCode.BAD_REQUEST


def test_credit_for_an_upload_ends_the_connection() -> None:
    chat = FileScript("alice")
    chat.begin("alice")
    assert isinstance(chat.ask("alice", GrantCredit(1, 10))[-1], Close)


def test_credit_for_next_to_nothing_is_rationed_as_a_request() -> None:
    chat = FileScript("alice", "bob", limits=Limits(request_burst=4.0))
    file = chat.share("alice", 1, CONTENT)
    chat.seconds += 10
    chat.ask("bob", StartDownload(8, file.id, 0, 0))
    effects = [e for n in range(1, 9) for e in chat.ask("bob", GrantCredit(1, n * 5000)) + chat.drain("bob")]
    assert not any(isinstance(effect, Pause) for effect in effects)
    effects = [e for n in range(1, 9) for e in chat.ask("bob", GrantCredit(1, 40_000 + n)) + chat.drain("bob")]
    assert any(isinstance(effect, Pause) for effect in effects)


# -- ends -----------------------------------------------------------------------------------------------------


def make_private(chat: FileScript, place: int, file: int) -> None:
    chat.ask("alice", ChangeRoom(9, place, private=True))


def ban(chat: FileScript, place: int, file: int) -> None:
    chat.ask("alice", Moderate(9, Act.BAN, "bob", place))


def remove(chat: FileScript, place: int, file: int) -> None:
    chat.ask("alice", RemoveFile(9, file))


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (make_private, ErrorCode.NO_SUCH_CONVERSATION),
        (ban, ErrorCode.BANNED),
        (remove, ErrorCode.NO_SUCH_FILE),
    ],
)
@pytest.mark.parametrize("is_read", [True, False])
def test_who_may_not_read_any_more_gets_only_what_the_network_has(
    act: Callable[[FileScript, int, int], None], code: str, is_read: bool
) -> None:
    chat, file = play("board")
    chat.fetch("bob", file.id)
    chat.work()
    if is_read:
        chat.work()
    act(chat, file.conversation, file.id)
    chat.store_all()
    effects = chat.sent("bob") + chat.work_files()
    assert the(TransferEnded, effects, "bob").code == code
    assert chunks(effects, "bob") == []
    assert "bob" not in chat.unsent
    assert chat.ask("bob", GrantCredit(1, len(CONTENT))) == [], "it was under way"


@pytest.mark.parametrize("is_put_out", [True, False])
def test_leaving_a_private_room_ends_a_download_from_it(is_put_out: bool) -> None:
    chat = accounts()
    board = chat.room("ada", "board")
    file = chat.share("ada", 1, CONTENT, place=board)
    chat.join("bert", room="board")
    chat.store_all()
    chat.ask("ada", ChangeRoom(9, board, private=True))
    chat.store_all()
    chat.fetch("bert", file.id)
    chat.work()
    if is_put_out:
        chat.ask("ada", Moderate(9, Act.KICK, "bert", board))
    else:
        chat.ask("bert", Part(9, board))
    chat.store_all()
    effects = chat.sent("bert") + chat.work_files()
    assert the(TransferEnded, effects, "bert").code == ErrorCode.NO_SUCH_CONVERSATION
    assert chunks(effects, "bert") == []


def test_who_waits_for_nothing_is_told_with_the_next_tick_that_it_is_over() -> None:
    chat, file = play("board")
    chat.ask("bob", StartDownload(8, file.id, 0, 0))
    ban(chat, file.conversation, file.id)
    chat.store_all()
    assert the(TransferEnded, chat.tick(), "bob").code == ErrorCode.BANNED


def test_who_has_been_given_all_of_it_is_told_of_no_end() -> None:
    chat, file = play("board", SMALL)
    chat.fetch("bob", file.id)
    chat.work()
    ban(chat, file.conversation, file.id)
    chat.store_all()
    assert events(chat.tick() + chat.sent("bob"), "bob") == []
    assert chat.list_files("alice", file.conversation, 1).fetched == 1


def test_a_ban_that_is_over_is_no_ban() -> None:
    chat, file = play("board")
    chat.ask("alice", Moderate(9, Act.BAN, "bob", file.conversation, seconds=10))
    chat.store_all()
    chat.seconds += 11
    chat.fetch("bob", file.id)
    assert bytes_of(chunks(chat.drain("bob"), "bob")) == CONTENT


def test_a_content_is_kept_until_the_last_download_of_it_has_ended() -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    chat.ask("alice", RemoveFile(8, file.id))
    assert work_of(chat.store_all()) == []
    effects = chat.drain("bob")
    assert DropFile(file.digest) in work_of(effects)


def test_a_stopped_download_sends_nothing_more_and_another_one_begins() -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    chat.work_files()
    assert chat.ask("bob", StopTransfer(8, 1)) == [Reply("bob", Done(8))]
    assert chat.fetch("bob", file.id)[0] == Reply("bob", DownloadReady(8, 2, file))
    assert {piece.download for piece in chunks(chat.drain("bob"), "bob")} == {2}


@pytest.mark.parametrize("jobs", range(3))
def test_a_connection_that_breaks_leaves_nothing_behind(jobs: int) -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    for _ in range(jobs):
        chat.work()
    chat.disconnect("bob")
    chat.unsent.clear()
    assert chunks(chat.work_files(), "bob") == []
    chat.ask("alice", RemoveFile(8, file.id))
    assert work_of(chat.store_all()) == [DropFile(file.digest)]
    assert chat.take(chat.hub.bulk_sent("bob", chat.now)) == []


# -- failures of the file store -------------------------------------------------------------------------------


def test_a_disk_that_cannot_read_ends_the_download_for_a_while() -> None:
    chat, file = play()
    chat.fetch("bob", file.id)
    ended = the(TransferEnded, chat.work(fails=True), "bob")
    assert (ended.transfer, ended.code, ended.retry_after) == (1, ErrorCode.STORE_FULL, RETRY_AFTER)
    assert chunks(chat.work_files(), "bob") == []
    chat.fetch("bob", file.id)
    assert bytes_of(chunks(chat.drain("bob"), "bob")) == CONTENT


@pytest.mark.parametrize("left", [None, CONTENT[:70_000]], ids=["gone", "cut short"])
def test_a_content_that_is_not_there_is_lost_and_nobody_gets_a_part_of_it_again(left: bytes | None) -> None:
    chat, file = play()
    chat.files.files.pop(file.digest)
    if left is not None:
        chat.files.files[file.digest] = left
    chat.fetch("bob", file.id)
    effects = chat.drain("bob")
    ended = the(TransferEnded, effects, "bob")
    assert (ended.code, ended.retry_after) == (ErrorCode.NO_SUCH_FILE, 0)
    assert refusal(chat.fetch("bob", file.id)) == ErrorCode.NO_SUCH_FILE


def test_thirty_fetch_one_upload() -> None:
    chat = FileScript("alice", limits=Limits(sessions_per_user=40))
    file = chat.share("alice", 1, CONTENT)
    people = [f"p{n}" for n in range(30)]
    for name in people:
        chat.login(name)
        chat.fetch(name, file.id)
    chat.work_files()
    for name in people:
        chat.drain(name)
    assert chat.list_files("alice", LOBBY_ID, 1).fetched == 30
    assert len(chat.files.files) == 1
    assert sha256(CONTENT) in chat.files.files

"""How a session fetches a file, with a server that a test plays line by line."""

import pytest

from chatnet.client.downloads import Download
from chatnet.client.files import LocalFileError
from chatnet.errors import ErrorCode, ProtocolError, Refused
from chatnet.events import DownloadReady, FileChunk, Opened
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES
from chatnet.requests import GrantCredit, StartDownload, StopTransfer
from tests.client.contents import BIG, SMALL, Kept, shared
from tests.client.script import CHAT, Script


@pytest.fixture(params=[False, True], ids=["whole", "byte by byte"])
def online(request: pytest.FixtureRequest) -> Script:
    """A session that is logged in to a server that keeps files."""
    script = Script(byte_by_byte=request.param, features=("files",))
    script.log_in()
    return script


def found(script: Script, content: bytes = BIG, number: int = 3) -> Download:
    """A download of which it is known what it is."""
    download = script.session.transfers.download(55)
    start = script.hears_one(StartDownload)
    assert start == StartDownload(start.id, 55, 0, 0), "no byte is to come before it is known where to"
    script.says(DownloadReady(start.id, number, shared(content, seq=43)))
    assert download.file == shared(content, seq=43)
    return download


def receiving(script: Script, content: bytes = BIG) -> tuple[Download, Kept]:
    """A download whose bytes may come, as number 3."""
    download, kept = found(script, content), Kept()
    download.receive_into(kept)
    assert script.hears() == [GrantCredit(3, min(len(content), WINDOW_BYTES))]
    return download, kept


def pieces(content: bytes, start: int, end: int, number: int = 3) -> list[FileChunk]:
    """What the server sends of a content, from one byte up to another."""
    cuts = range(start, end, CHUNK_BYTES)
    return [FileChunk(number, at, content[at : min(at + CHUNK_BYTES, end)]) for at in cuts]


# -- the usual course -----------------------------------------------------------------------------------------


def test_a_file_comes_whole_and_needs_no_last_word(online: Script) -> None:
    download, kept = receiving(online, SMALL)
    online.says(FileChunk(3, 0, SMALL[:600]))
    assert kept.content == SMALL[:600]
    online.says(FileChunk(3, 600, SMALL[600:]))
    assert download.is_complete
    assert kept.content == SMALL
    assert online.hears() == []


def test_credit_is_given_as_bytes_come_and_never_more_than_a_window(online: Script) -> None:
    download, kept = receiving(online)
    until = WINDOW_BYTES
    while not download.is_complete:
        at = kept.offset
        assert at < until, "it waits for bytes that it has not allowed to come"
        online.says(*pieces(BIG, at, min(at + CHUNK_BYTES, until)))
        for grant in online.hears():
            assert isinstance(grant, GrantCredit)
            assert until < grant.until <= min(kept.offset + WINDOW_BYTES, len(BIG))
            until = grant.until
        assert until == len(BIG) or until - kept.offset > WINDOW_BYTES // 2, "it would have to wait for credit"
    assert kept.content == BIG
    assert download.moved == len(BIG)


def test_what_an_earlier_try_has_left_is_not_fetched_again(online: Script) -> None:
    download, kept = found(online), Kept(BIG[:100_000])
    download.receive_into(kept)
    stop, start = online.hears()
    assert isinstance(stop, StopTransfer)
    assert stop.transfer == 3
    assert isinstance(start, StartDownload)
    assert start == StartDownload(start.id, 55, 100_000, 100_000 + WINDOW_BYTES)
    online.says(DownloadReady(start.id, 4, shared(seq=43)), *pieces(BIG, 100_000, 362_000, 4))
    assert kept.content == BIG[:362_000]
    assert download.received == 362_000


@pytest.mark.parametrize("content", [SMALL, b""])
def test_if_all_is_there_nothing_is_fetched(online: Script, content: bytes) -> None:
    download = found(online, content)
    download.receive_into(Kept(content))
    assert download.is_complete
    assert online.hears_one(StopTransfer).transfer == 3


# -- what comes between ---------------------------------------------------------------------------------------


def test_after_a_lost_connection_it_goes_on_behind_what_has_come(online: Script) -> None:
    download, kept = receiving(online)
    online.says(*pieces(BIG, 0, 200_000))
    online.drop()
    online.log_in()
    start = online.hears_one(StartDownload)
    assert start == StartDownload(start.id, 55, 200_000, 200_000 + WINDOW_BYTES)
    online.says(DownloadReady(start.id, 1, shared(seq=43)), *pieces(BIG, 200_000, 400_000, 1))
    assert kept.content == BIG[:400_000]
    assert not download.is_complete


def test_a_connection_that_breaks_before_it_is_known_where_to(online: Script) -> None:
    download = found(online)
    online.drop()
    online.log_in()
    start = online.hears_one(StartDownload)
    assert (start.offset, start.until) == (0, 0)
    download.receive_into(Kept(BIG[:70_000]))
    assert online.hears() == [], "the answer that is under way will do"
    online.says(DownloadReady(start.id, 1, shared(seq=43)))
    stop, again = online.hears()
    assert isinstance(stop, StopTransfer)
    assert isinstance(again, StartDownload)
    assert (stop.transfer, again.offset) == (1, 70_000)


def test_a_connection_that_breaks_before_it_is_known_where_to_and_nothing_was_there(online: Script) -> None:
    download, kept = found(online, SMALL), Kept()
    online.drop()
    download.receive_into(kept)
    online.log_in()
    start = online.hears_one(StartDownload)
    assert (start.offset, start.until) == (0, 1000)
    online.says(DownloadReady(start.id, 1, shared(SMALL, seq=43)), FileChunk(1, 0, SMALL))
    assert kept.content == SMALL


def test_a_full_disk_ends_it_and_what_was_under_way_is_passed_over(online: Script) -> None:
    download, kept = receiving(online)
    online.says(*pieces(BIG, 0, CHUNK_BYTES))
    kept.failure = LocalFileError(ErrorCode.DISK_FULL, "the disk is full")
    online.says(*pieces(BIG, CHUNK_BYTES, 200_000))
    assert download.failure is kept.failure
    assert online.hears_one(StopTransfer).transfer == 3
    assert not online.session.wants_close
    assert kept.content == BIG[:CHUNK_BYTES]


def test_another_file_under_the_same_number_is_not_mixed_with_this_one(online: Script) -> None:
    download, kept = receiving(online)
    online.says(*pieces(BIG, 0, 1000))
    online.drop()
    online.log_in()
    start = online.hears_one(StartDownload)
    online.says(DownloadReady(start.id, 1, shared(BIG[::-1], seq=43)), FileChunk(1, 1000, b"other"))
    assert isinstance(download.failure, Refused)
    assert download.failure.code == ErrorCode.NO_SUCH_FILE
    assert online.hears_one(StopTransfer).transfer == 1
    assert kept.content == BIG[:1000]


def test_on_another_server_the_number_means_nothing(online: Script) -> None:
    download, _ = receiving(online)
    online.drop()
    online.log_in(server=b"t" * 16)
    assert isinstance(download.failure, Refused)
    assert download.failure.code == ErrorCode.NO_SUCH_FILE


# -- a server that makes no sense -----------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [FileChunk(3, 1, b"x"), FileChunk(3, 0, BIG[:CHUNK_BYTES])])
def test_bytes_that_are_not_the_next_ones_end_the_connection(online: Script, chunk: FileChunk) -> None:
    _, kept = receiving(online)
    online.says(*pieces(BIG, 0, 1000), chunk)
    assert online.session.wants_close
    assert kept.content == BIG[:1000]
    online.drop()
    assert isinstance(online.session.failure, ProtocolError)


def test_bytes_that_nobody_has_asked_for_end_the_connection(online: Script) -> None:
    found(online)
    online.says(FileChunk(3, 0, b"x"))
    assert online.session.wants_close


def test_bytes_of_what_nobody_knows_are_passed_over(online: Script) -> None:
    receiving(online)
    online.says(FileChunk(9, 0, b"x"))
    assert not online.session.wants_close


@pytest.mark.parametrize("reply", [Opened(0, CHAT), DownloadReady(0, 3, shared(id=56))])
def test_a_server_cannot_answer_with_anything_else(online: Script, reply: Opened | DownloadReady) -> None:
    online.session.transfers.download(55)
    id = online.hears_one(StartDownload).id
    online.says(Opened(id, CHAT) if isinstance(reply, Opened) else DownloadReady(id, 3, reply.file))
    assert online.session.wants_close

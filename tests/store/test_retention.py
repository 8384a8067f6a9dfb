"""Old messages are forgotten from the front; what stays has no gaps, and no seq is given out twice."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatnet.core.entries import Committed, Duplicate, Entry, Expire, PageRead, PutMessage, PutRoom, ReadMessages
from chatnet.model import Kind, Message
from chatnet.net.ports import Store
from chatnet.store.check import check
from chatnet.store.memory import MemoryStore
from chatnet.store.opening import FILE_NAME
from chatnet.store.sqlite import SqliteStore
from tests.store.waiting import answer_of

ROOM = 1
Make = Callable[[], Store]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore(window_messages=10_000) if request.param == "memory" else SqliteStore(tmp_path)
    store.load()
    yield store
    store.close()


def said(n: int, time: int) -> PutMessage:
    return PutMessage(ROOM, 1, "alice", "", Kind.TEXT, f"message {n}", 0, time, b"d" * 16, n, None)


def commit(store: Store, *entries: Entry) -> Committed:
    store.submit(list(entries))
    done = answer_of(store)
    assert isinstance(done, Committed)
    return done


def page(store: Store, after: int = 0) -> PageRead:
    store.read(ReadMessages(ROOM, 10_000, 1 << 30, after=after))
    found = answer_of(store)
    assert isinstance(found, PageRead)
    return found


def fill(store: Store, count: int) -> None:
    commit(store, PutRoom(ROOM, "lobby", 0, False), *(said(n, 1000 + n) for n in range(1, count + 1)))


def test_what_is_older_is_forgotten_and_the_rest_stays(store: Store) -> None:
    fill(store, 10)
    assert commit(store, Expire(ROOM, 1005)).firsts == {ROOM: 5}
    found = page(store)
    assert found.first == 5
    assert [m.seq for m in found.messages] == list(range(5, 11))


def test_nothing_old_nothing_forgotten(store: Store) -> None:
    fill(store, 3)
    assert commit(store, Expire(ROOM, 1001)).firsts == {}
    assert commit(store, Expire(99, 5000)).firsts == {}


def test_a_conversation_that_has_lost_everything_goes_on_with_its_numbers(store: Store) -> None:
    fill(store, 4)
    assert commit(store, Expire(ROOM, 9000)).firsts == {ROOM: 5}
    assert page(store).messages == []
    outcome = commit(store, said(5, 9001)).outcomes[0]
    assert isinstance(outcome, Message)
    assert outcome.seq == 5


def test_what_has_expired_is_known_again_when_it_is_sent_again(store: Store) -> None:
    fill(store, 4)
    commit(store, Expire(ROOM, 9000))
    assert commit(store, said(3, 9001)).outcomes == [Duplicate(ROOM, 3, 1003)]


def test_a_long_past_is_forgotten_in_pieces_that_hold_up_nobody(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.load()
    fill(store, 4500)
    firsts = [commit(store, Expire(ROOM, 10_000)).firsts.get(ROOM) for _ in range(4)]
    assert firsts == [2001, 4001, 4501, None]
    store.close()


def test_after_a_restart_the_forgotten_stays_so_and_all_is_sound(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.load()
    fill(store, 10)
    commit(store, Expire(ROOM, 1007))
    store.close()
    assert list(check(tmp_path / FILE_NAME)) == []
    store = SqliteStore(tmp_path)
    (saved,) = store.load().conversations
    assert (saved.first, saved.head) == (7, 10)
    store.close()

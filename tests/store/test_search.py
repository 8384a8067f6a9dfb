"""Finding messages by their words, in real files."""

import sqlite3
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.core.entries import Found, PutChat, PutMessage, PutRoom, SearchMessages
from chatnet.model import Kind
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import PAUSE_SECONDS, Indexer, Searcher

LOBBY, MINE, THEIRS = 1, 2, 3


PRIVATE, OURS = 4, 5


class Place:
    """A database with its index, brought up to date when a test says so and not by a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder)
        self.database.write([[PutRoom(LOBBY, "lobby", 0, False), PutChat(MINE, 1, 2), PutChat(THEIRS, 3, 4)]])
        private = [PutRoom(id, f"room{id}", 1, False, private=True) for id in (PRIVATE, OURS)]
        self.database.write([list(private)])
        self.n = 0
        self.open_index()

    def open_index(self) -> None:
        self.indexer = Indexer(self.folder / FILE_NAME)
        self.indexer.open([LOBBY, MINE, THEIRS, PRIVATE, OURS])
        self.searcher = Searcher(self.indexer, self.database.page)

    def say(self, *bodies: str, where: int = LOBBY, name: str = "alice", display: str = "") -> None:
        batch = []
        for body in bodies:
            self.n += 1
            batch.append(PutMessage(where, 1, name, display, Kind.TEXT, body, 0, self.n, b"d" * 16, self.n, None))
        self.database.write([list(batch)])
        self.indexer.note([where])
        self.indexer.catch_up()

    def search(self, words: str, *, limit: int = 100, before: int = 0, where: int = 0) -> Found:
        return self.searcher.search(SearchMessages(words, [MINE, OURS], where, before, limit))

    def found(self, words: str, *, where: int = 0) -> list[str]:
        return [message.body for _, message, _ in self.search(words, where=where).hits]

    def close_index(self) -> None:
        self.searcher.close()
        self.indexer.stop()

    def close(self) -> None:
        self.close_index()
        self.database.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_words_phrases_and_beginnings_are_found_newest_first(place: Place) -> None:
    place.say("the disk is full", "full disk", "the database")
    assert place.found("disk full") == ["full disk", "the disk is full"]
    assert place.found('"disk is full"') == ["the disk is full"]
    assert place.found("data*") == ["the database"]
    assert place.found("data") == []


def test_a_private_room_is_searched_only_by_those_who_may_read_it(place: Place) -> None:
    place.say("hello from outside", where=PRIVATE)
    place.say("hello from inside", where=OURS)
    assert place.found("hello") == ["hello from inside"]
    assert place.found("hello", where=PRIVATE) == []
    assert place.found("hello", where=OURS) == ["hello from inside"]


def test_case_and_accents_do_not_count(place: Place) -> None:
    place.say("Übung macht den Meister", "ПРИВЕТ")
    assert place.found("ubung") == ["Übung macht den Meister"]
    assert place.found("привет") == ["ПРИВЕТ"]


def test_names_are_found_too(place: Place) -> None:
    place.say("one", name="bob")
    place.say("ask bob", name="alice", display="Alice Smith")
    assert place.found("bob") == ["ask bob", "one"]
    assert place.found("from:bob") == ["one"]
    assert place.found('from:"alice smith"') == ["ask bob"]


def test_other_people_s_chats_are_never_found(place: Place) -> None:
    place.say("secret of mine", where=MINE)
    place.say("secret of theirs", where=THEIRS)
    assert place.found("secret") == ["secret of mine"]
    assert place.found("secret", where=THEIRS) == []


def test_a_search_in_one_conversation_finds_only_what_was_said_there(place: Place) -> None:
    place.say("hello lobby")
    place.say("hello you", where=MINE)
    assert place.found("hello", where=LOBBY) == ["hello lobby"]


def test_pages_follow_one_another(place: Place) -> None:
    place.say(*(f"word {n}" for n in range(10)))
    bodies, before = [], 0
    while True:
        page = place.search("word", limit=4, before=before)
        bodies += [message.body for _, message, _ in page.hits]
        before = page.next
        if not before:
            break
    assert bodies == [f"word {n}" for n in reversed(range(10))]


def test_more_than_one_chunk_is_indexed_and_nothing_twice(place: Place) -> None:
    place.say(*(f"message {n}" for n in range(1201)))
    place.indexer.note([LOBBY])
    place.indexer.catch_up()
    assert len(place.search("message", limit=5000).hits) == 1201


def test_what_was_said_without_an_index_is_found_after_the_next_start(place: Place) -> None:
    place.say("before")
    place.close_index()
    batch = [PutMessage(LOBBY, 1, "alice", "", Kind.TEXT, "between", 0, 9, b"e" * 16, 1, None)]
    place.database.write([list(batch)])
    place.open_index()
    place.indexer.catch_up()
    assert place.found("between") == ["between"]
    assert place.found("before") == ["before"]


def test_a_damaged_index_is_made_anew(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.say("still here")
    place.close_index()
    place.indexer.path.write_bytes(b"this is no database" * 1000)
    place.open_index()
    place.indexer.catch_up()
    assert place.found("still") == ["still here"]
    assert "made anew" in caplog.text


class Pauses(threading.Event):
    """Notes how long somebody would have waited."""

    def __init__(self, *, rounds: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if timeout == PAUSE_SECONDS:
            self._rounds -= 1
            return self._rounds < 0
        self.seconds.append(timeout)
        return False


def test_while_messages_are_stored_the_index_takes_three_hundredths_and_otherwise_a_quarter(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.say("one")  # catches up, without a pause
    pauses = Pauses(rounds=1)
    monkeypatch.setattr(place.indexer, "_stopping", pauses)
    monkeypatch.setattr("chatnet.store.search.time.monotonic", count(step=3.0).__next__)
    for where in (LOBBY, MINE, THEIRS):
        place.n += 1
        post = PutMessage(where, 1, "alice", "", Kind.TEXT, "new", 0, place.n, b"d" * 16, place.n, None)
        place.database.write([[post]])
        place.indexer.note([where])
    place.indexer._run()
    assert pauses.seconds == pytest.approx([97.0, 9.0, 9.0]), "a pause after each chunk, the long one after what came"
    assert place.indexer._is_busy is False


def test_a_search_that_takes_too_long_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.say(*(f"word {n}" for n in range(500)))
    monkeypatch.setattr("chatnet.store.search._MOST_SECONDS", -1.0)
    monkeypatch.setattr("chatnet.store.search._STEPS_BETWEEN_LOOKS", 10)
    with pytest.raises(sqlite3.OperationalError):
        place.search("word")
    monkeypatch.undo()
    assert len(place.search("word", limit=1000).hits) == 500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=40))
def test_whatever_is_typed_is_no_error(place: Place, typed: str) -> None:
    place.search(typed)


def test_the_index_is_for_its_owner_only(place: Place) -> None:
    assert place.indexer.path.stat().st_mode & 0o077 == 0

"""`chatnet.store.check` names a search index that is not what the messages give; and a server makes it anew."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatnet.core.entries import DropChat, Expire, PutMessage
from chatnet.model import Kind
from chatnet.store.check import check
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import Indexer
from tests.store.test_search import LOBBY, MINE, Place
from tests.store.waiting import DEADLINE


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.say(*(f"message number {number} äöü" for number in range(600)))
    place.say("between us", where=MINE, display="Al Ice")
    yield place
    place.close()


def damages(place: Place) -> list[str]:
    return [str(damage) for damage in check(place.folder / FILE_NAME)]


def change(place: Place, *statements: str) -> None:
    with closing(sqlite3.connect(place.indexer.path)) as database, database:
        for statement in statements:
            database.execute(statement)


def say_unheard(place: Place, body: str) -> None:
    """Store something that is not indexed."""
    place.database.write([[PutMessage(LOBBY, 1, "alice", "", Kind.TEXT, body, 0, 1, b"e" * 16, 1, None)]])


def test_a_sound_index_is_not_named(place: Place) -> None:
    assert damages(place) == []


def test_an_index_that_is_behind_is_sound(place: Place) -> None:
    say_unheard(place, "new")
    assert damages(place) == []
    assert place.found("new") == []


def test_what_is_forgotten_may_stay_in_the_index(place: Place) -> None:
    place.database.write([[Expire(LOBBY, 300), DropChat(MINE)]])
    assert damages(place) == []


def test_without_an_index_there_is_nothing_to_name(place: Place) -> None:
    place.close_index()
    place.indexer.path.unlink()
    assert damages(place) == []
    place.open_index()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM documents WHERE id = 7", "lacks messages"),
        ("UPDATE documents SET message = message - 1 WHERE id = 7", "twice"),
        ("UPDATE documents SET message = message + 100 << 32 WHERE id = 7", "does not know of"),
        ("UPDATE progress SET last = last - 1 WHERE conversation = 1", "does not know of"),
        ("INSERT INTO words (rowid, name, body) VALUES (700, 'alice', 'never said')", "other words"),
        ("INSERT INTO words (words, rowid, name, body) VALUES ('delete', 1, 'alice ', 'message')", "other words"),
        (
            "UPDATE words_idx SET term = x'3021' WHERE term = (SELECT min(term) FROM words_idx WHERE term > x'')",
            "found",
        ),
        ("DELETE FROM words_data WHERE id > 10", "search index"),
        ("CREATE TABLE more (a)", "not laid out"),
    ],
)
def test_whatever_is_wrong_with_the_index_is_named(place: Place, statement: str, what: str) -> None:
    change(place, statement)
    (damage,) = damages(place)
    assert damage.startswith("the search index: ")
    assert what in damage


def test_an_index_found_damaged_while_it_is_used_is_made_anew_by_the_next_start(place: Place) -> None:
    change(place, "DELETE FROM words_data WHERE id > 10")
    with pytest.raises(sqlite3.DatabaseError):
        place.search("number")
    place.close_index()
    place.open_index()
    place.indexer.catch_up()
    assert len(place.found("number")) == 100
    assert damages(place) == []


def test_an_index_that_cannot_be_filled_is_made_anew_by_the_next_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(place, f"INSERT INTO documents VALUES ({2**63 - 1}, {LOBBY << 32 | 600})")
    say_unheard(place, "one more")
    monkeypatch.setattr("chatnet.store.search.PAUSE_SECONDS", 0.01)
    warned = threading.Event()
    monkeypatch.setattr("chatnet.store.search._log.warning", lambda *_: warned.set())
    place.close_index()
    indexer = Indexer(place.folder / FILE_NAME)
    indexer.start([LOBBY])
    assert warned.wait(DEADLINE)
    indexer.stop()
    place.open_index()
    place.indexer.catch_up()
    assert place.found("more") == ["one more"]
    assert damages(place) == []


def test_an_index_whose_very_layout_is_no_text_any_more_is_named_and_made_anew(place: Place) -> None:
    place.close_index()
    path = place.indexer.path
    content = path.read_bytes()
    assert content.count(b"PRIMARY KEY, sz BLOB") == 1
    path.write_bytes(content.replace(b"PRIMARY KEY, sz BLOB", b"PRIMARY KE\xd9, sz BLOB"))
    (damage,) = damages(place)
    assert damage.startswith("the search index: it cannot be read")
    place.open_index()
    place.indexer.catch_up()
    assert len(place.found("number")) == 100

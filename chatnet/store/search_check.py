"""Is the search index what it would be if it were made anew from the messages?

FTS5 looks whether its own tables agree with each other, in a copy, since it does so only where it may write. But
neither a word nor a number in them has a digest, so what is there is compared with what the messages give. The words of
a few hundred messages at a time are indexed in memory, and each place at which a word stands goes into a sum that does
not depend on their order. Messages that are forgotten by now are left out on both sides. And each word that is met when
all are read in their order must be found in as many places by whoever looks for it: he takes another way, on which
FTS5's own look lets some wrong turnings pass.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from chatnet.store.failures import in_one_line
from chatnet.store.schema import SEQ_BITS
from chatnet.store.search import FILE_NAME, SCHEMA

_AT_ONCE = 500
_PLACES = "CREATE VIRTUAL TABLE temp.places USING fts5vocab(main, words, instance)"
_WORDS = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, row)"
_LAYOUT = "SELECT name, type, tbl_name, sql FROM main.sqlite_master ORDER BY name"
_DOCUMENTS = f"""
    SELECT documents.id, name || ' ' || display, body
    FROM main.documents LEFT JOIN chat.messages ON messages.id = documents.message
    WHERE documents.id > ? ORDER BY documents.id LIMIT {_AT_ONCE}
"""
_TWICE = "SELECT count(*) - count(DISTINCT message) FROM main.documents"
_BEYOND = f"""
    SELECT count(*) FROM main.documents LEFT JOIN main.progress ON conversation = message >> {SEQ_BITS}
    WHERE coalesce(message > last, TRUE)
"""
_MISSING = f"""
    SELECT count(*) FROM main.progress JOIN chat.messages
        ON messages.id > conversation << {SEQ_BITS} AND messages.id <= last
    WHERE messages.id NOT IN (SELECT message FROM main.documents)
"""
_NOT_FOUND = """
    SELECT count(*) FROM temp.vocabulary AS met LEFT JOIN temp.vocabulary AS found ON found.term = met.term
    WHERE (found.doc, found.cnt) IS NOT (met.doc, met.cnt)
"""
_CONTRADICTIONS = {
    _TWICE: "it has messages twice",
    _BEYOND: "it has messages that it does not know of",
    _MISSING: "it lacks messages",
    _NOT_FOUND: "it has words that are not found",
}


def check_index(messages: Path) -> Iterator[str]:
    """What is wrong with the index beside the database at ``messages``, which is sound; nothing if there is none.

    :raises sqlite3.Error: it cannot be read: damaged, or something is in the way.
    """
    path = messages.with_name(FILE_NAME)
    if not path.exists():
        return
    with closing(_copy(path)) as index, closing(_connect(":memory:")) as model:
        model.executescript(SCHEMA)
        index.execute("ATTACH ? AS chat", (f"{messages.absolute().as_uri()}?mode=ro",))
        index.execute(_WORDS)
        for database in (index, model):
            database.execute(_PLACES)
        yield from _compare(index, model)


def _copy(path: Path) -> sqlite3.Connection:
    """The index as it is at this moment, in a file that nobody else sees, and that is gone with the connection."""
    copy = _connect("")
    try:
        with closing(_connect(f"{path.absolute().as_uri()}?mode=ro")) as index:
            index.backup(copy)
    except BaseException:
        copy.close()
        raise
    return copy


def _connect(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    database.text_factory = bytes
    return database


def _compare(index: sqlite3.Connection, model: sqlite3.Connection) -> Iterator[str]:
    for (text,) in index.execute("PRAGMA main.integrity_check(1)"):
        if text != b"ok":
            yield in_one_line(text)
            return
    if index.execute(_LAYOUT).fetchall() != model.execute(_LAYOUT).fetchall():
        yield "it is not laid out as chatnet does it"
        return
    index.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    for query, what in _CONTRADICTIONS.items():
        (count,) = index.execute(query).fetchone()
        if count:
            yield what
            return
    expected, left_out = _sum_of_messages(index, model)
    if _sum(index, left_out) != expected:
        yield "it has other words than the messages"


def _sum_of_messages(index: sqlite3.Connection, model: sqlite3.Connection) -> tuple[int, set[int]]:
    """The sum that the index should have, and the documents that are to be left out."""
    total, left_out, last = 0, set[int](), -(1 << 63)
    while rows := index.execute(_DOCUMENTS, (last,)).fetchall():
        last = rows[-1][0]
        left_out.update(document for document, name, _ in rows if name is None)
        words = [(document, name.decode(), body.decode()) for document, name, body in rows if name is not None]
        model.executemany("INSERT INTO words (rowid, name, body) VALUES (?, ?, ?)", words)
        total += _sum(model, set())
        model.execute("INSERT INTO words (words) VALUES ('delete-all')")
    return total, left_out


def _sum(database: sqlite3.Connection, left_out: set[int]) -> int:
    """Over all places: word, document, column, offset."""
    return sum(hash(place) for place in database.execute("SELECT * FROM places") if place[1] not in left_out)

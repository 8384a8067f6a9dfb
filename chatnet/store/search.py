"""Full-text search, in a file of its own beside the messages.

The index is filled behind the messages' back by a thread that copies new rows inside SQLite, at most a part of the
time, and a small one while messages are being stored: so under load it falls behind, and then catches up. All that it
holds can be made again from the messages; a missing index is rebuilt at a start, and so is one that was found damaged
then or before, and it is never in the way of a start.

Documents are numbered in the order in which they were indexed, which is nearly that of their time. So the newest
matches are found first, without sorting all of them. Source: SQLite's documentation of FTS5.
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from chatnet.core.entries import Found, PageRead, ReadMessages, SearchMessages
from chatnet.model import Message
from chatnet.store.failures import is_damage, is_obstacle
from chatnet.store.schema import SEQ_BITS, position, row_id
from chatnet.store.words import parse

FILE_NAME = "search.db"
PAUSE_SECONDS = 0.5
"""Between two looks at what is new: messages are found within about this time."""
_SHARE = 0.25
"""How much of its time the indexer works while there is always more to do."""
_SHARE_OF_BUSY = 0.03
"""The same while messages are being stored: on one core all that it takes is taken from them."""
_MOST_SECONDS = 2.0
"""For one search; nobody waits longer for a page of history behind it."""
_STEPS_BETWEEN_LOOKS = 100_000
"""Of SQLite's virtual machine, between two looks at the clock."""
_CHUNK = 500
"""Messages in one transaction."""
_SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
SCHEMA = """
    CREATE TABLE IF NOT EXISTS progress (conversation INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, message INTEGER NOT NULL);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
        name, body, content = '', tokenize = "unicode61 remove_diacritics 2"
    );
"""
_log = logging.getLogger(__name__)


def to_match(typed: str) -> str:
    """What a person typed as an FTS5 expression; empty if there is nothing to look for.

    It is made of FTS5 strings only, so nothing that is typed is ever its syntax.
    """
    return " AND ".join(
        f'{"name : " if term.in_name else ""}"{term.text}"{" *" if term.is_prefix else ""}' for term in parse(typed)
    )


class Indexer:
    """The thread that fills the index."""

    def __init__(self, messages: Path) -> None:
        """``messages`` is the database whose messages are indexed."""
        self.messages = messages
        self.path = messages.with_name(FILE_NAME)
        self.is_damaged = False
        """Has anybody come across something in it that nobody wrote?"""
        self._dirty: set[int] = set()
        self._is_busy = False
        """Was anything stored since the last pause?"""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-indexer", daemon=True)

    def open(self, conversations: Iterable[int]) -> None:
        """Make the file if there is none; what these conversations have is yet to be looked at."""
        self._database = _open_or_rebuild(self.path, self.messages)
        self.note(conversations)

    def start(self, conversations: Iterable[int]) -> None:
        """Open the index, and keep it up to date from now on."""
        self.open(conversations)
        self._thread.start()

    def note(self, conversations: Iterable[int]) -> None:
        """Something was stored in these conversations. From any thread."""
        with self._lock:
            self._dirty.update(conversations)
            self._is_busy = True

    def stop(self) -> None:
        """End the thread; the rest is indexed after the next start, and all of it if it is damaged."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        if hasattr(self, "_database"):
            self._database.close()
            if self.is_damaged:
                _remove(self.path)

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            try:
                self.catch_up(self._pause)
            except sqlite3.Error as error:
                # Messages are safe without an index. A full disk passes, and a damaged file is rebuilt at next start.
                self.is_damaged = self.is_damaged or not is_obstacle(error)
                _log.warning("the search index cannot be written: %s", error)

    def catch_up(self, pause: Callable[[float], object] = lambda _: None) -> None:
        """Index all that is new; ``pause`` is called after each chunk with the seconds that it took.

        After short chunks, too: talk in many rooms makes many of them.
        """
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        for conversation in sorted(dirty):
            while not self._stopping.is_set():
                began = time.monotonic()
                added = self._index_chunk(conversation)
                pause(time.monotonic() - began)
                if added < _CHUNK:
                    break

    def _pause(self, worked: float) -> None:
        share = _SHARE_OF_BUSY if self._is_busy else _SHARE
        self._is_busy = False
        self._stopping.wait(worked * (1 / share - 1))

    def _index_chunk(self, conversation: int) -> int:
        """Index the next messages of a conversation; returns how many."""
        database = self._database
        last = database.execute("SELECT last FROM progress WHERE conversation = ?", (conversation,)).fetchone()
        after = last[0] if last else row_id(conversation, 0)
        with database:
            database.execute("BEGIN IMMEDIATE")
            before = database.execute("SELECT coalesce(max(id), 0) FROM documents").fetchone()[0]
            added = database.execute(
                "INSERT INTO documents (message)"
                " SELECT id FROM chat.messages WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
                (after, row_id(conversation + 1, 0), _CHUNK),
            ).rowcount
            if added:
                self._index_words(before, conversation)
        return added

    def _index_words(self, before: int, conversation: int) -> None:
        self._database.execute(
            "INSERT INTO words (rowid, name, body) SELECT d.id, m.name || ' ' || m.display, m.body"
            " FROM documents d JOIN chat.messages m ON m.id = d.message WHERE d.id > ? ORDER BY d.id",
            (before,),
        )
        self._database.execute(
            "REPLACE INTO progress SELECT ?, max(message) FROM documents WHERE id > ?", (conversation, before)
        )


_QUERY = f"""
    SELECT json_group_array(json_array(document, message)) FROM (
        SELECT documents.id AS document, documents.message FROM index_.words
            JOIN index_.documents ON documents.id = words.rowid
            JOIN main.messages ON messages.id = documents.message
        WHERE words MATCH ? AND words.rowid < ? AND message > ? AND message < ?
            AND (message >> {SEQ_BITS} IN (SELECT value FROM json_each(?))
                OR message >> {SEQ_BITS} IN (SELECT id FROM main.rooms WHERE NOT private))
        ORDER BY words.rowid DESC LIMIT ?
    )
"""


class Searcher:
    """Answers queries from the index. Only the reader's thread calls it."""

    def __init__(self, indexer: "Indexer", page: Callable[[ReadMessages], PageRead]) -> None:
        """``page`` reads messages."""
        self._page = page
        self._indexer = indexer
        self._database = sqlite3.connect(
            f"{indexer.messages.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        self._database.execute("ATTACH ? AS index_", (f"{indexer.path.absolute().as_uri()}?mode=ro",))

    def close(self) -> None:
        """Let go of the files. The thread that made it has ended."""
        self._database.close()

    def search(self, query: SearchMessages) -> Found:
        """The newest matches first. A private room is looked through only if it is one of the ``chats``.

        :raises sqlite3.Error: the index cannot be read, or the search took longer than it may.
        """
        match = to_match(query.words)
        if not match:
            return Found(query, [], 0)
        deadline = time.monotonic() + _MOST_SECONDS
        self._database.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        try:
            found = json.loads(self._database.execute(_QUERY, _values(match, query)).fetchone()[0])
        except sqlite3.Error as error:
            self._indexer.is_damaged = self._indexer.is_damaged or is_damage(error)
            raise
        finally:
            self._database.set_progress_handler(None, 0)
        hits = [(*hit, document) for document, row in found for hit in self._read(*position(row))]
        return Found(query, hits, found[-1][0] if len(found) == query.limit else 0)

    def _read(self, conversation: int, seq: int) -> list[tuple[int, Message]]:
        page = self._page(ReadMessages(conversation, 1, 1, after=seq - 1))
        return [(conversation, message) for message in page.messages if message.seq == seq]


def _values(match: str, query: SearchMessages) -> tuple[object, ...]:
    low, high = 0, (1 << 63) - 1
    if query.conversation:
        low, high = row_id(query.conversation, 0), row_id(query.conversation + 1, 0)
    return match, query.before or (1 << 62), low, high, json.dumps(query.chats), query.limit


def _open_or_rebuild(path: Path, messages: Path) -> sqlite3.Connection:
    try:
        return _open(path, messages)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # The latter where SQLite repeats what is damaged in what it says of it.
        _log.warning("the search index is made anew: %s", error)
        _remove(path)
        return _open(path, messages)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _open(path: Path, messages: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, uri=True)
    try:
        path.chmod(0o600)
        database.executescript(_SETTINGS + SCHEMA)
        database.execute("ATTACH ? AS chat", (f"{messages.absolute().as_uri()}?mode=ro",))
    except BaseException:
        database.close()
        raise
    return database

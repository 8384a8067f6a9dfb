"""Makes a database with something of everything in it, and its search index; and tells what is in it."""

import random
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chatnet.core.entries import (
    Batch,
    Committed,
    DropChat,
    Duplicate,
    PutBan,
    PutChat,
    PutDeed,
    PutFile,
    PutInvitation,
    PutMarks,
    PutMember,
    PutMessage,
    PutRoom,
    PutToken,
    PutUpload,
    PutUser,
    ReadDeeds,
    ReadMessages,
    SearchMessages,
    Snapshot,
)
from chatnet.model import ITERATIONS, Act, Deed, Kind, Message, Rank, Role, Scope, Verifier
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import FILE_NAME as INDEX_NAME
from chatnet.store.search import Indexer, Searcher

FILES = (FILE_NAME, INDEX_NAME)
"""Bits are counted through both."""
CONVERSATIONS = (1, 2, 3, 4)
DROPPED = 5
SHARED, UNSHARED = range(1, 41), range(41, 61)
"""Files."""
WORDS = ("user1", "from:üser", "d*", "e f", "ö", '"e d"')
"""Searched for; each finds some."""
Place = tuple[int, int]
"""Conversation and seq."""


@dataclass(frozen=True)
class Truth:
    """What was stored."""

    snapshot: Snapshot
    messages: dict[int, list[Message]]
    answers: dict[bytes, tuple[int, Duplicate]]
    """Of each device: its last number, and the answer to it."""
    deeds: list[Deed]
    found: dict[str, list[Place]]
    """For each of `WORDS`."""


class Index:
    """The search index, as a server has it; without its thread."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._indexer = Indexer(folder / FILE_NAME)
        self._indexer.open(CONVERSATIONS)
        self.catch_up = self._indexer.catch_up
        self._searcher: Searcher | None = None
        self._page = database.page

    def search(self, words: str) -> list[tuple[Place, Message]]:
        """All that is found.

        :raises sqlite3.Error: nothing can be found.
        """
        if self._searcher is None:
            self._searcher = Searcher(self._indexer, self._page)
        hits = self._searcher.search(SearchMessages(words, list(CONVERSATIONS), 0, 0, 10_000)).hits
        return [((conversation, message.seq), message) for conversation, message, _ in hits]

    def close(self) -> None:
        """Let go of all files."""
        if self._searcher is not None:
            self._searcher.close()
        self._indexer.stop()


def make(folder: Path, seed: int = 1, count: int = 400) -> Truth:
    """Store something of everything, and close it."""
    chance = random.Random(seed)
    devices = [chance.randbytes(16) for _ in range(12)]
    users = [PutUser(i, f"user{i}", f"Üser {i}", Role(i % 3), chance.randbytes(32)) for i in range(1, 30)]
    rooms = [PutRoom(i, f"room{i}", 1, i == 2, f"topic {i}", i == 2) for i in (1, 2)]
    chats = [PutChat(3, 1, 2), PutChat(4, 2, 2), PutChat(DROPPED, 1, 3)]
    with closing(Database(folder, entropy=chance.randbytes)) as database:
        database.write([[*users, *rooms, *chats, *(PutMarks(1, i, i, i) for i in range(1, 30))]])
        database.write([_powers(chance), _files(chance)])
        last: dict[bytes, tuple[int, Duplicate]] = {}
        for n in range(1, count, 20):
            batch: Batch = [_message(chance, i, chance.choice(devices)) for i in range(n, n + 20)]
            (done,) = database.write([batch])
            _note(done, last)
        (done,) = database.write([[_share(id, chance.choice(devices)) for id in SHARED]])
        _note(done, last)
        database.write([[DropChat(DROPPED)]])
    with closing(Database(folder)) as database, closing(Index(folder, database)) as index:
        index.catch_up()
    with tempfile.TemporaryDirectory(dir=folder) as copy:
        # Not the database itself: each start changes it a little.
        for name in FILES:
            shutil.copy(folder / name, copy)
        with closing(Database(Path(copy))) as database, closing(Index(Path(copy), database)) as index:
            messages = {id: database.page(ReadMessages(id, 10_000, 1 << 30, after=0)).messages for id in CONVERSATIONS}
            assert sum(map(len, messages.values())) > count / 2
            deeds = database.deeds(ReadDeeds(0, 1000)).deeds
            found = {words: [place for place, _ in index.search(words)] for words in WORDS}
            assert all(found.values())
            return Truth(database.snapshot, messages, last, deeds, found)


def _powers(chance: random.Random) -> Batch:
    """Who may do what, and who did what."""
    secret = partial(chance.randbytes, 32)
    verifiers = [Verifier(chance.randbytes(16), ITERATIONS, secret(), secret()) for _ in range(16)]
    return [
        *(PutUser(i, f"user{i}", f"Üser {i}", Role.ADMIN, secret(), verifiers[i - 1], i) for i in range(1, 9)),
        *(PutToken(i, i, secret(), f"laptop {i}", Scope(i % 2), i, i) for i in range(1, 9)),
        *(PutInvitation(f"INV{i}", verifiers[i + 7], 1, i, Role.MEMBER, 1) for i in range(1, 9)),
        *(PutMember(i % 2 + 1, i, Rank(i % 4), i) for i in range(1, 20)),
        *(PutBan(1, i, Act.BAN, i, 1, f"reason {i}", i) for i in range(20, 30)),
        *(PutDeed(i, 1, "user1", Act.KICK, f"user{i}", 1, f"detail {i}") for i in range(1, 30)),
    ]


def place_of(file: int) -> int:
    """The conversation of a file."""
    return CONVERSATIONS[file % len(CONVERSATIONS)]


def _files(chance: random.Random) -> Batch:
    return [
        *(
            PutFile(id, place_of(id), f"pictüre {id}.jpeg", 1000 * id, chance.randbytes(32), 1, "user1", id)
            for id in (*SHARED, *UNSHARED)
        ),
        *(
            PutUpload(id, id, place_of(id), f"vidéo {id}.mkv", 1000 * id, chance.randbytes(32), id)
            for id in range(1, 21)
        ),
    ]


def _share(file: int, device: bytes) -> PutMessage:
    text, time, n = f"look at {file}", 1_800_000_000_000 + file, 1_000_000 + file
    return PutMessage(place_of(file), 1, "user1", "Üser 1", Kind.FILE, text, 0, time, device, n, None, file=file)


def _message(chance: random.Random, n: int, device: bytes) -> PutMessage:
    size = 9000 if chance.random() < 0.01 else int(chance.expovariate(1 / 60)) + 1
    text = "".join(chance.choice("abc deföß🙂") for _ in range(size))
    conversation = chance.choice((*CONVERSATIONS, DROPPED))
    return PutMessage(conversation, 1, "user1", "Üser 1", Kind.TEXT, text, 0, 1_700_000_000_000 + n, device, n, None)


def _note(done: Committed, last: dict[bytes, tuple[int, Duplicate]]) -> None:
    for entry, outcome in zip(done.batch, done.outcomes, strict=True):
        assert isinstance(entry, PutMessage)
        assert isinstance(outcome, Message)
        last[entry.device] = entry.n, Duplicate(entry.conversation, outcome.seq, outcome.time)

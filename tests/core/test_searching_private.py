"""Nobody finds the words of a room that they may not read: the core and the real index together."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnet.core.effects import Read
from chatnet.core.entries import Committed, Failed, Found, SearchMessages
from chatnet.errors import ErrorCode
from chatnet.events import SearchPage
from chatnet.model import Act
from chatnet.requests import Search
from chatnet.store.database import Database
from chatnet.store.opening import FILE_NAME
from chatnet.store.search import Indexer, Searcher
from tests.core.club import change, club, do, joined
from tests.core.script import Script, refusal, the
from tests.core.slow_store import SlowStore


class Filed(SlowStore):
    """A slow store that has all in a real file as well."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.database = Database(folder)
        self.indexer = Indexer(folder / FILE_NAME)
        self.indexer.open([])
        self.searcher = Searcher(self.indexer, self.database.page)

    def store(self, *, fails: bool = False) -> Committed | Failed:
        done = super().store(fails=fails)
        if isinstance(done, Committed):
            self.database.write([done.batch])
        return done

    def search(self, query: SearchMessages) -> Found:
        """What the index finds just now."""
        self.indexer.note(self.conversations)
        self.indexer.catch_up()
        return self.searcher.search(query)

    def close(self) -> None:
        self.searcher.close()
        self.indexer.stop()
        self.database.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Filed]:
    store = Filed(tmp_path)
    yield store
    store.close()


@pytest.fixture
def chat(store: Filed) -> Script:
    """A private room of alice's and bob's, a public one, and carol, an admin and a guest who are in neither."""
    chat = club("alice", "bob", "carol", admins=["ada"], guests=["gus"])
    store.users, store.tokens = chat.store.users, chat.store.tokens
    store.database.write([list(store.users.values())])
    chat.store = store
    board, dev = chat.room("alice", "board"), chat.room("alice", "dev")
    joined(chat, "alice", "bob", room="board")
    change(chat, "alice", board, private=True)
    chat.said("alice", 1, conversation=board, body="the plan is secret")
    chat.said("alice", 2, conversation=dev, body="the plan is public")
    return chat


def ask(chat: Script, who: str, where: int = 0) -> SearchMessages:
    """A search is on its way to the store."""
    asked = [effect.query for effect in chat.ask(who, Search(5, "plan", where)) if isinstance(effect, Read)]
    (query,) = asked
    assert isinstance(query, SearchMessages)
    return query


def found(chat: Script, who: str, query: SearchMessages | None = None) -> list[str]:
    """What somebody finds, now or by a search from before."""
    assert isinstance(chat.store, Filed)
    answer = chat.store.search(query or ask(chat, who))
    page = the(SearchPage, chat.take(chat.hub.completed(answer, chat.now)), who)
    return [hit.message.body for hit in page.hits]


BOTH = ["the plan is public", "the plan is secret"]
PUBLIC = ["the plan is public"]
BOARD, DEV = 2, 3


def test_only_those_who_may_read_a_private_room_find_its_words(chat: Script) -> None:
    assert {who: found(chat, who) for who in ("alice", "bob", "carol", "ada", "gus")} == {
        "alice": BOTH,
        "bob": BOTH,
        "carol": PUBLIC,
        "ada": PUBLIC,
        "gus": PUBLIC,
    }
    assert found(chat, "bob", ask(chat, "bob", BOARD)) == ["the plan is secret"]
    assert refusal(chat.ask("carol", Search(5, "plan", BOARD))) == ErrorCode.NO_SUCH_CONVERSATION


def test_who_is_invited_finds_them_and_who_is_put_out_does_not_any_more(chat: Script) -> None:
    do(chat, "alice", Act.INVITE, "gus", BOARD)
    assert found(chat, "gus") == BOTH
    for act, who in ((Act.UNINVITE, "gus"), (Act.KICK, "bob")):
        asked_before = ask(chat, who)
        do(chat, "alice", act, who, BOARD)
        assert found(chat, who, asked_before) == PUBLIC, "it is asked again when the store has answered"
        assert found(chat, who) == PUBLIC


def test_who_is_banned_from_a_public_room_does_not_find_its_words(chat: Script) -> None:
    do(chat, "alice", Act.BAN, "carol", DEV, seconds=60)
    assert found(chat, "carol") == []
    assert refusal(chat.ask("carol", Search(5, "plan", DEV))) == ErrorCode.BANNED
    chat.seconds += 60
    assert found(chat, "carol") == PUBLIC


def test_an_owner_who_is_a_guest_finds_what_is_said_in_its_room(chat: Script) -> None:
    club_room = chat.room("gus", "club")
    change(chat, "gus", club_room, private=True)
    chat.said("gus", 1, conversation=club_room, body="another plan")
    assert found(chat, "gus") == ["another plan", *PUBLIC]
    assert found(chat, "alice") == BOTH


def test_a_room_that_becomes_private_while_a_search_is_under_way(chat: Script) -> None:
    asked_before = ask(chat, "carol")
    assert isinstance(chat.store, Filed)
    answer = chat.store.search(asked_before)
    change(chat, "alice", DEV, private=True)
    page = the(SearchPage, chat.take(chat.hub.completed(answer, chat.now)), "carol")
    assert page.hits == []
    change(chat, "alice", DEV, private=False)
    assert found(chat, "carol") == PUBLIC

"""What a search may find is for the core to say; the store only looks."""

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Effect, Read, Reply
from chatnet.core.entries import Committed, Entry, Found, Outcome, ReadFailed, SearchMessages, Snapshot
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Opened, Refused, SearchPage
from chatnet.model import Kind, Message
from chatnet.requests import Login, Open, Post, Search
from chatnet.wire.codec import encode

NOW = Now(10.0, 1000)


def hub_with(*names: str) -> Hub:
    hub = Hub(
        Snapshot(),
        limits=Limits(),
        server=bytes(16),
        version="1",
        history="durable",
        open_to_guests=True,
        entropy=bytes,
    )
    for name in names:
        hub.connected(name, Caller(is_local=True), NOW)
        hub.handle(name, Login(1, name, name.encode().ljust(32), name.encode().ljust(16)), NOW)
    return hub


def query_of(effects: list[Effect]) -> SearchMessages:
    (effect,) = effects
    assert isinstance(effect, Read)
    assert isinstance(effect.query, SearchMessages)
    return effect.query


def reply_of(effects: list[Effect]) -> object:
    (effect,) = effects
    assert isinstance(effect, Reply)
    return effect.event


def open_chat(hub: Hub, who: str, whom: str) -> int:
    batch = [effect for effect in hub.handle(who, Open(9, user=whom), NOW) if isinstance(effect, Entry)]
    reply = reply_of(hub.completed(Committed(batch, [None] * len(batch)), NOW))
    assert isinstance(reply, Opened)
    return reply.conversation.id


def message(seq: int, body: str = "hi") -> Message:
    return Message(seq, 1000, 1, "alice", "", Kind.TEXT, body)


def say(hub: Hub, who: str, where: int) -> None:
    effects = hub.handle(who, Post(1, where, "hi"), NOW)
    batch = [effect for effect in effects if isinstance(effect, Entry)]
    outcomes: list[Outcome] = [*[None] * (len(batch) - 1), message(1)]
    hub.completed(Committed(batch, outcomes), NOW)


def test_only_one_s_own_chats_are_looked_through() -> None:
    hub = hub_with("alice", "bob", "carol")
    mine = open_chat(hub, "alice", "bob")
    open_chat(hub, "carol", "bob")
    query = query_of(hub.handle("alice", Search(3, "disk"), NOW))
    assert query.chats == [mine]
    assert query.conversation == 0


def test_a_search_in_somebody_else_s_chat_is_refused() -> None:
    hub = hub_with("alice", "bob", "carol")
    theirs = open_chat(hub, "carol", "bob")
    reply = reply_of(hub.handle("alice", Search(3, "disk", theirs), NOW))
    assert isinstance(reply, Refused)
    assert reply.code == ErrorCode.NO_SUCH_CONVERSATION


def test_a_search_that_is_too_long_is_refused() -> None:
    hub = hub_with("alice")
    reply = reply_of(hub.handle("alice", Search(3, "x" * 1025), NOW))
    assert isinstance(reply, Refused)
    assert reply.code == ErrorCode.BAD_REQUEST
    query_of(hub.handle("alice", Search(3, "x" * 1024), NOW))


def test_what_was_found_comes_with_where_it_was_said() -> None:
    hub = hub_with("alice", "bob")
    mine = open_chat(hub, "alice", "bob")
    say(hub, "alice", mine)
    query = query_of(hub.handle("alice", Search(3, "hi"), NOW))
    page = reply_of(hub.completed(Found(query, [(mine, message(1), 77)], 0), NOW))
    assert isinstance(page, SearchPage)
    assert (page.id, page.next) == (3, 0)
    (hit,) = page.hits
    assert hit.message == message(1)
    assert hit.conversation.peer is not None
    assert hit.conversation.peer.name == "bob"


def test_what_nobody_was_told_yet_is_not_found() -> None:
    hub = hub_with("alice", "bob")
    mine = open_chat(hub, "alice", "bob")
    query = query_of(hub.handle("alice", Search(3, "hi"), NOW))
    page = reply_of(hub.completed(Found(query, [(mine, message(1), 77)], 0), NOW))
    assert page == SearchPage(3, [], 0)


def test_a_page_that_is_too_long_ends_early_and_goes_on_where_it_ended() -> None:
    hub = hub_with("alice", "bob")
    mine = open_chat(hub, "alice", "bob")
    say(hub, "alice", mine)
    query = query_of(hub.handle("alice", Search(3, "hi"), NOW))
    hits = [(mine, message(1, "x" * 16_000), 100 - n) for n in range(10)]
    page = reply_of(hub.completed(Found(query, hits, 91), NOW))
    assert isinstance(page, SearchPage)
    assert 1 <= len(page.hits) < 10
    assert page.next == 100 - (len(page.hits) - 1)
    assert encode(page)


def test_a_search_that_fails_is_refused_with_the_reason() -> None:
    hub = hub_with("alice")
    query = query_of(hub.handle("alice", Search(3, "hi"), NOW))
    reply = reply_of(hub.completed(ReadFailed(query, ErrorCode.UNSUPPORTED, "no history"), NOW))
    assert reply == Refused(3, ErrorCode.UNSUPPORTED, "no history", 0.0)

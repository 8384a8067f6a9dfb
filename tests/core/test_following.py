"""Catching up from a store that is ahead of what it has told."""

from chatnet.clock import Now
from chatnet.core.effects import Append, Broadcast, Effect, Read, Reply
from chatnet.core.entries import Committed, PageRead, PutMessage, ReadMessages, Snapshot
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.events import Deliver, Event, Truncated
from chatnet.model import Kind, Message
from chatnet.requests import Join, Login, Post, Request

NOW = Now(0.0, 1_700_000_000_000)
LOBBY = 1


class Story:
    """A hub, one session in it, and a store that the test plays."""

    def __init__(self) -> None:
        limits = Limits(tail_seconds=0.0)
        self.hub = Hub(Snapshot(), limits=limits, server=b"s" * 16, version="0", history="none", open_to_guests=True)
        self.hub.connected("ann", True, NOW)
        self.ask(Login(1, "ann", b"s" * 32, b"d" * 16))

    def ask(self, request: Request) -> list[Effect]:
        return self.hub.handle("ann", request, NOW)

    def say(self, n: int) -> Append:
        """Post a message; returns what the store is asked to keep."""
        return next(e for e in self.ask(Post(n, LOBBY, str(n))) if isinstance(e, Append) and is_message(e))

    def commit(self, post: Append, first: int) -> list[Effect]:
        """The store tells that it has kept this, and from which message on it keeps any."""
        assert isinstance(post.entry, PutMessage)
        done = Committed([post.entry], [message(post.entry.n)], {LOBBY: first})
        return self.hub.completed(done, NOW)


def is_message(append: Append) -> bool:
    return isinstance(append.entry, PutMessage)


def message(seq: int) -> Message:
    return Message(seq, NOW.wall, 1, "ann", "", Kind.TEXT, str(seq))


def events(effects: list[Effect]) -> list[Event]:
    return [effect.event for effect in effects if isinstance(effect, Reply | Broadcast)]


def test_messages_that_are_dropped_before_they_were_told_of_still_come_to_who_has_caught_up() -> None:
    story = Story()
    posts = [story.say(n) for n in (1, 2, 3)]
    story.commit(posts[0], first=1)
    story.hub.tick(NOW)  # lets go of the tail
    (query,) = [effect.query for effect in story.ask(Join(2, "lobby", after=0)) if isinstance(effect, Read)]
    assert isinstance(query, ReadMessages)

    caught_up = story.hub.completed(PageRead(query, [message(3)], first=3), NOW)
    assert events(caught_up) == [Truncated(LOBBY, 2)]
    assert Deliver(LOBBY, [message(2)]) in events(story.commit(posts[1], first=3))

"""A reader that stops, seen from the whole server: what it costs, what the others notice, and what it gets in the end.

In virtual time, so that it can be silent for minutes; with both stores, since what it has missed comes from there.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatnet.address import MEMORY, TCP, Address
from chatnet.config import Config
from chatnet.core.limits import KIB, Limits
from chatnet.events import Ack, Deliver, Event
from chatnet.model import LOBBY, Message
from chatnet.net.peer import Peer
from chatnet.net.ports import Store
from chatnet.requests import Alive, Join, Login, Post, Request
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.store.sqlite import SqliteStore
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector
from chatnet.transports.memory import MemoryNetwork
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

MESSAGES, AT_ONCE, SIZE = 3200, 32, 500
LOBBY_ID = 1
DEADLINE = 20.0
FAST = 1e9
LIMITS = Limits(post_burst=FAST, posts_per_second=FAST, text_burst=FAST, text_per_second=FAST, request_burst=FAST)


class World:
    """A server that the test drives, turn by turn, while the clock stands still."""

    def __init__(self, store: Store) -> None:
        self.clock, self.network = VirtualClock(), MemoryNetwork()
        self.selector = MemorySelector(self.clock, advances=False)
        self.most_queued = 0
        self.server = Server(
            Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=LIMITS),
            selector=self.selector,
            clock=self.clock,
            store=store,
            listeners=[self.network.listen(Address(MEMORY, "here"))],
        )
        self.server.start()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Let the server work until something is so; a store on disk takes its own time for that."""
        end = time.monotonic() + DEADLINE
        while not is_so():
            assert time.monotonic() < end, "it does not happen"
            self.server.turn(0.0)
            self.most_queued = max(self.most_queued, *(peer.queued for peer in self._peers()))

    def _peers(self) -> Iterator[Peer]:
        for key in self.selector.get_map().values():
            if isinstance(key.data.subject, Peer):
                yield key.data.subject


class Person:
    """A client; what it has not read waits in its connection, and then at the server."""

    def __init__(self, world: World, name: str, *requests: Request) -> None:
        """``name`` has four letters, of which its secret and its device are made."""
        self._line = world.network.connect(Address(MEMORY, "here"))
        self._frames = FrameReader(MAX_PAYLOAD)
        self.heard: list[Message] = []
        self.others: list[Event] = []
        self._line.send(PREFACE)
        self.say(Login(1, name, name.encode() * 8, name.encode() * 4), *requests)
        world.until(lambda: len(self.read().others) >= 2 + len(requests))

    def say(self, *requests: Request) -> None:
        self._line.send(b"".join(map(encode, requests)))

    def read(self) -> "Person":
        """Take all that has come."""
        while data := self._line.receive(64 * KIB):
            self._frames.receive(data)
            while (payload := self._frames.next_frame()) is not None:
                event = decode_event(payload)
                if isinstance(event, Deliver):
                    self.heard += event.messages
                elif event is not None:
                    self.others.append(event)
        return self

    @property
    def acks(self) -> int:
        return sum(isinstance(event, Ack) for event in self.others)


@pytest.fixture(params=["memory", "on disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    tmp_path.chmod(0o700)
    store: Store = MemoryStore(window_messages=2 * MESSAGES) if request.param == "memory" else SqliteStore(tmp_path)
    world = World(store)
    yield world
    world.server.close()


def text(n: int) -> str:
    return f"{n} ".ljust(SIZE, "x")


def talk(world: World, witness: Person, present: Person) -> float:
    """Say everything, a little each second; ``present`` says that it is there. Returns how long that took."""
    start = world.clock.now().monotonic
    speaker = Person(world, "anne")
    for first in range(1, MESSAGES + 1, AT_ONCE):
        speaker.say(*(Post(n, LOBBY_ID, text(n)) for n in range(first, first + AT_ONCE)))
        said = first + AT_ONCE - 1
        world.until(lambda said=said: speaker.read().acks == said == len(witness.read().heard))  # type: ignore[misc]
        if first % (20 * AT_ONCE) == 1:
            present.say(Alive())
            witness.say(Alive())
        world.clock.advance(1.0)
    return world.clock.now().monotonic - start


def test_a_reader_that_stops_costs_little_slows_nobody_and_then_hears_all_in_order(world: World) -> None:
    slow = Person(world, "slow", Join(2, LOBBY))
    witness = Person(world, "will", Join(2, LOBBY))
    took = talk(world, witness, slow)
    assert took > LIMITS.silence_seconds, "long enough to be given up, had it not said that it is there"
    assert world.most_queued > LIMITS.output_soft, "it was really behind"
    assert world.most_queued <= LIMITS.output_soft + MAX_PAYLOAD
    assert slow.heard == []
    world.until(lambda: len(slow.read().heard) >= MESSAGES)
    assert [message.seq for message in slow.heard] == list(range(1, MESSAGES + 1))
    assert [message.body for message in slow.heard] == [text(n) for n in range(1, MESSAGES + 1)]

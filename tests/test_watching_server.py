"""A whole server in virtual time, watched by an admin who does not read."""

import os

from chatnet.address import MEMORY, Address
from chatnet.config import Config
from chatnet.core.limits import KIB, Limits
from chatnet.events import Deliver, Event, LogLines, Stats
from chatnet.model import Happening
from chatnet.net.callers import ROOT
from chatnet.net.peer import Peer
from chatnet.requests import Enter, Join, Login, Post, Request, Watch
from chatnet.server import Server
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector
from chatnet.transports.memory import MemoryListener, MemoryNetwork, MemoryTransport
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import PREFACE, FrameReader

HERE = Address(MEMORY, "here")
LIMITS = Limits(post_burst=1e9, text_burst=1e9, unanswered=100_000, output_hard=8 * 1024 * KIB)
LOBBY = 1


class Owned:
    """A listener whose first caller is who runs the server."""

    def __init__(self, listener: MemoryListener) -> None:
        self._listener = listener
        self._has_come = False
        self.selectable, self.address = listener.selectable, listener.address
        self.close = listener.close

    def accept(self) -> MemoryTransport | None:
        transport = self._listener.accept()
        if transport is not None and not self._has_come:
            self._has_come = True
            transport.uid = ROOT
        return transport


class Line:
    """One client's connection."""

    def __init__(self, world: "World", *requests: Request) -> None:
        self.transport = world.network.connect(HERE)
        self.transport.send(PREFACE)
        self._reader = FrameReader(64 * KIB)
        self._world = world
        world.turns(2)
        self.ask(*requests)

    def ask(self, *requests: Request) -> None:
        data = b"".join(map(encode, requests))
        while data:
            data = data[self.transport.send(data) :]
            self._world.turns(1)

    def read(self) -> list[Event]:
        """All that is there for it, as fast as it comes."""
        found: list[Event] = []
        while data := self.transport.receive(1 << 20):
            self._reader.receive(data)
            while (payload := self._reader.next_frame()) is not None:
                event = decode_event(payload)
                assert event is not None
                found.append(event)
            self._world.turns(2)
        return found


class World:
    def __init__(self) -> None:
        self.clock, self.network = VirtualClock(), MemoryNetwork()
        self.server = Server(
            Config(limits=LIMITS),
            selector=MemorySelector(self.clock, advances=False),
            clock=self.clock,
            entropy=os.urandom,
            listeners=[Owned(self.network.listen(HERE))],
        )
        self.server.start()

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.server.turn(0.0)

    def wait(self, seconds: float) -> None:
        """Let time pass, with a turn wherever something is due."""
        until = self.clock.now().monotonic + seconds
        while (now := self.clock.now().monotonic) < until:
            self.clock.advance(min(0.05, until - now))
            self.turns(2)

    def peers(self) -> list[Peer]:
        loop = self.server._loop
        assert loop is not None
        subjects = [key.data.subject for key in loop._selector.get_map().values()]
        return [subject for subject in subjects if isinstance(subject, Peer)]


def guest(name: str) -> tuple[Request, ...]:
    return Login(1, name, name.encode().ljust(32), name.encode().ljust(16)), Join(2, "lobby")


def test_a_watcher_who_does_not_read_costs_little_and_nobody_else_notices() -> None:
    world = World()
    admin = Line(world, Enter(1, bytes(16)))
    world.wait(0.5)
    admin.ask(Watch(2))
    ann, ben = Line(world, *guest("ann")), Line(world, *guest("ben"))
    world.wait(1.5)
    before = [event for event in admin.read() if isinstance(event, LogLines)]
    assert [line.what for event in before for line in event.lines] == [
        *(Happening.LOGGED_IN, Happening.JOINED) * 2,
    ]
    ben.read()
    said = 0
    most = 0
    heard: list[str] = []
    for _ in range(40):
        ann.ask(*(Post(said + n, LOBBY, f"m{said + n} " + "x" * 300) for n in range(1, 251)))
        said += 250
        world.wait(0.25)
        ann.read()
        heard += [m.body.split()[0] for e in ben.read() if isinstance(e, Deliver) for m in e.messages]
        most = max(most, *(peer.queued for peer in world.peers()))
    assert heard == [f"m{n}" for n in range(1, said + 1)]
    assert LIMITS.output_soft < most < LIMITS.output_soft + 64 * KIB
    told: list[Event] = []
    for _ in range(8):
        told += admin.read()
        world.wait(0.5)
    lines = [event for event in told if isinstance(event, LogLines)]
    shown = [line.text.split()[0] for event in lines for line in event.lines]
    assert len(shown) + sum(event.dropped for event in lines) == said
    assert 500 < len(shown) < said / 2
    assert shown == sorted(shown, key=lambda text: int(text[1:]))
    stats = [event for event in told if isinstance(event, Stats)]
    assert stats[-1].messages == said
    assert stats[-1].deliveries == 2 * said
    assert stats[-1].queued == 0

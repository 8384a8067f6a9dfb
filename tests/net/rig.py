"""A network layer in virtual time, with a core and a store that do as the test says."""

from collections.abc import Callable

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Admit, Effect, Reply
from chatnet.core.entries import Batch, Completion, Handle, PutRoom, Query, Snapshot
from chatnet.core.file_jobs import FileAnswer, FileJob
from chatnet.core.limits import KIB, Limits
from chatnet.events import Deliver, Event, Hello, Presence
from chatnet.frontends.native import NativeFrontend
from chatnet.model import Kind, Message
from chatnet.net.connections import Connections
from chatnet.net.dispatch import Dispatcher
from chatnet.net.filing import FileLink
from chatnet.net.intake import Intake
from chatnet.net.loop import EventLoop
from chatnet.net.peer import Peer
from chatnet.net.ports import Frontend
from chatnet.net.storing import StoreLink
from chatnet.requests import Request
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector
from chatnet.transports.memory import MemoryNetwork, MemoryTransport
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import PREFACE, FrameReader

HELLO = Hello(bytes(16), "test")


def delivery(seq: int, size: int = 10) -> Deliver:
    """A message of about ``size`` bytes in conversation 1."""
    return Deliver(1, [Message(seq, 0, 1, "alice", "", Kind.TEXT, "x" * size)])


def news(size: int = 10) -> Presence:
    """An event that cannot be had again, of about ``size`` bytes."""
    return Presence(1, [], list(range(size)), 0)


def entry(number: int) -> PutRoom:
    """Something to store."""
    return PutRoom(number, f"room{number}", 0, archived=False)


class ScriptedCore:
    """Answers what the test has set, and writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.on_connected: Callable[[Handle], list[Effect]] = lambda session: [Reply(session, HELLO), Admit(session)]
        self.on_request: Callable[[Handle, Request], list[Effect]] = lambda *_: []
        self.on_disconnected: Callable[[Handle], list[Effect]] = lambda _: []
        self.on_completed: Callable[[Completion], list[Effect]] = lambda _: []
        self.on_fell_behind: Callable[[Handle, Deliver], list[Effect]] = lambda *_: []
        self.on_drained: Callable[[Handle], list[Effect]] = lambda _: []
        self.on_filed: Callable[[FileAnswer], list[Effect]] = lambda _: []
        self.on_bulk_sent: Callable[[Handle], list[Effect]] = lambda _: []
        self.on_end_turn: Callable[[], list[Effect]] = list
        self.on_tick: Callable[[], list[Effect]] = list
        self.seconds = 0.0

    def connected(self, session: Handle, caller: Caller, now: Now) -> list[Effect]:
        self._note(now, "connected", session, caller.is_local)
        return self.on_connected(session)

    def handle(self, session: Handle, request: Request, now: Now) -> list[Effect]:
        self._note(now, "handle", session, request)
        return self.on_request(session, request)

    def disconnected(self, session: Handle, now: Now) -> list[Effect]:
        self._note(now, "disconnected", session)
        return self.on_disconnected(session)

    def completed(self, completion: Completion, now: Now) -> list[Effect]:
        self._note(now, "completed", completion)
        return self.on_completed(completion)

    def fell_behind(self, session: Handle, missed: Deliver, now: Now) -> list[Effect]:
        self._note(now, "fell_behind", session, missed)
        return self.on_fell_behind(session, missed)

    def drained(self, session: Handle, now: Now) -> list[Effect]:
        self._note(now, "drained", session)
        return self.on_drained(session)

    def filed(self, answer: FileAnswer, now: Now) -> list[Effect]:
        self._note(now, "filed", answer)
        return self.on_filed(answer)

    def bulk_sent(self, session: Handle, now: Now) -> list[Effect]:
        self._note(now, "bulk_sent", session)
        return self.on_bulk_sent(session)

    def end_turn(self, now: Now) -> list[Effect]:
        self.seconds = now.monotonic
        return self.on_end_turn()

    def tick(self, now: Now) -> list[Effect]:
        self._note(now, "tick")
        return self.on_tick()

    def _note(self, now: Now, *what: object) -> None:
        self.seconds = now.monotonic
        self.told.append(what)

    def heard(self, what: str) -> list[tuple[object, ...]]:
        """What it was told of one kind, without the kind."""
        return [told[1:] for told in self.told if told[0] == what]


class ScriptedStore:
    """Answers when the test says so. ``log`` has the calls in order."""

    history = "none"

    def __init__(self) -> None:
        self.log: list[object] = []
        self.answers: list[Completion] = []
        self.error: Exception | None = None
        self.wakeup: Callable[[], None] | None = None

    @property
    def batches(self) -> list[Batch]:
        return [call for call in self.log if isinstance(call, list)]

    def load(self) -> Snapshot:
        self._fail()
        return Snapshot()

    def bind(self, wakeup: Callable[[], None]) -> None:
        self.wakeup = wakeup

    def submit(self, batch: Batch) -> None:
        self._fail()
        self.log.append(batch)

    def read(self, query: Query) -> None:
        self._fail()
        self.log.append(query)

    def completions(self) -> list[Completion]:
        self._fail()
        answers, self.answers = self.answers, []
        return answers

    def acknowledge_failure(self) -> None:
        self.log.append("acknowledge")

    def close(self) -> None:
        self._fail()
        self.log.append("close")

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


class ScriptedFileStore:
    """Likewise. ``log`` has the jobs, and ``close``."""

    def __init__(self) -> None:
        self.log: list[FileJob | str] = []
        self.answers: list[FileAnswer] = []
        self.error: Exception | None = None
        self.wakeup: Callable[[], None] | None = None

    def load(self) -> None:
        self._fail()
        self.log.append("load")

    def bind(self, wakeup: Callable[[], None]) -> None:
        self.wakeup = wakeup

    def submit(self, job: FileJob) -> None:
        self._fail()
        self.log.append(job)

    def completions(self) -> list[FileAnswer]:
        self._fail()
        answers, self.answers = self.answers, []
        return answers

    def close(self) -> None:
        self._fail()
        self.log.append("close")

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


class CountingTransport(MemoryTransport):
    """Counts how often it was asked to write, and must not be asked for anything once it is closed."""

    sends = 0
    favours_latency = False

    def favour_latency(self) -> None:
        assert not self.is_closed
        self.favours_latency = True

    def send(self, data: bytes | memoryview) -> int:
        assert not self.is_closed
        self.sends += 1
        return super().send(data)

    def receive(self, limit: int) -> bytes | None:
        assert not self.is_closed
        return super().receive(limit)


class Client:
    """The other end of a peer."""

    def __init__(self, transport: MemoryTransport, server: CountingTransport, peer: Peer) -> None:
        self.transport = transport
        self.server = server
        self.peer = peer
        self.reader = FrameReader(64 * KIB)

    def send(self, *requests: Request) -> None:
        data = b"".join(map(encode, requests))
        assert self.transport.send(data) == len(data)

    def read(self) -> bytes:
        """All that has arrived."""
        data = b""
        while piece := self.transport.receive(1 << 30):
            data += piece
        return data

    def events(self) -> list[Event]:
        """All events that have arrived."""
        self.reader.receive(self.read())
        events: list[Event] = []
        while (payload := self.reader.next_frame()) is not None:
            event = decode_event(payload)
            assert event is not None
            events.append(event)
        return events

    @property
    def sees_end(self) -> bool:
        """Has the server ended its side, and everything before was read?"""
        return self.transport.receive(1) == b""


class Rig:
    """Everything between a scripted core, a scripted store and memory transports."""

    def __init__(self, limits: Limits | None = None, capacity: int = 64 * KIB) -> None:
        self.limits = limits or Limits()
        self.clock = VirtualClock()
        self.network = MemoryNetwork(capacity)
        self.selector = MemorySelector(self.clock, advances=False)
        self.loop = EventLoop(self.selector, self.clock)
        self.connections = Connections(self.loop, self.limits)
        self.core = ScriptedCore()
        self.store = ScriptedStore()
        self.link = StoreLink(self.store)
        self.file_store = ScriptedFileStore()
        self.files = FileLink(self.file_store, self.link, self.loop)
        self.dispatcher = Dispatcher(self.core, self.link, self.files, self.connections)
        self.intake = Intake(self.core, self.dispatcher, self.connections)
        self.loop.end_of_turn = self.end_turn

    def end_turn(self) -> None:
        self.intake.go_on()
        self.dispatcher.finish_turn()

    def frontend(self) -> Frontend:
        return NativeFrontend(self.limits.frame_before_login, self.limits.frame)

    def connect(self, frontend: Frontend | None = None) -> Client:
        """A connection that has not said anything."""
        transport, other = self.network.pair()
        server = CountingTransport(other.incoming, other.outgoing, other.peer)
        peer = self.connections.add(server, frontend or self.frontend(), self.intake)
        return Client(transport, server, peer)

    def greet(self) -> Client:
        """A connection that the core knows."""
        client = self.connect()
        client.transport.send(PREFACE)
        self.turn()
        return client

    def login(self) -> Client:
        """A connection whose session is admitted, and that has read all so far."""
        client = self.greet()
        assert client.events() == [HELLO]
        client.server.sends = 0
        return client

    def turn(self) -> None:
        self.loop.run_turn(0.0)

    def settle(self) -> int:
        """Turns until nothing is left to do at this moment; how many it took."""
        for turns in range(1, 1000):
            self.turn()
            due = self.loop.next_due()
            if not self.selector.ready() and (due is None or due > self.clock.now().monotonic):
                return turns
        raise AssertionError("the loop is busy for ever")

    def submit(self, number: int = 1) -> Batch:
        """A batch that waits for the store."""
        self.carry_out(entry(number))
        self.turn()
        return self.store.batches[-1]

    def carry_out(self, *effects: Effect) -> None:
        """Let the core ask for this, outside of any request."""
        self.dispatcher.carry_out(list(effects))

"""Several client sessions and a real hub in virtual time, over connections that a test cuts wherever it likes."""

from collections import defaultdict

from chatnet.client.identity import Identity
from chatnet.client.news import Incoming, News
from chatnet.client.session import ClientSession, Phase
from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Admit, AwaitDrain, Broadcast, Bulk, Close, Effect, FileWork, Read, Reply
from chatnet.core.entries import Entry, Failed, Handle, Snapshot
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Event
from chatnet.files.parts import Pace
from chatnet.frontends.native import NativeFrontend
from chatnet.model import ConversationId, TransferId
from chatnet.requests import Request
from chatnet.store.memory import MemoryStore
from chatnet.testing.file_stores import SteppedFileStore
from chatnet.testing.memory_disk import MemoryDisk
from chatnet.wire.codec import encode

LIMITS = Limits()
PACE = Pace(mark=1000, sync=50_000, read=10_000)


class Line:
    """One connection: the bytes under way in each direction."""

    def __init__(self, user: "Person") -> None:
        self.user = user
        self.frontend = NativeFrontend(LIMITS.frame_before_login, LIMITS.frame)
        self.is_known = False
        self.to_server = b""
        self.to_client = b""
        self.bulk: list[Event] = []
        self.durable: dict[TransferId, int] = {}
        """How much of each upload the server has said to have for good."""


class Person:
    """A client session and all that it told its application."""

    def __init__(self, name: str, number: int) -> None:
        self.session = ClientSession(name, Identity(bytes([number]) * 32, bytes([number]) * 16), random=lambda: 0.0)
        self.news: list[News] = []
        self.line: Line | None = None

    def heard(self) -> dict[ConversationId, list[str]]:
        """The texts of each conversation."""
        texts = defaultdict(list)
        for news in self.news:
            if isinstance(news, Incoming):
                texts[news.conversation.id].append(news.text)
        return dict(texts)

    def count(self, kind: type[News]) -> int:
        """How many news of a kind there were."""
        return sum(isinstance(news, kind) for news in self.news)


class World:
    """A server, its store, and people. ``fails``: the store refuses every batch until it is False again.

    ``with_files``: the server keeps files, on a disk in memory.
    """

    def __init__(self, *names: str, with_files: bool = False) -> None:
        self.with_files = with_files
        self.now = Now(1000.0, 1_700_000_000_000)
        self.people = [Person(name, number) for number, name in enumerate(names, 1)]
        self.fails = False
        self.start(b"s" * 16)

    def start(self, server: bytes) -> None:
        """The server starts with an empty store; whoever was connected is not any more."""
        self.store = MemoryStore()
        self.disk = MemoryDisk()
        self.files = SteppedFileStore(self.disk, pace=PACE)
        self.files.load()
        self.hub = Hub(
            Snapshot(),
            limits=LIMITS,
            server=server,
            version="0",
            history="none",
            open_to_guests=True,
            entropy=bytes,
            with_files=self.with_files,
        )
        self._batch: list[Entry] = []
        self._unnoticed: list[Line] = []
        for person in self.people:
            if person.line is not None:
                person.line = None
                person.session.connection_lost(self.now.monotonic)

    # -- the network ------------------------------------------------------------------------------------------

    def connect(self, person: Person) -> None:
        """Make a connection, if there is none."""
        if person.line is None and person.session.phase is Phase.OFFLINE:
            person.line = Line(person)
            person.session.connection_made(self.now.monotonic)

    def cut(self, person: Person, *, server_notices: bool = True) -> None:
        """Break a connection. What was under way is gone; the server may notice only when time passes."""
        line, person.line = person.line, None
        if line is None:
            return
        person.session.connection_lost(self.now.monotonic)
        self._unnoticed.append(line)
        if server_notices:
            self._notice()

    def _notice(self) -> None:
        while self._unnoticed:
            line = self._unnoticed.pop()
            if line.is_known:
                self._do(self.hub.disconnected(line, self.now))

    def carry(self, person: Person, *, up: int = 1 << 20, down: int = 1 << 20) -> None:
        """Let up to so many bytes arrive, at the server and then at the client."""
        line = person.line
        if line is None:
            return
        line.to_server += person.session.data_to_send()
        if not line.to_server:
            line.to_server += person.session.bulk_to_send()
        arrived, line.to_server = line.to_server[:up], line.to_server[up:]
        self._arrive(line, arrived)
        self._end_turn()
        if line.bulk and not line.to_client:
            self.tell(line, line.bulk.pop(0))
            self._do(self.hub.bulk_sent(line, self.now))
        arrived, line.to_client = line.to_client[:down], line.to_client[down:]
        person.session.receive(arrived, self.now.monotonic)
        person.news += person.session.news()
        if person.session.wants_close:
            self.cut(person)

    def settle(self) -> None:
        """Everything works, until nothing more happens."""
        self.fails = False
        for _ in range(200):
            self.wait(1.0)
            for person in self.people:
                self.connect(person)
                self.carry(person)
            if not any(self._is_busy(person) for person in self.people):
                return
        raise AssertionError("it never becomes quiet")

    def _is_busy(self, person: Person) -> bool:
        line = person.line
        if line is None or not person.session.is_online or person.session.unanswered:
            return True
        line.to_server += person.session.data_to_send()
        return bool(line.to_server or line.to_client or line.bulk or person.session.has_bulk)

    def wait(self, seconds: float) -> None:
        """Time passes for everybody."""
        self.now = Now(self.now.monotonic + seconds, self.now.wall + round(seconds * 1000))
        for person in self.people:
            person.session.tick(self.now.monotonic)
        self._notice()
        self._do(self.hub.tick(self.now))
        self._end_turn()

    # -- the server -------------------------------------------------------------------------------------------

    def _arrive(self, line: Line, data: bytes) -> None:
        line.frontend.receive(data)
        if line.frontend.ready and not line.is_known:
            line.is_known = True
            self._do(self.hub.connected(line, Caller(is_local=True), self.now))
        while (request := line.frontend.next_request()) is not None:
            self.handle(line, request)

    def handle(self, line: Line, request: Request) -> None:
        """Something is asked of the server."""
        self._do(self.hub.handle(line, request, self.now))

    def _end_turn(self) -> None:
        self._do(self.hub.end_turn(self.now))
        batch, self._batch = self._batch, []
        if batch and self.fails:
            self._do(self.hub.completed(Failed(batch, ErrorCode.STORE_FULL, "full", 2.0), self.now))
        elif batch:
            self.store.submit(batch)
        for completion in self.store.completions():
            self._do(self.hub.completed(completion, self.now))
        for answer in self.files.completions():
            self._do(self.hub.filed(answer, self.now))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Entry() as entry:
                    self._batch.append(entry)
                case Read(query=query):
                    self.store.read(query)
                case Reply(session=session, event=event):
                    self._tell(session, event)
                case Broadcast(audience=audience, event=event):
                    for session in audience:
                        self._tell(session, event)
                case Bulk(session=session, event=event):
                    assert isinstance(session, Line)
                    session.bulk.append(event)
                case Admit(session=session):
                    assert isinstance(session, Line)
                    session.frontend.admit()
                case FileWork(job=job):
                    self.files.submit(job)
                case AwaitDrain(session=session):
                    self._do(self.hub.drained(session, self.now))
                case Close(session=session, code=code, reason=reason):
                    self._tell(session, Closing(code, reason))

    def _tell(self, session: Handle, event: Event) -> None:
        assert isinstance(session, Line)
        if session.user.line is session:
            self.tell(session, event)

    def tell(self, line: Line, event: Event) -> None:
        """The server says something over a connection that is there."""
        line.to_client += encode(event)

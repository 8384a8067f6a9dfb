"""A hub to write little plays with: this came in, that must go out.

Sessions are called by plain words. Effects are carried out at once as far as the store is concerned, and come back as
they are, but for the audience of a `Broadcast`: it is a live view, so what comes back has a sorted list of names.
"""

from collections.abc import Iterable
from typing import TypeVar

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Broadcast, Effect, FileWork, Read, Reply
from chatnet.core.entries import (
    Batch,
    DeedsRead,
    Entry,
    Failed,
    PageRead,
    ReadDeeds,
    ReadFailed,
    ReadMessages,
    SavedConversation,
    Snapshot,
)
from chatnet.core.gauges import Gauges
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.events import Event, Opened, Refused
from chatnet.model import Kind, Message, User
from chatnet.requests import CreateRoom, Join, Login, Open, Post, Request
from tests.core.slow_files import SlowFiles
from tests.core.slow_store import SlowStore

LOBBY_ID = 1
E = TypeVar("E", bound=Event)
START = 100.0
"""Monotonic seconds at which every play begins; the wall clock says the same, in milliseconds."""
LOCAL = Caller(is_local=True, is_private=True)
"""Over loopback, so nobody knows which user it is."""
FAR = Caller(is_local=False, place="192.0.2.7")
"""From another machine, in plain text."""


def over_tls(place: str = "192.0.2.7", binding: bytes = b"binding") -> Caller:
    """From another machine, encrypted."""
    return Caller(is_local=False, place=place, is_private=True, binding=binding)


def on_socket(uid: int, login: str, *, is_owner: bool = False) -> Caller:
    """A user of this machine, over the local socket."""
    return Caller(is_local=True, is_private=True, uid=uid, login=login, is_owner=is_owner)


class Script:
    """One hub, with a store that works when it is told to."""

    def __init__(
        self,
        *guests: str,
        limits: Limits | None = None,
        snapshot: Snapshot | None = None,
        open_to_guests: bool = False,
        window: int | None = None,
        gauges: Gauges | None = None,
        files: SlowFiles | None = None,
        keep: Keep = KEEP_ALL,
    ) -> None:
        """``files``: a file store, for a server that has one."""
        self._draws = 0
        self.hub = Hub(
            snapshot or Snapshot(),
            limits=limits or Limits(),
            server=b"s" * 16,
            version="1.0",
            history="none",
            open_to_guests=open_to_guests,
            entropy=self._entropy,
            keep=keep,
            with_files=files is not None,
            gauges=gauges,
        )
        self.files = SlowFiles() if files is None else files
        self.store = SlowStore(window)
        if snapshot is not None:
            self.store.users = {user.id: user for user in snapshot.users}
            self.store.tokens = {token.id: token for token in snapshot.tokens}
            self.store.invitations = {invitation.name: invitation for invitation in snapshot.invitations}
        self.batch: Batch = []
        self.seconds = START
        for name in guests:
            self.login(name)

    def _entropy(self, size: int) -> bytes:
        """Never the same twice, and in every run the same."""
        self._draws += 1
        return self._draws.to_bytes(size)

    @property
    def now(self) -> Now:
        return Now(self.seconds, int(self.seconds * 1000))

    # -- what comes in ----------------------------------------------------------------------------------------

    def connect(self, session: str, caller: Caller = LOCAL) -> list[Effect]:
        """A connection is made."""
        return self.take(self.hub.connected(session, caller, self.now))

    def disconnect(self, session: str) -> list[Effect]:
        """A connection breaks."""
        return self.take(self.hub.disconnected(session, self.now))

    def ask(self, session: str, request: Request) -> list[Effect]:
        """A session asks for something."""
        return self.take(self.hub.handle(session, request, self.now))

    def login(
        self,
        session: str,
        name: str | None = None,
        *,
        secret: str | None = None,
        device: str | None = None,
        display: str = "",
        live: bool = True,
        replaces: int = 0,
        caller: Caller = LOCAL,
    ) -> list[Effect]:
        """A connection is made, and a guest logs in; name, secret and device are the session's if nothing is said."""
        self.connect(session, caller)
        return self.ask(
            session, login(session if name is None else name, secret, device or session, display, live, replaces)
        )

    def join(self, *sessions: str, room: str = "lobby") -> None:
        """These sessions are in a room from now on."""
        for session in sessions:
            self.ask(session, Join(99, room))
        self.end_turn()

    def room(self, owner: str, name: str) -> int:
        """There is a room of this name, that ``owner`` has made; returns its id."""
        self.ask(owner, CreateRoom(99, name))
        return _opened(self.store_all())

    def chat(self, session: str, other: str) -> int:
        """The id of the personal chat with another user, stored if it is new."""
        return _opened(self.ask(session, Open(99, user=other)) + self.store_all())

    def say(self, session: str, n: int, conversation: int = LOBBY_ID, body: str = "hi") -> list[Effect]:
        """A session posts a text."""
        return self.ask(session, Post(n, conversation, body))

    def said(self, session: str, *numbers: int, conversation: int = LOBBY_ID, body: str = "hi") -> None:
        """A session has posted texts, and they are stored and told."""
        for n in numbers:
            self.say(session, n, conversation, body)
        self.store_all()

    def restarted(self) -> "Script":
        """Another hub, with what the store of this one has kept."""
        store = self.store
        heads = {id: len(messages) for id, messages in store.log.items()}
        kept = [SavedConversation(entry, 1, heads.get(id, 0)) for id, entry in store.conversations.items()]
        ids = max(store.users, default=0) + 1, max(store.conversations, default=0) + 1
        again = Script(snapshot=Snapshot(list(store.users.values()), kept, [], *ids))
        again.store.users, again.store.conversations = store.users, store.conversations
        return again

    # -- turns and the store ----------------------------------------------------------------------------------

    def end_turn(self) -> list[Effect]:
        """A turn of the loop ends; its batch goes to the store."""
        effects = self.take(self.hub.end_turn(self.now))
        self.submit()
        return effects

    def submit(self) -> None:
        """The store gets what was asked of it."""
        if self.batch:
            self.store.submit(self.batch)
            self.batch = []

    def store_one(self) -> list[Effect]:
        """The store does the oldest batch."""
        return self.take(self.hub.completed(self.store.store(), self.now))

    def store_all(self) -> list[Effect]:
        """The store does all that it was asked."""
        self.submit()
        effects: list[Effect] = []
        while self.store.has_batch:
            effects += self.store_one()
        return effects

    def fail_all(self) -> list[Effect]:
        """The store can do nothing of what it was asked."""
        self.submit()
        effects: list[Effect] = []
        while self.store.has_batch:
            failed = self.store.store(fails=True)
            assert isinstance(failed, Failed)
            effects += self.take(self.hub.completed(failed, self.now))
        self.store.acknowledge_failure()
        return effects

    def read_page(self) -> list[Effect]:
        """The store reads what it was asked for first."""
        return self.give(self.store.answer(self.store.queries[0]))

    def fail_page(self) -> list[Effect]:
        """The store cannot read what it was asked for first."""
        return self.give(self.store.answer(self.store.queries[0], fails=True))

    def read_deeds(self, *, fails: bool = False) -> list[Effect]:
        """The store reads the page of the audit log that it was asked for first, or cannot."""
        return self.give(self.store.answer_deeds(fails=fails))

    def give(self, page: PageRead | DeedsRead | ReadFailed) -> list[Effect]:
        """The hub gets a page."""
        return self.take(self.hub.completed(page, self.now))

    # -- time -------------------------------------------------------------------------------------------------

    def tick(self, seconds: float = 1.0) -> list[Effect]:
        """Time passes."""
        self.seconds += seconds
        return self.take(self.hub.tick(self.now))

    # -- what goes out ----------------------------------------------------------------------------------------

    def take(self, effects: Iterable[Effect]) -> list[Effect]:
        """Carry out what concerns the store, and return all in a form that can be compared."""
        taken: list[Effect] = []
        for effect in effects:
            match effect:
                case Entry() as entry:
                    self.batch.append(entry)
                case Read(query=ReadMessages() | ReadDeeds() as query):
                    self.store.read(query)
                case FileWork(job=job):
                    self.files.submit(job)
                case Broadcast(audience=audience, event=event):
                    effect = to([str(session) for session in audience], event)
            taken.append(effect)
        return taken


def login(
    name: str, secret: str | None = None, device: str = "", display: str = "", live: bool = True, replaces: int = 0
) -> Login:
    """A login; secret and device are made of any words."""
    whose = (secret or name.lower()).encode().ljust(32, b".")[:32]
    return Login(1, name, whose, device.encode().ljust(16, b".")[:16], display, live, replaces)


def user(id: int, name: str, display: str = "") -> User:
    """A guest as others see it."""
    return User(id, name, display)


def message(seq: int, sender: int, name: str, body: str = "hi", *, at: float = START) -> Message:
    """A message as it is told."""
    return Message(seq, int(at * 1000), sender, name, "", Kind.TEXT, body)


def to(sessions: list[str], event: Event) -> Broadcast:
    """A broadcast as the script shows it."""
    return Broadcast(sorted(sessions), event)


def events(effects: list[Effect], session: str) -> list[Event]:
    """All that one session is told."""
    return [
        effect.event
        for effect in effects
        if (isinstance(effect, Reply) and effect.session == session)
        or (isinstance(effect, Broadcast) and session in effect.audience)
    ]


def the(kind: type[E], effects: list[Effect], session: str) -> E:
    """The one event of this kind that one session is told."""
    (event,) = [event for event in events(effects, session) if isinstance(event, kind)]
    return event


def entries(effects: list[Effect]) -> list[Entry]:
    """All that the store is asked to keep."""
    return [effect for effect in effects if isinstance(effect, Entry)]


def refusal(effects: list[Effect]) -> str:
    """The code with which the last request was refused; it had no other effect."""
    (effect,) = effects
    assert isinstance(effect, Reply)
    assert isinstance(effect.event, Refused)
    return effect.event.code


def _opened(effects: list[Effect]) -> int:
    (opened,) = [e.event for e in effects if isinstance(e, Reply) and isinstance(e.event, Opened)]
    return opened.conversation.id

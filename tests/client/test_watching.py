"""Watching a real server: figures, the live log, connections; across lost connections, and until one may no more."""

import time
from collections.abc import Callable, Iterator

import pytest

import chatnet.client.client
from chatnet import Client
from chatnet.address import TCP, UNIX, Address
from chatnet.client.connection import Handler, Make
from chatnet.client.credentials import LocalCredentials, TokenCredentials
from chatnet.client.identity import Identity
from chatnet.client.news import News, Offline, ServerLog, ServerStats, WatchLost
from chatnet.client.thread import Answered, ClientThread, Failed, Notice
from chatnet.client.watching import Watching
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, LogLines, WatchEnded
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Happening, Role
from chatnet.net.platform import has_unix_sockets
from chatnet.requests import Request, Unwatch, Watch
from chatnet.server import Server
from tests.client.servers import PATIENCE, Wire

needs_unix = pytest.mark.skipif(not has_unix_sockets(), reason="the owner of a server is known by its local socket")


@pytest.fixture(autouse=True)
def _small_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatnet.client.client, "chance", lambda: 0.05)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("s") / "s"
    bind = (Address(UNIX, path=str(path)), Address(TCP, "127.0.0.1", 0))
    with Server(Config(bind=bind, limits=Limits(farewell_seconds=0.2, page=600), open=True)) as server:
        yield server


def owner(server: Server) -> Client:
    return Client(server.addresses[0], credentials=LocalCredentials(), reconnect=False, timeout=PATIENCE)


def guest(server: Server, name: str) -> Client:
    return Client(server.addresses[1], name=name, identity=Identity.ephemeral(), timeout=PATIENCE)


def account(admin: Client, address: Address, name: str, role: Role) -> Client:
    """A client of a new account, which is not connected yet."""
    admin.admin.create_account(name, role=role)
    _, token = admin.admin.create_token("test", user=name)
    return Client(address, credentials=TokenCredentials(token), timeout=PATIENCE)


def hear(chat: Client, found: Callable[[News], bool]) -> News:
    """The next news of this kind."""
    deadline = time.monotonic() + PATIENCE
    for news in chat.events(PATIENCE):
        if found(news):
            return news
        assert time.monotonic() < deadline
    raise AssertionError("nothing came")


def says(text: str) -> Callable[[News], bool]:
    return lambda news: isinstance(news, ServerLog) and text in [line.text for line in news.lines]


# -- with a server --------------------------------------------------------------------------------------------


@needs_unix
def test_an_admin_sees_how_the_server_fares_and_what_happens(server: Server) -> None:
    with owner(server) as admin, guest(server, "alice") as alice:
        admin.admin.watch()
        first = hear(admin, lambda news: isinstance(news, ServerStats))
        alice.join("lobby")
        alice.send("hi all", room="lobby")
        alice.send("a secret", to=admin.user.name)
        log = hear(admin, says("hi all"))
        assert isinstance(log, ServerLog)
        (line,) = [line for line in log.lines if line.text == "hi all"]
        assert (line.what, line.name, line.target, line.characters) == (Happening.SAID, "alice", "lobby", 6)
        later = hear(admin, lambda news: isinstance(news, ServerStats))
        assert isinstance(first, ServerStats)
        assert isinstance(later, ServerStats)
        assert later.stats.time - first.stats.time > 500
        assert later.stats.messages - first.stats.messages == 2
        assert later.stats.received > first.stats.received
        assert later.stats.sent > first.stats.sent
        assert (later.stats.connections, later.stats.sessions, later.stats.users) == (2, 2, 2)
        assert later.stats.server == first.stats.server
        assert later.stats.server.addresses == list(map(str, server.addresses))
        assert later.stats.server.guests
        assert 0 <= later.stats.lag < PATIENCE
        assert later.stats.cpu > 0
        admin.admin.unwatch()
        assert not [news for news in admin.events(1.5) if isinstance(news, ServerStats | ServerLog)]


@needs_unix
def test_private_messages_are_told_without_their_text(server: Server) -> None:
    with owner(server) as admin, guest(server, "alice") as alice, guest(server, "bob") as bob:
        admin.admin.watch()
        alice.send("a secret", to="bob")
        bob.send("the end", room="lobby")
        seen = []
        for news in admin.events(PATIENCE):
            if isinstance(news, ServerLog):
                seen += news.lines
                if any(line.text == "the end" for line in news.lines):
                    break
        private = [line for line in seen if line.what is Happening.SAID_PRIVATELY]
        assert [(line.name, line.target, line.text, line.characters) for line in private] == [("alice", "bob", "", 8)]
        assert "a secret" not in repr(seen)


@needs_unix
def test_figures_and_connections_come_when_they_are_asked_for(server: Server) -> None:
    with owner(server) as admin, guest(server, "alice"):
        assert admin.admin.stats().sessions == 2
        mine, hers = admin.admin.connections()
        assert (mine.user, mine.transport) == (admin.user, "unix")
        assert hers.user is not None
        assert (hers.user.name, hers.transport, hers.queued) == ("alice", "tcp", 0)
        assert hers.address.startswith("127.0.0.1:")
        assert hers.received > 0
        assert abs(hers.since - time.time() * 1000) < 1000 * PATIENCE


@needs_unix
def test_others_may_not_watch(server: Server) -> None:
    with owner(server) as admin, account(admin, server.addresses[1], "bob", Role.MEMBER) as bob:
        for ask in (bob.admin.watch, bob.admin.stats, bob.admin.connections, bob.admin.unwatch):
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.code == ErrorCode.FORBIDDEN


@needs_unix
def test_watching_goes_on_over_another_connection(server: Server) -> None:
    wire = Wire(server.addresses[1])
    with owner(server) as root, account(root, wire.address, "ada", Role.ADMIN) as ada:
        ada.admin.watch()
        hear(ada, lambda news: isinstance(news, ServerStats))
        wire.cut()
        hear(ada, lambda news: isinstance(news, Offline))
        hear(ada, lambda news: isinstance(news, ServerStats))
        root.send("are you there?", room="lobby")
        hear(ada, says("are you there?"))
    wire.close()


@needs_unix
def test_who_is_no_admin_any_more_is_told_that_the_watch_is_over(server: Server) -> None:
    with owner(server) as root, account(root, server.addresses[1], "ada", Role.ADMIN) as ada:
        ada.admin.watch()
        root.admin.set_role("ada", Role.MEMBER)
        lost = hear(ada, lambda news: isinstance(news, WatchLost))
        assert isinstance(lost, WatchLost)
        assert lost.code == ErrorCode.FORBIDDEN


@needs_unix
def test_it_works_in_a_thread_of_its_own(server: Server) -> None:
    thread = ClientThread(lambda: owner(server))
    number = thread.ask(lambda chat: chat.admin.watch())
    thread.start()
    heard: list[Notice] = []
    deadline = time.monotonic() + PATIENCE
    while not any(isinstance(notice, ServerStats) for notice in heard):
        assert time.monotonic() < deadline, f"only {heard}"
        assert not any(isinstance(notice, Failed) for notice in heard)
        heard += thread.take(timeout=1.0)
    assert Answered(number, None) in heard
    thread.stop()
    assert thread.join(PATIENCE)


# -- without one ----------------------------------------------------------------------------------------------


class Ears:
    """What a `Watching` asks and tells."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Handler]] = []
        self.told: list[News] = []
        self.watching = Watching(self._ask, self.told.append)

    def _ask(self, make: Make, done: Handler) -> None:
        self.asked.append((make(1), done))

    def answer(self, reply: RefusedEvent | Done | None) -> None:
        self.asked.pop(0)[1](reply)


NO = RefusedEvent(1, "FORBIDDEN", "only admins may do that")


def test_what_was_refused_is_not_asked_for_again() -> None:
    ears = Ears()
    ears.watching.watch(True, lambda reply: None)
    ears.answer(NO)
    ears.watching.start()
    assert ears.asked == []
    assert ears.told == [], "whoever asked was told"


def test_what_is_wanted_is_asked_for_again_over_every_connection_as_it_was_wanted_last() -> None:
    ears = Ears()
    ears.watching.watch(True, lambda reply: None)
    ears.answer(None)
    ears.watching.watch(False, lambda reply: None)
    ears.answer(Done(1))
    for _ in range(2):
        ears.watching.start()
        assert [request for request, _ in ears.asked] == [Watch(1, False)]
        ears.answer(Done(1))


def test_who_is_not_let_watch_again_is_told_once() -> None:
    ears = Ears()
    ears.watching.watch(True, lambda reply: None)
    ears.answer(Done(1))
    ears.watching.start()
    ears.answer(NO)
    ears.watching.start()
    assert ears.told == [WatchLost("FORBIDDEN", "only admins may do that")]
    assert ears.asked == []


def test_what_comes_late_or_without_being_asked_for_is_not_told() -> None:
    ears = Ears()
    ears.watching.heard(LogLines([], 5))
    ears.watching.watch(True, lambda reply: None)
    ears.watching.heard(LogLines([], 6))
    ears.watching.unwatch(lambda reply: None)
    ears.watching.heard(LogLines([], 7))
    ears.watching.heard(WatchEnded("FORBIDDEN", ""))
    assert ears.told == [ServerLog([], 6)]
    assert [request for request, _ in ears.asked] == [Watch(1, True), Unwatch(1)]

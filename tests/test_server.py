"""A whole server: over real sockets, from start to a graceful stop; and in virtual time."""

import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chatnet.address import MEMORY, TCP, UNIX, Address, parse
from chatnet.config import Config
from chatnet.core.entries import PutMessage, Snapshot
from chatnet.core.limits import Limits
from chatnet.errors import CannotListen, ConfigError, ErrorCode
from chatnet.events import Ack, Closing, Deliver, Hello, Joined, Presence, Welcome
from chatnet.net import platform
from chatnet.net.platform import has_unix_sockets, stop_on_signals
from chatnet.net.storing import StoreBroken
from chatnet.requests import Join, Login, Post
from chatnet.server import Server
from chatnet.store.memory import MemoryStore
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector
from chatnet.testing.stores import BrokenStore, LateStore
from chatnet.transports.memory import MemoryNetwork, MemoryTransport
from chatnet.wire.codec import decode_event, encode
from chatnet.wire.frames import PREFACE, FrameReader
from tests.e2e.raw import Raw, login, request

DEADLINE = 10.0
LOBBY = 1
LOOPBACK = Address(TCP, "127.0.0.1", 0)
needs_unix = pytest.mark.skipif(not has_unix_sockets(), reason="no unix sockets here")


def config(*binds: Address, **others: object) -> Config:
    return Config(bind=binds or (LOOPBACK,), **others)  # type: ignore[arg-type]


def in_lobby(raw: Raw, name: str) -> None:
    """Log in and join the lobby."""
    raw.log_in(name)
    raw.send(request(Join(2, "lobby")))
    assert isinstance(raw.event(), Joined)
    assert isinstance(raw.event(), Presence)


# -- people talk ----------------------------------------------------------------------------------------------


@needs_unix
def test_people_talk_over_different_transports(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.sock")
    with Server(config(LOOPBACK, Address(UNIX, path=path))) as server, Raw(server.addresses[0]) as alice:
        in_lobby(alice, "alice")
        with socket.socket(socket.AF_UNIX) as bob:
            bob.settimeout(DEADLINE)
            bob.connect(path)
            bob.sendall(PREFACE + request(login("bob")) + request(Join(2, "lobby")))
            presence = alice.event()
            assert isinstance(presence, Presence)
            assert [user.name for user in presence.joined] == ["bob"]
            bob.sendall(request(Post(1, LOBBY, "hi from the socket")))
            heard = alice.event()
        assert isinstance(heard, Deliver)
        assert [(m.seq, m.name, m.body) for m in heard.messages] == [(1, "bob", "hi from the socket")]
        gone = alice.event()
        assert isinstance(gone, Presence)
        assert len(gone.parted) == 1


def test_a_conversation_in_raw_frames() -> None:
    with Server(config()) as server, Raw(server.addresses[0]) as alice, Raw(server.addresses[0]) as bob:
        in_lobby(alice, "alice")
        in_lobby(bob, "bob")
        assert isinstance(alice.event(), Presence)
        bob.send(b"".join(request(Post(n, LOBBY, f"message {n}")) for n in (1, 2, 3)))
        for heard in (bob.event(), alice.event()):
            assert isinstance(heard, Deliver)
            assert [message.body for message in heard.messages] == ["message 1", "message 2", "message 3"]
        acks = [bob.event() for _ in range(3)]
        assert [(ack.n, ack.seq) for ack in acks if isinstance(ack, Ack)] == [(1, 1), (2, 2), (3, 3)]


def test_a_server_says_who_it_is() -> None:
    with Server(config(), entropy=lambda n: b"\7" * n) as server, Raw(server.addresses[0]) as raw:
        raw.send(PREFACE)
        hello = raw.event()
        assert isinstance(hello, Hello)
        assert hello.server == b"\7" * 16
        raw.send(request(login("alice")))
        welcome = raw.event()
        assert isinstance(welcome, Welcome)
        assert welcome.history == "none"
        assert abs(welcome.time / 1000 - time.time()) < DEADLINE


# -- start ----------------------------------------------------------------------------------------------------


def test_port_0_is_told_as_the_port_that_was_found() -> None:
    with Server(config(LOOPBACK, LOOPBACK)) as server:
        ports = {address.port for address in server.addresses}
        assert len(ports) == 2
        assert 0 not in ports


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(TCP, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(CannotListen, match=str(address.port)) as caught:
            Server(config(address)).start()
    assert caught.value.code == ErrorCode.ADDRESS_IN_USE
    assert "\n" not in str(caught.value)


def test_it_listens_on_all_addresses_or_on_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = Address(TCP, "127.0.0.1", probe.getsockname()[1])
        probe.close()
        server = Server(config(free, Address(TCP, "127.0.0.1", taken.getsockname()[1])))
        with pytest.raises(CannotListen):
            server.start()
        assert server.addresses == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((free.host, free.port), DEADLINE)


def test_an_address_that_cannot_be_served_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Server(config(LOOPBACK, parse("chatnet+pigeon://localhost"))).start()
    assert caught.value.code == ErrorCode.UNSUPPORTED


@needs_unix
def test_the_folder_of_the_local_socket_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr(platform, "SYSTEM_SOCKET_FOLDER", str(folder))
    path = platform.local_socket_path()
    assert path == str(folder / "chatnet.sock")
    with Server(config(Address(UNIX, path=path))):
        assert platform.find_local_sockets() == [path]
    assert os.listdir(folder) == []


@needs_unix
def test_no_folder_is_made_for_another_socket(tmp_path: Path) -> None:
    with pytest.raises(CannotListen):
        Server(config(Address(UNIX, path=str(tmp_path / "nowhere" / "chat.sock")))).start()
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_read_stops_it_before_it_listens() -> None:
    class Unreadable(MemoryStore):
        def load(self) -> Snapshot:
            raise OSError("not a database")

    server = Server(config(), store=Unreadable())
    with pytest.raises(StoreBroken, match="not a database"):
        server.start()
    assert server.addresses == []


def test_a_poor_system_has_room_for_fewer_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "new_selector", selectors.SelectSelector)
    monkeypatch.setattr(platform, "connection_capacity", lambda _: 2)
    with Server(config()) as server:
        address = server.addresses[0]
        with Raw(address) as first, Raw(address) as second:
            first.log_in("first")
            second.log_in("second")
            with Raw(address) as third:
                assert third.last_word() == ErrorCode.SERVER_FULL


# -- stop -----------------------------------------------------------------------------------------------------


def test_a_stop_tells_everybody_and_ends_the_connections() -> None:
    with Server(config()) as server, Raw(server.addresses[0]) as alice, Raw(server.addresses[0]) as stranger:
        alice.log_in("alice")
        stranger.send(PREFACE)
        assert isinstance(stranger.event(), Hello)
        server.stop()
        for raw in (alice, stranger):
            closing = raw.event()
            assert isinstance(closing, Closing)
            assert closing.code == ErrorCode.SHUTTING_DOWN
            assert closing.retry_after > 0
            assert raw.rest() == b""


def test_a_stopped_server_has_freed_its_address() -> None:
    with Server(config()) as server:
        address = server.addresses[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port), DEADLINE)
    with Server(config(address)) as again:
        assert again.addresses == [address]


def test_a_client_that_never_reads_does_not_hold_up_the_stop() -> None:
    limits = Limits(farewell_seconds=0.3, post_burst=1e6, posts_per_second=1e6, text_burst=1e9, text_per_second=1e9)
    with ExitStack() as later, Server(config(limits=limits)) as server:
        deaf = later.enter_context(Raw(server.addresses[0], receive_buffer=4096))
        in_lobby(deaf, "deaf")
        for n in range(1, 400):
            deaf.send(request(Post(n, LOBBY, "x" * 16_000)))
        began = time.monotonic()
    assert time.monotonic() - began < DEADLINE / 2
    assert server.is_finished


def test_a_server_can_be_told_to_stop_before_it_runs() -> None:
    server = Server(config())
    server.stop()
    server.run()
    assert server.is_finished
    server.stop()
    server.close()


def test_a_signal_stops_it() -> None:
    server = Server(config())
    server.start()
    with stop_on_signals(server.stop, server.wakeup_fd):
        threading.Timer(0.05, signal.raise_signal, [signal.SIGTERM]).start()
        server.run()
    assert server.is_finished


# -- in virtual time ------------------------------------------------------------------------------------------


class World:
    """A server that the test drives, with a store that answers when it is told to."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = VirtualClock()
        self.network = MemoryNetwork()
        self.address = Address(MEMORY, "here")
        self.store = LateStore(MemoryStore())
        self.server = Server(
            config(self.address, limits=limits or Limits()),
            selector=MemorySelector(self.clock, advances=False),
            clock=self.clock,
            entropy=bytes,
            store=self.store,
            listeners=[self.network.listen(self.address)],
        )
        self.server.start()

    def turns(self, count: int = 5) -> None:
        for _ in range(count):
            if not self.server.is_finished:
                self.server.turn(0.0)

    def login(self, name: str) -> MemoryTransport:
        client = self.network.connect(self.address)
        client.send(PREFACE + encode(Login(1, name, bytes([len(name)]) * 32, name.encode().ljust(16))))
        client.send(encode(Join(2, "lobby")))
        self.turns()
        return client


def events(transport: MemoryTransport) -> list[object]:
    found: list[object] = []
    reader = FrameReader(65536)
    reader.receive(transport.receive(1 << 20) or b"")
    while (payload := reader.next_frame()) is not None:
        found.append(decode_event(payload))
    return found


def test_a_stop_waits_for_the_store_and_answers_before_the_last_words() -> None:
    world = World()
    alice = world.login("alice")
    events(alice)
    alice.send(encode(Post(1, LOBBY, "hi")))
    world.turns()
    world.server.stop()
    world.turns()
    alice.send(encode(Post(2, LOBBY, "too late")))
    world.turns()
    assert events(alice) == []
    world.store.release()
    world.turns()
    assert [type(event) for event in events(alice)] == [Deliver, Ack, Closing]
    assert not world.server.is_finished
    alice.close()
    world.turns()
    assert world.server.is_finished


def test_a_stop_does_not_wait_for_a_store_that_does_not_answer() -> None:
    world = World()
    alice = world.login("alice")
    events(alice)
    alice.send(encode(Post(1, LOBBY, "hi")))
    world.turns()
    world.server.stop()
    world.turns()
    world.clock.advance(4.9)
    world.turns()
    assert events(alice) == []
    world.clock.advance(0.1)
    world.turns()
    assert [type(event) for event in events(alice)] == [Closing]
    assert world.server.is_finished


def in_its_own_time(limits: Limits | None = None) -> tuple[Server, VirtualClock, MemoryNetwork]:
    """A server for which time passes while it waits."""
    clock, network = VirtualClock(), MemoryNetwork()
    listener = network.listen(Address(MEMORY, "here"))
    selector = MemorySelector(clock)
    return (
        Server(config(limits=limits or Limits()), selector=selector, clock=clock, listeners=[listener]),
        clock,
        network,
    )


def test_a_stop_takes_no_longer_than_the_time_for_farewells() -> None:
    server, clock, network = in_its_own_time(Limits(farewell_seconds=2.5))
    server.start()
    network.connect(Address(MEMORY, "here")).send(PREFACE)
    server.turn(0.0)
    server.stop()
    server.run()
    assert clock.now().monotonic == 2.5


def test_a_stop_before_the_start_is_not_slept_over() -> None:
    server, clock, _ = in_its_own_time()
    server.stop()
    server.run()
    assert clock.now().monotonic == 0.0


def test_after_a_stop_nobody_is_let_in() -> None:
    world = World()
    alice = world.login("alice")
    world.server.stop()
    world.turns(1)
    with pytest.raises(Exception, match="nobody accepts"):
        world.network.connect(world.address)
    assert alice.readiness()


def test_a_selector_that_was_handed_in_stays_open() -> None:
    with selectors.DefaultSelector() as selector:
        server = Server(config(LOOPBACK), selector=selector)
        server.start()
        server.stop()
        while not server.is_finished:
            server.turn(0.0)
        assert len(selector.get_map()) == 0


# -- a store that breaks --------------------------------------------------------------------------------------


@contextmanager
def breaking_server() -> Iterator[tuple[Server, list[BaseException]]]:
    """A server whose store breaks with the first message, and what its thread ends with."""
    store = BrokenStore(MemoryStore(), lambda batch: any(isinstance(entry, PutMessage) for entry in batch))
    server = Server(config(), store=store)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            server.run()
        except StoreBroken as error:
            raised.append(error)

    server.start()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server, raised
    finally:
        server.stop()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_a_store_that_breaks_stops_the_server_without_an_answer() -> None:
    with breaking_server() as (server, raised), Raw(server.addresses[0]) as alice:
        in_lobby(alice, "alice")
        alice.send(request(Post(1, LOBBY, "hi")))
        assert alice.rest() == b""
    assert [type(error) for error in raised] == [StoreBroken]
    assert server.is_finished


def test_whoever_runs_it_in_a_thread_learns_that_it_broke() -> None:
    store = BrokenStore(MemoryStore(), lambda batch: any(isinstance(entry, PutMessage) for entry in batch))
    server = Server(config(), store=store)
    with ExitStack() as running:
        running.enter_context(server)
        alice = running.enter_context(Raw(server.addresses[0]))
        in_lobby(alice, "alice")
        alice.send(request(Post(1, LOBBY, "hi")))
        assert alice.rest() == b""
        stop = running.pop_all()
    with pytest.raises(StoreBroken, match="disk error"):
        stop.close()

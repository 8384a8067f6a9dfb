"""Joining over real TLS: the server that made the code, and somebody in between with a key of his own."""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from chatnet import Client
from chatnet.address import TLS, Address
from chatnet.auth import scram
from chatnet.client.credentials import PasswordCredentials, TokenCredentials
from chatnet.client.driver import Driver
from chatnet.client.enrolment import change_password, enrol, join, unproven
from chatnet.client.identity import Identity
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.events import Hello
from chatnet.net.certificates import Certificates, own_certificates
from chatnet.net.ports import Transport
from chatnet.net.trust import Pinned, Unproven
from chatnet.requests import Register
from chatnet.transports import tls
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader
from tests.client.registrar import CODE, Desk, Registrar
from tests.client.servers import PATIENCE

PASSWORD = "correct horse"
ANY_PORT = Address(TLS, "127.0.0.1", 0)
Serve = Callable[[Transport], None]


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a guess is not the point here."""
    monkeypatch.setattr(scram, "ITERATIONS", 4096)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return own_certificates(_private(tmp_path_factory.mktemp("server")))


@pytest.fixture(scope="module")
def his_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return own_certificates(_private(tmp_path_factory.mktemp("attacker")))


def _private(folder: Path) -> Path:
    folder.chmod(0o700)
    return folder


@contextmanager
def listening(certificates: Certificates, serve: Serve) -> Iterator[Address]:
    """Serves one connection after the other in a thread."""
    listener = tls.listen(ANY_PORT, certificates)
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            if select.select([listener.selectable], [], [], 0.02)[0] and (transport := listener.accept()):
                with suppress(OSError):  # the other side has gone
                    serve(transport)
                transport.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.address
    finally:
        stopped.set()
        thread.join(PATIENCE)
        listener.close()
        assert not thread.is_alive()


def registry_of(registrar: Registrar, hangs_up_after: list[type] | None = None) -> Serve:
    """A registrar that knows its channel binding; it hangs up once after each of these requests."""
    left = [] if hangs_up_after is None else hangs_up_after

    def serve(transport: Transport) -> None:
        reader, got = FrameReader(MAX_PAYLOAD), b""
        while not got.startswith(PREFACE):
            data = receive(transport)
            if not data:
                return
            got += data
        reader.receive(got[len(PREFACE) :])
        say(transport, encode(Hello(registrar.id, "0.0")))
        desk = Desk(registrar, transport.channel_binding)
        while True:
            while (payload := reader.next_frame()) is not None:
                request = decode_request(payload)
                reply = desk.answer(request)
                if type(request) in left:
                    left.remove(type(request))
                    return
                say(transport, encode(reply))
            data = receive(transport)
            if not data:
                return
            reader.receive(data)

    return serve


def relay_to(server: Address) -> Serve:
    """Passes every byte on between two TLS connections, one on each side."""

    def serve(client: Transport) -> None:
        there = tls.connect(server, PATIENCE, Unproven())
        with ExitStack() as stack:
            stack.callback(there.close)
            while not there.is_established:
                assert select.select([there.selectable], [], [], PATIENCE)[0]
                there.receive(65536)
            while True:
                for source, target in ((client, there), (there, client)):
                    data = source.receive(65536)
                    if data == b"":
                        return
                    if data:
                        say(target, data)
                select.select([client.selectable, there.selectable], [], [], 0.02)

    return serve


def receive(transport: Transport) -> bytes:
    """Wait for the next bytes; none at the end."""
    deadline = time.monotonic() + PATIENCE
    while (data := transport.receive(65536)) is None:
        assert time.monotonic() < deadline
        select.select([transport.selectable], [], [], 0.1)
    return data


def say(transport: Transport, data: bytes) -> None:
    """Send a little: it fits the socket's buffer."""
    assert transport.send(data) == len(data)


def test_the_code_proves_the_server_and_its_key_is_pinned_from_then_on(certificates: Certificates) -> None:
    registrar = Registrar()
    with listening(certificates, registry_of(registrar)) as address:
        made = join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
        assert made.pin == certificates.current.pin

        def pinned(address: Address) -> Pinned:
            return Pinned(made.pin or b"")

        credentials = TokenCredentials(made.token)
        assert change_password(address, credentials, PASSWORD, trust=pinned) == made.user
        other = enrol(address, "alice", PASSWORD, trust=unproven)
        assert (other.pin, other.user) == (made.pin, made.user)
        session = ClientSession(
            PasswordCredentials("alice", PASSWORD), Identity.ephemeral(), random=lambda: 0.5, live=False
        )
        driver = Driver(session, timeout=PATIENCE, reconnect=False, trust=pinned)
        try:
            driver.connect([address])
            assert session.cache.me == made.user
        finally:
            driver.close()
    assert set(registrar.tokens) == {made.token, other.token}


def test_an_answer_that_is_lost_is_looked_for_at_the_same_key(certificates: Certificates) -> None:
    registrar = Registrar(uses=5)
    with listening(certificates, registry_of(registrar, [Register])) as address:
        made = join(address, CODE, lambda reason: "alice", timeout=PATIENCE)
    assert (registrar.tokens, registrar.uses) == ({made.token: made.user}, 4)


def test_somebody_in_between_who_relays_every_byte_gets_nothing(
    certificates: Certificates, his_certificates: Certificates
) -> None:
    registrar = Registrar()
    asked: list[str | None] = []

    def choose(reason: str | None) -> str:
        asked.append(reason)
        return "alice"

    with (
        listening(certificates, registry_of(registrar)) as server,
        listening(his_certificates, relay_to(server)) as attacker,
        pytest.raises(Refused) as failure,
    ):
        join(attacker, CODE, choose, timeout=PATIENCE)
    assert failure.value.code == ErrorCode.BAD_CREDENTIALS
    assert registrar.log == ["StartScram", "FinishScram"]
    assert (registrar.uses, registrar.users, asked) == (1, {}, [])


def test_somebody_in_between_is_found_out_by_the_pin_before_a_token_is_sent(
    certificates: Certificates, his_certificates: Certificates
) -> None:
    registrar = Registrar()
    with (
        listening(certificates, registry_of(registrar)) as server,
        listening(his_certificates, relay_to(server)) as attacker,
    ):
        made = join(server, CODE, lambda reason: "alice", timeout=PATIENCE)
        before = len(registrar.log)
        session = ClientSession(TokenCredentials(made.token), Identity.ephemeral(), random=lambda: 0.5)
        driver = Driver(session, timeout=PATIENCE, reconnect=True, trust=lambda address: Pinned(made.pin or b""))
        with pytest.raises(TrustError) as failure:
            driver.connect([attacker])
        driver.close()
    assert failure.value.seen == his_certificates.current.pin
    assert len(registrar.log) == before


def test_a_token_does_not_go_to_a_server_of_which_nothing_is_known(certificates: Certificates) -> None:
    registrar = Registrar()
    with listening(certificates, registry_of(registrar)) as address:
        client = Client(address, credentials=TokenCredentials(b"t" * 32), identity=Identity.ephemeral())
        with pytest.raises(TrustError):
            client.connect()
    assert registrar.log == []

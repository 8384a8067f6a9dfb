"""A whole server with TLS: its key, its certificate, its first admin, and its owner."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatnet.address import TLS, Address
from chatnet.auth.codes import Code
from chatnet.client.client import Client
from chatnet.client.credentials import TokenCredentials
from chatnet.client.enrolment import Enrolment, join
from chatnet.config import Config
from chatnet.errors import Refused, TrustError
from chatnet.model import Role
from chatnet.net.certificates import own_certificates
from chatnet.net.local_access import load_local_access
from chatnet.net.platform import is_minimal, stop_on_signals
from chatnet.net.trust import Pinned, TrustFor
from chatnet.server import Server

EVERYWHERE = Address(TLS, "0.0.0.0", 0)
DEADLINE = 10.0
LOOPBACK = Address(TLS, "127.0.0.1", 0)


def place(server: Server) -> Address:
    """Where a client on this machine reaches it."""
    return Address(TLS, "127.0.0.1", server.addresses[0].port)


def pinned(pin: bytes) -> TrustFor:
    return lambda _: Pinned(pin)


def name(wanted: str) -> Callable[[str | None], str]:
    def choose(problem: str | None) -> str:
        assert problem is None
        return wanted

    return choose


def join_as(wanted: str, server: Server, code: Code) -> Enrolment:
    return join(place(server), code, name(wanted), display="", label="test")


def test_the_first_to_join_is_the_admin_and_nobody_after_that(tmp_path: Path) -> None:
    with Server(Config(bind=(EVERYWHERE,), data=tmp_path / "data")) as server:
        code = server.bootstrap_code
        assert code is not None
        enrolment = join_as("anna", server, code)
        assert (enrolment.user.name, enrolment.user.role) == ("anna", Role.ADMIN)
        assert enrolment.pin == server.pin
        with pytest.raises(Refused, match="wrong, used up or expired"):
            join_as("eve", server, code)
    with Server(Config(bind=(EVERYWHERE,), data=tmp_path / "data")) as server:
        assert server.bootstrap_code is None
        trust = pinned(enrolment.pin or b"")
        with Client(place(server), credentials=TokenCredentials(enrolment.token), trust=trust) as anna:
            assert anna.user == enrolment.user
            anna.send("hi", to="anna")


def test_who_can_only_be_reached_from_this_machine_has_no_code(tmp_path: Path) -> None:
    with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data")) as server:
        assert server.bootstrap_code is None


def test_the_key_stays_the_same_over_restarts(tmp_path: Path) -> None:
    pins = set()
    for _ in range(2):
        with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data")) as server:
            pins.add(server.pin)
    for _ in range(2):
        with Server(Config(bind=(LOOPBACK,), identity=tmp_path / "data")) as server:
            pins.add(server.pin)
    assert len(pins) == 1


def test_without_a_place_to_keep_it_the_key_is_new_each_time() -> None:
    with Server(Config(bind=(LOOPBACK,))) as one, Server(Config(bind=(LOOPBACK,))) as other:
        assert one.pin != other.pin


def test_a_client_does_not_talk_to_a_server_with_another_key(tmp_path: Path) -> None:
    with Server(Config(bind=(LOOPBACK,), data=tmp_path / "data")) as server:
        with pytest.raises(TrustError) as caught, Client(place(server), name="bob", trust=pinned(b"x" * 32)):
            pass
        assert (caught.value.expected, caught.value.seen) == (b"x" * 32, server.pin)


def test_a_given_certificate_is_read_again_when_asked(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        own_certificates(tmp_path / folder)
    chain, key = tmp_path / "old" / "tls-certificate.pem", tmp_path / "old" / "tls-key.pem"
    with Server(Config(bind=(LOOPBACK,), certificate=chain, key=key)) as server:
        before = server.pin or b""
        with Client(place(server), name="bob", trust=pinned(before)) as bob:
            for path in (key, chain):
                path.write_bytes((tmp_path / "new" / path.name).read_bytes())
            server.reload()
            bob.who()  # a turn of the loop, over the connection that goes on
            assert server.pin != before
            with Client(place(server), name="carol", trust=pinned(server.pin or b"")):
                pass


@pytest.mark.skipif(not hasattr(signal, "SIGHUP") or is_minimal(), reason="this system has no SIGHUP")
def test_a_hangup_reads_the_certificate_again(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        own_certificates(tmp_path / folder)
    chain, key = tmp_path / "old" / "tls-certificate.pem", tmp_path / "old" / "tls-key.pem"
    server = Server(Config(bind=(LOOPBACK,), certificate=chain, key=key))
    server.start()
    before = server.pin
    with stop_on_signals(server.stop, server.wakeup_fd, server.reload):
        for path in (key, chain):
            path.write_bytes((tmp_path / "new" / path.name).read_bytes())
        signal.raise_signal(signal.SIGHUP)
        server.turn(DEADLINE)
        assert server.pin not in (None, before)
        signal.raise_signal(signal.SIGTERM)
        server.run()


def test_without_a_local_socket_a_private_file_lets_in_the_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Server(Config(bind=(EVERYWHERE,), data=data)) as server:
        access = load_local_access(data)
        assert access is not None
        assert (access.address, access.pin) == (place(server), server.pin)
        credentials = TokenCredentials(access.token)
        with Client(access.address, credentials=credentials, trust=pinned(access.pin)) as owner:
            assert owner.user.role is Role.ADMIN
    assert load_local_access(data) is None

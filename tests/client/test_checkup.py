"""The walk to a server, on servers that fail at each of its steps."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from chatnet.address import TCP, TLS, Address
from chatnet.client import checkup as module
from chatnet.client.checkup import Step, checkup, clock_difference, look_up, reachable
from chatnet.client.identity import Identity
from chatnet.client.session import ClientSession
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, TimedOut, TrustError, Unreachable
from chatnet.events import Closing, Hello, Welcome
from chatnet.model import Role, User
from chatnet.net.certificates import Certificates, own_certificates
from chatnet.net.pins import show_pin
from chatnet.net.trust import ByAuthority, Pinned, Trust, Unproven
from chatnet.server import Server
from chatnet.transports import tls
from chatnet.wire.codec import encode
from tests.client.servers import listening, running
from tests.transports.test_tls import LOOPBACK_NAME, Authority

LOOPBACK = Address(TLS, "127.0.0.1", 0)
ALL = ["name", "route", "port", "protocol", "login", "round trip", "clock"]
SECONDS = 10.0


def session(name: str = "alice") -> ClientSession:
    return ClientSession(name, Identity.ephemeral(), random=lambda: 0.5, live=False)


def walk(address: Address, trust: Trust | None = None, *, name: str = "alice", timeout: float = SECONDS) -> list[Step]:
    return list(checkup(address, lambda: session(name), lambda _: trust or ByAuthority(), timeout))


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


def failure(steps: list[Step], at: str) -> Step:
    """The last step, which must be the only one that fails."""
    assert names(steps)[-1] == at
    assert not [step for step in steps[:-1] if step.error is not None]
    assert steps[-1].error is not None
    assert steps[-1].advice
    return steps[-1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return own_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def encrypted(certificates: Certificates) -> Iterator[Address]:
    """A server with TLS. It lets in local guests only where nobody could listen, so it is open."""
    listener = tls.listen(LOOPBACK, certificates)
    limits = Limits(farewell_seconds=0.2)
    with Server(Config(open=True, limits=limits), listeners=[listener]):
        yield listener.address


# -- all is well ----------------------------------------------------------------------------------------------


def test_all_steps_are_taken_each_with_what_was_found() -> None:
    with running() as address:
        steps = walk(address)
    assert names(steps) == ALL
    assert not [step for step in steps if step.error is not None or step.advice]
    said = {step.name: step.says for step in steps}
    assert said["route"] == "from 127.0.0.1 to 127.0.0.1"
    assert said["protocol"].startswith("chatnet 0.")
    assert said["login"] == "as alice, a guest"
    assert 0 < (steps[-2].seconds or 0) < SECONDS
    assert abs(steps[-1].seconds or 0) < module.CLOCK_SECONDS


def test_an_encrypted_server_is_looked_at_with_its_key(encrypted: Address, certificates: Certificates) -> None:
    steps = walk(encrypted, Pinned(certificates.current.pin))
    assert names(steps) == [*ALL[:3], "tls", "pin", *ALL[3:]]
    assert steps[4].says == f"{show_pin(certificates.current.pin)}, as trusted before"
    assert steps[-1].error is None


def test_whom_to_trust_is_asked_once_the_server_has_shown_its_key(
    encrypted: Address, certificates: Certificates
) -> None:
    seen: list[str] = []

    def trust(address: Address) -> Trust:
        seen.append(address.host)
        return Pinned(certificates.current.pin)

    for step in checkup(encrypted, session, trust, SECONDS):
        assert (seen == []) == (step.name in ("name", "route", "port", "tls"))
    assert seen == [encrypted.host]


def test_a_server_that_is_not_trusted_yet_is_looked_at_too(encrypted: Address) -> None:
    assert walk(encrypted, Unproven())[4].says.endswith("not trusted yet")


def test_a_certificate_by_a_trusted_authority_is_as_good_as_a_pin(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Server(Config(open=True), listeners=[tls.listen(LOOPBACK, authority.issue(LOOPBACK_NAME))]) as server:
        steps = walk(server.addresses[0], ByAuthority(authority.file))
    assert steps[4].says.endswith("certified by an authority")
    assert names(steps)[-1] == "clock"


# -- and where it ends ----------------------------------------------------------------------------------------


def test_a_name_that_nobody_has() -> None:
    step = failure(walk(Address(TCP, "nobody.invalid", 5555)), "name")
    assert isinstance(step.error, Unreachable)
    assert "nobody.invalid" in step.says


def test_a_look_up_that_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as later:
        ours, theirs = socket.socketpair()
        later.callback(ours.close)
        later.callback(theirs.close)

        def hangs(*_: object, **__: object) -> list[object]:
            ours.recv(1)
            return []

        monkeypatch.setattr(socket, "getaddrinfo", hangs)
        started = time.monotonic()
        with pytest.raises(Unreachable, match="nobody says"):
            look_up("slow.example", 0.1)
        assert time.monotonic() - started < SECONDS
        theirs.send(b"x")


def test_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "source_address", lambda family, target: None)
    step = failure(walk(Address(TCP, "127.0.0.1", 5555)), "route")
    assert step.says == "this machine has no way to 127.0.0.1"


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(walk(Address(TCP, "127.0.0.1", port)), "port").says.startswith("nobody listens")


def test_plain_text_where_tls_should_be() -> None:
    with running() as address:
        step = failure(walk(replace(address, scheme=TLS)), "tls")
    assert str(address) in step.says


def test_silence_where_tls_should_be() -> None:
    with listening(None) as address:
        step = failure(walk(replace(address, scheme=TLS), timeout=0.3), "tls")
    assert isinstance(step.error, TimedOut)


def test_another_key_than_the_trusted_one(encrypted: Address, certificates: Certificates) -> None:
    step = failure(walk(encrypted, Pinned(bytes(32))), "pin")
    assert isinstance(step.error, TrustError)
    assert show_pin(bytes(32)) in step.says
    assert show_pin(certificates.current.pin) in step.says


def test_a_key_that_nobody_vouches_for_is_shown(encrypted: Address, certificates: Certificates) -> None:
    step = failure(walk(encrypted), "pin")
    assert isinstance(step.error, TrustError)
    assert step.error.seen == certificates.current.pin
    assert show_pin(certificates.current.pin) in step.says


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorCode.NOT_CHATNET),
        (encode(Welcome(1, User(1, "x"), 1, "none", 0)), ErrorCode.NOT_CHATNET),
        (encode(Closing("BAD_VERSION", "too new")), "BAD_VERSION"),
        (encode(Hello(b"x" * 16, "1")) + b"\xff\xff\xff\xff", ErrorCode.FRAME_TOO_BIG),
    ],
)
def test_a_server_of_another_sort(answer: bytes, code: str) -> None:
    with listening(answer) as address:
        steps = walk(address)
    assert steps[-1].error is not None
    assert steps[-1].error.code == code


def test_silence_where_a_server_should_be() -> None:
    with listening(None) as address:
        step = failure(walk(address, timeout=0.3), "protocol")
    assert isinstance(step.error, TimedOut)


def test_a_server_that_hangs_up() -> None:
    with listening(b"", hangs_up=True) as address:
        assert isinstance(failure(walk(address), "protocol").error, Unreachable)


def test_a_login_that_is_refused() -> None:
    with running() as address:
        step = failure(walk(address, name="not a name"), "login")
    assert step.error is not None
    assert step.error.code == ErrorCode.BAD_NAME


def test_silence_after_the_greeting() -> None:
    with listening(encode(Hello(b"x" * 16, "1"))) as address:
        step = failure(walk(address, timeout=0.3), "login")
    assert isinstance(step.error, TimedOut)


def test_silence_after_the_login() -> None:
    words = encode(Hello(b"x" * 16, "1")) + encode(Welcome(1, User(7, "alice"), 1, "none", 0))
    with listening(words) as address:
        assert isinstance(failure(walk(address, timeout=0.3), "round trip").error, TimedOut)


# -- the clock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server", "ahead"), [(1_000_000, 0.1), (1_003_000, 3.1), (990_000, -9.9)])
def test_a_clock_is_compared_with_the_middle_of_the_round_trip(server: int, ahead: float) -> None:
    welcome = Welcome(1, User(1, "alice", role=Role.GUEST), 1, "none", server)
    assert clock_difference(welcome, heard_at=1000.0, round_trip=0.2) == pytest.approx(ahead)


def test_a_clock_that_is_far_off_is_warned_about_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr("chatnet.client.wire_walk.time.time", lambda: real() - 60)
    with running() as address:
        step = walk(address)[-1]
    assert step.error is None
    assert "60." in step.says or "59." in step.says
    assert "ahead" in step.says
    assert "NTP" in step.advice


# -- which server ---------------------------------------------------------------------------------------------


def test_of_several_addresses_the_first_where_anybody_listens_is_looked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = Address(TCP, "127.0.0.1", listener.getsockname()[1])
    with running() as address:
        assert reachable([closed, address, closed], SECONDS) == address
    assert reachable([closed, closed], SECONDS) == closed

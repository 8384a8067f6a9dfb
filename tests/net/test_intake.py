"""From bytes to requests: when the core hears of a connection, and how one that breaks the protocol ends."""

import pytest

from chatnet.core.effects import Close, Effect, Pause, Reply
from chatnet.core.entries import Handle
from chatnet.errors import ErrorCode
from chatnet.events import Closing, Done
from chatnet.net.peer import CLOSED, LINGERING
from chatnet.requests import Ping, Request
from chatnet.wire.codec import encode
from chatnet.wire.frames import PREFACE
from tests.net.frontends import Dialect
from tests.net.rig import HELLO, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_core_hears_of_a_connection_once_it_has_said_what_it_speaks(rig: Rig) -> None:
    client = rig.connect()
    client.transport.send(PREFACE[:3])
    rig.settle()
    assert rig.core.told == []
    client.transport.send(PREFACE[3:])
    rig.settle()
    assert rig.core.told == [("connected", client.peer, True)]
    assert client.events() == [HELLO]


def test_requests_may_come_with_the_preface(rig: Rig) -> None:
    client = rig.connect()
    client.transport.send(PREFACE + encode(Ping(1)) + encode(Ping(2)))
    rig.settle()
    assert [told[0] for told in rig.core.told] == ["connected", "handle", "handle"]


def test_requests_are_handled_in_order_each_with_its_effects(rig: Rig) -> None:
    rig.core.on_request = lambda session, request: [Reply(session, Done(request.id))]  # type: ignore[attr-defined]
    client = rig.login()
    client.send(Ping(1), Ping(2), Ping(3))
    rig.turn()
    assert client.events() == [Done(1), Done(2), Done(3)]


def test_nothing_is_handled_after_a_close(rig: Rig) -> None:
    client = rig.login()
    rig.core.on_request = lambda session, _: [Close(session, "X", "x")]
    client.send(Ping(1), Ping(2))
    rig.settle()
    assert rig.core.heard("handle") == [(client.peer, Ping(1))]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"SSH-2.0-x\r\n", ErrorCode.BAD_MAGIC),
        (b"CHAT\x02", ErrorCode.BAD_VERSION),
        (PREFACE + (64 * 1024 + 1).to_bytes(4, "big"), ErrorCode.FRAME_TOO_BIG),
        (PREFACE + b"\0\0\0\1\xc0", ErrorCode.BAD_FRAME),
        (PREFACE + b"\0\0\0\2\x91\x7f", ErrorCode.UNKNOWN_REQUEST),
    ],
)
def test_one_that_breaks_the_protocol_is_told_what_is_wrong(rig: Rig, data: bytes, code: str) -> None:
    client = rig.connect()
    client.transport.send(data)
    rig.settle()
    last = client.events()[-1]
    assert isinstance(last, Closing)
    assert last.code == code
    assert client.peer.state == LINGERING
    assert len(rig.core.heard("connected")) == len(rig.core.heard("disconnected")) == data.startswith(PREFACE)


def test_a_browser_is_answered_in_its_own_language(rig: Rig) -> None:
    client = rig.connect()
    client.transport.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    rig.settle()
    assert client.read().startswith(b"HTTP/1.1 400 ")


def test_a_mistake_in_a_front_end_ends_its_connection_only(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Dialect):
        def receive(self, _: bytes) -> None:
            raise RuntimeError("mistake")

    bad, good = rig.connect(Broken(encode)), rig.connect()
    for client in (bad, good):
        client.transport.send(PREFACE)
    rig.settle()
    assert [event.code for event in bad.events() if isinstance(event, Closing)] == [ErrorCode.INTERNAL]
    assert good.events() == [HELLO]
    assert "RuntimeError: mistake" in caplog.text


def test_a_mistake_found_only_after_a_pause_ends_that_connection(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    client, other = rig.login(), rig.login()

    def handle(session: Handle, request: Request) -> list[Effect]:
        if request == Ping(1):
            return [Pause(session, 1.0)]
        return [][1] if session is client.peer else [Reply(session, Done(1))]

    rig.core.on_request = handle
    for one in (client, other):
        one.send(Ping(1), Ping(2))
    rig.settle()
    rig.clock.advance(1.0)
    rig.settle()
    assert [event.code for event in client.events() if isinstance(event, Closing)] == [ErrorCode.INTERNAL]
    assert other.events() == [Done(1)]
    assert "IndexError" in caplog.text


def test_a_write_that_fails_as_the_peer_becomes_readable_is_no_error(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    client = rig.login()
    client.peer.put(b"x" * 70_000)
    rig.turn()
    client.send(Ping(1))
    client.transport.close()
    rig.settle()
    assert client.peer.state == CLOSED
    assert caplog.records == []

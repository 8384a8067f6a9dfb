"""What happens because time passes, on a virtual clock."""

import pytest

from chatnet.core.effects import Pause, Reply
from chatnet.errors import ErrorCode
from chatnet.events import AreYouThere, Closing, Done, Event
from chatnet.net.keepalive import Keepalive
from chatnet.net.peer import CLOSED, CLOSING, LINGERING, OPEN
from chatnet.requests import Alive, Ping
from tests.net.rig import Client, Rig


class Ticking(Rig):
    """A rig in which time can pass second by second."""

    def __init__(self) -> None:
        super().__init__()
        Keepalive(self.dispatcher, self.connections)

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.settle()


@pytest.fixture
def rig() -> Ticking:
    return Ticking()


def codes(client: Client) -> list[str]:
    return [event.code for event in client.events() if isinstance(event, Closing)]


def test_the_core_hears_of_every_second(rig: Ticking) -> None:
    rig.pass_time(5)
    assert len(rig.core.heard("tick")) == 5


def test_what_a_tick_asks_for_is_done(rig: Ticking) -> None:
    client = rig.login()
    rig.core.on_tick = lambda: [Reply(client.peer, Done(1))]
    rig.pass_time(1)
    assert client.events() == [Done(1)]


def test_an_error_in_a_tick_does_not_stop_the_clock(rig: Ticking, caplog: pytest.LogCaptureFixture) -> None:
    rig.core.on_tick = lambda: [][1]
    rig.pass_time(2)
    assert len(rig.core.heard("tick")) == 2
    assert "IndexError" in caplog.text


def test_one_that_does_not_log_in_in_time_is_closed(rig: Ticking) -> None:
    rig.core.on_connected = lambda _: []
    silent, greeted, logged_in = rig.connect(), rig.greet(), rig.greet()
    logged_in.peer.admit()
    rig.pass_time(9)
    assert {client.peer.state for client in (silent, greeted, logged_in)} == {OPEN}
    rig.pass_time(1)
    assert codes(silent) == codes(greeted) == [ErrorCode.AUTH_TIMEOUT]
    assert logged_in.peer.state == OPEN
    assert rig.core.heard("disconnected") == [(greeted.peer,)]


def test_talking_does_not_give_a_stranger_more_time(rig: Ticking) -> None:
    rig.core.on_connected = lambda _: []
    client = rig.greet()
    for _ in range(10):
        client.send(Ping(1))
        rig.pass_time(1)
    assert codes(client) == [ErrorCode.AUTH_TIMEOUT]


def test_a_silent_session_is_asked_once_and_then_closed(rig: Ticking) -> None:
    client = rig.login()
    events: list[tuple[int, Event]] = []
    for second in range(1, 80):
        rig.pass_time(1)
        events += [(second, event) for event in client.events()]
    assert [(second, type(event)) for second, event in events] == [(30, AreYouThere), (75, Closing)]
    assert rig.core.heard("disconnected") == [(client.peer,)]


def test_one_that_answers_is_asked_again_after_the_next_silence(rig: Ticking) -> None:
    client = rig.login()
    for _ in range(10):
        rig.pass_time(30)
        assert client.events() == [AreYouThere()]
        client.send(Alive())
        rig.settle()
    assert client.peer.state == OPEN


def test_what_has_come_is_read_before_anybody_is_called_silent(rig: Ticking) -> None:
    client = rig.login()
    client.send(Ping(1))
    rig.clock.advance(1000.0)
    rig.settle()
    assert client.events() == []


def test_half_a_frame_counts_as_being_heard_but_only_once(rig: Ticking) -> None:
    client = rig.login()
    rig.pass_time(29)
    client.transport.send(b"\0")
    rig.pass_time(29)
    assert client.events() == []
    rig.pass_time(60)
    assert codes(client) == [ErrorCode.TIMED_OUT]


def test_a_paused_session_is_not_silent(rig: Ticking) -> None:
    client = rig.login()
    rig.core.on_request = lambda session, _: [Pause(session, 200.0)]
    client.send(Ping(1))
    rig.pass_time(199)
    assert client.events() == []
    rig.pass_time(30)
    assert client.peer.state == OPEN
    rig.pass_time(1)
    assert client.events() == [AreYouThere()]


def test_one_that_never_reads_its_last_words_is_dropped_in_time(rig: Ticking) -> None:
    client = rig.login()
    client.peer.put(b"x" * 200_000)
    client.peer.close("X", "x")
    rig.pass_time(4)
    assert client.peer.state == CLOSING
    rig.pass_time(1)
    assert client.peer.state == CLOSED


def test_one_that_never_ends_its_side_is_dropped_in_time(rig: Ticking) -> None:
    client = rig.login()
    client.peer.close("X", "x")
    rig.pass_time(4)
    assert client.peer.state == LINGERING
    rig.pass_time(1)
    assert client.peer.state == CLOSED


def test_one_that_has_ended_its_side_waits_for_the_store_only_so_long(rig: Ticking) -> None:
    client = rig.login()
    rig.link.queries.append(None)  # type: ignore[arg-type]
    client.transport.end()
    rig.turn()
    rig.pass_time(4)
    assert client.peer.state != CLOSED
    rig.pass_time(1)
    assert client.peer.state == CLOSED
    assert rig.core.heard("disconnected") == [(client.peer,)]

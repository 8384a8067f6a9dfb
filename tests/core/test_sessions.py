"""Which session replaces which, over restarts of the server."""

from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Close, Effect, Reply
from chatnet.core.entries import Snapshot
from chatnet.core.hub import Hub
from chatnet.core.limits import Limits
from chatnet.events import Welcome
from chatnet.model import SessionId
from chatnet.requests import Login

SECRET, DEVICE = b"s" * 32, b"d" * 16


def new_hub() -> Hub:
    """A server that has just started, and keeps no guests."""
    return Hub(
        Snapshot(),
        limits=Limits(),
        server=b"i" * 16,
        version="1",
        history="durable",
        open_to_guests=True,
        entropy=bytes,
    )


def log_in(hub: Hub, connection: str, replaces: SessionId, now: Now) -> list[Effect]:
    hub.connected(connection, Caller(is_local=True), now)
    return hub.handle(connection, Login(1, "ann", SECRET, DEVICE, replaces=replaces), now)


def session_of(effects: list[Effect]) -> SessionId:
    (welcome,) = [e.event for e in effects if isinstance(e, Reply) and isinstance(e.event, Welcome)]
    return welcome.session


def closed(effects: list[Effect]) -> list[object]:
    return [effect.session for effect in effects if isinstance(effect, Close)]


def test_a_new_session_ends_the_one_that_it_replaces() -> None:
    hub, now = new_hub(), Now(10.0, 1_000_000)
    first = session_of(log_in(hub, "first connection", 0, now))
    assert closed(log_in(hub, "second connection", first, now)) == ["first connection"]


def test_a_login_held_up_over_a_restart_does_not_end_the_session_that_came_after_it() -> None:
    before = session_of(log_in(new_hub(), "before", 0, Now(10.0, 1_000_000)))
    hub = new_hub()
    log_in(hub, "second try", before, Now(0.1, 1_000_200))
    assert closed(log_in(hub, "first try, late", before, Now(0.2, 1_000_300))) == []


def test_sessions_of_the_same_millisecond_have_different_numbers() -> None:
    hub, now = new_hub(), Now(10.0, 1_000_000)
    assert len({session_of(log_in(hub, name, 0, now)) for name in "abc"}) == 3

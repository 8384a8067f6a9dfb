"""Our selector for Linux does what the standard library's does, for every event that a socket can cause."""

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector

import pytest

from chatnet.net import platform

pytestmark = pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="no epoll here")
BOTH = EVENT_READ | EVENT_WRITE


def _ours() -> BaseSelector:
    from chatnet.net.epoll import EpollSelector

    return EpollSelector()


@pytest.fixture(params=[_ours, lambda: selectors.EpollSelector()], ids=["ours", "standard"])
def selector(request: pytest.FixtureRequest) -> Iterator[BaseSelector]:
    made: BaseSelector = request.param()
    with made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    one.setblocking(False)
    with one, other:
        yield one, other


Pair = tuple[socket.socket, socket.socket]


def found(selector: BaseSelector) -> list[tuple[object, int]]:
    return [(key.data, mask) for key, mask in selector.select(0)]


def test_it_is_what_a_server_on_linux_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    with platform.new_selector() as made:
        assert type(made) is type(_ours())


def test_nothing_is_told_of_a_quiet_socket(selector: BaseSelector, pair: Pair) -> None:
    selector.register(pair[0], EVENT_READ, "one")
    assert found(selector) == []


def _say(pair: Pair) -> None:
    pair[1].send(b"x")


def _end(pair: Pair) -> None:
    pair[1].shutdown(socket.SHUT_WR)


def _close(pair: Pair) -> None:
    pair[1].close()


def _reset(pair: Pair) -> None:
    pair[0].send(b"never read")
    pair[1].close()


@pytest.mark.parametrize("event", [_say, _end, _close, _reset])
@pytest.mark.parametrize("mask", [EVENT_READ, EVENT_WRITE, BOTH])
def test_events_are_told_as_far_as_they_are_wanted(
    selector: BaseSelector, pair: Pair, event: Callable[[Pair], None], mask: int
) -> None:
    event(pair)
    selector.register(pair[0], mask, "one")
    assert found(selector) == [("one", mask)]


def test_a_way_that_is_full_is_not_writable(selector: BaseSelector, pair: Pair) -> None:
    with suppress(BlockingIOError):
        while True:
            pair[0].send(bytes(1 << 16))
    selector.register(pair[0], BOTH, "one")
    assert found(selector) == []


def test_what_is_wanted_and_what_belongs_to_it_can_change(selector: BaseSelector, pair: Pair) -> None:
    selector.register(pair[0], EVENT_READ, "one")
    key = selector.modify(pair[0], BOTH, "other")
    assert (key.fileobj, key.fd, key.events, key.data) == (pair[0], pair[0].fileno(), BOTH, "other")
    assert found(selector) == [("other", EVENT_WRITE)]


def test_after_unregister_nothing_is_told(selector: BaseSelector, pair: Pair) -> None:
    selector.register(pair[0], EVENT_WRITE, "one")
    assert selector.unregister(pair[0]).data == "one"
    assert found(selector) == []
    assert dict(selector.get_map()) == {}


def test_a_descriptor_that_was_closed_can_be_used_again(selector: BaseSelector) -> None:
    for number in range(3):
        one, other = socket.socketpair()
        fd = one.fileno()
        selector.register(fd, EVENT_WRITE, number)
        assert found(selector) == [(number, EVENT_WRITE)]
        one.close()
        other.close()
        selector.unregister(fd)
        assert found(selector) == []


@pytest.mark.parametrize("events", [0, 4, -1])
def test_other_events_than_read_and_write_are_refused(selector: BaseSelector, pair: Pair, events: int) -> None:
    with pytest.raises(ValueError, match="events"):
        selector.register(pair[0], events)


def test_a_socket_is_registered_once(selector: BaseSelector, pair: Pair) -> None:
    selector.register(pair[0], EVENT_READ)
    with pytest.raises(KeyError):
        selector.register(pair[0], EVENT_READ)
    assert [key.fd for key in selector.get_map().values()] == [pair[0].fileno()]


def test_what_is_not_registered_cannot_be_changed(selector: BaseSelector, pair: Pair) -> None:
    with pytest.raises(KeyError):
        selector.modify(pair[0], EVENT_READ)
    with pytest.raises(KeyError):
        selector.unregister(pair[0])


def test_a_closed_socket_is_refused(selector: BaseSelector, pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(ValueError, match="descriptor"):
        selector.register(pair[0], EVENT_READ)


def test_with_very_many_at_once_each_gets_its_turn(selector: BaseSelector) -> None:
    with ExitStack() as pairs:
        for number in range(300):
            one, other = socket.socketpair()
            pairs.enter_context(one), pairs.enter_context(other)
            selector.register(one, EVENT_READ, number)
            other.send(b"x")
        told = [number for _ in range(3) for number, _ in found(selector)]
    assert set(told) == set(range(300))

"""How bytes are moved, with a server side that a test plays over a real socket pair."""

import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from chatnet.address import Address
from chatnet.client.link import Link
from chatnet.client.news import Offline, Stored
from chatnet.client.outbox import ToConversation
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode, Unreachable
from chatnet.events import Ack, Closing
from chatnet.model import Kind
from chatnet.requests import Post
from chatnet.transports import registry
from chatnet.transports.stream import StreamTransport
from tests.client.link_rig import PAIR, Rig, no_listener
from tests.client.script import IDENTITY
from tests.client.servers import PATIENCE


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def test_a_post_goes_out_and_its_answer_comes_in(rig: Rig) -> None:
    rig.log_in()
    rig.session.post(ToConversation(5), "hi")
    rig.step()
    assert rig.hears() == Post(1, 5, "hi", Kind.TEXT)
    rig.says(Ack(1, 5, 1, 0))
    rig.step(PATIENCE)
    assert rig.session.news() == [Stored(1, 5, 1, 0)]


def test_what_the_socket_does_not_take_at_once_goes_out_later(rig: Rig) -> None:
    rig.log_in()
    for _ in range(32):
        rig.session.post(ToConversation(5), "x" * 16384)
    rig.step()
    heard: list[object] = []

    def read() -> None:
        heard.extend(rig.hears() for _ in range(32))
        rig.link.wake()

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + PATIENCE
    while not rig.link.take_woken() and time.monotonic() < deadline:
        rig.step(PATIENCE)
    reader.join(PATIENCE)
    assert [post.n for post in heard if isinstance(post, Post)] == list(range(1, 33))
    rig.step()  # takes what is left of the wake
    started = time.monotonic()
    rig.step(0.05)
    assert time.monotonic() - started >= 0.04, "nothing is left to send, but it does not wait"


def test_the_servers_last_words_are_heard_even_when_nothing_can_be_sent_any_more(rig: Rig) -> None:
    rig.log_in()
    rig.says(Closing(ErrorCode.SHUTTING_DOWN, "good night", 5.0))
    rig.theirs.close()
    rig.session.post(ToConversation(5), "hi")
    rig.step(PATIENCE)
    (news,) = rig.session.news()
    assert isinstance(news, Offline)
    assert (news.code, news.reason) == (ErrorCode.SHUTTING_DOWN, "good night")
    assert not rig.link.is_connected


def test_a_connection_that_breaks_while_sending_does_not_make_it_wait(rig: Rig) -> None:
    rig.log_in()
    rig.theirs.close()
    rig.session.post(ToConversation(5), "hi")
    started = time.monotonic()
    rig.step(PATIENCE)
    assert time.monotonic() - started < PATIENCE / 2
    (news,) = rig.session.news()
    assert isinstance(news, Offline)
    assert news.code == ErrorCode.UNREACHABLE


def test_a_session_that_gives_up_its_connection_has_it_closed(rig: Rig) -> None:
    rig.log_in()
    rig.theirs.sendall(b"\xff\xff\xff\xff")
    rig.step(PATIENCE)
    assert not rig.link.is_connected
    assert rig.theirs.recv(1) == b""


def test_the_other_side_may_end_at_any_time(rig: Rig) -> None:
    rig.log_in()
    rig.theirs.shutdown(socket.SHUT_WR)
    rig.step(PATIENCE)
    (news,) = rig.session.news()
    assert isinstance(news, Offline)
    assert rig.session.retry_at is not None


def test_a_wake_ends_the_wait_and_is_told_once(rig: Rig) -> None:
    rig.log_in()
    waker = threading.Timer(0.05, rig.link.wake)
    waker.start()
    started = time.monotonic()
    rig.step(PATIENCE)
    waker.join()
    assert time.monotonic() - started < PATIENCE / 2
    assert rig.link.take_woken()
    assert not rig.link.take_woken()


def test_waking_a_link_that_is_closed_does_nothing() -> None:
    rig = Rig()
    rig.close()
    rig.link.wake()


def test_nobody_there_is_for_the_caller_to_handle(rig: Rig) -> None:
    def refuse(address: Address, timeout: float) -> StreamTransport:
        raise Unreachable(ErrorCode.UNREACHABLE, f"nobody at {address} within {timeout}")

    registry.register(PAIR.scheme, no_listener, refuse)
    with pytest.raises(Unreachable, match="nobody at"):
        rig.link.connect(PAIR, 1.0)
    assert rig.session.news() == []
    assert not rig.link.is_connected


def test_no_wait_is_long_since_an_interrupt_just_before_it_is_noticed_only_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = Link(ClientSession("alice", IDENTITY, random=lambda: 0.5, live=False))
    waits: list[float | None] = []

    def select(timeout: float | None) -> list[object]:
        waits.append(timeout)
        return []

    monkeypatch.setattr(link._selector, "select", select)
    link.step(math.inf)
    (wait,) = waits
    assert wait is not None
    assert 0 < wait <= 5
    monkeypatch.undo()
    link.close()

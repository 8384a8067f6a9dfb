"""Waking a loop from other threads."""

import select
from collections.abc import Iterator
from typing import Any

import pytest

from chatnet.net.waker import SocketWaker


@pytest.fixture
def waker() -> Iterator[SocketWaker]:
    waker = SocketWaker()
    yield waker
    waker.close()


def is_readable(waker: SocketWaker) -> bool:
    return bool(select.select([waker.selectable], [], [], 0)[0])


def test_a_notification_can_be_waited_for_until_it_is_drained(waker: SocketWaker) -> None:
    assert not is_readable(waker)
    waker.notify()
    waker.notify()
    assert is_readable(waker)
    waker.drain()
    assert not is_readable(waker)
    waker.notify()
    assert is_readable(waker)


class NotifiedMeanwhile:
    """The readable end, as it is when another thread notifies in the middle of `SocketWaker.drain`."""

    def __init__(self, waker: SocketWaker, inner: Any, *, before: bool) -> None:
        self._waker, self._inner, self._before = waker, inner, before

    def recv(self, size: int) -> bytes:
        if self._before:
            self._waker.notify()
        data: bytes = self._inner.recv(size)
        if not self._before:
            self._waker.notify()
        return data


@pytest.mark.parametrize("before", [True, False])
def test_a_notification_in_the_middle_of_a_drain_does_not_silence_later_ones(
    waker: SocketWaker, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waker.notify()
    with monkeypatch.context() as patch:
        patch.setattr(waker, "selectable", NotifiedMeanwhile(waker, waker.selectable, before=before))
        waker.drain()
    waker.notify()
    assert is_readable(waker)


def test_more_notifications_than_the_channel_holds_do_no_harm(waker: SocketWaker) -> None:
    sender = waker.fileno()
    assert sender >= 0
    for _ in range(100_000):
        waker._notified = False  # as if each came from a signal, which does not look at the flag
        waker.notify()
    assert is_readable(waker)

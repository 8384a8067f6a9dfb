"""The event loop: who is called back, when, and what an error of one of them does to the others."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from chatnet.net.loop import READ, WRITE, EventLoop, Watch
from chatnet.net.platform import new_selector
from chatnet.net.system import SystemClock
from chatnet.net.waker import SocketWaker
from chatnet.testing.clock import VirtualClock
from chatnet.testing.network import MemorySelector, MemoryWaker
from chatnet.transports.memory import MemoryNetwork, MemoryTransport

DEADLINE = 10.0


class Recorder:
    """A handler that does what the test sets."""

    def __init__(self) -> None:
        self.called: list[tuple[str, int]] = []
        self.failures: list[tuple[str, Exception]] = []
        self.action: Callable[[str], None] = lambda _: None

    def ready(self, subject: str, mask: int) -> None:
        self.called.append((subject, mask))
        self.action(subject)

    def failed(self, subject: str, error: Exception) -> None:
        self.failures.append((subject, error))


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.loop = EventLoop(MemorySelector(self.clock), self.clock)
        self.network = MemoryNetwork()
        self.handler = Recorder()

    def watch(self, name: str, mask: int = READ) -> tuple[MemoryTransport, Watch[str]]:
        """A watched connection, and the end that makes it readable."""
        client, server = self.network.pair(name)
        watch = self.loop.watch(server.selectable, self.handler, name)
        watch.want(mask)
        return client, watch


@pytest.fixture
def world() -> World:
    return World()


def test_a_readable_connection_is_called_back(world: World) -> None:
    client, _ = world.watch("a")
    world.watch("silent")
    client.send(b"x")
    world.loop.run_turn(0.0)
    assert world.handler.called == [("a", READ)]


def test_a_watch_can_change_what_it_waits_for(world: World) -> None:
    client, watch = world.watch("a", WRITE)
    client.send(b"x")
    world.loop.run_turn(0.0)
    watch.want(READ | WRITE)
    world.loop.run_turn(0.0)
    watch.want(0)
    world.loop.run_turn(0.0)
    watch.want(READ)
    world.loop.run_turn(0.0)
    assert world.handler.called == [("a", WRITE), ("a", READ | WRITE), ("a", READ)]


def test_a_peer_closed_by_an_earlier_callback_of_the_same_turn_is_not_called(world: World) -> None:
    ends = [world.watch(name) for name in "ab"]
    for client, _ in ends:
        client.send(b"x")

    def close_both(_: str) -> None:
        for _client, watch in ends:
            watch.want(0)

    world.handler.action = close_both
    world.loop.run_turn(0.0)
    assert world.handler.called == [("a", READ)]


def test_what_an_earlier_callback_no_longer_wants_is_not_called(world: World) -> None:
    clients = {name: world.watch(name, READ | WRITE) for name in "ab"}
    for client, _ in clients.values():
        client.send(b"x")
    world.handler.action = lambda _: clients["b"][1].want(WRITE)
    world.loop.run_turn(0.0)
    assert world.handler.called == [("a", READ | WRITE), ("b", WRITE)]


def test_an_error_in_a_callback_is_logged_and_told_and_the_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "abc":
        world.watch(name)[0].send(b"x")
    mistake = RuntimeError("mistake")

    def fail(name: str) -> None:
        if name == "b":
            raise mistake

    world.handler.action = fail
    world.loop.run_turn(0.0)
    assert world.handler.called == [("a", READ), ("b", READ), ("c", READ)]
    assert world.handler.failures == [("b", mistake)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "RuntimeError: mistake" in caplog.text


def test_an_error_in_the_end_of_turn_hook_ends_the_loop(world: World) -> None:
    def fail() -> None:
        raise RuntimeError("store is gone")

    world.loop.end_of_turn = fail
    with pytest.raises(RuntimeError, match="store is gone"):
        world.loop.run_turn(0.0)


def test_interrupting_is_not_an_error_of_a_callback(world: World) -> None:
    world.watch("a")[0].send(b"x")

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    world.handler.action = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.loop.run_turn(0.0)
    assert world.handler.failures == []


# -- timers ---------------------------------------------------------------------------------------------------


def test_timers_run_at_their_time_and_in_order(world: World) -> None:
    ran: list[tuple[str, float]] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: ran.append((name, world.loop.now.monotonic))

    world.loop.call_later(5.0, note("five"))
    world.loop.call_later(1.0, note("one"))
    world.loop.call_at(1.0, note("also one"))
    for _ in range(3):
        world.loop.run_turn(10.0)
    assert ran == [("one", 1.0), ("also one", 1.0), ("five", 5.0)]


def test_a_wait_ends_when_a_timer_is_due_and_not_before(world: World) -> None:
    world.loop.call_later(3.0, lambda: None)
    world.loop.run_turn(None)
    assert world.clock.now().monotonic == 3.0


def test_a_wait_is_not_longer_than_asked_for(world: World) -> None:
    world.loop.call_later(3.0, lambda: None)
    world.loop.run_turn(1.0)
    assert world.clock.now().monotonic == 1.0


def test_a_cancelled_timer_neither_runs_nor_ends_a_wait(world: World) -> None:
    ran: list[str] = []
    world.loop.call_later(1.0, lambda: ran.append("cancelled")).cancel()
    world.loop.call_later(2.0, lambda: ran.append("kept"))
    world.loop.run_turn(10.0)
    assert ran == ["kept"]
    assert world.clock.now().monotonic == 2.0


def test_a_timer_can_be_cancelled_by_one_that_is_due_in_the_same_turn(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []
    world.loop.call_at(1.0, lambda: second.cancel())
    second = world.loop.call_at(1.0, lambda: ran.append("second"))
    world.loop.run_turn(10.0)
    assert ran == []
    assert caplog.records == []


def test_a_timer_that_sets_itself_at_once_does_not_hold_up_the_turn(world: World) -> None:
    ran: list[float] = []

    def again() -> None:
        ran.append(world.loop.now.monotonic)
        world.loop.call_later(0.0, again)

    again()
    world.loop.run_turn(10.0)
    world.loop.run_turn(10.0)
    assert ran == [0.0, 0.0, 0.0]


def test_an_error_in_a_timer_is_logged_and_the_others_run(world: World, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("mistake")

    world.loop.call_later(1.0, fail)
    world.loop.call_later(1.0, lambda: ran.append("other"))
    world.loop.run_turn(10.0)
    assert ran == ["other"]
    assert "RuntimeError: mistake" in caplog.text


def test_next_due_is_the_first_timer_or_now_if_there_is_more_to_do(world: World) -> None:
    assert world.loop.next_due() is None
    world.loop.call_later(4.0, lambda: None)
    assert world.loop.next_due() == 4.0
    world.loop.again()
    assert world.loop.next_due() == 0.0
    world.loop.run_turn(None)
    assert world.loop.next_due() == 4.0
    assert world.clock.now().monotonic == 0.0


# -- waking ---------------------------------------------------------------------------------------------------


def test_again_lets_only_the_next_turn_not_wait(world: World) -> None:
    world.loop.again()
    world.loop.run_turn(5.0)
    assert world.clock.now().monotonic == 0.0
    world.loop.run_turn(5.0)
    assert world.clock.now().monotonic == 5.0


def test_in_one_thread_a_wake_needs_no_channel(world: World) -> None:
    world.loop.wake()
    world.loop.run_turn(5.0)
    assert world.clock.now().monotonic == 0.0


def test_a_memory_waker_ends_one_virtual_wait() -> None:
    clock = VirtualClock()
    loop = EventLoop(MemorySelector(clock), clock, MemoryWaker())
    loop.wake()
    loop.run_turn(5.0)
    assert clock.now().monotonic == 0.0
    loop.run_turn(5.0)
    assert clock.now().monotonic == 5.0


def test_another_thread_ends_a_real_wait() -> None:
    waker = SocketWaker()
    with new_selector() as selector:
        loop = EventLoop(selector, SystemClock(), waker)
        began = loop.now.monotonic
        waiting = threading.Event()

        def wake() -> None:
            waiting.wait(DEADLINE)
            loop.wake()

        thread = threading.Thread(target=wake)
        thread.start()
        waiting.set()
        loop.run_turn(DEADLINE)
        thread.join()
        assert loop.now.monotonic - began < DEADLINE
    waker.close()


def test_many_wakes_are_one_and_a_later_one_counts_again() -> None:
    waker = SocketWaker()
    with new_selector() as selector:
        loop = EventLoop(selector, SystemClock(), waker)
        for _ in range(100_000):
            loop.wake()
        loop.run_turn(DEADLINE)
        assert selector.select(0.0) == []
        loop.wake()
        assert len(selector.select(DEADLINE)) == 1
    waker.close()


def test_a_waker_that_is_full_of_signals_does_not_block() -> None:
    waker = SocketWaker()
    with new_selector() as selector:
        loop = EventLoop(selector, SystemClock(), waker)
        with suppress(BlockingIOError):
            while True:
                os.write(waker.fileno(), b"\2" * 4096)  # as the interpreter does for each signal
        loop.wake()
        loop.run_turn(DEADLINE)
        while selector.select(0.0):
            loop.run_turn(0.0)
        loop.wake()
        assert len(selector.select(DEADLINE)) == 1
    waker.close()


def test_waking_after_the_end_does_nothing() -> None:
    waker = SocketWaker()
    waker.close()
    waker.notify()

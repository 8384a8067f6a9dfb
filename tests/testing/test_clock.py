"""Virtual time."""

from chatnet.clock import Now
from chatnet.testing.clock import VirtualClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(monotonic=10.0, wall=5_000)
    assert clock.now() == Now(10.0, 5_000)
    clock.advance(1.5)
    assert clock.now() == Now(11.5, 6_500)


def test_many_small_steps_lose_no_wall_time() -> None:
    clock = VirtualClock(wall=0)
    for _ in range(10_000):
        clock.advance(0.0001)
    assert clock.now().wall == 1_000


def test_what_is_due_runs_at_its_own_time_and_in_order() -> None:
    clock = VirtualClock()
    ran: list[tuple[str, float]] = []
    for name, seconds in (("late", 3.0), ("early", 1.0), ("also early", 1.0), ("too late", 6.0)):
        clock.call_later(seconds, lambda name=name: ran.append((name, clock.now().monotonic)))  # type: ignore[misc]
    clock.advance(5.0)
    assert ran == [("early", 1.0), ("also early", 1.0), ("late", 3.0)]
    assert clock.now().monotonic == 5.0
    assert clock.next_due == 6.0


def test_what_an_action_plans_runs_in_the_same_advance_if_it_is_due() -> None:
    clock = VirtualClock()
    ran: list[float] = []

    def again() -> None:
        ran.append(clock.now().monotonic)
        clock.call_later(1.0, again)

    clock.call_later(1.0, again)
    clock.advance(3.5)
    assert ran == [1.0, 2.0, 3.0]


def test_the_clock_never_goes_back() -> None:
    clock = VirtualClock(monotonic=10.0)
    ran: list[float] = []
    clock.call_at(4.0, lambda: ran.append(clock.now().monotonic))
    clock.advance_to(5.0)
    assert clock.now().monotonic == 10.0
    assert ran == [10.0]
    assert clock.next_due is None

"""Connections that come to nothing, by where they come from."""

import tracemalloc

import pytest

from chatnet.core.limits import Limits
from chatnet.net.throttle import Throttle, place_of

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("", ""),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1::", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_place_is_an_ipv4_address_or_a_subnet_of_ipv6(host: str, place: str) -> None:
    assert place_of(host) == place


def test_each_place_has_its_slots_and_a_refused_one_takes_none() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=2, wasted_connection_seconds=60.0))
    assert [throttle.take(HERE, now) for now in (0.0, 1.0, 2.0, 3.0)] == [True, True, False, False]
    assert throttle.take(THERE, 3.0)
    assert not throttle.take(HERE, 59.9)
    assert throttle.take(HERE, 60.0)
    assert not throttle.take(HERE, 60.0)
    assert throttle.take(HERE, 61.0)


def test_all_of_an_ipv6_subnet_share_their_slots() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=2))
    assert throttle.take("2001:db8::1", 0.0)
    assert throttle.take("2001:db8::2", 0.0)
    assert not throttle.take("2001:db8::3", 0.0)
    assert throttle.take("2001:db8:0:1::1", 0.0)


def test_a_login_gives_its_own_slot_back() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=2, wasted_connection_seconds=60.0))
    throttle.take(HERE, 0.0)
    throttle.take(HERE, 10.0)
    throttle.give_back(HERE, 10.0)
    assert throttle.take(HERE, 20.0)
    assert not throttle.take(HERE, 20.0)
    assert throttle.take(HERE, 60.0)
    assert not throttle.take(HERE, 61.0)


def test_two_of_one_moment_are_two() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=2))
    throttle.take(HERE, 0.0)
    throttle.take(HERE, 0.0)
    throttle.give_back(HERE, 0.0)
    assert [throttle.take(HERE, 0.0), throttle.take(HERE, 0.0)] == [True, False]


def test_a_slot_that_is_over_cannot_be_given_back_and_nor_can_one_twice() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=1, wasted_connection_seconds=60.0))
    throttle.take(HERE, 0.0)
    throttle.take(HERE, 60.0)
    throttle.give_back(HERE, 0.0)
    assert not throttle.take(HERE, 61.0)
    throttle.give_back(HERE, 60.0)
    throttle.give_back(HERE, 60.0)
    assert [throttle.take(HERE, 61.0), throttle.take(HERE, 61.0)] == [True, False]


def test_who_has_no_address_is_not_counted() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=1))
    assert all(throttle.take("", 0.0) for _ in range(10))
    throttle.give_back("", 0.0)


def test_of_too_many_places_the_one_that_was_quiet_for_longest_is_forgotten() -> None:
    throttle = Throttle(Limits(wasted_connections_per_place=2, wasted_connection_places=2))
    throttle.take("192.0.2.1", 0.0)
    throttle.take("192.0.2.2", 1.0)
    throttle.take("192.0.2.1", 2.0)
    throttle.take("192.0.2.3", 3.0)
    assert not throttle.take("192.0.2.1", 4.0)
    assert throttle.take("192.0.2.2", 4.0)
    assert throttle.take("192.0.2.2", 4.0)


def test_memory_is_bounded_whoever_comes() -> None:
    places = 1000
    throttle = Throttle(Limits(wasted_connection_places=places))
    tracemalloc.start()
    try:
        for number in range(10 * places):
            host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            for turn in range(70):
                throttle.take(host, float(turn))
        assert tracemalloc.get_traced_memory()[0] < 1500 * places
    finally:
        tracemalloc.stop()

"""Rates: a burst, then a pause until exactly when the next may come; nothing is ever dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.effects import Effect, Pause
from chatnet.core.entities import NEVER
from chatnet.core.entries import Entry
from chatnet.core.limits import KIB, Limits, Rate
from chatnet.events import Pong
from chatnet.requests import Alive, ListRooms, Ping, Request
from tests.core.script import LOBBY_ID, START, Script, events

# -- a rate ---------------------------------------------------------------------------------------------------


def waits(rate: Rate, takings: list[tuple[float, float]]) -> list[float]:
    """After taking these amounts at these times, for how long to wait each time."""
    due, found = NEVER, []
    for amount, now in takings:
        due = rate.take(due, amount, now)
        found.append(max(0.0, due - now))
    return found


def test_a_rate_gives_its_burst_and_then_so_much_a_second() -> None:
    assert waits(Rate(3.0, 2.0), [(1.0, 10.0)] * 5 + [(1.0, 11.5)] * 2) == [0.0, 0.0, 0.0, 0.5, 1.0, 0.0, 0.5]


def test_no_more_than_the_burst_is_ever_saved_up() -> None:
    assert waits(Rate(2.0, 1.0), [(1.0, 0.0), *[(1.0, 1000.0)] * 3]) == [0.0, 0.0, 0.0, 1.0]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=50))
def test_who_waits_as_long_as_told_is_never_over_the_rate(steps: list[tuple[float, float]]) -> None:
    rate, due, now, taken, largest = Rate(10.0, 2.0), NEVER, 0.0, 0.0, 0.0
    for amount, pause in steps:
        now += pause
        assert taken <= 10.0 + 2.0 * now + largest + 1e-6
        due = rate.take(due, amount, now)
        now = max(now, due)
        taken, largest = taken + amount, max(largest, amount)


# -- the hub --------------------------------------------------------------------------------------------------


def pauses(effects: list[Effect]) -> list[float]:
    """For how many seconds from the start, each time."""
    return [effect.until - START for effect in effects if isinstance(effect, Pause)]


def test_posts_beyond_the_burst_are_taken_but_the_session_is_not_read_for_a_while() -> None:
    chat = Script("alice")
    for n in range(1, 21):
        assert pauses(chat.say("alice", n)) == []
    effects = chat.say("alice", 21)
    assert pauses(effects) == [pytest.approx(0.1)]
    assert any(isinstance(effect, Entry) for effect in effects), "nothing is dropped"
    assert pauses(chat.say("alice", 22)) == [pytest.approx(0.2)]
    chat.seconds += 10.0
    assert pauses(chat.say("alice", 23)) == []


def test_a_lot_of_text_counts_too() -> None:
    chat = Script("alice")
    for n in range(1, 5):
        assert pauses(chat.say("alice", n, body="x" * 16 * KIB)) == []
    assert pauses(chat.say("alice", 5, body="é" * 4 * KIB)) == [pytest.approx(0.125)]


def test_text_that_is_refused_counts_as_well() -> None:
    chat = Script("alice")
    assert pauses(chat.say("alice", 1, body="x" * 128 * KIB)) == [pytest.approx(1.0)]


@pytest.mark.parametrize("request_", [Ping(5), Alive(5), ListRooms(5)])
def test_requests_of_every_kind_have_a_rate(request_: Request) -> None:
    chat = Script("alice")
    for _ in range(199):
        assert pauses(chat.ask("alice", request_)) == []
    effects = chat.ask("alice", request_)
    assert pauses(effects) == [pytest.approx(0.02)]
    if isinstance(request_, Ping):
        assert events(effects, "alice") == [Pong(5)]


def test_strangers_have_a_rate() -> None:
    chat = Script(limits=Limits(request_burst=1.0))
    chat.connect("a")
    chat.ask("a", Ping(1))
    assert pauses(chat.ask("a", Ping(2))) == [pytest.approx(0.02)]


def test_posts_and_requests_have_rates_of_their_own() -> None:
    chat = Script("alice", limits=Limits(request_burst=1.0, post_burst=1.0))
    assert pauses(chat.say("alice", 1)) == []
    assert len(pauses(chat.ask("alice", Ping(1)))) == 1
    assert len(pauses(chat.say("alice", 2))) == 1


def test_sessions_have_rates_of_their_own() -> None:
    chat = Script("alice", "bob", limits=Limits(post_burst=1.0))
    assert pauses(chat.say("alice", 1)) == pauses(chat.say("bob", 1, LOBBY_ID)) == []

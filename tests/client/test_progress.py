"""What is told of a transfer, and how often."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatnet.client.progress import FRESH_SECONDS, SHOWN_SECONDS, Meter, Phase, Progress, Waiting

MIB = 1 << 20


class Watch:
    """A meter, the time, and what was told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.told: list[tuple[float, Progress]] = []
        self.meter = Meter(lambda progress: self.told.append((self.now, progress)), lambda: self.now)
        self.meter.name = "trip.mkv"

    @property
    def last(self) -> Progress:
        return self.told[-1][1]

    def waits_for(self) -> str:
        return self.last.waiting_for


def test_a_steady_transfer_has_a_rate_and_an_end() -> None:
    watch = Watch()
    for second in range(11):
        watch.now = 1000.0 + second
        watch.meter.show("sending", second * MIB, 100 * MIB)
    assert watch.last == Progress("trip.mkv", 10 * MIB, 100 * MIB, MIB, 90.0, "sending")


def test_the_rate_is_that_of_the_last_seconds() -> None:
    watch = Watch()
    for tenth in range(200):
        watch.now = 1000.0 + tenth / 10
        watch.meter.show("sending", min(tenth, 100) * MIB, 500 * MIB)
    assert watch.last.rate == 0
    assert watch.last.left is None


def test_what_was_there_before_counts_as_done_but_not_for_the_rate() -> None:
    watch = Watch()
    for second in range(3):
        watch.now = 1000.0 + second
        watch.meter.show("receiving", 500 * MIB + second * MIB, 1000 * MIB, moved=second * MIB)
    assert (watch.last.done, watch.last.rate) == (502 * MIB, MIB)


def test_a_rate_of_nearly_no_time_is_none() -> None:
    watch = Watch()
    for tenth in range(3):
        watch.now = 1000.0 + tenth / 10
        watch.meter.show("sending", tenth * MIB, 10 * MIB)
    assert (watch.last.rate, watch.last.left) == (0.0, None)


def test_another_phase_has_a_rate_of_its_own() -> None:
    watch = Watch()
    for second in range(5):
        watch.now = 1000.0 + second
        watch.meter.show("hashing", second * 100 * MIB, 1000 * MIB)
    watch.meter.show("sending", 0, 1000 * MIB)
    watch.now += 1
    watch.meter.show("sending", MIB, 1000 * MIB)
    assert watch.last.rate == MIB


def test_while_it_waits_there_is_no_end_in_sight() -> None:
    watch = Watch()
    for second in range(3):
        watch.now = 1000.0 + second
        watch.meter.show("sending", second * MIB, 10 * MIB)
    watch.now += 1
    watch.meter.show("sending", 2 * MIB, 10 * MIB, None, "server", "no room")
    assert (watch.last.waiting_for, watch.last.reason, watch.last.left) == ("server", "no room", None)


def test_a_transfer_that_stands_still_waits_for_the_server() -> None:
    watch = Watch()
    for tenth in range(60):
        watch.now = 1000.0 + tenth / 10
        watch.meter.show("sending", MIB, 10 * MIB)
    assert watch.waits_for() == "server"
    watch.meter.show("sending", MIB, 10 * MIB, None, "connection")
    watch.now += 1
    watch.meter.show("sending", MIB, 10 * MIB)
    assert watch.waits_for() == "", "after a new connection the server has its time again"
    watch.now += 10
    watch.meter.show("checking", 10 * MIB, 10 * MIB)
    assert watch.waits_for() == ""
    watch.now += 10
    watch.meter.show("checking", 10 * MIB, 10 * MIB)
    assert watch.waits_for() == "server", "it takes long to store what is there"


def test_the_last_word_is_told_however_soon_it_comes() -> None:
    watch = Watch()
    watch.meter.show("sending", 0, 10)
    watch.meter.show("sending", 10, 10)
    assert watch.last.done == 0
    watch.meter.end()
    assert watch.last.done == 10
    watch.meter.end()
    assert len(watch.told) == 2


SHOWS = st.tuples(
    st.sampled_from([0.0, 0.01, 0.05, 0.3, 2.0]),
    st.sampled_from(["sending", "checking"]),
    st.integers(0, 5),
    st.sampled_from(["", "", "server", "connection"]),
)


@given(shows=st.lists(SHOWS, max_size=200))
def test_it_is_told_often_enough_and_no_oftener(
    shows: list[tuple[float, Phase, int, Waiting]],
) -> None:
    watch = Watch()
    for wait, phase, done, waiting in shows:
        watch.now += wait
        watch.meter.show(phase, done, 5, None, waiting)
        assert watch.now < watch.meter.due <= watch.now + FRESH_SECONDS
        assert watch.told[-1][0] > watch.now - FRESH_SECONDS
    for (earlier, before), (later, after) in pairwise(watch.told):
        assert later >= earlier + (SHOWN_SECONDS if after != before else FRESH_SECONDS)

from hypothesis import given
from hypothesis import strategies as st

from chatnet.client.backoff import BASE_SECONDS, CAP_SECONDS, LONGEST_ASKED, Backoff, sane_delay

chances = st.floats(0, 1, exclude_max=True)


@given(st.lists(chances, min_size=1, max_size=40))
def test_every_delay_is_below_the_doubled_ceiling_and_the_cap(randoms: list[float]) -> None:
    backoff = Backoff(iter(randoms).__next__)
    for i, chance in enumerate(randoms):
        assert backoff.next_delay() == chance * min(CAP_SECONDS, BASE_SECONDS * 2**i)


@given(st.lists(st.tuples(chances, st.floats(0, LONGEST_ASKED)), min_size=1, max_size=20))
def test_no_delay_is_shorter_than_the_server_asks_for(asked: list[tuple[float, float]]) -> None:
    backoff = Backoff(iter([chance for chance, _ in asked]).__next__)
    for _, retry_after in asked:
        assert retry_after <= backoff.next_delay(retry_after) <= retry_after + CAP_SECONDS


@given(st.floats())
def test_whatever_a_server_asks_for_the_delay_is_finite(seconds: float) -> None:
    assert 0 <= sane_delay(seconds) <= LONGEST_ASKED


def test_a_good_connection_starts_the_delays_again() -> None:
    backoff = Backoff(lambda: 0.5)
    first = backoff.next_delay()
    assert backoff.next_delay() > first
    backoff.reset()
    assert backoff.next_delay() == first

"""A whole server with its clients, under virtual time: 240 seeds, and that a seed is all there is to a run."""

import pytest

from chatnet.testing.simulation import simulate

SEEDS_A_TEST = 20


@pytest.mark.parametrize("first", range(0, 240, SEEDS_A_TEST))
def test_no_invariant_is_broken(first: int) -> None:
    said = 0
    for seed in range(first, first + SEEDS_A_TEST):
        said += simulate(seed).messages
    assert said > 10 * SEEDS_A_TEST, "nobody says anything in these runs, so they prove nothing"


def test_a_seed_gives_the_same_run_every_time() -> None:
    once, again = simulate(7, 400), simulate(7, 400)
    assert once == again
    assert once.digest != simulate(8, 400).digest

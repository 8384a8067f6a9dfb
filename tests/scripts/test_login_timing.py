"""The statistics of ``scripts/login_timing`` see a difference where there is one."""

import random
import sys
from pathlib import Path

import pytest

from tests.scripts.running import run_script

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from _login_timing import LEAST_P, accounts, fail_inside, kolmogorov_smirnov, measure  # noqa: E402


def sample(seed: int, shift: float, count: int = 1000) -> list[float]:
    """Normally distributed."""
    rng = random.Random(seed)
    return [rng.gauss(shift, 1.0) for _ in range(count)]


def test_two_samples_of_one_distribution_differ_too_much_as_often_as_they_should() -> None:
    low = sum(kolmogorov_smirnov(sample(2 * i, 0.0), sample(2 * i + 1, 0.0)) <= 0.1 for i in range(200))
    assert 8 <= low <= 36


def test_a_shift_of_a_quarter_of_the_spread_is_seen() -> None:
    assert kolmogorov_smirnov(sample(1, 0.0), sample(2, 0.25)) < LEAST_P


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1.0), ([1.0] * 100, [2.0] * 100, 0.0), ([1.0, 1.0], [1.0] * 9, 1.0)],
)
def test_the_extremes(a: list[float], b: list[float], p: float) -> None:
    assert kolmogorov_smirnov(a, b) == pytest.approx(p, abs=1e-9)


def test_a_server_is_timed_from_inside() -> None:
    known = accounts(3)
    existing, unknown = measure(fail_inside(known), 5, list(known), list(accounts(3)))
    assert len(existing.start) == len(unknown.finish) == 5
    assert all(whole > 0 for whole in existing.whole + unknown.whole)


def test_a_server_is_timed_over_a_connection() -> None:
    done = run_script("_login_timing.py", "--trials", "20")
    assert "Traceback" not in done.stderr
    assert done.stdout.count("p = ") == 6

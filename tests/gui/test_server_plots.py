"""The small plots: rates, scales, points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_gui.viewmodels.server_plots import KEPT, Plot, Plots
from tests.gui.server_making import NOON, stats


def test_rates_are_differences_over_the_servers_own_time() -> None:
    plots = Plots()
    plots.add(stats(0.0, messages=100, deliveries=1000, connections=3, lag=0.002))
    assert (plots.messages.shown, plots.connections.shown, plots.lag.shown) == ("-", "3", "2 ms")
    plots.add(stats(2.0, messages=130, deliveries=4000))
    assert (plots.messages.shown, plots.deliveries.shown) == ("15/s", "1,500/s")


def test_a_server_that_was_started_anew_begins_anew() -> None:
    plots = Plots()
    plots.add(stats(0.0, messages=100))
    plots.add(stats(1.0, messages=200))
    plots.add(stats(2.0, messages=5, started=NOON + 1500))
    assert list(plots.messages.points) == []
    plots.add(stats(3.0, messages=6, started=NOON + 1500))
    assert list(plots.messages.points) == [1.0]


def test_a_clock_that_was_set_back_gives_no_rate() -> None:
    plots = Plots()
    plots.add(stats(10.0, messages=100))
    plots.add(stats(5.0, messages=110))
    plots.add(stats(6.0, messages=120))
    assert list(plots.messages.points) == [10.0]


def test_only_so_much_is_kept() -> None:
    plots = Plots()
    for second in range(3 * KEPT):
        plots.add(stats(float(second)))
    assert {len(plot.points) for plot in plots.all} == {KEPT}


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=KEPT + 5))
def test_every_point_is_in_its_field_and_the_newest_at_the_right(values: list[float]) -> None:
    plot = Plot("x", 1.0, str)
    plot.points.extend(values)
    line = plot.line(200.0, 50.0)
    assert all(-1e-9 <= x <= 200.0 + 1e-9 and 0 <= y <= 50.0 for x, y in line)
    assert line[-1][0] == pytest.approx(200.0)
    assert [x for x, _ in line] == sorted(x for x, _ in line)


@pytest.mark.parametrize(
    ("highest", "top"), [(0.0, 1.0), (0.9, 1.0), (1.0, 2.0), (1.9, 5.0), (4.6, 10.0), (10.0, 20.0), (999.0, 2000.0)]
)
def test_the_scale_ends_at_a_round_number_above_the_line(highest: float, top: float) -> None:
    plot = Plot("x", 1.0, str)
    plot.points.append(highest)
    assert plot.top == top


def test_an_empty_plot_has_no_scale() -> None:
    assert Plots().lag.top_shown == ""
    assert Plots().lag.line(100, 50) == []

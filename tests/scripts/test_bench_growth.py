"""`scripts/bench`: what shows that cost does not grow, a crowd that stays, and single steps, all in small."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
import _crowd
import _growth
import _micro
import _starting
from _fan_job import Arrival, Fanned
from _figures import Benchmark, Row
from _known_peers import KNOWN
from _lines import Denied
from _setting import Setting
from _starting import started
from _workloads import MEMORY


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Small, and on any core: the tests beside this one need all of them."""
    for module in (_crowd, _growth, _starting):
        monkeypatch.setattr(module, "core", lambda _: set())
    return Setting(tmp_path, seconds=0.2, minutes=0.01)


def rows_of(benchmark: Benchmark, setting: Setting) -> dict[str, Row]:
    rows = {row.case: row for row in benchmark.measure(setting)}
    assert all(row.faults == () for row in rows.values())
    assert all(bar.figure in rows[bar.case].figures for bar in benchmark.bars if bar.case in rows)
    return rows


def test_a_server_with_much_of_something_is_compared_with_one_that_has_none(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("ROOMS", 250), ("IDLE", 300), ("HISTORY", 400)):
        monkeypatch.setattr(_growth, name, (size, size))
    monkeypatch.setattr(_growth, "GROWN", ("C",))
    rows = rows_of(_growth.BENCHMARK, setting)
    barred = {bar.case for bar in _growth.BENCHMARK.bars if bar.case.startswith("C") or "durable" in bar.case}
    assert rows.keys() == barred | {"C, nothing else", "A durable, new database"}
    assert all(row.figures["times fresh"] > 0 for row in rows.values())


def test_rooms_are_made_until_there_is_no_place_for_more(setting: Setting, tmp_path: Path) -> None:
    with started(KNOWN[MEMORY](), tmp_path) as server:
        _growth.make_rooms(server.port, 230)
        with pytest.raises(Denied):
            _growth.make_rooms(server.port, 1)  # there is one of that name


def test_a_crowd_is_watched(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_crowd, "SMALL", 2)
    rows = rows_of(_crowd.BENCHMARK, setting)
    assert rows.keys() == {bar.case for bar in _crowd.BENCHMARK.bars}
    assert {row.figures["clients"] for row in rows.values()} == {200.0}
    assert all(row.figures["p99 ms"] > 0 for row in rows.values())


def test_a_server_that_grows_is_noticed() -> None:
    steady, growing = ([100 << 20] * 40, [(100 + n) << 20 for n in range(40)])
    grown = [
        _crowd._row("case", Fanned(Arrival(1, 1.0, 0.0, 0), 1, 1, 1.0, samples=samples)).figures
        for samples in (steady, growing)
    ]
    assert grown[0]["memory, times before"] == 1.0
    assert grown[1]["memory, times before"] == pytest.approx(134.5 / 104.5)
    (bar,) = [bar for bar in _crowd.BENCHMARK.bars if bar.case == MEMORY and bar.figure == "memory, times before"]
    assert [bar.is_met(figures[bar.figure]) for figures in grown] == [True, False]


def test_each_step_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_micro, "_TRIES", 1)
    rows = {row.case: row.figures["us"] for row in _micro.measure(Setting(tmp_path))}
    assert len(rows) == 11
    assert all(0 < us < 1e6 for us in rows.values())


def test_the_best_of_several_tries_counts_for_each_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 4.0, 10.0, 11.0, 20.0, 23.0, 30.0, 33.0, 40.0, 43.0])
    monkeypatch.setattr("_micro.time.perf_counter", lambda: next(moments))
    assert _micro.best(lambda: None, rounds=10, operations=5) == pytest.approx(1e6 / 50)

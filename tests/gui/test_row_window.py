"""Which rows are put into the widget next, and how."""

from hypothesis import given
from hypothesis import strategies as st

from chatnet_gui.viewmodels.row_window import STEP_POINTS, Change, changes, fitted, step
from chatnet_gui.viewmodels.rows import Row


def row(number: int, text: str = "text") -> Row:
    return Row(f"m{number}", ((f"{text}\n", ("body",)),))


def new(count: int, first: int = 1) -> list[Row]:
    return [row(number) for number in range(first, first + count)]


some_rows = st.lists(
    st.builds(row, st.integers(1, 30), st.sampled_from(["a", "b" * 900])), max_size=30, unique_by=lambda made: made.key
)


def made(old: list[Row], steps: list[Change]) -> list[Row]:
    now = list(old)
    for change in steps:
        now[change.start : change.stop] = change.rows
    return now


@given(some_rows, some_rows)
def test_changes_make_one_list_of_the_other(old: list[Row], wanted: list[Row]) -> None:
    assert made(old, list(changes(old, wanted))) == wanted


def test_one_more_row_is_one_change_at_each_end() -> None:
    rows = new(600)
    assert list(changes(rows, [*rows[1:], row(601)])) == [Change(600, 600, [row(601)]), Change(0, 1, [])]
    assert list(changes(rows, rows)) == []


@given(some_rows, some_rows, st.data())
def test_step_by_step_everything_is_there_and_the_reader_never_loses_his_row(
    shown: list[Row], wanted: list[Row], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, max(0, len(wanted) - 1)))
    for _ in range(len(wanted) + 2):
        part = step(shown, wanted, at, most=60)
        assert not wanted or at in part
        now = wanted[part.start : part.stop]
        assert sum(2 + len(row.segments[0][0]) // 100 for row in now if row not in shown) <= 60
        shown = now
    assert shown == wanted


def test_who_is_at_the_end_sees_the_end_first() -> None:
    part = step([], new(600), 599)
    assert part.stop == 600
    assert 600 - len(part) == part.start > 500


def test_who_reads_in_the_middle_sees_what_is_around_first() -> None:
    part = step([], new(600), 300)
    assert part.start < 280
    assert part.stop > 320
    assert len(part) <= STEP_POINTS // 2


def test_a_page_above_comes_in_pieces_and_all_that_was_there_stays() -> None:
    shown = new(200, first=201)
    part = step(shown, new(400), 210)
    assert part.stop == 400
    assert 0 < part.start < 200


def test_a_burst_does_not_put_in_what_would_scroll_out_anyway() -> None:
    part = step(new(600), new(600, first=500), 599)
    assert 20 < len(part) < 100


def test_one_very_long_row_still_fits() -> None:
    long = Row("m1", (("x" * 100_000 + "\n", ("body",)),))
    assert step([], [long], 0) == range(1)


def test_after_a_slow_step_the_next_puts_in_less_but_any_row_still_fits() -> None:
    assert fitted(STEP_POINTS, 0.1) == fitted(STEP_POINTS, 0.0) == STEP_POINTS
    assert fitted(STEP_POINTS, 1.5) == STEP_POINTS // 1.5
    least = fitted(STEP_POINTS, 100.0)
    assert fitted(least, 0.1) == STEP_POINTS
    for at in (0, 1, 2):
        assert at in step([], [Row(f"m{n}", (("x" * 100_000 + "\n", ("body",)),)) for n in range(3)], at, least)

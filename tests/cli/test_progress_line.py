"""Progress as one line that fits."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatnet_cli.progress_line import State, columns, cut, progress_line, shown_seconds
from chatnet_cli.safe_text import safe_name

MIB = 2**20
HALF = State("video.mkv", 512 * MIB, 1024 * MIB, 11.5 * MIB, 44.5)


def test_with_room_all_is_said() -> None:
    assert progress_line(HALF, 120) == (
        "video.mkv   50% [===========>          ]  512 MiB of 1 GiB     11.5 MiB/s    0:45 left"
    )


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (79, "video.mkv   50% [=====>    ]  512 MiB of 1 GiB     11.5 MiB/s    0:45 left"),
        (62, "video.mkv   50%  512 MiB of 1 GiB     11.5 MiB/s    0:45 left"),
        (45, "video.mkv   50%  11.5 MiB/s    0:45 left"),
        (30, "video.mkv   50%  0:45 left"),
        (20, "video.mkv   50%"),
        (10, "v...   50%"),
        (3, "50%"),
        (2, ".."),
        (0, ""),
    ],
)
def test_with_less_room_less_is_said_and_the_percentage_last_of_all(width: int, shown: str) -> None:
    assert progress_line(HALF, width) == shown


def test_what_it_waits_for_takes_the_place_of_speed_and_time() -> None:
    waiting = State("video.mkv", 512 * MIB, 1024 * MIB, 11.5 * MIB, 44.5, "connection lost, trying again")
    shown = progress_line(waiting, 100)
    assert shown.endswith("512 MiB of 1 GiB     connection lost, trying again")
    assert "left" not in shown
    assert "/s" not in shown
    assert progress_line(waiting, 40) == "video.mkv  connection lost, trying again"


def test_where_nobody_knows_the_total_only_the_amount_is_said() -> None:
    assert progress_line(State("a.tar", 3 * MIB, None, 0, None, "reading it"), 79) == "a.tar  3 MiB  reading it"


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 10**12, 0), (10**12 - 1, 10**12, 99), (10**12, 10**12, 100), (0, 0, 100)]
)
def test_a_hundred_percent_are_only_said_of_what_is_complete(done: int, total: int, percent: int) -> None:
    shown = progress_line(State("x", done, total, 0, None), 60)
    assert f" {percent}% [" in shown
    assert (">" in shown) == (percent < 100)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (0.2, "0:01"), (59, "0:59"), (61, "1:01"), (3600, "1:00:00"), (86_400, "24:00:00"), (3e5, "3 days")],
)
def test_time_is_shown_in_minutes_or_hours_or_days(seconds: float, shown: str) -> None:
    assert shown_seconds(seconds) == shown


def test_of_a_long_name_beginning_and_end_are_seen() -> None:
    assert cut("holiday-in-the-mountains-2026-part-12.jpeg", 20) == "holiday-in-t....jpeg"
    assert cut("short.txt", 9) == "short.txt"


def test_wide_characters_count_twice_and_marks_not_at_all() -> None:
    assert columns("写真.jpg") == 8
    assert columns("e\u0301.txt") == 5
    assert columns("🎬") == 2


@given(
    st.text(),
    st.integers(0, 2**53),
    st.none() | st.integers(0, 2**53),
    st.floats(0, 2**60),
    st.none() | st.floats(0, 2**60),
    st.sampled_from(["", "connection lost, trying again"]),
    st.integers(0, 200),
)
@example("写" * 50, 1, 2, 1.0, 1.0, "", 30)
def test_whatever_is_shown_the_line_fits(
    name: str, done: int, total: int | None, rate: float, left: float | None, note: str, width: int
) -> None:
    shown = progress_line(State(safe_name(name), done, total, rate, left, note), width)
    assert columns(shown) <= width
    assert not any(unicodedata.category(char) == "Cc" for char in shown)


@given(st.text(st.sampled_from("a写🎬\u0301") | st.characters()), st.integers(0, 60))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, width: int) -> None:
    shown = cut(text, width)
    assert columns(shown) <= width
    if columns(text) <= width:
        assert shown == text

"""Spans of time and sizes."""

import pytest

from chatnet.quantities import parse_duration, parse_size, show_size


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("10m", 600), ("2h", 7200), ("90d", 7_776_000)])
def test_a_span_of_time_is_a_number_and_its_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "5", "s", "-1s", "1.5h", "1 h", "1H", "400d", "1h30m", "\u0661s", "9999999999s"]
)
def test_anything_else_is_no_span_of_time(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("512", 512), ("7 B", 7), ("64 KiB", 65536), ("1MiB", 2**20), ("2 GiB", 2**31)]
)
def test_a_size_is_a_number_and_perhaps_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "-1", "1.5 KiB", "1 KB", "1 kib", "1  KiB", "\u0661"])
def test_anything_else_is_no_size(text: str) -> None:
    assert parse_size(text) is None


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (2**31, "2 GiB"),
        (2**31 + 2**29, "2.5 GiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_a_size_is_shown_in_the_unit_that_fits(size: int, text: str) -> None:
    assert show_size(size) == text

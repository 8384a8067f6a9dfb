"""Spans of time, and where a listening begins, as people write them."""

import click
import pytest

from chatnet_cli.durations import parse_duration
from chatnet_cli.since import Ago, Since


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("366d", 366 * 86400)])
def test_a_number_and_a_unit_are_a_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "0s", "1.5h", "10 m", "10M", "367d", "٣m", "10m5s"])
def test_nothing_else_is(text: str) -> None:
    assert parse_duration(text) is None


def test_a_number_alone_is_a_messages_number() -> None:
    assert Since().convert("0", None, None) == 0
    assert Since().convert("17", None, None) == 17
    assert Since().convert("unread", None, None) == "unread"
    assert isinstance(Since().convert("2h", None, None), Ago)
    with pytest.raises(click.BadParameter):
        Since().convert(str(2**63), None, None)

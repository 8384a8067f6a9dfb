"""What ``serve --keep`` says."""

import click
import pytest

from chatnet.core.retention import Keep
from chatnet_cli.serve import _keep

DAY = 24 * 3600


def test_a_time_is_for_everything_and_room_times_for_rooms() -> None:
    assert _keep(("90d", "Lab=7d", "ops=12h")) == Keep(90 * DAY, {"lab": 7 * DAY, "ops": DAY / 2})


def test_without_it_everything_is_kept() -> None:
    assert _keep(()).is_for_ever


@pytest.mark.parametrize("text", ["", "90", "d", "lab=", "lab=forever", "0d", "-1d", "#lab=1d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        _keep((text,))

"""Where a listening begins, as people write it."""

import click
import pytest

from chatnet_cli.since import Ago, Since


def test_a_number_alone_is_a_messages_number() -> None:
    assert Since().convert("0", None, None) == 0
    assert Since().convert("17", None, None) == 17
    assert Since().convert("unread", None, None) == "unread"
    assert isinstance(Since().convert("2h", None, None), Ago)
    with pytest.raises(click.BadParameter):
        Since().convert(str(2**63), None, None)

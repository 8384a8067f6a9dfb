"""Fixtures: a user with an empty home, and a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import Chatnet


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Chatnet]:
    """A user with an empty home, and no server yet."""
    user = Chatnet(tmp_path)
    try:
        yield user
    finally:
        user.end()


@pytest.fixture
def chatnet(alone: Chatnet) -> Chatnet:
    """A user whose commands talk to a running server."""
    alone.serve()
    return alone

"""Every script runs twice: the server's words arrive whole, and byte by byte."""

import pytest

from tests.client.script import Script


@pytest.fixture(params=[False, True], ids=["whole", "byte by byte"])
def script(request: pytest.FixtureRequest) -> Script:
    """A session that hears no personal chats by itself, before its first connection."""
    return Script(byte_by_byte=request.param)


@pytest.fixture(params=[False, True], ids=["whole", "byte by byte"])
def live(request: pytest.FixtureRequest) -> Script:
    """A session that hears its personal chats, before its first connection."""
    return Script(byte_by_byte=request.param, live=True)

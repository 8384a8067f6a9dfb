"""What one who is connected and does nothing costs: ten thousand of them shall fit a small machine."""

import gc
import sys
import tracemalloc
from pathlib import Path

import pytest

from chatnet.core import hub
from tests.core.script import Script

GUESTS, ROOM = 200, "lobby"
MOST = 1300
"""Bytes of the core for each; what the connection itself costs is beside it."""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="objects have other sizes elsewhere")
def test_an_idle_guest_in_one_room_is_a_few_hundred_bytes() -> None:
    chat = Script(open_to_guests=True)
    names = [f"guest{i}" for i in range(2 * GUESTS)]
    for name in names[:GUESTS]:  # all that is only made once
        chat.login(name)
        chat.join(name)
    gc.collect()
    tracemalloc.start()
    try:
        for name in names[GUESTS:]:
            chat.login(name)
            chat.join(name)
        gc.collect()
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    core = snapshot.filter_traces([tracemalloc.Filter(True, str(Path(hub.__file__).parent / "*"))])
    assert sum(trace.size for trace in core.traces) / GUESTS < MOST

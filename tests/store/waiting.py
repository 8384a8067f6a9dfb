"""Waiting for the answer of a store that has threads."""

import time

from chatnet.core.entries import Completion
from chatnet.net.ports import Store

DEADLINE = 20.0


def answer_of(store: Store) -> Completion:
    """The next answer; there must be no other."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found = store.completions()
        if found:
            (answer,) = found
            return answer
        time.sleep(0)
    raise AssertionError("the store has not answered")

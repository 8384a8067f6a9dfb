"""Changes that wait for the store: what is to be done once an entry is stored, or if it cannot be.

A change is visible to nobody before it is durable, its author included. Stores hand back the very batch that they
were given, so an entry is known again by its identity.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatnet.core.effects import Append, Reply
from chatnet.core.entries import Entry, Failed, Handle
from chatnet.core.state import State
from chatnet.events import Event, Refused


@dataclass(slots=True)
class Change:
    """``apply`` makes the change and returns the reply; ``undo`` gives back what was held for it."""

    session: Handle
    request: int
    apply: Callable[[], Event]
    undo: Callable[[], None] = lambda: None


class Pending:
    """All changes under way."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: dict[int, Change] = {}

    def submit(self, entry: Entry, change: Change) -> None:
        """Have an entry stored, and carry out the change then."""
        self._state.out.append(Append(entry))
        self._waiting[id(entry)] = change

    def committed(self, entry: Entry) -> None:
        """An entry is stored; carry out the change that waited for it, if one did."""
        change = self._waiting.pop(id(entry), None)
        if change is not None:
            self._state.out.append(Reply(change.session, change.apply()))

    def failed(self, entry: Entry, failure: Failed) -> None:
        """An entry could not be stored; refuse the change that waited for it, if one did."""
        change = self._waiting.pop(id(entry), None)
        if change is not None:
            change.undo()
            refused = Refused(change.request, failure.code, failure.reason, failure.retry_after)
            self._state.out.append(Reply(change.session, refused))

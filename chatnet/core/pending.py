"""Changes that wait for the store: what is to be done once an entry is stored, or if it cannot be.

A change is visible to nobody before it is durable, its author included. Stores hand back the very batch that they
were given, so an entry is known again by its identity.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatnet.core.effects import Reply
from chatnet.core.entries import Entry, Failed, Handle
from chatnet.core.state import State
from chatnet.errors import Refused
from chatnet.events import Event
from chatnet.events import Refused as RefusedEvent


@dataclass(slots=True)
class Change:
    """``apply`` makes the change and returns the reply (None where it comes later), or raises `Refused`; ``undo`` gives
    back what was held for it.

    ``after`` does what may only happen once the reply is on its way, such as closing the session that gets it.
    """

    session: Handle
    request: int
    apply: Callable[[], Event | None]
    undo: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None


class Pending:
    """All changes under way."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: dict[int, Change] = {}

    def submit(self, entry: Entry, change: Change) -> None:
        """Have an entry stored, and carry out the change then."""
        self._state.out.append(entry)
        self.wait(entry, change)

    def wait(self, entry: Entry, change: Change) -> None:
        """Carry out the change once an entry of this turn is stored, and so all of the turn."""
        self._waiting[id(entry)] = change

    def committed(self, entry: Entry) -> None:
        """An entry is stored; carry out the change that waited for it, if one did."""
        change = self._waiting.pop(id(entry), None)
        if change is not None:
            reply = self._apply(change)
            if reply is not None:
                self._state.out.append(Reply(change.session, reply))
            change.after()

    def _apply(self, change: Change) -> Event | None:
        try:
            return change.apply()
        except Refused as no:
            return RefusedEvent(change.request, no.code, no.message, no.retry_after)

    def failed(self, entry: Entry, failure: Failed) -> None:
        """An entry could not be stored; refuse the change that waited for it, if one did."""
        change = self._waiting.pop(id(entry), None)
        if change is not None:
            change.undo()
            refused = RefusedEvent(change.request, failure.code, failure.reason, failure.retry_after)
            self._state.out.append(Reply(change.session, refused))

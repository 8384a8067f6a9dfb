"""Forgetting what is old, where somebody has said how long messages are kept. Off by default.

Conversations are looked at in turn, some with each tick, all within an hour. The store forgets some messages at a
time; a conversation that has more to forget is looked at again with the next tick.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from chatnet.auth.names import fold
from chatnet.clock import Now
from chatnet.core.entities import ChatState, RoomState
from chatnet.core.entries import Committed, Expire
from chatnet.core.state import State
from chatnet.model import ConversationId

ROUND_SECONDS = 3600.0
_AT_ONCE = 100
"""Conversations looked at with one tick."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long messages are kept, in seconds."""

    everywhere: float | None = None
    """None for as long as there is room."""
    rooms: Mapping[str, float] = field(default_factory=dict)
    """Rooms, by name, in which it is another time."""

    def seconds(self, conversation: RoomState | ChatState) -> float | None:
        """How long the messages of this conversation are kept."""
        if isinstance(conversation, RoomState):
            return self.rooms.get(fold(conversation.name), self.everywhere)
        return self.everywhere

    @property
    def is_for_ever(self) -> bool:
        """Is nothing ever forgotten?"""
        return self.everywhere is None and not self.rooms


KEEP_ALL = Keep()


class Retention:
    """Asks the store to forget."""

    def __init__(self, state: State, keep: Keep) -> None:
        self._state = state
        self._keep = keep
        self._round: Iterator[ConversationId] = iter(())
        self._next_round = 0.0
        self._again: set[ConversationId] = set()

    def tick(self, now: Now) -> None:
        """Look at some conversations."""
        if self._keep.is_for_ever:
            return
        if now.monotonic >= self._next_round:
            self._next_round = now.monotonic + ROUND_SECONDS
            self._round = iter(list(self._state.conversations))
        again, self._again = self._again, set()
        for id in [*again, *islice(self._round, _AT_ONCE)]:
            self._look_at(id, now)

    def _look_at(self, id: ConversationId, now: Now) -> None:
        conversation = self._state.conversations.get(id)
        if conversation is None or conversation.first > conversation.head:
            return
        seconds = self._keep.seconds(conversation)
        if seconds is not None:
            self._state.out.append(Expire(id, now.wall - int(seconds * 1000)))

    def committed(self, done: Committed) -> None:
        """The store has forgotten some; perhaps there is more."""
        for entry in done.batch:
            if type(entry) is Expire and entry.conversation in done.firsts:
                self._again.add(entry.conversation)

"""The last messages of conversations that are busy, at hand for those who are a little behind.

A bounded number in each, and a bounded size in all: what was quiet for longest is let go of first. Whoever needs it
then has the store.
"""

from typing import Final

from chatnet.clock import Now
from chatnet.core.entities import ConversationState
from chatnet.core.state import State
from chatnet.model import Message

_CHARACTER_BYTES: Final = 4
"""Of one character in UTF-8, at most."""
_MESSAGE_BYTES: Final = 256
"""About what a kept message costs beside its text."""


class Tails:
    """Extends tails, and lets go of them."""

    def __init__(self, state: State) -> None:
        self._busy = state.busy
        self._most = state.limits.tail_messages
        self._most_bytes = state.limits.tail_bytes
        self._seconds = state.limits.tail_seconds
        self._bytes = 0
        """Of all tails."""

    def extend(self, conversation: ConversationState, messages: list[Message], now: Now) -> int:
        """These messages are the conversation's last. Returns about their memory, at least the bytes of their texts."""
        if not self._most:
            return sum([len(message.body) for message in messages]) * _CHARACTER_BYTES
        more = size = _size(messages)
        if conversation.tail:
            self._busy.move_to_end(conversation.id)
        else:
            self._busy[conversation.id] = conversation
        tail = conversation.tail
        tail += messages
        # Cut at twice the size, so that the list is not moved for every message.
        if len(tail) > 2 * self._most:
            size -= _size(tail[: -self._most])
            del tail[: -self._most]
        conversation.tail_bytes += size
        conversation.tail_used = now.monotonic
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._busy) > 1:
            self._let_go(self._oldest())
        return more

    def tick(self, now: Now) -> None:
        """Let go of tails that are no longer used."""
        while self._busy and now.monotonic - self._oldest().tail_used >= self._seconds:
            self._let_go(self._oldest())

    def _oldest(self) -> ConversationState:
        return next(iter(self._busy.values()))

    def _let_go(self, conversation: ConversationState) -> None:
        del self._busy[conversation.id]
        self._bytes -= conversation.tail_bytes
        conversation.tail_bytes = 0
        conversation.tail = []


def _size(messages: list[Message]) -> int:
    """About their memory, in CPython: beyond ASCII up to four bytes a character, and as many for the kept UTF-8."""
    size = _MESSAGE_BYTES * len(messages)
    for message in messages:
        body = message.body
        size += len(body) if body.isascii() else 8 * len(body)
    return size

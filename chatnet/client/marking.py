"""When to tell the server how far one has got.

Marks are cumulative, so only the newest matters: whatever was applied and shown within a second goes out as one mark
for each conversation. What was not confirmed when a connection broke goes out again over the next one.
"""

from chatnet.client.connection import Ask
from chatnet.events import Event, Refused
from chatnet.model import ConversationId, Seq
from chatnet.requests import Mark

INTERVAL_SECONDS = 1.0
"""Between two rounds of marks."""


class _Position:
    """How far one has got, and how far the server has confirmed."""

    __slots__ = ("confirmed", "delivered", "read")

    def __init__(self) -> None:
        self.delivered: Seq = 0
        self.read: Seq = 0
        self.confirmed: tuple[Seq, Seq] = (0, 0)


class Marker:
    """Gathers marks and sends them, at most once a second. Call `tick` and `flush` only while logged in."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._positions: dict[ConversationId, _Position] = {}
        self._changed: set[ConversationId] = set()
        self._unanswered = 0
        self._last_round = float("-inf")

    def delivered(self, conversation: ConversationId, seq: Seq) -> None:
        """A message of a personal chat was applied."""
        position = self._positions.setdefault(conversation, _Position())
        if seq > max(position.delivered, position.read):
            position.delivered = seq
            self._changed.add(conversation)

    def read(self, conversation: ConversationId, seq: Seq) -> None:
        """Everything up to this message was shown to the user."""
        position = self._positions.setdefault(conversation, _Position())
        if seq > position.read:
            position.read = seq
            self._changed.add(conversation)

    @property
    def is_settled(self) -> bool:
        """Does the server know of everything?"""
        return not self._changed and not self._unanswered

    @property
    def next_tick(self) -> float | None:
        """When `tick` is due; None if there is nothing to say."""
        return self._last_round + INTERVAL_SECONDS if self._changed else None

    def tick(self, now: float) -> None:
        """Send what is new, if the last round was long enough ago."""
        if self._changed and now >= self._last_round + INTERVAL_SECONDS:
            self._last_round = now
            self.flush()

    def flush(self) -> None:
        """Send what is new now: nothing more will be said for a while."""
        changed, self._changed = self._changed, set()
        for conversation in changed:
            self._send(conversation)

    def _send(self, conversation: ConversationId) -> None:
        position = self._positions[conversation]
        sent = (position.delivered, position.read)

        def answered(reply: Event | None) -> None:
            self._unanswered -= 1
            if self._positions.get(conversation) is not position:
                return  # it was forgotten meanwhile
            if reply is None or (isinstance(reply, Refused) and reply.retry_after > 0):
                if position.confirmed < sent:
                    self._changed.add(conversation)
            else:
                position.confirmed = max(position.confirmed, sent)

        self._unanswered += 1
        self._ask(lambda id: Mark(id, conversation, *sent), answered)

    def forget(self) -> None:
        """It is another server: its conversations are others."""
        self._positions.clear()
        self._changed.clear()

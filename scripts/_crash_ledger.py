"""What was said, acknowledged and heard during a crash test, written down as it happens.

Every client writes here, each from its own thread. What contradicts what somebody else has seen is noticed at once;
the rest is for `_crash_audit` to compare with the database.
"""

import threading
import time
from typing import NamedTuple

from chatnet.client.outbox import Target, ToRoom, ToUser
from chatnet.model import ConversationId, DeviceId, Message, Seq

Place = tuple[ConversationId, Seq]
Number = tuple[DeviceId, int]
_MOST_VIOLATIONS = 50


class Said(NamedTuple):
    """A message that was handed to a client to be sent."""

    name: str
    target: Target
    body: str
    at: float
    """On `time.monotonic`."""


class Piece(NamedTuple):
    """What one client, between two of its own crashes, has heard of one conversation: all from ``first`` on."""

    who: str
    first: Seq
    online_at: float
    """What was said after this moment must not be missing in front of it."""


class Ledger:
    """Everybody's notes, and all that is wrong with them."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.said: dict[Number, Said] = {}
        self.acks: dict[Number, Place] = {}
        self.heard: dict[Place, Message] = {}
        """Each message as the first who heard it did."""
        self._places: dict[str, Place] = {}
        """Where each text was heard; nobody says the same twice."""
        self.pieces: dict[ConversationId, list[Piece]] = {}
        self.heads: dict[ConversationId, Seq] = {}
        self.members: dict[ConversationId, set[str] | None] = {}
        """Who must hear a conversation; None for everybody."""
        self.deliveries = 0
        self._lock = threading.Lock()

    def violate(self, rule: str, what: str) -> None:
        """Note that a rule was broken."""
        with self._lock:
            self._violate(rule, what)

    def _violate(self, rule: str, what: str) -> None:
        if len(self.violations) < _MOST_VIOLATIONS:
            self.violations.append(f"{rule}: {what}")

    # -- what clients tell ------------------------------------------------------------------------------------

    def say(self, number: Number, name: str, target: Target, body: str) -> None:
        """A client has taken a message to be sent."""
        with self._lock:
            if number in self.said:
                self._violate("I3", f"{name} was given the number {number[1]} for two messages")
            self.said[number] = Said(name, target, body, time.monotonic())

    def ack(self, number: Number, place: Place) -> None:
        """A client was told that a message is stored."""
        with self._lock:
            said = self.said[number]
            if self.acks.setdefault(number, place) != place:
                self._violate("I1", f"{said.name}'s {number[1]} was acked as {self.acks[number]} and as {place}")
            heard = self.heard.get(place)
            if heard is not None and (heard.body, heard.name) != (said.body, said.name):
                self._violate("I1", f"{said.name}'s {number[1]} was acked as {place}, where {heard.name} is heard")
            self.members[place[0]] = None if isinstance(said.target, ToRoom) else {said.name, _user(said.target)}
            self._extend(place)

    def hear(self, who: str, place: Place, message: Message) -> None:
        """A client has applied a message."""
        with self._lock:
            self.deliveries += 1
            first = self.heard.setdefault(place, message)
            if first != message:
                self._violate("I6", f"{who} heard {_short(message)} as {place}, somebody else {_short(first)}")
            if self._places.setdefault(message.body, place) != place:
                self._violate("I3", f"{_short(message)} was heard as {self._places[message.body]} and as {place}")
            self._extend(place)

    def begin(self, conversation: ConversationId, piece: Piece) -> None:
        """A client has heard its first message of a conversation since it started."""
        with self._lock:
            self.pieces.setdefault(conversation, []).append(piece)

    def _extend(self, place: Place) -> None:
        conversation, seq = place
        self.heads[conversation] = max(seq, self.heads.get(conversation, 0))

    def expected(self, name: str) -> dict[ConversationId, Seq]:
        """How far a user must have heard of each conversation, as far as anybody knows."""
        with self._lock:
            return {
                id: head
                for id, head in self.heads.items()
                if id in self.members and ((members := self.members[id]) is None or name in members)
            }


def _user(target: Target) -> str:
    assert isinstance(target, ToUser)
    return target.name


def _short(message: Message) -> str:
    return f"{message.name}: {message.body[:40]!r}"

"""The nouns of chatnet: people, rooms, conversations and messages.

All are frozen, and encoded as msgpack arrays in the order of their fields: a new field goes to the end and has a
default, so that older and newer programs understand each other. Ids are numeric and never change; names can.
"""

from enum import IntEnum
from typing import Annotated

import msgspec

DEVICE_ID_BYTES = 16
SECRET_BYTES = 32

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Fits a signed 64-bit column. The codec holds it, and the other bounds below, whenever it decodes."""
UserId = Natural
ConversationId = Natural
SessionId = Natural
Seq = Natural
"""A message's number in its conversation: 1, 2, 3... without gaps, in the order in which they were stored."""
DeviceNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""A device's own number of a message: 1, 2, 3..."""
DeviceId = Annotated[bytes, msgspec.Meta(min_length=DEVICE_ID_BYTES, max_length=DEVICE_ID_BYTES)]
"""16 random bytes: one installation of a client, or one short-lived process of it."""
Secret = Annotated[bytes, msgspec.Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]
"""32 bytes that only a guest knows."""

LOBBY = "lobby"
"""The room that always exists."""


class Kind(IntEnum):
    """What a message is. The numbers are the protocol's and the store's."""

    TEXT = 0
    ACTION = 1
    """Said of oneself, shown as ``* alice waves``."""
    FILE = 2
    ASK = 3
    ANSWER = 4
    """Its ``reference`` is the seq of the ask in the same conversation."""
    SYSTEM = 5
    """Said by the server."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """Base of all that is both kept and sent."""


class User(Record, frozen=True):
    """A person or a program."""

    id: UserId
    name: str
    """Login name: 1 to 32 ASCII characters, unique when compared case-folded."""
    display: str = ""
    """How the user likes to be shown; empty for the login name itself."""
    guest: bool = True


class Room(Record, frozen=True):
    """A room as clients see it."""

    id: ConversationId
    name: str
    owner: UserId = 0
    """0 where nobody owns it: the lobby."""
    archived: bool = False
    members: int = 0
    """How many users are in it now."""


class Conversation(Record, frozen=True):
    """One of the conversations of the user who asked: a room that this session is in, or a personal chat."""

    id: ConversationId
    room: Room | None
    """The room, or None for a personal chat."""
    peer: User | None
    """The other user of a personal chat (oneself in a chat with oneself), or None for a room."""
    first: Seq = 1
    """The oldest seq that is still kept; ``head + 1`` where none is."""
    head: Seq = 0
    """The newest seq; 0 where nothing was said yet."""
    read: Seq = 0
    """All up to here was shown to oneself on some device; ``head - read`` are unread."""
    delivered: Seq = 0
    """All up to here was applied by one of one's own devices. Without meaning in rooms."""
    peer_read: Seq = 0
    """In a personal chat: how far the other user has read."""
    peer_delivered: Seq = 0
    """In a personal chat: how far the other user's devices have got."""


class Message(Record, frozen=True):
    """One stored message."""

    seq: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""
    sender: UserId
    name: str
    """The sender's login name as it was then."""
    display: str
    """The sender's display name as it was then; empty for none."""
    kind: Kind
    body: str
    reference: Seq = 0
    """The seq in the same conversation that this one answers; 0 for none."""


class Hit(Record, frozen=True):
    """A message that was found by its words, and where."""

    conversation: Conversation
    message: Message

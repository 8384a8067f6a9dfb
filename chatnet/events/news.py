"""News: what happens without being asked for."""

from chatnet.events.base import Event
from chatnet.model import Conversation, ConversationId, Message, Room, Seq, User, UserId


class Deliver(Event, frozen=True, tag=30):
    """Messages of one conversation, in order; the only way in which a client gets to apply them."""

    conversation: ConversationId
    messages: list[Message]


class Truncated(Event, frozen=True, tag=31):
    """Messages that were asked for are no longer kept: what follows starts at ``first``."""

    conversation: ConversationId
    first: Seq


class Started(Event, frozen=True, tag=32):
    """A personal chat with oneself in it has come to be; sent before its first message."""

    conversation: Conversation


class Presence(Event, frozen=True, tag=33):
    """Who came to a room and who left it since the last one; in large rooms only how many are there."""

    conversation: ConversationId
    joined: list[User]
    parted: list[UserId]
    members: int


class Renamed(Event, frozen=True, tag=34):
    """A user of a shared room or personal chat has other names now."""

    user: User


class RoomChanged(Event, frozen=True, tag=35):
    """A room that one is in has another name, topic or owner, was archived or opened again, made private or public."""

    room: Room


class Marked(Event, frozen=True, tag=36):
    """How far a user has got: in a personal chat both are told, in a room only the user's own sessions."""

    conversation: ConversationId
    user: UserId
    delivered: Seq
    read: Seq


class Removed(Event, frozen=True, tag=37):
    """One is no longer in this room: put out, banned, or gone by another of one's own sessions."""

    conversation: ConversationId
    code: str
    reason: str


class Invited(Event, frozen=True, tag=38):
    """One may join this room from now on."""

    room: Room
    by: User

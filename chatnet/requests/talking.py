"""Talking: what everybody asks who has logged in."""

from typing import Annotated

import msgspec

from chatnet.model import ConversationId, DeviceNumber, FileId, Kind, Natural, Seq
from chatnet.requests.base import Request


class Ping(Request, frozen=True, tag=2):
    """Is anybody there? Reply: `Pong`."""

    id: Natural


class Alive(Request, frozen=True, tag=3):
    """The answer to the server's `AreYouThere`. No reply."""

    id: Natural = 0


class Post(Request, frozen=True, tag=4):
    """Say something. Reply: `Ack` or `Nack` with the same ``n``."""

    n: DeviceNumber
    """The device's own number of this message, greater than those of all before it."""
    conversation: ConversationId
    body: str
    """May be empty if the kind is FILE."""
    kind: Kind = Kind.TEXT
    reference: Seq = 0
    file: FileId = 0
    """What is shared, if the kind is FILE: an own file of this conversation that nobody has posted yet."""


class Open(Request, frozen=True, tag=5):
    """Find the conversation with a user or in a room, by name, without joining it. Reply: `Opened`.

    Exactly one of the two names is set.
    """

    id: Natural
    user: str = ""
    room: str = ""


class Join(Request, frozen=True, tag=6):
    """Be in a room and hear what is said there. Reply: `Joined`, then the messages after ``after``."""

    id: Natural
    room: str
    after: Seq | None = None
    """The last seq that this client has; None to start from now."""


class Part(Request, frozen=True, tag=7):
    """Leave a room. Reply: `Done`."""

    id: Natural
    conversation: ConversationId


class CreateRoom(Request, frozen=True, tag=8):
    """Make a room and own it, without joining it. Reply: `Opened`."""

    id: Natural
    name: str


class Rename(Request, frozen=True, tag=10):
    """Take another login or display name. Reply: `Done`; a `Renamed` follows to all who are concerned."""

    id: Natural
    name: str
    display: str = ""


class Follow(Request, frozen=True, tag=11):
    """Hear a personal chat from ``after`` on. Reply: `Following`, then the messages."""

    id: Natural
    conversation: ConversationId
    after: Seq | None = None


class ListConversations(Request, frozen=True, tag=12):
    """One's own conversations: joined rooms and personal chats. Reply: `ConversationPage`."""

    id: Natural
    cursor: Natural = 0


class ListUsers(Request, frozen=True, tag=13):
    """Who is online, everywhere or in one room. Reply: `UserPage`."""

    id: Natural
    room: ConversationId = 0
    """0 for everywhere."""
    cursor: Natural = 0


class ListRooms(Request, frozen=True, tag=14):
    """The rooms of this server. Reply: `RoomPage`."""

    id: Natural
    cursor: Natural = 0
    archived: bool = False
    """List the archived ones too."""


class GetHistory(Request, frozen=True, tag=15):
    """Messages of a conversation, oldest first: the last ``limit`` before ``before``, or the first after ``after``.

    At most one of ``before`` and ``after`` is set. Reply: `HistoryPage`.
    """

    id: Natural
    conversation: ConversationId
    before: Seq = 0
    """Only messages with a smaller seq; 0 for the newest."""
    after: Seq | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class Mark(Request, frozen=True, tag=16):
    """Say how far one has got in a conversation. Reply: `Done`; a `Marked` follows to those who may know.

    Marks only move forward, and reading implies delivery. A client sends them at most once a second.
    """

    id: Natural
    conversation: ConversationId
    delivered: Seq = 0
    """All up to here was applied by one of one's devices. Without meaning in rooms."""
    read: Seq = 0
    """All up to here was shown to the user."""


class Search(Request, frozen=True, tag=17):
    """Find messages by their words, the newest first, in all that one may read. Reply: `SearchPage`.

    All words must be there; ``"a phrase"``, ``pre*`` and ``from:name`` narrow it down.
    """

    id: Natural
    words: str
    conversation: ConversationId = 0
    """Only in this one; 0 for all."""
    cursor: Natural = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50

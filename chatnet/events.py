"""All that a client may be told, as plain data: replies, which repeat the ``id`` of their request, and news.

Codes are plain strings here, so that an older client can read a code that a newer server has.
The integer tags follow the same rule as those of the requests.
"""

from typing import Annotated

import msgspec

from chatnet.model import Conversation, ConversationId, Hit, Message, Room, Seq, SessionId, User, UserId

Delay = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
"""Seconds; neither a broken nor a hostile server makes a client wait for ever."""


class Event(msgspec.Struct, frozen=True, array_like=True):
    """Base of all events."""


# -- the connection itself ------------------------------------------------------------------------------------


class Hello(Event, frozen=True, tag=1):
    """The server's first word, once it has seen a good preface."""

    server: bytes
    """16 bytes that name this server; guests derive their secret for it from them."""
    version: str
    """chatnet's version, for people."""
    features: list[str] = []
    """What this server can do beyond the first version of the protocol."""


class AreYouThere(Event, frozen=True, tag=2):
    """Silence for too long; answer with `Alive`, or anything else."""


class Closing(Event, frozen=True, tag=3):
    """The server's last word before it closes the connection, and why."""

    code: str
    reason: str
    retry_after: Delay = 0.0
    """Seconds after which connecting again makes sense; 0 where the code tells."""


# -- replies --------------------------------------------------------------------------------------------------


class Refused(Event, frozen=True, tag=10):
    """The reply to any request that was refused."""

    id: int
    code: str
    reason: str
    retry_after: Delay = 0.0
    """Seconds after which to ask again; 0 where it would not help."""


class Done(Event, frozen=True, tag=11):
    """The reply to a request that has nothing to tell."""

    id: int


class Pong(Event, frozen=True, tag=12):
    """The reply to `Ping`."""

    id: int


class Welcome(Event, frozen=True, tag=13):
    """The reply to `Login`."""

    id: int
    user: User
    session: SessionId
    history: str
    """How long messages are kept: ``none`` for a window in memory, ``durable`` for a store on disk."""
    time: int
    """The server's clock, in milliseconds since 1970 UTC."""


class Opened(Event, frozen=True, tag=14):
    """The reply to `Open` and `CreateRoom`."""

    id: int
    conversation: Conversation


class Joined(Event, frozen=True, tag=15):
    """The reply to `Join`."""

    id: int
    room: Room
    first: Seq
    head: Seq


class Following(Event, frozen=True, tag=16):
    """The reply to `Follow`."""

    id: int
    conversation: ConversationId
    first: Seq
    head: Seq


class Ack(Event, frozen=True, tag=17):
    """The message ``n`` of this device is stored: it is ``seq`` of its conversation, for good."""

    n: int
    conversation: ConversationId
    seq: Seq
    time: int


class Nack(Event, frozen=True, tag=18):
    """The message ``n`` of this device is not stored.

    With ``retry_after`` (seconds) it is a passing failure: send again from ``n`` on after that time; until then the
    server ignores this device's higher numbers. Without, it never will be stored.
    """

    n: int
    code: str
    reason: str
    retry_after: Delay = 0.0


class ConversationPage(Event, frozen=True, tag=19):
    """Some of one's conversations; ``next`` is the cursor of the following page, 0 at the end."""

    id: int
    conversations: list[Conversation]
    next: int = 0


class UserPage(Event, frozen=True, tag=20):
    """Some of the users who are online; ``next`` as above."""

    id: int
    users: list[User]
    next: int = 0


class RoomPage(Event, frozen=True, tag=21):
    """Some of the rooms; ``next`` as above."""

    id: int
    rooms: list[Room]
    next: int = 0


class HistoryPage(Event, frozen=True, tag=22):
    """Messages of one conversation, oldest first, and what the server keeps of it."""

    id: int
    conversation: ConversationId
    messages: list[Message]
    first: Seq
    head: Seq


class SearchPage(Event, frozen=True, tag=23):
    """Messages that were found, the newest first; ``next`` as above."""

    id: int
    hits: list[Hit]
    next: int = 0


# -- news -----------------------------------------------------------------------------------------------------


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
    """A room that one is in was archived, opened again, or has another owner."""

    room: Room


class Marked(Event, frozen=True, tag=36):
    """How far a user has got: in a personal chat both are told, in a room only the user's own sessions."""

    conversation: ConversationId
    user: UserId
    delivered: Seq
    read: Seq


AnyEvent = (
    Hello
    | AreYouThere
    | Closing
    | Refused
    | Done
    | Pong
    | Welcome
    | Opened
    | Joined
    | Following
    | Ack
    | Nack
    | ConversationPage
    | UserPage
    | RoomPage
    | HistoryPage
    | SearchPage
    | Deliver
    | Truncated
    | Started
    | Presence
    | Renamed
    | RoomChanged
    | Marked
)
"""Everything that may come from a server."""

"""Replies to requests, which repeat their ``id``; and `Ack` and `Nack`, which repeat the ``n`` of a post."""

from chatnet.events.base import Delay, Event
from chatnet.model import (
    Ban,
    Conversation,
    ConversationId,
    Deed,
    Hit,
    Invitation,
    Member,
    Message,
    Room,
    Seq,
    SessionId,
    Token,
    User,
)


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
    """The reply to `Login`, `TokenLogin` and `Enter`."""

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
    """Some of the users who were asked for; ``next`` as above."""

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


class Challenge(Event, frozen=True, tag=24):
    """The reply to `StartScram`: SCRAM's server-first-message."""

    id: int
    message: str


class Proven(Event, frozen=True, tag=25):
    """The reply to `FinishScram`: SCRAM's server-final-message, by which the server shows that it knew the secret."""

    id: int
    message: str
    name: str
    """The account's login name; the name of the invitation for a join code."""


class Registered(Event, frozen=True, tag=26):
    """The reply to `Register` and `CreateAccount`."""

    id: int
    user: User


class TokenCreated(Event, frozen=True, tag=27):
    """The reply to `CreateToken`."""

    id: int
    token: Token


class TokenPage(Event, frozen=True, tag=28):
    """Some tokens of an account; ``next`` is a cursor as above."""

    id: int
    tokens: list[Token]
    next: int = 0


class InvitationPage(Event, frozen=True, tag=29):
    """Some of the join codes that can still be used; ``next`` is the name to go on after, empty at the end."""

    id: int
    invitations: list[Invitation]
    next: str = ""


class MemberPage(Event, frozen=True, tag=40):
    """Some of those who belong to a room; ``next`` as above."""

    id: int
    members: list[Member]
    next: int = 0


class BanPage(Event, frozen=True, tag=41):
    """Some bans and mutes; ``next`` as above."""

    id: int
    bans: list[Ban]
    next: int = 0


class AuditPage(Event, frozen=True, tag=42):
    """Lines of the audit log, the newest first; ``next`` is the ``before`` of the following page, 0 at the end."""

    id: int
    deeds: list[Deed]
    next: int = 0

"""What an application hears from its client: already in order, once each, and with names beside the ids."""

import msgspec

from chatnet.events import Event, Stats
from chatnet.model import Conversation, ConversationId, FileId, LogLine, Message, Room, Seq, User, UserId


class News(msgspec.Struct, frozen=True):
    """Base of all that follows."""


# -- the connection -------------------------------------------------------------------------------------------


class Online(News, frozen=True):
    """Logged in: from here on everything that is said is heard, also across later losses of the connection."""

    user: User
    """Oneself, as the server knows one."""
    resumed: bool
    """Does this go on where a lost connection ended?"""


class Offline(News, frozen=True):
    """The connection is lost, or could not be made."""

    code: str
    reason: str
    retry_in: float | None
    """Seconds until it is tried again; None for never."""


class HistoryLost(News, frozen=True):
    """What was said while one was away cannot be had: the server no longer knows what one has heard."""

    conversation: Conversation | None
    """None for all of them: it is another server, or one that has lost its memory."""


# -- conversations --------------------------------------------------------------------------------------------


class Incoming(News, frozen=True):
    """A message, in the order of its conversation and exactly once."""

    conversation: Conversation
    message: Message
    own: bool
    """Said by the same user, from here or from elsewhere."""

    @property
    def text(self) -> str:
        """What was said."""
        return self.message.body

    @property
    def sender(self) -> str:
        """The sender's login name, as it was then."""
        return self.message.name

    @property
    def room(self) -> str:
        """The name of the room it was said in; empty in a personal chat."""
        return self.conversation.room.name if self.conversation.room else ""


class FileGone(News, frozen=True):
    """A file that was shared in a conversation is there no more; its message is."""

    conversation: Conversation
    file: FileId
    seq: Seq
    """Of its message."""


class Missed(News, frozen=True):
    """Messages that will not come any more: the server no longer keeps them."""

    conversation: Conversation
    first: Seq
    last: Seq


class ChatStarted(News, frozen=True):
    """Somebody has said the first words of a personal chat; they follow."""

    conversation: Conversation


class MarksMoved(News, frozen=True):
    """How far a user has got: the other one of a personal chat, or oneself on another device."""

    conversation: Conversation
    user: UserId
    delivered: Seq
    read: Seq


class RoomLost(News, frozen=True):
    """One is no longer in this room: put out, gone on another device, or not let in again after a lost connection."""

    room: str
    code: str
    reason: str


class Invitation(News, frozen=True):
    """One may join this room from now on."""

    room: Room
    by: User


class RoomUpdated(News, frozen=True):
    """A room that one is in has another name, topic or owner, was archived, opened again, made private or public."""

    room: Room
    before: Room | None = None
    """None if this client did not know it."""


class PresenceChanged(News, frozen=True):
    """Who came to a room and who left it; in large rooms only how many are there."""

    conversation: Conversation
    joined: list[User]
    parted: list[User]
    members: int


class UserRenamed(News, frozen=True):
    """A user has other names now."""

    before: User | None
    """None if this client did not know the user."""
    user: User


# -- the server, for admins -----------------------------------------------------------------------------------


class ServerStats(News, frozen=True):
    """How the server fares: at once after `Administration.watch`, then every second."""

    stats: Stats


class ServerLog(News, frozen=True):
    """What happened on the server, at most four times a second."""

    lines: list[LogLine]
    dropped: int
    """Lines that are missing right before these. None are counted for the time without a connection."""


class WatchLost(News, frozen=True):
    """One does not watch any more: one is no admin now."""

    code: str
    reason: str


# -- answers --------------------------------------------------------------------------------------------------


class Stored(News, frozen=True):
    """The post ``n`` is stored, for good."""

    n: int
    conversation: ConversationId
    seq: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""


class PostRefused(News, frozen=True):
    """The post ``n`` is not stored and never will be."""

    n: int
    code: str
    reason: str


class Answer(News, frozen=True):
    """The reply to a request of the application."""

    id: int
    reply: Event | None
    """None if the connection was lost first: nobody knows whether the server did what was asked."""


class Woken(News, frozen=True):
    """Another thread has called `Client.wake`."""

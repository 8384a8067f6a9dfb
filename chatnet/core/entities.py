"""Users, sessions, rooms and personal chats, as plain objects that hang together.

Only the parts of the core change them, only on the loop's thread. Everything that most sessions never need is created
on first use, because ten thousand idle ones shall cost little.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

from chatnet.core.callers import Caller
from chatnet.core.entries import Handle, PutBan, PutChat, PutMember, PutRoom, PutToken, PutUser
from chatnet.core.file_entities import Lane, Shelf
from chatnet.core.mappings import NOTHING
from chatnet.core.proofs import Proofs
from chatnet.model import (
    ConversationId,
    DeviceId,
    Message,
    Role,
    Room,
    Scope,
    Seq,
    SessionId,
    User,
    UserId,
    Verifier,
)

NEVER = -math.inf
"""Before all monotonic times."""


class UserState:
    """A user, and what hangs on it while the server runs."""

    __slots__ = (
        "ban",
        "chats",
        "kept",
        "marked",
        "mute",
        "offline_since",
        "owned",
        "restrained",
        "rooms",
        "saved",
        "secret_hash",
        "sessions",
        "uid",
        "user",
        "verifier",
    )

    def __init__(
        self,
        user: User,
        secret_hash: bytes,
        *,
        verifier: Verifier | None = None,
        uid: int = -1,
        saved: bool = False,
    ) -> None:
        self.user = user
        self.secret_hash = secret_hash
        """Of a guest; empty for an account."""
        self.verifier = verifier
        """Of an account's password; None where it has none."""
        self.uid = uid
        """The operating system's user that may use this account by local access; -1 for none."""
        self.saved = saved
        """Has the store been asked to keep it as it is now? False again if that batch failed."""
        self.kept = saved
        """Has the store ever been asked to keep it?"""
        self.sessions: tuple[Session, ...] = ()
        """Those that have logged in, the longest here first."""
        self.chats: Mapping[UserId, ChatState] = NOTHING
        self.owned: Mapping[ConversationId, RoomState] = NOTHING
        """Rooms that it owns, those that are being made too."""
        self.marked: Mapping[ConversationId, RoomState] = NOTHING
        """Rooms that have a mark of it."""
        self.rooms: Mapping[ConversationId, RoomState] = NOTHING
        """Rooms in which it has a rank that is stored, be it only an invitation."""
        self.restrained: dict[ConversationId, RoomState] | None = None
        """Rooms that have a ban or a mute of it; None if none ever had."""
        self.ban: PutBan | None = None
        """From the whole server."""
        self.mute: PutBan | None = None
        """On the whole server."""
        self.offline_since: float | None = None
        """When its last session ended (monotonic); None if it had none since the server started."""

    @property
    def is_guest(self) -> bool:
        """Has it a name for a while only, and no account?"""
        return self.user.role is Role.GUEST

    def entry(self) -> PutUser:
        """The user as the store keeps it."""
        user = self.user
        return PutUser(user.id, user.name, user.display, user.role, self.secret_hash, self.verifier, self.uid)


class Session:
    """One connection that has logged in, or is about to."""

    __slots__ = (
        "behind",
        "caller",
        "device",
        "draining",
        "handle",
        "id",
        "is_waiting",
        "lane",
        "number",
        "post_due",
        "posted_at",
        "proofs",
        "reading",
        "request_due",
        "resend_from",
        "rooms",
        "since",
        "text_due",
        "token",
        "unanswered",
        "user",
    )

    def __init__(self, handle: Handle, caller: Caller, number: int, since: int) -> None:
        self.handle = handle
        self.caller = caller
        self.number = number
        """1, 2, 3... in the order in which they came."""
        self.since = since
        """When it came, in milliseconds since 1970 UTC."""
        self.proofs: Proofs | None = None
        """What it has shown by SCRAM or `Register`; None for nothing."""
        self.token: PutToken | None = None
        """The token that it logged in with."""
        self.is_waiting = False
        """Does it wait for its account to be stored?"""
        self.id: SessionId = 0
        self.user: UserState | None = None
        self.device: DeviceId = b""
        self.rooms: Mapping[ConversationId, RoomState] = NOTHING
        self.behind: Mapping[ConversationId, Seq] = NOTHING
        """Conversations that it follows but is not level with, and the last seq that was queued for it."""
        self.draining = False
        """Does it wait for its output queue to become short?"""
        self.reading = False
        """Does it wait for the store to read a page?"""
        self.resend_from: int | None = None
        """The device number that must come again first, after a passing failure."""
        self.unanswered = 0
        self.post_due = self.text_due = self.request_due = self.posted_at = NEVER
        """When what it has said, its text and its other requests are paid for (see `Rate`), and when it said something
        last (monotonic)."""
        self.lane: Lane | None = None
        """Its uploads and downloads; None if it never had any."""

    @property
    def only_sends(self) -> bool:
        """Did it come with a token that is good for nothing but to say something?"""
        return self.token is not None and self.token.scope is Scope.SEND

    @property
    def is_admin(self) -> bool:
        """May it do what admins may? So may whoever runs the server, by local access, whatever the account's role."""
        user = self.user
        if user is None or user.is_guest:
            return False
        return user.user.role is Role.ADMIN or (self.caller.is_owner and user.uid == self.caller.uid)


Position = tuple[Seq, Seq]
"""How far a user has got in a conversation: (delivered, read)."""


class ConversationState:
    """What rooms and personal chats share: a log, and those who listen to it."""

    __slots__ = (
        "behind",
        "first",
        "head",
        "id",
        "live",
        "marks",
        "pending",
        "restricted",
        "saved",
        "shelf",
        "tail",
        "tail_bytes",
        "tail_used",
    )

    def __init__(self, id: ConversationId, first: Seq = 1, head: Seq = 0, *, saved: bool = False) -> None:
        self.id = id
        self.first = first
        self.head = head
        """The last seq that was told to anybody; the store may be ahead of it."""
        self.saved = saved
        self.pending = 0
        """Posts that the store has not answered."""
        self.restricted = False
        """Is there anything about it that not all may: is it private, or has it bans or mutes?"""
        self.live: dict[Handle, Session] = {}
        """Sessions that have all up to ``head`` queued, and get what follows."""
        self.behind: dict[Handle, Session] = {}
        """Sessions that follow, but have to catch up first."""
        self.marks: dict[UserId, Position] = {}
        self.tail: list[Message] = []
        """The last messages, while the conversation is busy; empty or ending at ``head``."""
        self.tail_bytes = 0
        self.tail_used = 0.0
        self.shelf: Shelf | None = None
        """Its files and uploads; None where there are none."""


class RoomState(ConversationState):
    """A room."""

    __slots__ = (
        "_alone",
        "archived",
        "asked",
        "asks",
        "bans",
        "belongs",
        "changes",
        "members",
        "mutes",
        "name",
        "owner",
        "private",
        "told_at",
        "topic",
    )

    def __init__(
        self, id: ConversationId, name: str, owner: UserId, first: Seq = 1, head: Seq = 0, *, saved: bool = False
    ) -> None:
        super().__init__(id, first, head, saved=saved)
        self.name = name
        self.owner = owner
        self.archived = False
        self.topic = ""
        self.private = False
        self.members: dict[UserId, int] = {}
        """Users who are in it, longest first, with the number of their sessions in it."""
        self.belongs: dict[UserId, PutMember] = {}
        """What users are in it as the store knows it, whether they are connected or not."""
        self.bans: dict[UserId, PutBan] = {}
        self.mutes: dict[UserId, PutBan] = {}
        self.asked: PutRoom | None = None
        """As the store was asked to keep it last, while that is under way: the next change goes on from there."""
        self.asks = 0
        """How many changes of it are under way."""
        self.changes: dict[UserId, bool] | None = None
        """Users who came or went in this turn, and whether they were in before it."""
        self.told_at = 0.0
        """When a large room was last told how many are in it (monotonic)."""
        self._alone: Mapping[ConversationId, RoomState] | None = None

    @property
    def alone(self) -> "Mapping[ConversationId, RoomState]":
        """This room and no other: one mapping for all the sessions that are just in it, as most are in one."""
        if self._alone is None:
            self._alone = MappingProxyType({self.id: self})
        return self._alone

    def room(self) -> Room:
        """The room as clients see it."""
        members = len(self.members)
        return Room(self.id, self.name, self.owner, self.archived, members, self.topic, self.private)

    def entry(self) -> PutRoom:
        """The room as the store keeps it, or will once it has done what it was asked."""
        return self.asked or PutRoom(self.id, self.name, self.owner, self.archived, self.topic, self.private)


class ChatState(ConversationState):
    """A personal chat of two users, or of one with oneself."""

    __slots__ = ("ended", "high", "low", "stored")

    def __init__(
        self, id: ConversationId, low: UserId, high: UserId, first: Seq = 1, head: Seq = 0, *, saved: bool = False
    ) -> None:
        super().__init__(id, first, head, saved=saved)
        self.low = low
        self.high = high
        self.stored = saved
        """Is it certainly in the store?"""
        self.ended = False
        """Is one of the two gone for good? What was said can be read, but nothing more be said."""

    def entry(self) -> PutChat:
        """The chat as the store keeps it."""
        return PutChat(self.id, self.low, self.high)

    @property
    def is_under_way(self) -> bool:
        """Does anything wait for the store, the chat itself or a post, or has it files that are yet to be posted?"""
        return self.pending > 0 or (self.saved and not self.stored) or self.shelf is not None

    def other(self, user: UserId) -> UserId:
        """The other one of the two; oneself in a chat with oneself."""
        return self.high if user == self.low else self.low

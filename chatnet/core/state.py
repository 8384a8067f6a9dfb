"""The server's whole state, as plain objects: who is here, what rooms and chats there are, who listens to which.

Only the parts of the core change it, only on the loop's thread. Everything that most sessions never need is created
on first use, because ten thousand idle ones shall cost little.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from itertools import islice

from chatnet.auth.names import fold
from chatnet.clock import Now
from chatnet.core.callers import Caller
from chatnet.core.effects import Append, Effect
from chatnet.core.entries import (
    DropChat,
    Entry,
    Handle,
    PutBan,
    PutChat,
    PutMember,
    PutRoom,
    PutToken,
    PutUser,
    SavedConversation,
    Snapshot,
)
from chatnet.core.limits import Bucket, Limits
from chatnet.core.proofs import Proofs
from chatnet.core.registry import Registry
from chatnet.errors import ErrorCode, Refused
from chatnet.model import (
    LOBBY,
    Conversation,
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

LOBBY_ID: ConversationId = 1


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
        self.sessions: dict[Handle, Session] = {}
        self.chats: dict[UserId, ChatState] = {}
        self.owned: dict[ConversationId, RoomState] = {}
        """Rooms that it owns, those that are being made too."""
        self.marked: dict[ConversationId, RoomState] = {}
        """Rooms that have a mark of it."""
        self.rooms: dict[ConversationId, RoomState] = {}
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
        "post_bucket",
        "proofs",
        "reading",
        "request_bucket",
        "resend_from",
        "rooms",
        "text_bucket",
        "token",
        "unanswered",
        "user",
    )

    def __init__(self, handle: Handle, caller: Caller) -> None:
        self.handle = handle
        self.caller = caller
        self.proofs: Proofs | None = None
        """What it has shown by SCRAM or `Register`; None for nothing."""
        self.token: PutToken | None = None
        """The token that it logged in with."""
        self.is_waiting = False
        """Does it wait for its account to be stored?"""
        self.id: SessionId = 0
        self.user: UserState | None = None
        self.device: DeviceId = b""
        self.rooms: dict[ConversationId, RoomState] = {}
        self.behind: dict[ConversationId, Seq] = {}
        """Conversations that it follows but is not level with, and the last seq that was queued for it."""
        self.draining = False
        """Does it wait for its output queue to become short?"""
        self.reading = False
        """Does it wait for the store to read a page?"""
        self.resend_from: int | None = None
        """The device number that must come again first, after a passing failure."""
        self.unanswered = 0
        self.post_bucket: Bucket | None = None
        self.text_bucket: Bucket | None = None
        self.request_bucket: Bucket | None = None

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


class RoomState(ConversationState):
    """A room."""

    __slots__ = (
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
        """Does anything wait for the store: the chat itself, or a post?"""
        return self.pending > 0 or (self.saved and not self.stored)

    def other(self, user: UserId) -> UserId:
        """The other one of the two; oneself in a chat with oneself."""
        return self.high if user == self.low else self.low


class State:
    """Everything that the core knows, and the effects of the call that is under way."""

    def __init__(self, snapshot: Snapshot, limits: Limits) -> None:
        self.limits = limits
        self.out: list[Effect] = []
        self.sessions: dict[Handle, Session] = {}
        self.users: dict[UserId, UserState] = {}
        self.names: dict[str, UserState] = {}
        self.online: list[UserId] = []
        """Sorted, so that lists can be paged by the last id seen."""
        self.registry = Registry()
        """All accounts."""
        self.offline: dict[UserId, None] = {}
        """Guests without a session, the longest away first."""
        self.conversations: dict[ConversationId, RoomState | ChatState] = {}
        self.rooms: dict[str, RoomState] = {}
        self.room_ids: list[ConversationId] = []
        """Sorted, as ``online`` is."""
        self.busy: OrderedDict[ConversationId, ConversationState] = OrderedDict()
        """Conversations with a tail in memory, those that were quiet for longest first; they may be gone by now."""
        self.unused: dict[ConversationId, ChatState] = {}
        """Personal chats that were looked up, but nothing was said in them yet; the oldest first."""
        self.overdue: list[Entry] = []
        """Entries that nothing else will bring up again: the next tick appends them."""
        self._next_user: UserId = snapshot.next_user
        self._next_conversation: ConversationId = max(snapshot.next_conversation, LOBBY_ID + 1)
        self._last_session: SessionId = 0
        self.had_session: dict[SessionId, UserId] = {}
        """Whose each of the latest sessions was, or is; the user may be gone."""
        self._load(snapshot)
        if LOBBY_ID not in self.conversations:
            self.add_room(RoomState(LOBBY_ID, LOBBY, 0))

    def _load(self, snapshot: Snapshot) -> None:
        for kept in snapshot.users:
            user = User(kept.id, kept.name, kept.display, kept.role)
            self.add_user(UserState(user, kept.secret_hash, verifier=kept.verifier, uid=kept.uid, saved=True))
        for saved in snapshot.conversations:
            entry = saved.conversation
            if isinstance(entry, PutRoom):
                owner = entry.owner if entry.owner in self.users else 0
                room = RoomState(entry.id, entry.name, owner, saved.first, saved.head, saved=owner == entry.owner)
                room.archived, room.topic = entry.archived, entry.topic
                room.private = room.restricted = entry.private
                self.add_room(room)
            elif self._is_of_use(saved):
                self.add_chat(ChatState(entry.id, entry.low, entry.high, saved.first, saved.head, saved=True))
            else:
                self.overdue.append(DropChat(entry.id))
        for mark in snapshot.marks:
            if mark.conversation in self.conversations:
                self.set_mark(self.conversations[mark.conversation], mark.user, (mark.delivered, mark.read))

    def _is_of_use(self, chat: SavedConversation) -> bool:
        """Is anybody left to read what was said in a chat, or are both to say the first word?"""
        assert isinstance(chat.conversation, PutChat)
        left = [user in self.users for user in (chat.conversation.low, chat.conversation.high)]
        return any(left) if chat.head else all(left)

    # -- users ------------------------------------------------------------------------------------------------

    def add_user(self, user: UserState) -> None:
        """Make a user known; it is offline until it has a session."""
        self.users[user.user.id] = user
        # Where a failure kept a rename from the store, it may know two users of one name.
        self.names.setdefault(fold(user.user.name), user)
        if user.is_guest:
            self.offline[user.user.id] = None
        else:
            self.registry.note(user)

    def find_user(self, name: str) -> UserState:
        """The user of this login name.

        :raises Refused: NO_SUCH_USER.
        """
        user = self.names.get(fold(name))
        if user is None:
            raise Refused(ErrorCode.NO_SUCH_USER, f"there is no user {name[:40]!r}, or it has been away for too long")
        return user

    def drop_user(self, user: UserState) -> None:
        """Forget an offline user; its name is free."""
        del self.users[user.user.id]
        self.registry.forget(user.user.id)
        for room in user.marked.values():
            del room.marks[user.user.id]
        self._free_name(user)
        self.offline.pop(user.user.id, None)

    def set_names(self, user: UserState, name: str, display: str) -> None:
        """Give a user other names."""
        self._free_name(user)
        user.user = User(user.user.id, name, display, user.user.role)
        user.saved = False
        self.names[fold(name)] = user
        if not user.is_guest:
            self.registry.note(user)

    def _free_name(self, user: UserState) -> None:
        if self.names.get(fold(user.user.name)) is user:
            del self.names[fold(user.user.name)]

    def set_online(self, user: UserState) -> None:
        """Its first session has come."""
        insort(self.online, user.user.id)
        self.offline.pop(user.user.id, None)

    def set_offline(self, user: UserState, now: float) -> None:
        """Its last session has gone."""
        del self.online[bisect_left(self.online, user.user.id)]
        user.offline_since = now
        if user.is_guest:
            self.offline[user.user.id] = None

    # -- conversations ----------------------------------------------------------------------------------------

    def add_room(self, room: RoomState) -> None:
        """Make a room known."""
        self.conversations[room.id] = room
        self.rooms[fold(room.name)] = room
        insort(self.room_ids, room.id)
        if room.owner in self.users:
            self.users[room.owner].owned[room.id] = room

    def add_chat(self, chat: ChatState) -> None:
        """Make a personal chat known to those of its two users who still exist."""
        self.conversations[chat.id] = chat
        if not chat.head:
            self.unused[chat.id] = chat
        for user, other in ((chat.low, chat.high), (chat.high, chat.low)):
            if user in self.users:
                self.users[user].chats[other] = chat
            else:
                chat.ended = True

    def conversation_of(self, session: Session, conversation: RoomState | ChatState) -> Conversation:
        """A conversation as the session's user sees it."""
        assert session.user is not None
        me, first, head = session.user.user.id, conversation.first, conversation.head
        delivered, read = conversation.marks.get(me, (0, 0))
        if isinstance(conversation, RoomState):
            return Conversation(conversation.id, conversation.room(), None, first, head, read, delivered)
        other = conversation.other(me)
        peer = self.users[other].user if other in self.users else User(other, "")
        # What one says to oneself is delivered and read at once.
        theirs = (head, head) if other == me else conversation.marks.get(other, (0, 0))
        mine = theirs if other == me else (delivered, read)
        return Conversation(conversation.id, None, peer, first, head, mine[1], mine[0], theirs[1], theirs[0])

    def set_mark(self, conversation: RoomState | ChatState, user: UserId, position: Position) -> None:
        """Note how far a user has got. In a personal chat that outlives the user, in a room it does not."""
        if isinstance(conversation, RoomState):
            if user not in self.users:
                return
            self.users[user].marked[conversation.id] = conversation
        conversation.marks[user] = position

    def drop_chat(self, chat: ChatState) -> None:
        """Forget a personal chat; so does the store, if it knows it."""
        del self.conversations[chat.id]
        self.unused.pop(chat.id, None)
        for user, other in ((chat.low, chat.high), (chat.high, chat.low)):
            if user in self.users:
                self.users[user].chats.pop(other, None)
        if chat.saved or chat.stored:
            self.out.append(Append(DropChat(chat.id)))

    # -- numbers ----------------------------------------------------------------------------------------------

    def next_user(self) -> UserId:
        """A number that no user ever had."""
        self._next_user += 1
        return self._next_user - 1

    def next_conversation(self) -> ConversationId:
        """A number that no conversation ever had."""
        self._next_conversation += 1
        return self._next_conversation - 1

    def next_session(self, user: UserId, now: Now) -> SessionId:
        """A number for a session of this user that no session had, not even before a restart of the server.

        A client names the session that its new one replaces. If numbers began anew, a login that the network held up
        over a restart could name, and end, the session that the same client has opened since.
        """
        self._last_session = id = max(self._last_session + 1, now.wall)
        self.had_session[id] = user
        # Half of them at once, so that the dict is not searched for its first key with every login.
        if len(self.had_session) > self.limits.known_sessions:
            for old in list(islice(self.had_session, (self.limits.known_sessions + 1) // 2)):
                del self.had_session[old]
        return id

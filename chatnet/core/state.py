"""The server's whole state: who is here, what rooms and chats there are, and where each is found.

Only the parts of the core change it, only on the loop's thread. Rule kept here: all indexes of a thing change together.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from itertools import islice

from chatnet.auth.names import fold
from chatnet.clock import Now
from chatnet.core.effects import Effect
from chatnet.core.entities import ChatState, ConversationState, Position, RoomState, Session, UserState
from chatnet.core.entries import DropChat, Entry, Handle, PutChat, PutRoom, SavedConversation, Snapshot
from chatnet.core.gauges import Gauges
from chatnet.core.limits import Limits
from chatnet.core.live_log import LiveLog
from chatnet.core.mappings import added, without
from chatnet.core.registry import Registry
from chatnet.errors import ErrorCode, Refused
from chatnet.model import LOBBY, Conversation, ConversationId, SessionId, User, UserId

LOBBY_ID: ConversationId = 1


class State:
    """Everything that the core knows, and the effects of the call that is under way."""

    def __init__(self, snapshot: Snapshot, limits: Limits, gauges: Gauges) -> None:
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
        self.log = LiveLog(gauges, self.users, limits.page)
        self.messages = self.deliveries = 0
        """Counted since the start: messages stored, and handed out, once for each session that got one."""
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
        """Give a user other names. Whether the store knows them, or is to, is for the caller to say."""
        self._free_name(user)
        user.user = User(user.user.id, name, display, user.user.role)
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
            owner = self.users[room.owner]
            owner.owned = added(owner.owned, room.id, room)

    def add_chat(self, chat: ChatState) -> None:
        """Make a personal chat known to those of its two users who still exist."""
        self.conversations[chat.id] = chat
        if not chat.head:
            self.unused[chat.id] = chat
        for id, other in ((chat.low, chat.high), (chat.high, chat.low)):
            user = self.users.get(id)
            if user is not None:
                user.chats = added(user.chats, other, chat)
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
            known = self.users.get(user)
            if known is None:
                return
            known.marked = added(known.marked, conversation.id, conversation)
        conversation.marks[user] = position

    def drop_chat(self, chat: ChatState) -> None:
        """Forget a personal chat; so does the store, if it knows it."""
        del self.conversations[chat.id]
        self.unused.pop(chat.id, None)
        for id, other in ((chat.low, chat.high), (chat.high, chat.low)):
            user = self.users.get(id)
            if user is not None:
                user.chats = without(user.chats, other)
        if chat.saved or chat.stored:
            self.out.append(DropChat(chat.id))

    # -- numbers ----------------------------------------------------------------------------------------------

    @property
    def last_user(self) -> UserId:
        """The greatest number that a user ever had."""
        return self._next_user - 1

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

"""How every message is applied exactly once and in order, whatever connections do meanwhile.

For each conversation that is followed there is a *cursor*: the last seq that was applied. A message at or below it is
a duplicate and dropped; the next one is applied; one beyond the next means that something is missing, so nothing is
applied and the server is asked to go on from the cursor. After a lost connection the server is asked to go on from
every cursor. What the server cannot give any more is told to the application, never passed over in silence.
"""

from collections.abc import Callable

from chatnet import errors
from chatnet.client.cache import Cache
from chatnet.client.connection import Ask, Handler
from chatnet.client.news import ChatStarted, HistoryLost, Incoming, Missed, News, RoomLost
from chatnet.errors import ErrorCode, ProtocolError
from chatnet.events import ConversationPage, Deliver, Event, Following, Joined, Refused, Removed, Started, Truncated
from chatnet.model import Conversation, ConversationId, Seq
from chatnet.requests import Follow, Join, ListConversations, Part

ChatStart = Callable[[Conversation], Seq]


class _Cursor:
    """How far a conversation was applied."""

    __slots__ = ("applied", "asked", "placed", "tried")

    def __init__(self, applied: Seq) -> None:
        self.applied = applied
        self.connection_lost()

    def connection_lost(self) -> None:
        self.asked = False
        """Is the server asked to go on from here? Until it answers, what comes belongs to an older position."""
        self.placed = False
        """Was it asked to at all, over this connection?"""
        self.tried: Seq | None = None
        """Where a gap was found over this connection, and the server asked again."""


class Inbox:
    """The cursors of one session.

    ``live``: follow all personal chats, those that are to come too. ``start``: the last seq that is *not* to be
    heard of a personal chat that is there at the first login; by default, its newest one. ``fail``: this session can
    hear nothing, ever.
    """

    def __init__(
        self,
        cache: Cache,
        ask: Ask,
        tell: Callable[[News], None],
        fail: Callable[[errors.Refused], None],
        *,
        live: bool,
        start: ChatStart | None = None,
    ) -> None:
        self._cache = cache
        self._fail = fail
        self._ask = ask
        self._tell = tell
        self._live = live
        self._start = start
        self._cursors: dict[ConversationId, _Cursor] = {}
        self._known = not live
        """Has every personal chat of before a cursor? Then one without has come to be since, and starts at 0."""
        self._listing = False
        self._parting: list[ConversationId] = []
        """Rooms that the server was asked to leave, and has not answered."""
        self._homeless: list[str] = []
        """Rooms to come back to on another server."""

    # -- questions --------------------------------------------------------------------------------------------

    @property
    def is_complete(self) -> bool:
        """Is there a cursor for everything that is to be followed, so that nothing can be missed from now on?"""
        return self._known

    def applied(self, conversation: ConversationId) -> Seq | None:
        """The last seq that was applied; None if the conversation is not followed."""
        cursor = self._cursors.get(conversation)
        return None if cursor is None else cursor.applied

    # -- the connection ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Logged in: go on from every cursor, and find the conversations that have none."""
        for id in list(self._cursors):
            if id in self._cache.conversations:  # else listing will find it
                self._go_on(id)
        rooms, self._homeless = self._homeless, []
        for room in rooms:
            self._come_back(room)
        if self._live:
            self._list()

    def connection_lost(self) -> None:
        """What was asked for will not come."""
        self._listing = False
        for cursor in self._cursors.values():
            cursor.connection_lost()

    def forget(self) -> None:
        """It is another server: ids and cursors mean nothing there. Rooms are found again by their names."""
        self._homeless += [name for name in map(self._room_name, self._cursors) if name is not None]
        self._cursors.clear()
        self._known = not self._live

    def forget_chats(self) -> None:
        """One is another user now: the personal chats of before are not one's own."""
        for id in [id for id in self._cursors if self._room_name(id) is None]:
            self._tell(HistoryLost(self._cache.conversations.get(id)))
            del self._cursors[id]

    # -- rooms ------------------------------------------------------------------------------------------------

    def join(self, room: str, after: Seq | None, done: Handler) -> None:
        """Be in a room, and hear what was said in it after ``after``. Joining again moves no cursor."""
        self._ask(lambda n: Join(n, room, after), lambda reply: self._joined(reply, after, done))

    def _joined(self, reply: Event | None, after: Seq | None, done: Handler) -> None:
        match reply:
            case Joined(room=room) if room.id in self._parting:
                pass  # the server has not come to the parting, but will
            case Joined(room=room) if room.id in self._cursors:
                self._go_on(room.id)  # asking has moved the server's cursor
            case Joined(room=room, head=head):
                cursor = self._cursors[room.id] = _Cursor(head if after is None else after)
                self._answered(room.id, cursor, head)
            case Refused() | None:
                pass
            case _:
                raise _unexpected("Join")
        done(reply)

    def part(self, room: ConversationId, done: Handler) -> None:
        """Leave a room. Nothing of it is applied from here on, even if a `join` that came before is unanswered."""

        def parted(reply: Event | None) -> None:
            self._parting.remove(room)
            done(reply)

        self._cursors.pop(room, None)
        self._parting.append(room)
        self._ask(lambda n: Part(n, room), parted)

    def removed(self, event: Removed) -> None:
        """One is put out of a room, or has left it on another device: nothing more of it comes, after no connection."""
        if event.conversation in self._cursors:
            self._lose(event.conversation, event.code, event.reason)

    def _come_back(self, room: str) -> None:
        def done(reply: Event | None) -> None:
            if isinstance(reply, Refused):
                self._tell(RoomLost(room, reply.code, reply.reason))
            elif reply is None:
                self._homeless.append(room)

        self.join(room, None, done)

    # -- messages ---------------------------------------------------------------------------------------------

    def deliver(self, event: Deliver) -> None:
        """Apply what is new."""
        if not event.messages:
            return
        cursor = self._cursors.get(event.conversation) or self._new_cursor(event)
        if cursor is None or cursor.asked:
            return
        conversation = self._cache.conversations.get(event.conversation)
        if conversation is None:
            self._list()  # It goes on from the cursor once it has a name.
            return
        me = self._cache.me.id
        for message in event.messages:
            if message.seq <= cursor.applied:
                continue
            if message.seq > cursor.applied + 1 and not self._is_hole(conversation, cursor, message.seq):
                return
            cursor.applied = message.seq
            self._tell(Incoming(conversation, message, message.sender == me))

    def _new_cursor(self, event: Deliver) -> _Cursor | None:
        """For a personal chat that nobody has told of; None if it is not to be heard."""
        if not self._live or self._room_name(event.conversation) is not None:
            return None
        if not self._known and self._start is not None:
            return None  # Listing will find it, and it begins further back.
        applied = 0 if self._known else event.messages[0].seq - 1
        cursor = self._cursors[event.conversation] = _Cursor(applied)
        return cursor

    def _is_hole(self, conversation: Conversation, cursor: _Cursor, seq: Seq) -> bool:
        """Is there nothing before ``seq``, even when asked for? The first time, it is asked for."""
        if cursor.tried != cursor.applied:
            cursor.tried = cursor.applied
            self._go_on(conversation.id)
            return False
        self._tell(Missed(conversation, cursor.applied + 1, seq - 1))
        return True

    def truncated(self, event: Truncated) -> None:
        """Messages that were asked for are gone."""
        cursor = self._cursors.get(event.conversation)
        if event.conversation not in self._cache.conversations:
            return  # It is listed already; once it has a name, it goes on from the cursor, and this is said again.
        if cursor is not None and not cursor.asked and event.first > cursor.applied + 1:
            self._tell(Missed(self._conversation(event.conversation), cursor.applied + 1, event.first - 1))
            cursor.applied = event.first - 1

    def started(self, event: Started) -> None:
        """A personal chat begins; the server lets all sessions of its users follow it."""
        if self._live:
            self._cursors.setdefault(event.conversation.id, _Cursor(0))
            self._tell(ChatStarted(event.conversation))

    # -- going on from a cursor -------------------------------------------------------------------------------

    def _go_on(self, id: ConversationId) -> None:
        cursor = self._cursors[id]
        cursor.asked = cursor.placed = True
        room, after = self._conversation(id).room, cursor.applied
        if room is not None:
            name = room.name
            self._ask(lambda n: Join(n, name, after), lambda reply: self._went_on(id, reply))
        else:
            self._ask(lambda n: Follow(n, id, after), lambda reply: self._went_on(id, reply))

    def _went_on(self, id: ConversationId, reply: Event | None) -> None:
        cursor = self._cursors.get(id)
        if reply is None or cursor is None:
            return
        match reply:
            case Joined(room=room, head=head) if room.id == id:
                self._answered(id, cursor, head)
            case Joined(room=room, head=head):
                del self._cursors[id]
                self._tell(HistoryLost(self._conversation(id)))  # its name leads to another room by now
                self._cursors.setdefault(room.id, _Cursor(head))
                self._go_on(room.id)
            case Following(conversation=conversation, head=head) if conversation == id:
                self._answered(id, cursor, head)
            case Refused(code=code, reason=reason):
                self._lose(id, code, reason)
            case _:
                raise _unexpected("Join or Follow")

    def _answered(self, id: ConversationId, cursor: _Cursor, head: Seq) -> None:
        cursor.asked = False
        if head < cursor.applied:
            cursor.applied = head
            self._tell(HistoryLost(self._conversation(id)))
            self._go_on(id)

    def _lose(self, id: ConversationId, code: str, reason: str) -> None:
        conversation = self._conversation(id)
        del self._cursors[id]
        if conversation.room is not None:
            self._tell(RoomLost(conversation.room.name, code, reason))
        else:
            self._tell(HistoryLost(conversation))

    # -- finding conversations --------------------------------------------------------------------------------

    def _list(self) -> None:
        if not self._listing:
            self._listing = True
            self._ask(ListConversations, self._listed)

    def _listed(self, reply: Event | None) -> None:
        match reply:
            case None:
                return
            case Refused(code=code, reason=reason):
                self._fail(errors.Refused(code, reason))  # as with a token that is good for sending only
                return
            case ConversationPage(conversations=conversations, next=following):
                for conversation in conversations:
                    if conversation.room is None:
                        self._found(conversation)
            case _:
                raise _unexpected("ListConversations")
        if following:
            self._ask(lambda n: ListConversations(n, following), self._listed)
        else:
            self._listing, self._known = False, True

    def _found(self, chat: Conversation) -> None:
        """Give a personal chat its cursor: where to start if it was there at the first login, else its beginning."""
        cursor = self._cursors.get(chat.id)
        if cursor is None:
            start = chat.head if self._start is None else min(self._start(chat), chat.head)
            cursor = self._cursors[chat.id] = _Cursor(0 if self._known else start)
        if cursor.applied < chat.head and not cursor.placed:
            self._go_on(chat.id)

    # -- small things -----------------------------------------------------------------------------------------

    def _conversation(self, id: ConversationId) -> Conversation:
        return self._cache.conversations[id]

    def _room_name(self, id: ConversationId) -> str | None:
        conversation = self._cache.conversations.get(id)
        return conversation.room.name if conversation is not None and conversation.room is not None else None


def _unexpected(request: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_FRAME, f"the server's answer to {request} is none of those that it can be")

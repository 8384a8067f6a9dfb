"""Looking up: one conversation by its name, and answers that can grow: who, rooms, conversations, history.

Each of those is paged by bytes, and resumed by a cursor. A cursor is the last id of the page before, so a list that
changes between two pages loses and repeats nothing that was there all the time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import nsmallest

from chatnet.core.attaching import with_files
from chatnet.core.effects import Read, Reply
from chatnet.core.entities import ChatState, RoomState, Session
from chatnet.core.entries import PageRead, ReadMessages
from chatnet.core.following import first_page, last_page
from chatnet.core.pending import Change, Pending
from chatnet.core.policy import check_readable, check_room, may_read, no_access
from chatnet.core.rooms import Rooms
from chatnet.core.saving import save_both
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import ConversationPage, Event, HistoryPage, Opened, RoomPage, UserPage
from chatnet.events import Refused as RefusedEvent
from chatnet.model import ConversationId, Rank
from chatnet.requests import GetHistory, ListConversations, ListRooms, ListUsers, Open

ITEM_BYTES = 256
"""At least the bytes of one encoded user, room or conversation: numbers, a name of 32 and one of 160 bytes."""


class Lists:
    """Looks things up; changes nothing but that a personal chat begins to exist."""

    def __init__(self, state: State, rooms: Rooms, pending: Pending) -> None:
        self._state = state
        self._rooms = rooms
        self._pending = pending
        self._page_items = max(1, state.limits.page // ITEM_BYTES)

    def open(self, session: Session, request: Open) -> None:
        """Find a conversation by name."""
        if bool(request.user) == bool(request.room):
            raise Refused(ErrorCode.BAD_REQUEST, "name either a user or a room")
        conversation = self._rooms.find(session, request.room) if request.room else self._chat(session, request.user)
        if isinstance(conversation, ChatState) and not conversation.stored:
            self._store(session, request, conversation)
            return
        opened = Opened(request.id, self._state.conversation_of(session, conversation))
        self._state.out.append(Reply(session.handle, opened))

    def _store(self, session: Session, request: Open, chat: ChatState) -> None:
        """Who knows a chat's id may post to it, also after a restart; so it is not told before it is stored."""

        def apply() -> Event:
            if chat.id not in self._state.conversations:
                return RefusedEvent(request.id, ErrorCode.NO_SUCH_USER, "the other one has been away for too long")
            return Opened(request.id, self._state.conversation_of(session, chat))

        save_both(self._state, chat)
        chat.saved = True
        self._pending.submit(chat.entry(), Change(session.handle, request.id, apply))

    def _chat(self, session: Session, name: str) -> ChatState:
        """The personal chat with the user of this name."""
        assert session.user is not None
        other = self._state.find_user(name)
        chat = session.user.chats.get(other.user.id)
        if chat is None:
            low, high = sorted((session.user.user.id, other.user.id))
            chat = ChatState(self._state.next_conversation(), low, high)
            self._state.add_chat(chat)
        return chat

    def users(self, session: Session, request: ListUsers) -> None:
        """Who is online."""
        assert session.user is not None
        if request.room:
            room = check_room(session.user.user.id, self._state.conversations.get(request.room), "such room")
            ids = self._after_any(room.members, request.cursor)
        else:
            ids = self._after_sorted(self._state.online, request.cursor)
        page = UserPage(request.id, [self._state.users[id].user for id in ids], self._next(ids))
        self._state.out.append(Reply(session.handle, page))

    def rooms(self, session: Session, request: ListRooms) -> None:
        """The rooms of the server that the user may read."""
        assert session.user is not None
        me = session.user.user.id
        ids = self._after_sorted(self._state.room_ids, request.cursor)
        rooms = [room for id in ids if isinstance(room := self._state.conversations[id], RoomState)]
        shown = [room.room() for room in rooms if may_read(me, room) and (request.archived or not room.archived)]
        self._state.out.append(Reply(session.handle, RoomPage(request.id, shown, self._next(ids))))

    def conversations(self, session: Session, request: ListConversations) -> None:
        """The rooms that the session is in or the account belongs to, and the user's personal chats in which something
        was said.
        """
        user = session.user
        assert user is not None
        mine: dict[ConversationId, None] = dict.fromkeys(session.rooms)
        if not user.is_guest:
            rows = (room.belongs[user.user.id] for room in user.rooms.values())
            mine |= {row.conversation: None for row in rows if row.rank is not Rank.INVITED}
        mine |= {chat.id: None for chat in user.chats.values() if chat.head}
        ids = self._after_any(mine, request.cursor)
        found = [self._state.conversation_of(session, self._state.conversations[id]) for id in ids]
        self._state.out.append(Reply(session.handle, ConversationPage(request.id, found, self._next(ids))))

    def _after_sorted(self, ids: Sequence[int], cursor: int) -> Sequence[int]:
        start = bisect_right(ids, cursor)
        return ids[start : start + self._page_items]

    def _after_any(self, ids: Iterable[int], cursor: int) -> Sequence[int]:
        return nsmallest(self._page_items, (id for id in ids if id > cursor))

    def _next(self, ids: Sequence[int]) -> int:
        return ids[-1] if len(ids) == self._page_items else 0

    # -- history ----------------------------------------------------------------------------------------------

    def history(self, session: Session, request: GetHistory) -> None:
        """Ask the store for messages; never for one that has not been told to anybody."""
        assert session.user is not None
        conversation = check_readable(session.user.user.id, self._state.conversations.get(request.conversation))
        if request.before and request.after is not None:
            raise Refused(ErrorCode.BAD_REQUEST, "history goes either before or after a message")
        before = (
            None if request.after is not None else min(request.before or conversation.head + 1, conversation.head + 1)
        )
        query = ReadMessages(
            conversation.id,
            request.limit,
            self._state.limits.page,
            after=request.after,
            before=before,
            token=(session.handle, request.id),
        )
        self._state.out.append(Read(query))

    def history_read(self, session: Session, request: int, page: PageRead) -> None:
        """The store has read what `history` asked for; the asker may have been put out meanwhile."""
        assert session.user is not None
        me, conversation = session.user.user.id, self._state.conversations.get(page.query.conversation)
        if conversation is None or not may_read(me, conversation):
            self._state.out.append(Reply(session.handle, RefusedEvent(request, *no_access(me, conversation))))
            return
        head = conversation.head
        cut = last_page if page.query.after is None else first_page
        told = with_files(conversation, [m for m in page.messages if m.seq <= head])
        messages = cut(told, self._state.limits.page)
        reply = HistoryPage(request, page.query.conversation, messages, page.first, head)
        self._state.out.append(Reply(session.handle, reply))

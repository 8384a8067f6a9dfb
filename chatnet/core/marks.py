"""How far everybody has got: what was delivered to a user's devices, and what the user has read.

Marks are cumulative and only move forward. In a personal chat both users are told of them, since a sender wants to
know; in a room each user's read position is its own business, and only its own sessions hear of it. What one says to
oneself is delivered and read at once, so that a mark there can say nothing new.
"""

from chatnet.core.effects import Broadcast, Reply
from chatnet.core.entities import ChatState, Position, RoomState, Session
from chatnet.core.entries import PutMarks
from chatnet.core.pending import Change, Pending
from chatnet.core.policy import check_readable
from chatnet.core.saving import save_referred
from chatnet.core.state import State
from chatnet.events import Done, Event, Marked
from chatnet.model import UserId
from chatnet.requests import Mark


class Marks:
    """Takes marks, and tells those who may know."""

    def __init__(self, state: State, pending: Pending) -> None:
        self._state = state
        self._pending = pending

    def mark(self, session: Session, request: Mark) -> None:
        """Move a user's marks forward; those that are behind already change nothing.

        :raises Refused: NO_SUCH_CONVERSATION, BANNED.
        """
        assert session.user is not None
        user = session.user
        conversation = check_readable(user.user.id, self._state.conversations.get(request.conversation))
        if isinstance(conversation, ChatState) and conversation.low == conversation.high:
            self._state.out.append(Reply(session.handle, Done(request.id)))
            return
        delivered, read = self._next(user.user.id, conversation, request)
        if (delivered, read) == conversation.marks.get(user.user.id, (0, 0)):
            self._state.out.append(Reply(session.handle, Done(request.id)))
            return
        entry = PutMarks(conversation.id, user.user.id, delivered, read)

        def apply() -> Event:
            old = conversation.marks.get(user.user.id, (0, 0))
            new = (max(old[0], delivered), max(old[1], read))
            if new != old:
                self._state.set_mark(conversation, user.user.id, new)
                self._tell(conversation, user.user.id, new)
            return Done(request.id)

        save_referred(self._state, user, conversation)
        self._pending.submit(entry, Change(session.handle, request.id, apply))

    def _next(self, user: UserId, conversation: RoomState | ChatState, request: Mark) -> Position:
        old = conversation.marks.get(user, (0, 0))
        read = max(old[1], min(request.read, conversation.head))
        return max(old[0], read, min(request.delivered, conversation.head)), read

    def _tell(self, conversation: RoomState | ChatState, user: UserId, position: Position) -> None:
        told = (conversation.low, conversation.high) if isinstance(conversation, ChatState) else (user,)
        users = [self._state.users[id] for id in dict.fromkeys(told) if id in self._state.users]
        audience = [session.handle for user in users for session in user.sessions]
        self._state.out.append(Broadcast(audience, Marked(conversation.id, user, *position)))

"""Rooms: made on request, joined and left, archived, and never without an owner for long.

A room exists for clients once the store has it. Joining never makes one: a slip of the finger would, and two people
would wait for each other in ``lobby`` and ``loby``.
"""

from chatnet.auth.names import check_name, fold
from chatnet.core.effects import Reply
from chatnet.core.entries import PutRoom
from chatnet.core.following import Following, tell
from chatnet.core.pending import Change, Pending
from chatnet.core.presence import Presences
from chatnet.core.saving import save_user
from chatnet.core.state import LOBBY_ID, RoomState, Session, State, UserState
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, Joined, Opened, RoomChanged
from chatnet.model import UserId
from chatnet.requests import ArchiveRoom, CreateRoom, Join, Part


class Rooms:
    """Everything about rooms but what is said in them."""

    def __init__(self, state: State, following: Following, presences: Presences, pending: Pending) -> None:
        self._state = state
        self._following = following
        self._presences = presences
        self._pending = pending
        self._reserved: set[str] = set()

    # -- requests ---------------------------------------------------------------------------------------------

    def find(self, name: str) -> RoomState:
        """The room of this name.

        :raises Refused: NO_SUCH_ROOM.
        """
        room = self._state.rooms.get(fold(name))
        if room is None:
            raise Refused(ErrorCode.NO_SUCH_ROOM, f"there is no room {name[:40]!r}")
        return room

    def join(self, session: Session, request: Join) -> None:
        """Be in a room; joining again only moves the cursor."""
        assert session.user is not None
        room = self.find(request.room)
        if room.id not in session.rooms:
            self._enter(session, session.user, room)
        reply = Joined(request.id, room.room(), room.first, room.head)
        self._state.out.append(Reply(session.handle, reply))
        self._following.start(session, room, request.after)

    def _enter(self, session: Session, user: UserState, room: RoomState) -> None:
        most = self._state.limits.rooms_per_session
        if len(session.rooms) >= most:
            raise Refused(ErrorCode.TOO_MANY_ROOMS, f"one connection can be in at most {most} rooms")
        session.rooms[room.id] = room
        self._presences.enter(room, user.user.id)
        if not room.owner and room.id != LOBBY_ID:
            self._pass_on(room, user.user.id)

    def part(self, session: Session, request: Part) -> None:
        """Leave a room with this session."""
        room = session.rooms.get(request.conversation)
        if room is None:
            raise Refused(ErrorCode.NOT_A_MEMBER, "you are not in that room")
        self.leave(session, room)
        self._state.out.append(Reply(session.handle, Done(request.id)))

    def leave(self, session: Session, room: RoomState) -> None:
        """Take a session out of a room."""
        assert session.user is not None
        del session.rooms[room.id]
        self._following.stop(session, room)
        self._presences.leave(room, session.user.user.id)

    def create(self, session: Session, request: CreateRoom) -> None:
        """Make a room that the user owns."""
        user, name = session.user, check_name(request.name, "room name")
        assert user is not None
        if fold(name) in self._state.rooms or fold(name) in self._reserved:
            raise Refused(ErrorCode.ROOM_EXISTS, f"there is a room {name!r} already")
        if len(user.owned) >= self._state.limits.rooms_per_guest:
            raise Refused(
                ErrorCode.TOO_MANY_ROOMS, f"one guest can own at most {self._state.limits.rooms_per_guest} rooms"
            )
        if len(self._state.rooms) + len(self._reserved) >= self._state.limits.rooms:
            raise Refused(ErrorCode.TOO_MANY_ROOMS, "this server has as many rooms as it can take")
        room = RoomState(self._state.next_conversation(), name, user.user.id, saved=True)
        # Name and place are taken while the store writes it.
        self._reserved.add(fold(name))
        user.owned[room.id] = room
        save_user(self._state, user)

        def apply() -> Event:
            self._reserved.discard(fold(name))
            self._state.add_room(room)
            return Opened(request.id, self._state.conversation_of(session, room))

        def undo() -> None:
            self._reserved.discard(fold(name))
            user.owned.pop(room.id, None)

        self._pending.submit(room.entry(), Change(session.handle, request.id, apply, undo))

    def archive(self, session: Session, request: ArchiveRoom) -> None:
        """Close a room for posts, or open it again."""
        assert session.user is not None
        room = self._state.conversations.get(request.conversation)
        if not isinstance(room, RoomState):
            raise Refused(ErrorCode.NO_SUCH_ROOM, "there is no such room")
        if room.owner != session.user.user.id:
            raise Refused(ErrorCode.FORBIDDEN, f"only its owner can archive the room {room.name}")
        archived = request.archived

        def apply() -> Event:
            room.archived = archived
            self._state.out += tell(room, RoomChanged(room.room()))
            return Done(request.id)

        entry = PutRoom(room.id, room.name, room.owner, archived)
        self._pending.submit(entry, Change(session.handle, request.id, apply))

    # -- owners -----------------------------------------------------------------------------------------------

    def disown(self, user: UserState) -> None:
        """A user is gone for good: its rooms pass to those who have been in them longest, or who come first."""
        for room in user.owned.values():
            self._pass_on(room, next(iter(room.members), 0))

    def _pass_on(self, room: RoomState, owner: UserId) -> None:
        room.owner = owner
        if owner:
            self._state.users[owner].owned[room.id] = room
        # The store hears of it with the room's next message; should the server stop before, it happens again.
        room.saved = False
        self._state.out += tell(room, RoomChanged(room.room()))

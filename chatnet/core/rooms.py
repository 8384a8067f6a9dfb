"""Rooms: made on request, found by name, joined and left.

A room exists for clients once the store has it. Joining never makes one: a slip of the finger would, and two people
would wait for each other in ``lobby`` and ``loby``. Who may not read a room cannot tell that it exists, but for its
name, which is taken.
"""

from chatnet.auth.names import check_name, fold
from chatnet.clock import Now
from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, Session, UserState
from chatnet.core.entries import DropMember, PutMember
from chatnet.core.following import Following
from chatnet.core.mappings import added, without
from chatnet.core.membership import Membership
from chatnet.core.pending import Change, Pending
from chatnet.core.policy import check_room
from chatnet.core.restraints import Restraints
from chatnet.core.saving import save_referred, save_user
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, Joined, Opened
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Happening, Rank
from chatnet.requests import CreateRoom, Join, Part


class Rooms:
    """Makes and finds rooms, lets in and out."""

    def __init__(
        self, state: State, following: Following, membership: Membership, restraints: Restraints, pending: Pending
    ) -> None:
        self._state = state
        self._following = following
        self._membership = membership
        self._restraints = restraints
        self._pending = pending
        self._reserved: set[str] = set()
        self._arriving: list[tuple[Session, Join, RoomState]] = []
        """Joins that the store has; the end of the turn lets them in."""

    # -- names ------------------------------------------------------------------------------------------------

    def find(self, session: Session, name: str) -> RoomState:
        """The room of this name, for somebody who may read it.

        :raises Refused: NO_SUCH_ROOM, BANNED.
        """
        assert session.user is not None
        return check_room(session.user.user.id, self._state.rooms.get(fold(name)), f"room {name[:40]!r}")

    def check_name(self, name: str, room: RoomState | None = None) -> None:
        """May a new room, or ``room``, be called that?

        :raises Refused: BAD_NAME, ROOM_EXISTS.
        """
        check_name(name, "room name")
        if fold(name) in self._reserved or self._state.rooms.get(fold(name), room) is not room:
            raise Refused(ErrorCode.ROOM_EXISTS, f"there is a room {name!r} already")

    def reserve(self, name: str) -> None:
        """A name is taken while the store writes it."""
        self._reserved.add(fold(name))

    def release(self, name: str) -> None:
        """The store has answered."""
        self._reserved.discard(fold(name))

    # -- making -----------------------------------------------------------------------------------------------

    def create(self, session: Session, request: CreateRoom, now: Now) -> None:
        """Make a room that the user owns."""
        user, limits = session.user, self._state.limits
        assert user is not None
        self.check_name(request.name)
        most = limits.rooms_per_guest if user.is_guest else limits.rooms_per_account
        if len(user.owned) >= most:
            raise Refused(ErrorCode.TOO_MANY_ROOMS, f"you can own at most {most} rooms")
        if len(self._state.rooms) + len(self._reserved) >= limits.rooms:
            raise Refused(ErrorCode.TOO_MANY_ROOMS, "this server has as many rooms as it can take")
        # Name and place are taken while the store writes it.
        self.reserve(request.name)
        room = RoomState(self._state.next_conversation(), request.name, user.user.id, saved=True)
        user.owned = added(user.owned, room.id, room)
        save_user(self._state, user)
        row = None if user.is_guest else PutMember(room.id, user.user.id, Rank.OWNER, now.wall)
        if row is not None:
            self._state.out.append(row)

        def apply() -> Event:
            self.release(request.name)
            self._state.add_room(room)
            if row is not None:
                self._membership.put(row)
            self._log(session, Happening.ROOM_MADE, room)
            return Opened(request.id, self._state.conversation_of(session, room))

        def undo() -> None:
            self.release(request.name)
            user.owned = without(user.owned, room.id)

        self._pending.submit(room.entry(), Change(session.handle, request.id, apply, undo))

    # -- joining ----------------------------------------------------------------------------------------------

    def join(self, session: Session, request: Join, now: Now) -> None:
        """Be in a room, at once or when it is stored that one belongs to it; joining again only moves the cursor.

        :raises Refused: NO_SUCH_ROOM, BANNED, TOO_MANY_ROOMS; RETRY_AFTER while an act about the user is under way.
        """
        user = session.user
        assert user is not None
        room = self.find(session, request.room)
        row = room.belongs.get(user.user.id)
        if room.id not in session.rooms:
            self._membership.check_place(session)
            if row.rank is Rank.INVITED if row is not None else not user.is_guest:
                self._belong(session, user, room, request, now)
                return
        self._let_in(session, room, request)

    def _belong(self, session: Session, user: UserState, room: RoomState, request: Join, now: Now) -> None:
        # Whoever is being put out must not be stored as a member behind that.
        self._membership.check_free(room.id, user.user.id)
        entry = PutMember(room.id, user.user.id, Rank.MEMBER, now.wall)

        def apply() -> None:
            self._membership.put(entry)
            self._arriving.append((session, request, room))

        save_referred(self._state, user, room)
        self._pending.submit(entry, Change(session.handle, request.id, apply))

    def end_turn(self) -> None:
        """Let in who has come to belong to a room.

        Not where the store's answer is carried out: what was said in the same batch goes to those who are in the room
        when it is sent, and would reach them before they are told that they are in it.
        """
        arriving, self._arriving = self._arriving, []
        for session, request, room in arriving:
            if self._state.sessions.get(session.handle) is session:
                self._arrive(session, request, room)

    def _arrive(self, session: Session, request: Join, room: RoomState) -> None:
        assert session.user is not None
        user = session.user.user.id
        try:
            check_room(user, room, "such room")
            if user not in room.belongs:
                raise Refused(ErrorCode.NOT_A_MEMBER, f"you are out of the room {room.name} again")
            self._let_in(session, room, request)
        except Refused as no:
            self._state.out.append(Reply(session.handle, RefusedEvent(request.id, no.code, no.message, no.retry_after)))

    def _let_in(self, session: Session, room: RoomState, request: Join) -> None:
        assert session.user is not None
        if room.id not in session.rooms:
            self._membership.enter(session, room)
            if room.members[session.user.user.id] == 1:
                self._log(session, Happening.JOINED, room)
        reply = Joined(request.id, room.room(), room.first, room.head)
        self._state.out.append(Reply(session.handle, reply))
        self._following.start(session, room, request.after)

    # -- leaving ----------------------------------------------------------------------------------------------

    def part(self, session: Session, request: Part) -> None:
        """Leave a room: an account with all its sessions, a guest with this one.

        :raises Refused: NOT_A_MEMBER.
        """
        user = session.user
        assert user is not None
        if request.conversation in user.rooms and not user.is_guest:
            self._end(session, user, user.rooms[request.conversation], request)
            return
        room = session.rooms.get(request.conversation)
        if room is None:
            raise Refused(ErrorCode.NOT_A_MEMBER, "you are not in that room")
        self.leave(session, room)
        if user.user.id not in room.members:
            self._log(session, Happening.PARTED, room)
        self._state.out.append(Reply(session.handle, Done(request.id)))

    def _end(self, session: Session, user: UserState, room: RoomState, request: Part) -> None:
        def apply() -> Event:
            self._membership.lose(room, user, ErrorCode.NOT_A_MEMBER, "you have left it on another connection", session)
            self._log(session, Happening.PARTED, room)
            return Done(request.id)

        self._pending.submit(DropMember(room.id, user.user.id), Change(session.handle, request.id, apply))

    def _log(self, session: Session, what: Happening, room: RoomState) -> None:
        if self._state.log.is_on:
            self._state.log.moved(session, what, room)

    def leave(self, session: Session, room: RoomState) -> None:
        """Take a session out of a room; an account goes on belonging to it."""
        self._membership.leave(session, room)

    def disown(self, user: UserState) -> None:
        """A user is gone for good: nothing of it is left in any room, and its own pass on."""
        self._membership.forget(user)
        self._restraints.forget(user)

"""What a room is like: its name, topic, whether it is private, whether it is archived.

Several changes of one room may wait for the store, and each entry has the whole room in it. So each goes on from what
the store was asked for last (`RoomState.asked`), not from what is seen: otherwise a new topic could make a room public
that is just becoming private.
"""

from msgspec.structs import replace

from chatnet.auth.names import check_line, fold
from chatnet.clock import Now
from chatnet.core.audit import Audit
from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, Session
from chatnet.core.entries import PutMember, PutRoom
from chatnet.core.following import tell
from chatnet.core.membership import Membership
from chatnet.core.pending import Change, Pending
from chatnet.core.powers import check_change, find_room
from chatnet.core.rooms import Rooms
from chatnet.core.saving import save_user
from chatnet.core.state import State
from chatnet.errors import ErrorCode
from chatnet.events import Done, Event, RoomChanged
from chatnet.model import Act, Rank, UserId
from chatnet.requests import ChangeRoom


def ask(state: State, room: RoomState, entry: PutRoom) -> None:
    """Have a room stored as it is to be; `asked` must follow, whether that is done or fails."""
    state.out.append(entry)
    room.asked = entry
    room.asks += 1
    room.saved = True


def answered(room: RoomState) -> None:
    """The store has answered an `ask`. After a failure nothing is left of all that was asked for."""
    room.asks -= 1
    if not room.asks:
        room.asked = None


class RoomChanges:
    """Takes `ChangeRoom`."""

    def __init__(self, state: State, rooms: Rooms, membership: Membership, pending: Pending, audit: Audit) -> None:
        self._state = state
        self._rooms = rooms
        self._membership = membership
        self._pending = pending
        self._audit = audit

    def change(self, session: Session, request: ChangeRoom, now: Now) -> None:
        """Change what is not None.

        :raises Refused: NO_SUCH_ROOM, BANNED, FORBIDDEN, BAD_NAME, ROOM_EXISTS, BAD_TEXT.
        """
        assert session.user is not None
        room = find_room(self._state, session, request.conversation)
        check_change(session, room, request)
        wanted = _wanted(request)
        if not wanted:
            self._state.out.append(Reply(session.handle, Done(request.id)))
            return
        if request.topic is not None:
            check_line(request.topic, "topic")
        if request.name is not None:
            self._rooms.check_name(request.name, room)
            self._rooms.reserve(request.name)
        stay = self._stay(room, now) if request.private else []
        actor = session.user
        save_user(self._state, actor)
        ask(self._state, room, replace(room.entry(), **wanted))
        deed = self._audit.record(actor.user, Act.CHANGE_ROOM, room.name, room.id, _detail(wanted), now)

        def apply() -> Event:
            answered(room)
            self._apply(room, request, stay, now)
            return Done(request.id)

        def undo() -> None:
            answered(room)
            if request.name is not None:
                self._rooms.release(request.name)

        self._pending.wait(deed, Change(session.handle, request.id, apply, undo))

    def _stay(self, room: RoomState, now: Now) -> list[PutMember]:
        """Whoever is in a room when it is made private belongs to it from then on; the store is asked to keep that."""
        entries = [
            PutMember(room.id, user, Rank.MEMBER, now.wall)
            for user in _without_rank(room)
            if not self._membership.is_held(room.id, user)
        ]
        for entry in entries:
            save_user(self._state, self._state.users[entry.user])
            self._state.out.append(entry)
        return entries

    def _settle(self, room: RoomState, now: Now) -> None:
        """Those who came while the store was writing stay as well, but for whoever is just being put out."""
        for entry in self._stay(room, now):
            self._membership.put(entry)
        for user in _without_rank(room):
            self._membership.lose(room, self._state.users[user], ErrorCode.FORBIDDEN, "the room was made private")

    def _apply(self, room: RoomState, request: ChangeRoom, stay: list[PutMember], now: Now) -> None:
        if request.name is not None:
            self._rooms.release(request.name)
            del self._state.rooms[fold(room.name)]
            room.name = request.name
            self._state.rooms[fold(room.name)] = room
        if request.topic is not None:
            room.topic = request.topic
        if request.archived is not None:
            room.archived = request.archived
        for entry in stay:
            self._membership.put(entry)
        if request.private is not None:
            room.private = request.private
            room.restricted = room.private or bool(room.bans) or bool(room.mutes)
            if room.private:
                self._settle(room, now)
        self._state.out += tell(room, RoomChanged(room.room()))


def _without_rank(room: RoomState) -> list[UserId]:
    """Who is in a room now, and has no rank in it that is stored?"""
    return [user for user in room.members if user not in room.belongs and user != room.owner]


def _wanted(request: ChangeRoom) -> dict[str, str | bool]:
    fields = {
        "name": request.name,
        "topic": request.topic,
        "private": request.private,
        "archived": request.archived,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _detail(wanted: dict[str, str | bool]) -> str:
    """For the audit log: ``name ops, not archived``."""
    words = []
    for name, value in wanted.items():
        if isinstance(value, bool):
            words.append(name if value else f"not {name}")
        else:
            words.append(f"{name} {value}".rstrip())
    return ", ".join(words)

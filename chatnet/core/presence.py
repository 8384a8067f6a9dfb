"""Who came to which room and who left, told once a turn.

A thousand people who reconnect at once are one event for each room, not a thousand; somebody who left and came back
within a turn was never away. Large rooms are told only how many are in them, and not often: there, every arrival
would cost a message to everybody.
"""

from chatnet.clock import Now
from chatnet.core.entities import RoomState
from chatnet.core.following import tell
from chatnet.core.state import State
from chatnet.events import Presence
from chatnet.model import User, UserId


class Presences:
    """Gathers comings and goings until the turn ends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._changed: dict[RoomState, None] = {}
        self._large: dict[RoomState, None] = {}

    def enter(self, room: RoomState, user: UserId) -> None:
        """One more session of this user is in the room."""
        sessions = room.members.get(user, 0)
        if not sessions:
            self._note(room, user, was_in=False)
        room.members[user] = sessions + 1

    def leave(self, room: RoomState, user: UserId) -> None:
        """One session fewer of this user is in the room."""
        room.members[user] -= 1
        if not room.members[user]:
            self._note(room, user, was_in=True)
            del room.members[user]

    def _note(self, room: RoomState, user: UserId, *, was_in: bool) -> None:
        if room.changes is None:
            room.changes = {}
        room.changes.setdefault(user, was_in)
        self._changed[room] = None

    def end_turn(self) -> None:
        """Tell the rooms of this turn's changes."""
        for room in self._changed:
            changes, room.changes = room.changes or {}, None
            if max(len(room.members), len(changes)) > self._state.limits.presence_members:
                self._large[room] = None
                continue
            joined = [self._user(u) for u, was_in in changes.items() if not was_in and u in room.members]
            parted = [u for u, was_in in changes.items() if was_in and u not in room.members]
            if joined or parted:
                self._state.out += tell(room, Presence(room.id, joined, parted, len(room.members)))
        self._changed.clear()

    def _user(self, user: UserId) -> User:
        return self._state.users[user].user

    def tick(self, now: Now) -> None:
        """Tell the large rooms how many are in them, where that is due."""
        for room in list(self._large):
            if now.monotonic - room.told_at >= self._state.limits.presence_seconds:
                del self._large[room]
                room.told_at = now.monotonic
                self._state.out += tell(room, Presence(room.id, [], [], len(room.members)))

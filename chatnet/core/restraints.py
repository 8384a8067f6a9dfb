"""Bans and mutes, of rooms and of the whole server, and when they end.

Rule kept here: what is in `RoomState.bans`, `RoomState.mutes`, `UserState.ban` and `UserState.mute` holds. One that has
run out is taken away before the core looks at anything else of that moment, so nothing that asks has to know the time.
"""

from collections.abc import Iterable

from chatnet.clock import Now
from chatnet.core.entities import RoomState, UserState
from chatnet.core.entries import DropBan, PutBan
from chatnet.core.membership import Membership
from chatnet.core.state import State
from chatnet.model import Act, ConversationId, UserId

Key = tuple[ConversationId, UserId, Act]
_NEVER = 1 << 63


class Restraints:
    """All of them."""

    def __init__(self, state: State, membership: Membership, kept: Iterable[PutBan]) -> None:
        """``kept``: as the store had it at start."""
        self._state = state
        self._membership = membership
        self.on_server: dict[UserId, UserState] = {}
        """Users who are banned from or muted on the whole server."""
        self._ends: dict[Key, int] = {}
        """When each that ends does (wall milliseconds)."""
        self.next_end = _NEVER
        """Nothing ends before this (wall milliseconds)."""
        for entry in kept:
            self.put(entry)

    def put(self, entry: PutBan) -> None:
        """The store has this now, in place of what it had of the same user, place and act."""
        user = self._state.users.get(entry.user)
        room = self._state.conversations.get(entry.conversation)
        if user is None or (entry.conversation and not isinstance(room, RoomState)):
            return
        if isinstance(room, RoomState):
            (room.bans if entry.act is Act.BAN else room.mutes)[entry.user] = entry
            room.restricted = True
            if user.restrained is None:
                user.restrained = {}
            user.restrained[room.id] = room
        else:
            self._set_on_server(user, entry.act, entry)
        key = (entry.conversation, entry.user, entry.act)
        self._ends.pop(key, None)
        if entry.until:
            self._ends[key] = entry.until
            self.next_end = min(self.next_end, entry.until)

    def drop(self, place: ConversationId, user: UserId, act: Act) -> None:
        """One is over; nothing happens if there is none."""
        self._ends.pop((place, user, act), None)
        room, known = self._state.conversations.get(place), self._state.users.get(user)
        if isinstance(room, RoomState):
            (room.bans if act is Act.BAN else room.mutes).pop(user, None)
            room.restricted = room.private or bool(room.bans) or bool(room.mutes)
        elif known is not None:
            self._set_on_server(known, act, None)

    def _set_on_server(self, user: UserState, act: Act, entry: PutBan | None) -> None:
        if act is Act.BAN:
            user.ban = entry
        else:
            user.mute = entry
        if user.ban is None and user.mute is None:
            self.on_server.pop(user.user.id, None)
        else:
            self.on_server[user.user.id] = user

    def forget(self, user: UserState) -> None:
        """A user is gone for good."""
        for place in (0, *(user.restrained or ())):
            for act in (Act.BAN, Act.MUTE):
                self.drop(place, user.user.id, act)

    def look_at(self, now: Now) -> None:
        """Take away what has run out. To be called before anything else is looked at, if `next_end` has come."""
        if now.wall < self.next_end:
            return
        over = [key for key, end in self._ends.items() if end <= now.wall]
        for place, user, act in over:
            self.drop(place, user, act)
            # One that is being prolonged must stay in the store. If this is not stored, the next start does it again.
            if not self._membership.is_held(place, user):
                self._state.out.append(DropBan(place, user, act))
        self.next_end = min(self._ends.values(), default=_NEVER)

"""Who belongs to which room, and who is in it now; and that a room is not without an owner for long.

To *belong* to a room is a rank that is stored: of an account from its first `Join` until it leaves; of a guest only
where it was given one, and it is lost with the guest. To be *in* a room is a session's, and what presence counts.

Rules kept here: what is stored of a user in a room (`RoomState.belongs`) changes only by what the store has committed,
in that order. The owner is the room's own field alone; that somebody's stored rank is OWNER only says that it was so.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, Session, UserState
from chatnet.core.entries import PutMember
from chatnet.core.following import Following, tell
from chatnet.core.mappings import added, without
from chatnet.core.presence import Presences
from chatnet.core.state import LOBBY_ID, State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Removed, RoomChanged
from chatnet.model import ConversationId, Rank, UserId

RETRY_SECONDS = 1.0


def rank_of(room: RoomState, user: UserId) -> Rank | None:
    """What a user is in a room; whoever is in it now is a member at least. None for a passer-by."""
    if user == room.owner:
        return Rank.OWNER
    row = room.belongs.get(user)
    rank = None if row is None else min(row.rank, Rank.MODERATOR)
    if user in room.members and rank in (None, Rank.INVITED):
        return Rank.MEMBER
    return rank


class Membership:
    """Changes who belongs to rooms and who is in them; what may be changed is decided elsewhere."""

    def __init__(self, state: State, following: Following, presences: Presences, kept: Iterable[PutMember]) -> None:
        """``kept``: as the store had it at start, in the order in which they came to be members."""
        self._state = state
        self._following = following
        self._presences = presences
        self._dealt_with: set[tuple[ConversationId, UserId]] = set()
        for entry in kept:
            self.put(entry)
        for id in state.room_ids:
            room = state.conversations[id]
            assert isinstance(room, RoomState)
            if not self._has_owner(room):
                self.pass_on(room)

    def _has_owner(self, room: RoomState) -> bool:
        """An account that has left a room just before the server stopped does not own it any more."""
        if room.id == LOBBY_ID:
            return True
        owner = self._state.users.get(room.owner)
        return owner is not None and (owner.is_guest or room.owner in room.belongs)

    # -- belonging --------------------------------------------------------------------------------------------

    def put(self, entry: PutMember) -> None:
        """The store has this now. Nothing happens if the user is gone."""
        user, room = self._state.users.get(entry.user), self._state.conversations.get(entry.conversation)
        if user is None or not isinstance(room, RoomState):
            return
        room.belongs[entry.user] = entry
        user.rooms = added(user.rooms, room.id, room)

    def drop(self, room: RoomState, user: UserState) -> None:
        """The store has nothing of a user in a room any more."""
        room.belongs.pop(user.user.id, None)
        user.rooms = without(user.rooms, room.id)

    def forget(self, user: UserState) -> None:
        """A user is gone for good: it belongs nowhere, and its rooms pass on."""
        for room in list(user.rooms.values()):
            self.drop(room, user)
        for room in list(user.owned.values()):
            self.pass_on(room)

    # -- being in ---------------------------------------------------------------------------------------------

    def enter(self, session: Session, room: RoomState) -> None:
        """One more session is in a room.

        :raises Refused: TOO_MANY_ROOMS.
        """
        assert session.user is not None
        self.check_place(session)
        session.rooms = added(session.rooms, room.id, room) if session.rooms else room.alone
        self._presences.enter(room, session.user.user.id)
        if not room.owner and room.id != LOBBY_ID:
            self.set_owner(room, session.user.user.id)

    def check_place(self, session: Session) -> None:
        """:raises Refused: TOO_MANY_ROOMS: the session can be in no more rooms."""
        most = self._state.limits.rooms_per_session
        if len(session.rooms) >= most:
            raise Refused(ErrorCode.TOO_MANY_ROOMS, f"one connection can be in at most {most} rooms")

    def leave(self, session: Session, room: RoomState) -> None:
        """A session is in a room no more, and hears nothing of it from now on."""
        assert session.user is not None
        session.rooms = without(session.rooms, room.id)
        self._following.stop(session, room)
        self._presences.leave(room, session.user.user.id)

    def lose(self, room: RoomState, user: UserState, code: ErrorCode, reason: str, by: Session | None = None) -> None:
        """A user neither belongs to a room any more nor is in it, as the store knows; all its sessions but ``by``
        are told why.
        """
        self.drop(room, user)
        for session in user.sessions:
            if room.id in session.rooms:
                self.leave(session, room)
                if session is not by:
                    self._state.out.append(Reply(session.handle, Removed(room.id, code, reason)))
        if room.owner == user.user.id:
            self.pass_on(room)
            # At once: a guest would own it again if the server stopped before the room's next message.
            self._state.out.append(room.entry())
            room.saved = True

    # -- owners -----------------------------------------------------------------------------------------------

    def pass_on(self, room: RoomState) -> None:
        """The owner is gone: the account that has belonged to it for longest follows, else the guest that is in it
        for longest, else whoever comes first.
        """
        accounts = [
            row
            for row in room.belongs.values()
            if row.rank >= Rank.MEMBER and row.user != room.owner and not self._state.users[row.user].is_guest
        ]
        if accounts:
            heir = min(accounts, key=lambda row: row.since).user
        else:
            heir = next((user for user in room.members if user != room.owner), 0)
        if heir != room.owner:
            self.set_owner(room, heir)

    def set_owner(self, room: RoomState, owner: UserId) -> None:
        """A room has another owner, 0 for none. The store hears of it with the room's next message at the latest;
        should the server stop before, it happens again.
        """
        before = self._state.users.get(room.owner)
        if before is not None:
            before.owned = without(before.owned, room.id)
        room.owner = owner
        if owner:
            heir = self._state.users[owner]
            heir.owned = added(heir.owned, room.id, room)
        if room.asked is not None:
            room.asked = replace(room.asked, owner=owner)
        room.saved = False
        self._state.out += tell(room, RoomChanged(room.room()))

    # -- one at a time ----------------------------------------------------------------------------------------

    def hold(self, place: ConversationId, *users: UserId) -> None:
        """Begin to do something about users in a room, or (0) on the server; `release` when the store has answered.

        Two at a time could undo each other: a promotion that is stored after a ban would make its user a member again.

        :raises Refused: RETRY_AFTER.
        """
        for user in users:
            self.check_free(place, user)
        self._dealt_with.update((place, user) for user in users)

    def release(self, place: ConversationId, *users: UserId) -> None:
        """That is over."""
        self._dealt_with.difference_update((place, user) for user in users)

    def check_free(self, place: ConversationId, user: UserId) -> None:
        """:raises Refused: RETRY_AFTER: something is being done about the user there."""
        if self.is_held(place, user):
            reason = "something is being done about this user there just now; try again"
            raise Refused(ErrorCode.RETRY_AFTER, reason, RETRY_SECONDS)

    def is_held(self, place: ConversationId, user: UserId) -> bool:
        """Is something being done about the user there?"""
        return (place, user) in self._dealt_with

"""Who belongs to a room, and who is banned or muted: lists for clients, in pages."""

from heapq import nsmallest

from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, Session
from chatnet.core.entries import PutBan
from chatnet.core.lists import ITEM_BYTES
from chatnet.core.membership import rank_of
from chatnet.core.policy import check_room
from chatnet.core.powers import check_admin, check_watch, find_room
from chatnet.core.restraints import Restraints
from chatnet.core.state import State
from chatnet.events import BanPage, MemberPage
from chatnet.model import Act, Ban, Member, UserId
from chatnet.requests import ListBans, ListMembers

BAN_BYTES = 1280
"""At least the bytes of one encoded ban: a user, and a reason of 250 characters of four bytes."""


class Rosters:
    """Looks up; changes nothing."""

    def __init__(self, state: State, restraints: Restraints) -> None:
        self._state = state
        self._restraints = restraints
        self._members_at_once = max(1, state.limits.page // ITEM_BYTES)
        self._bans_at_once = max(1, state.limits.page // BAN_BYTES)

    def members(self, session: Session, request: ListMembers) -> None:
        """All that have a rank in a room, and the guests that are in it.

        :raises Refused: NO_SUCH_ROOM, BANNED.
        """
        assert session.user is not None
        room = check_room(session.user.user.id, self._state.conversations.get(request.conversation), "such room")
        everybody = {*room.belongs, *room.members} | ({room.owner} if room.owner else set())
        ids = nsmallest(self._members_at_once, (id for id in everybody if id > request.cursor))
        following = ids[-1] if len(ids) == self._members_at_once else 0
        page = MemberPage(request.id, [self._member(room, id) for id in ids], following)
        self._state.out.append(Reply(session.handle, page))

    def _member(self, room: RoomState, id: UserId) -> Member:
        user, rank = self._state.users[id], rank_of(room, id)
        assert rank is not None
        return Member(user.user, rank, bool(user.sessions))

    def bans(self, session: Session, request: ListBans) -> None:
        """All bans and mutes of a room, or (0) of the server.

        :raises Refused: NO_SUCH_ROOM, BANNED, FORBIDDEN.
        """
        if request.conversation:
            room = find_room(self._state, session, request.conversation)
            check_watch(session, room)
            found = [*room.bans.values(), *room.mutes.values()]
        else:
            check_admin(session)
            found = [entry for user in self._restraints.on_server.values() for entry in (user.ban, user.mute) if entry]
        bans = nsmallest(self._bans_at_once, (entry for entry in found if _number(entry) > request.cursor), _number)
        following = _number(bans[-1]) if len(bans) == self._bans_at_once else 0
        page = BanPage(request.id, [self._ban(entry) for entry in bans], following)
        self._state.out.append(Reply(session.handle, page))

    def _ban(self, entry: PutBan) -> Ban:
        user = self._state.users[entry.user].user
        return Ban(user, entry.act, entry.until, entry.by, entry.reason, entry.time)


def _number(entry: PutBan) -> int:
    """The cursor: one of its own for each ban and mute of a place."""
    return 2 * entry.user + (entry.act is Act.MUTE)

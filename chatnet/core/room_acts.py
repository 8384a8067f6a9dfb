"""What each act in a room stores, and what happens once that is stored. Whether it is allowed was asked before."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from chatnet.clock import Now
from chatnet.core.effects import Reply
from chatnet.core.entities import RoomState, UserState
from chatnet.core.entries import DropBan, DropMember, Entry, PutBan, PutMember
from chatnet.core.membership import Membership, rank_of
from chatnet.core.policy import until
from chatnet.core.restraints import Restraints
from chatnet.core.room_changes import answered, ask
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Invited
from chatnet.model import Act, Rank
from chatnet.requests import Moderate


@dataclass(slots=True)
class Plan:
    """What an act stores, in order, and does after that. ``begin`` and ``end`` stand around the wait for the store;
    ``end`` comes before ``apply``, or after a failure alone.
    """

    entries: list[Entry]
    apply: Callable[[], None]
    begin: Callable[[], None] = lambda: None
    end: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Case:
    """Who does what to whom, and where."""

    actor: UserState
    target: UserState
    room: RoomState
    request: Moderate
    now: Now

    def told(self, what: str) -> str:
        """The reason as the target is told it."""
        why = f": {self.request.reason}" if self.request.reason else ""
        return f"{self.actor.user.name} {what} {self.room.name}{why}"

    def row(self, rank: Rank) -> PutMember:
        """The target with another rank; whoever belongs to the room already does so since the same time as before."""
        old = self.room.belongs.get(self.target.user.id)
        return PutMember(self.room.id, self.target.user.id, rank, self.now.wall if old is None else old.since)

    def refuse(self, what: str, code: ErrorCode = ErrorCode.BAD_REQUEST) -> Refused:
        """The act makes no sense as things are."""
        return Refused(code, f"{self.target.user.name} {what} the room {self.room.name}")


def put_ban(actor: UserState, target: UserState, request: Moderate, now: Now) -> PutBan:
    """The ban or mute that was asked for."""
    end = now.wall + request.seconds * 1000 if request.seconds else 0
    place = request.conversation
    return PutBan(place, target.user.id, request.act, end, actor.user.id, request.reason, now.wall)


class RoomActs:
    """One method for each act."""

    def __init__(self, state: State, membership: Membership, restraints: Restraints) -> None:
        self._state = state
        self._membership = membership
        self._restraints = restraints
        self._plans: dict[Act, Callable[[Case], Plan]] = {
            Act.KICK: self._kick,
            Act.BAN: self._ban,
            Act.UNBAN: self._unban,
            Act.MUTE: self._mute,
            Act.UNMUTE: self._unmute,
            Act.INVITE: self._invite,
            Act.UNINVITE: self._uninvite,
            Act.PROMOTE: self._promote,
            Act.DEMOTE: self._demote,
            Act.PASS_ON: self._pass_on,
        }

    def plan(self, case: Case) -> Plan:
        """What is to be stored and done.

        :raises Refused: BAD_REQUEST, NOT_A_MEMBER, TOO_MANY_ROOMS: there is nothing to be done.
        """
        return self._plans[case.request.act](case)

    # -- out --------------------------------------------------------------------------------------------------

    def _lose(self, case: Case, code: ErrorCode, reason: str) -> None:
        self._membership.lose(case.room, case.target, code, reason)

    def _drop(self, case: Case) -> DropMember:
        # Also where nothing is known to be stored: a `Join` of the target may be under way.
        return DropMember(case.room.id, case.target.user.id)

    def _kick(self, case: Case) -> Plan:
        rank = rank_of(case.room, case.target.user.id)
        if rank is None or rank is Rank.INVITED:
            raise case.refuse("is not in", ErrorCode.NOT_A_MEMBER)
        reason = case.told("has put you out of")
        return Plan([self._drop(case)], lambda: self._lose(case, ErrorCode.KICKED, reason))

    def _ban(self, case: Case) -> Plan:
        ban = put_ban(case.actor, case.target, case.request, case.now)
        reason = case.told(f"has banned you {until(ban.until)} from")

        def apply() -> None:
            self._restraints.put(ban)
            self._lose(case, ErrorCode.BANNED, reason)

        return Plan([self._drop(case), ban], apply)

    def _uninvite(self, case: Case) -> Plan:
        if case.target.user.id not in case.room.belongs:
            raise case.refuse("neither belongs nor is invited to")
        reason = case.told("has taken back your invitation to")
        return Plan([self._drop(case)], lambda: self._lose(case, ErrorCode.FORBIDDEN, reason))

    # -- bans and mutes ---------------------------------------------------------------------------------------

    def _mute(self, case: Case) -> Plan:
        mute = put_ban(case.actor, case.target, case.request, case.now)
        return Plan([mute], lambda: self._restraints.put(mute))

    def _unban(self, case: Case) -> Plan:
        if case.target.user.id not in case.room.bans:
            raise case.refuse("is not banned from")
        return self._end(case, Act.BAN)

    def _unmute(self, case: Case) -> Plan:
        if case.target.user.id not in case.room.mutes:
            raise case.refuse("is not muted in")
        return self._end(case, Act.MUTE)

    def _end(self, case: Case, act: Act) -> Plan:
        place, target = case.room.id, case.target.user.id
        return Plan([DropBan(place, target, act)], lambda: self._restraints.drop(place, target, act))

    # -- in and up --------------------------------------------------------------------------------------------

    def _invite(self, case: Case) -> Plan:
        target = case.target.user.id
        if target in case.room.bans:
            raise case.refuse("is banned from")
        if target in case.room.belongs or target == case.room.owner:
            raise case.refuse("belongs or is invited already to")
        row = case.row(Rank.INVITED)

        def apply() -> None:
            self._membership.put(row)
            invited = Invited(case.room.room(), case.actor.user)
            self._state.out += [Reply(session.handle, invited) for session in case.target.sessions]

        return Plan([row], apply)

    def _promote(self, case: Case) -> Plan:
        if rank_of(case.room, case.target.user.id) is not Rank.MEMBER:
            raise case.refuse("is not just a member of")
        return self._rank(case, Rank.MODERATOR)

    def _demote(self, case: Case) -> Plan:
        if rank_of(case.room, case.target.user.id) is not Rank.MODERATOR:
            raise case.refuse("is no moderator of")
        return self._rank(case, Rank.MEMBER)

    def _rank(self, case: Case, rank: Rank) -> Plan:
        row = case.row(rank)
        return Plan([row], lambda: self._membership.put(row))

    def _pass_on(self, case: Case) -> Plan:
        room, target = case.room, case.target
        rank = rank_of(room, target.user.id)
        if rank is None or rank in (Rank.INVITED, Rank.OWNER):
            raise case.refuse("is not a member of")
        limits = self._state.limits
        if len(target.owned) >= (limits.rooms_per_guest if target.is_guest else limits.rooms_per_account):
            raise Refused(ErrorCode.TOO_MANY_ROOMS, f"{target.user.name} owns as many rooms as one can")
        rows = [case.row(Rank.OWNER)]
        if room.owner:
            old = room.belongs.get(room.owner)
            since = case.now.wall if old is None else old.since
            rows.append(PutMember(room.id, room.owner, Rank.MODERATOR, since))

        def begin() -> None:
            ask(self._state, room, replace(room.entry(), owner=target.user.id))

        def apply() -> None:
            for row in rows:
                self._membership.put(row)
            room.saved = target.user.id in self._state.users
            if room.saved:
                self._membership.set_owner(room, target.user.id)
                # But for what else is still under way, the store has it so already.
                room.saved = True

        return Plan([*rows], apply, begin, lambda: answered(room))

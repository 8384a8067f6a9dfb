"""What each act on the whole server stores, and what happens once that is stored. Only admins come this far."""

from collections.abc import Callable

from chatnet.clock import Now
from chatnet.core.entities import UserState
from chatnet.core.entries import DropBan
from chatnet.core.policy import until
from chatnet.core.restraints import Restraints
from chatnet.core.room_acts import Plan, put_ban
from chatnet.core.sessions import Sessions
from chatnet.errors import ErrorCode, Refused
from chatnet.model import Act
from chatnet.requests import Moderate

Step = Callable[[UserState, UserState, Moderate, Now], Plan]


class ServerActs:
    """One method for each act."""

    def __init__(self, restraints: Restraints, sessions: Sessions) -> None:
        self._restraints = restraints
        self._sessions = sessions
        self._plans: dict[Act, Step] = {
            Act.KICK: self._kick,
            Act.BAN: self._ban,
            Act.UNBAN: self._unban,
            Act.MUTE: self._mute,
            Act.UNMUTE: self._unmute,
        }

    def plan(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        """What is to be stored and done.

        :raises Refused: BAD_REQUEST: there is nothing to be done.
        """
        return self._plans[request.act](actor, target, request, now)

    def _kick(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        if not target.sessions:
            raise Refused(ErrorCode.BAD_REQUEST, f"{target.user.name} is not connected")
        return Plan([], lambda: self._close(target, _told(actor, "put you off", request), now))

    def _ban(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        ban = put_ban(actor, target, request, now)

        def apply() -> None:
            self._restraints.put(ban)
            self._close(target, _told(actor, f"banned you {until(ban.until)} from", request), now)

        return Plan([ban], apply)

    def _close(self, target: UserState, reason: str, now: Now) -> None:
        for session in target.sessions:
            self._sessions.close(session, ErrorCode.KICKED, reason, now)

    def _unban(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        del actor, request, now
        if target.ban is None:
            raise Refused(ErrorCode.BAD_REQUEST, f"{target.user.name} is not banned from this server")
        return self._end(target, Act.BAN)

    def _mute(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        mute = put_ban(actor, target, request, now)
        return Plan([mute], lambda: self._restraints.put(mute))

    def _unmute(self, actor: UserState, target: UserState, request: Moderate, now: Now) -> Plan:
        del actor, request, now
        if target.mute is None:
            raise Refused(ErrorCode.BAD_REQUEST, f"{target.user.name} is not muted on this server")
        return self._end(target, Act.MUTE)

    def _end(self, target: UserState, act: Act) -> Plan:
        return Plan([DropBan(0, target.user.id, act)], lambda: self._restraints.drop(0, target.user.id, act))


def _told(actor: UserState, what: str, request: Moderate) -> str:
    return f"{actor.user.name} has {what} this server" + (f": {request.reason}" if request.reason else "")

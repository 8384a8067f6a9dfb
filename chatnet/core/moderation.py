"""Acts of those who keep order: in a room, or on the whole server.

Rules kept here: an act is stored with its line of the audit log in one transaction, and happens, for all at once, when
that is durable; and of two acts about the same user in the same place, one waits for the other. Who may do what is in
`chatnet.core.powers`, what each act does in `chatnet.core.room_acts` and `chatnet.core.server_acts`.
"""

from chatnet.auth.names import check_line
from chatnet.clock import Now
from chatnet.core.audit import Audit
from chatnet.core.entities import Session, UserState
from chatnet.core.membership import Membership
from chatnet.core.pending import Change, Pending
from chatnet.core.powers import check_act, check_admin, check_on_server, find_room
from chatnet.core.restraints import Restraints
from chatnet.core.room_acts import Case, Plan, RoomActs
from chatnet.core.saving import save_referred, save_user
from chatnet.core.server_acts import ServerActs
from chatnet.core.sessions import Sessions
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event
from chatnet.model import Act, UserId
from chatnet.requests import Moderate

MOST_SECONDS = 100 * 365 * 86_400
_LASTING = (Act.BAN, Act.MUTE)


class Moderation:
    """Takes `Moderate`."""

    def __init__(
        self,
        state: State,
        pending: Pending,
        membership: Membership,
        restraints: Restraints,
        sessions: Sessions,
        audit: Audit,
    ) -> None:
        self._state = state
        self._pending = pending
        self._membership = membership
        self._audit = audit
        self._in_room = RoomActs(state, membership, restraints)
        self._on_server = ServerActs(restraints, sessions)

    def moderate(self, session: Session, request: Moderate, now: Now) -> None:
        """Do something about a user.

        :raises Refused: FORBIDDEN, BAD_REQUEST, BAD_TEXT, NO_SUCH_USER, NO_SUCH_ROOM, BANNED, NOT_A_MEMBER,
            TOO_MANY_ROOMS; RETRY_AFTER while another act about the user is under way there.
        """
        check_line(request.reason, "reason")
        if request.seconds > (MOST_SECONDS if request.act in _LASTING else 0):
            raise Refused(ErrorCode.BAD_REQUEST, "only bans and mutes last, for 100 years at most; 0 is for good")
        if request.conversation:
            self._moderate_room(session, request, now)
        else:
            self._moderate_server(session, request, now)

    def _moderate_room(self, session: Session, request: Moderate, now: Now) -> None:
        assert session.user is not None
        room = find_room(self._state, session, request.conversation)
        target = self._state.find_user(request.user)
        check_act(session, room, target, request.act)
        plan = self._in_room.plan(Case(session.user, target, room, request, now))
        # Two users change their ranks where a room is passed on.
        held = [target.user.id] + [room.owner] * (request.act is Act.PASS_ON)
        self._membership.hold(room.id, *held)
        save_referred(self._state, target, room)
        self._carry_out(session, request, target, plan, held, now)

    def _moderate_server(self, session: Session, request: Moderate, now: Now) -> None:
        assert session.user is not None
        check_admin(session)
        target = self._state.find_user(request.user)
        check_on_server(session, target, request.act)
        plan = self._on_server.plan(session.user, target, request, now)
        held = [target.user.id]
        self._membership.hold(0, *held)
        save_user(self._state, target)
        self._carry_out(session, request, target, plan, held, now)

    def _carry_out(
        self, session: Session, request: Moderate, target: UserState, plan: Plan, held: list[UserId], now: Now
    ) -> None:
        """Have all of it stored, with the line that tells of it, and do it then."""
        assert session.user is not None
        place = request.conversation
        save_user(self._state, session.user)
        plan.begin()
        self._state.out += plan.entries
        name = target.user.name
        deed = self._audit.record(session.user.user, request.act, name, place, _detail(request), now)

        def end() -> None:
            self._membership.release(place, *held)
            plan.end()

        def apply() -> Event:
            end()
            plan.apply()
            return Done(request.id)

        self._pending.wait(deed, Change(session.handle, request.id, apply, end))


def _detail(request: Moderate) -> str:
    """For the audit log: ``600 s: too loud``."""
    words = [f"{request.seconds} s"] if request.seconds else []
    return ": ".join(words + [request.reason] * bool(request.reason))

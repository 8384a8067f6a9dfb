"""Who may do what to whom: the whole table of ranks and roles, as pure questions.

Admins may do all, owners all in their rooms but harm an admin, moderators what keeps a room in order, to those who are
less than they. Nobody does anything to themselves: leaving, and passing a room on, are for that.
"""

from chatnet.core.entities import RoomState, Session, UserState
from chatnet.core.membership import rank_of
from chatnet.core.policy import check_room
from chatnet.core.state import LOBBY_ID, State
from chatnet.errors import ErrorCode, Refused
from chatnet.model import Act, ConversationId, Rank, Role
from chatnet.requests import ChangeRoom

ON_SERVER = (Act.KICK, Act.BAN, Act.UNBAN, Act.MUTE, Act.UNMUTE)
OF_MODERATORS = (*ON_SERVER, Act.INVITE, Act.UNINVITE)
IN_ROOMS = (*OF_MODERATORS, Act.PROMOTE, Act.DEMOTE, Act.PASS_ON)
_HARM = (Act.KICK, Act.BAN, Act.MUTE, Act.UNINVITE, Act.DEMOTE)
"""What only admins do to admins."""


def find_room(state: State, session: Session, id: ConversationId) -> RoomState:
    """A room that the session is to be told of, or is an admin's: those keep order also where they cannot read.

    :raises Refused: NO_SUCH_ROOM, BANNED.
    """
    assert session.user is not None
    room = state.conversations.get(id)
    if session.is_admin and isinstance(room, RoomState):
        return room
    return check_room(session.user.user.id, room, "such room")


def check_change(session: Session, room: RoomState, request: ChangeRoom) -> None:
    """May this session change that of a room?

    :raises Refused: FORBIDDEN.
    """
    assert session.user is not None
    rank = rank_of(room, session.user.user.id)
    is_only_topic = request.name is None and request.private is None and request.archived is None
    if room.id == LOBBY_ID and not is_only_topic:
        raise Refused(ErrorCode.FORBIDDEN, "the lobby is always there for all, under this name")
    if session.is_admin or rank is Rank.OWNER or (rank is Rank.MODERATOR and is_only_topic):
        return
    who = "its owner, moderators and admins" if is_only_topic else "its owner and admins"
    raise Refused(ErrorCode.FORBIDDEN, f"only {who} can change that of the room {room.name}")


def check_act(session: Session, room: RoomState, target: UserState, act: Act) -> None:
    """May this session do that to a user in a room?

    :raises Refused: FORBIDDEN, BAD_REQUEST.
    """
    assert session.user is not None
    if act not in IN_ROOMS:
        raise Refused(ErrorCode.BAD_REQUEST, f"{act.name.lower()} is nothing to be done to a user in a room")
    if room.id == LOBBY_ID and act is Act.PASS_ON:
        raise Refused(ErrorCode.FORBIDDEN, "nobody can own the lobby")
    _check_other(session, target)
    if session.is_admin:
        return
    mine, theirs = rank_of(room, session.user.user.id), rank_of(room, target.user.id)
    if target.user.role is Role.ADMIN and act in _HARM:
        raise Refused(ErrorCode.FORBIDDEN, f"{target.user.name} is an admin")
    if mine is Rank.OWNER:
        return
    if mine is not Rank.MODERATOR or act not in OF_MODERATORS:
        raise Refused(ErrorCode.FORBIDDEN, f"you have no right to do that in the room {room.name}")
    if theirs is not None and theirs >= Rank.MODERATOR:
        raise Refused(ErrorCode.FORBIDDEN, f"{target.user.name} is no less than a moderator of the room {room.name}")


def check_on_server(session: Session, target: UserState, act: Act) -> None:
    """May this session, an admin's, do that to a user on the whole server?

    :raises Refused: FORBIDDEN, BAD_REQUEST.
    """
    if act not in ON_SERVER:
        raise Refused(ErrorCode.BAD_REQUEST, f"{act.name.lower()} is nothing to be done to a user of the whole server")
    _check_other(session, target)


def _check_other(session: Session, target: UserState) -> None:
    if session.user is target:
        raise Refused(ErrorCode.FORBIDDEN, "nobody does that to themselves")


def check_admin(session: Session) -> None:
    """May this session do anything about users of the whole server?

    :raises Refused: FORBIDDEN.
    """
    if not session.is_admin:
        raise Refused(ErrorCode.FORBIDDEN, "only admins can do that on the whole server")


def check_watch(session: Session, room: RoomState) -> None:
    """May this session see who is banned or muted in a room?

    :raises Refused: FORBIDDEN.
    """
    assert session.user is not None
    rank = rank_of(room, session.user.user.id)
    if not session.is_admin and (rank is None or rank < Rank.MODERATOR):
        raise Refused(ErrorCode.FORBIDDEN, f"only those who keep order in the room {room.name} can see that")

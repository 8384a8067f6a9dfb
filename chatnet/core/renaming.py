"""Other names for those who are here already, and who is told of them.

A guest's name is all that leads back to it after a restart. So a user whom the store knows has other names once those
are stored: one that was told too early would log in under a name that nobody ever had, as somebody new, without the
chats of the old one. Until then nobody else gets the name, and what the user says carries the old one.
"""

from msgspec.structs import replace

from chatnet.auth.names import check_display, check_name, fold
from chatnet.core.changing import Changing
from chatnet.core.effects import Broadcast, Reply
from chatnet.core.entities import Session, UserState
from chatnet.core.entries import Handle
from chatnet.core.pending import Change, Pending
from chatnet.core.saving import save_user
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Renamed
from chatnet.model import User
from chatnet.requests import Rename


def tell_acquainted(state: State, user: UserState) -> None:
    """Something about a user that others are shown is new."""
    state.out.append(Broadcast(_acquainted(state, user), Renamed(user.user)))


def _acquainted(state: State, user: UserState) -> list[Handle]:
    """Every session that shares a room or a personal chat with this user, each once; its own too."""
    handles: dict[Handle, None] = dict.fromkeys(session.handle for session in user.sessions)
    for session in user.sessions:
        for room in session.rooms.values():
            handles |= dict.fromkeys(room.live) | dict.fromkeys(room.behind)
    for id in user.chats:
        if id in state.users:
            handles |= dict.fromkeys(session.handle for session in state.users[id].sessions)
    return list(handles)


class Renaming:
    """Takes `Rename`, and the display names that logins ask for."""

    def __init__(self, state: State, pending: Pending, changing: Changing) -> None:
        self._state = state
        self._pending = pending
        self._changing = changing

    def rename(self, session: Session, request: Rename) -> None:
        """Take other names: at once if the store has never heard of the user, else when they are stored.

        :raises Refused: BAD_NAME, NAME_IN_USE; RETRY_AFTER while the user is being changed otherwise.
        """
        user = session.user
        assert user is not None
        # First, since the name that one is about to have is not free either.
        self._changing.check(user)
        name, display = check_name(request.name), check_display(request.display)
        holder = self._state.names.get(fold(name))
        if holder is not user and (holder is not None or self._state.registry.is_reserved(name)):
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is taken; choose another")
        self.check_looks(user, name, display)
        if user.kept:
            self._store(session, user, request)
        else:
            self._take(session, user, request)

    def _store(self, session: Session, user: UserState, request: Rename) -> None:
        self._changing.hold(user)
        wanted = User(user.user.id, request.name, request.display, user.user.role)
        self._state.registry.reserve(wanted)

        def release() -> None:
            self._changing.release(user)
            self._state.registry.release(wanted)

        def apply() -> None:
            release()
            # A guest that has gone meanwhile may have lost its old name to an account, and all else with it.
            if self._state.users.get(wanted.id) is user:
                self._take(session, user, request)

        entry = replace(user.entry(), name=wanted.name, display=wanted.display)
        # Whatever refers to the user from here on is behind this, and must not bring back the old names.
        user.saved = True
        self._pending.submit(entry, Change(session.handle, request.id, apply, release))

    def _take(self, session: Session, user: UserState, request: Rename) -> None:
        if self._state.log.is_on and user.user.name != request.name:
            self._state.log.renamed(user, request.name)
        self._state.set_names(user, request.name, request.display)
        self._state.out.append(Reply(session.handle, Done(request.id)))
        tell_acquainted(self._state, user)

    def take_display(self, user: UserState, display: str) -> None:
        """Take the display name that comes with a login, if it is another one.

        At once: `Welcome` has it, no way back depends on it, and whoever asked for it does so again after a restart.
        But not while the store writes other names, which it would overwrite; `Welcome` says which ones hold.
        """
        if not display or display == user.user.display or self._changing.is_held(user):
            return
        self._state.set_names(user, user.user.name, display)
        user.saved = False
        if user.kept:
            save_user(self._state, user)
        tell_acquainted(self._state, user)

    def check_looks(self, user: UserState, name: str, display: str) -> None:
        """Nobody may look like an account. An account that does, since an admin made it so, may keep what it has.

        :raises Refused: NAME_IN_USE.
        """
        registry, old = self._state.registry, user.user
        if registry.is_imitation(name, old.id) and (user.is_guest or name != old.name):
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is, or looks like, an account's; choose another")
        if registry.is_imitation(display, old.id) and (user.is_guest or display != old.display):
            raise Refused(
                ErrorCode.NAME_IN_USE, f"the display name {display!r} looks like an account's; choose another"
            )

"""Who is connected as whom: guests log in, take other names, and go.

A guest is a name and a secret. The same secret is the same guest, in several sessions at once if it likes; the name
is held for a day after the last of them. Somebody else's name is refused, and nothing about its holder is told.
"""

from chatnet.auth.guests import hash_secret, is_secret
from chatnet.auth.names import check_display, check_name, fold
from chatnet.clock import Now
from chatnet.core.effects import Admit, Append, Broadcast, Close, Reply
from chatnet.core.entries import DropChat, DropUser, Handle
from chatnet.core.following import Following
from chatnet.core.rooms import Rooms
from chatnet.core.state import Session, State, UserState
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Renamed, Welcome
from chatnet.model import SessionId, User
from chatnet.requests import Login, Rename


class Sessions:
    """Logins, names and farewells."""

    def __init__(self, state: State, following: Following, rooms: Rooms, *, history: str, open_to_guests: bool) -> None:
        self._state = state
        self._following = following
        self._rooms = rooms
        self._history = history
        self._open = open_to_guests

    # -- login ------------------------------------------------------------------------------------------------

    def login(self, session: Session, request: Login, now: Now) -> None:
        """Let a guest in.

        :raises Refused: the session may try again under another name.
        """
        if session.user is not None:
            raise Refused(ErrorCode.ALREADY_LOGGED_IN, f"this connection is {session.user.user.name} already")
        if not (session.is_local or self._open):
            raise Refused(ErrorCode.FORBIDDEN, "guests can only come from the server's own machine; see serve --open")
        user = self._guest(request)
        self._replace(user, request.replaces, now)
        if len(user.sessions) >= self._state.limits.sessions_per_user:
            count = len(user.sessions)
            raise Refused(ErrorCode.TOO_MANY_SESSIONS, f"{request.name!r} is connected {count} times already")
        self._admit(session, user, request, now)

    def _guest(self, request: Login) -> UserState:
        """The guest of this name, perhaps a new one."""
        name, display = check_name(request.name), check_display(request.display)
        user = self._state.names.get(fold(name))
        if user is None:
            user = UserState(User(self._state.next_user(), name, display), hash_secret(request.secret))
            self._state.add_user(user)
        elif not is_secret(request.secret, user.secret_hash):
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is taken; choose another")
        elif display and display != user.user.display:
            self._set_names(user, user.user.name, display)
        return user

    def _replace(self, user: UserState, replaced: SessionId, now: Now) -> None:
        """End the session that the new one takes the place of, if it is one of this user's."""
        for old in list(user.sessions.values()) if replaced else ():
            if old.id == replaced:
                self.end(old, now)
                reason = "the same client has connected again"
                self._state.out.append(Close(old.handle, ErrorCode.REPLACED, reason))

    def _admit(self, session: Session, user: UserState, request: Login, now: Now) -> None:
        if not user.sessions:
            self._state.set_online(user)
        session.id, session.user, session.device = self._state.next_session(), user, request.device
        user.sessions[session.handle] = session
        self._state.out.append(Admit(session.handle))
        welcome = Welcome(request.id, user.user, session.id, self._history, now.wall)
        self._state.out.append(Reply(session.handle, welcome))
        if request.live:
            for chat in user.chats.values():
                self._following.start(session, chat, None)

    # -- names ------------------------------------------------------------------------------------------------

    def rename(self, session: Session, request: Rename) -> None:
        """Take other names.

        :raises Refused: BAD_NAME, NAME_IN_USE.
        """
        assert session.user is not None
        name, display = check_name(request.name), check_display(request.display)
        holder = self._state.names.get(fold(name))
        if holder is not None and holder is not session.user:
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is taken; choose another")
        self._state.out.append(Reply(session.handle, Done(request.id)))
        self._set_names(session.user, name, display)

    def _set_names(self, user: UserState, name: str, display: str) -> None:
        self._state.set_names(user, name, display)
        self._state.out.append(Broadcast(self._acquainted(user), Renamed(user.user)))

    def _acquainted(self, user: UserState) -> list[Handle]:
        """Every session that shares a room or a personal chat with this user, each once; its own too."""
        handles: dict[Handle, None] = dict.fromkeys(user.sessions)
        for session in user.sessions.values():
            for room in session.rooms.values():
                handles |= dict.fromkeys(room.live) | dict.fromkeys(room.behind)
        for id in user.chats:
            if id in self._state.users:
                handles |= dict.fromkeys(self._state.users[id].sessions)
        return list(handles)

    # -- the end ----------------------------------------------------------------------------------------------

    def end(self, session: Session, now: Now) -> None:
        """Forget a session; the user stays, for a while."""
        del self._state.sessions[session.handle]
        user = session.user
        if user is None:
            return
        for room in list(session.rooms.values()):
            self._rooms.leave(session, room)
        for chat in user.chats.values():
            self._following.stop(session, chat)
        del user.sessions[session.handle]
        if not user.sessions:
            self._state.set_offline(user, now.monotonic)
            self._drop_empty_chats(user)

    def _drop_empty_chats(self, user: UserState) -> None:
        """Chats that were looked up but never used are not kept once both are away."""
        for other, chat in list(user.chats.items()):
            peer = self._state.users.get(other)
            if not chat.head and not chat.pending and (peer is None or not peer.sessions):
                self._state.drop_chat(chat)

    def tick(self, now: Now) -> None:
        """Forget guests who have been away for too long, and the longest away if there are too many."""
        limits = self._state.limits
        while self._state.offline:
            user = self._state.users[next(iter(self._state.offline))]
            if user.offline_since is None:
                user.offline_since = now.monotonic
            expired = now.monotonic - user.offline_since >= limits.guest_hold_seconds
            if not (expired or len(self._state.offline) > limits.held_guests):
                break
            self._forget(user)

    def _forget(self, user: UserState) -> None:
        self._rooms.disown(user)
        self._state.drop_user(user)
        if user.saved:
            self._state.out.append(Append(DropUser(user.user.id)))
        for other, chat in list(user.chats.items()):
            if other not in self._state.users:
                self._state.drop_chat(chat)
                if chat.saved:
                    self._state.out.append(Append(DropChat(chat.id)))

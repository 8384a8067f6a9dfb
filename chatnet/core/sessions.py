"""Who is connected as whom: guests log in, take other names, and go.

A guest is a name and a secret. The same secret is the same guest, in several sessions at once if it likes; the name
is held for a day after the last of them. Somebody else's name is refused, and nothing about its holder is told.
"""

from itertools import islice

from chatnet.auth.guests import hash_secret, is_secret
from chatnet.auth.names import check_display, check_name, fold
from chatnet.clock import Now
from chatnet.core.effects import Admit, Append, Broadcast, Close, Reply
from chatnet.core.entries import DropUser, Handle
from chatnet.core.following import Following
from chatnet.core.rooms import Rooms
from chatnet.core.saving import save_user
from chatnet.core.state import Session, State, UserState
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Renamed, Welcome
from chatnet.model import User
from chatnet.requests import Login, Rename


class Sessions:
    """Logins, names and farewells."""

    def __init__(self, state: State, following: Following, rooms: Rooms, *, history: str, open_to_guests: bool) -> None:
        self._state = state
        self._following = following
        self._rooms = rooms
        self._history = history
        self._open = open_to_guests
        self._started: float | None = None
        """When the first tick came (monotonic): guests whom only the store knew have been away since then."""

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
        self._replace(user, request, now)
        if len(user.sessions) >= self._state.limits.sessions_per_user:
            count = len(user.sessions)
            raise Refused(ErrorCode.TOO_MANY_SESSIONS, f"{request.name!r} is connected {count} times already")
        if request.display and request.display != user.user.display:
            self._set_names(user, user.user.name, request.display)
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
        return user

    def _replace(self, user: UserState, request: Login, now: Now) -> None:
        """End the session that the new one takes the place of, if it is one of this user's and of the same device.

        Only a device knows what was its own; numbers of sessions can be guessed.
        """
        for old in list(user.sessions.values()) if request.replaces else ():
            if old.id == request.replaces and old.device == request.device:
                self.end(old, now)
                reason = "the same client has connected again"
                self._state.out.append(Close(old.handle, ErrorCode.REPLACED, reason))

    def _admit(self, session: Session, user: UserState, request: Login, now: Now) -> None:
        if not user.sessions:
            self._state.set_online(user)
        session.id, session.user, session.device = self._state.next_session(now), user, request.device
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
        if user.kept:
            # The old name is free for others now; the store must not go on holding it for this user.
            save_user(self._state, user)
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

    def tick(self, now: Now) -> None:
        """Forget what need not be kept any longer."""
        if self._started is None:
            self._started = now.monotonic
        overdue, self._state.overdue = self._state.overdue, []
        self._state.out += map(Append, overdue)
        self._forget_guests(now.monotonic, self._started)
        self._forget_unused_chats()

    def _forget_guests(self, now: float, started: float) -> None:
        """Those who have been away for too long, and the longest away if there are too many."""
        limits = self._state.limits
        while self._state.offline:
            user = self._state.users[next(iter(self._state.offline))]
            since = started if user.offline_since is None else user.offline_since
            expired = now - since >= limits.guest_hold_seconds
            if not (expired or len(self._state.offline) > limits.held_guests):
                break
            self._forget(user)

    def _forget(self, user: UserState) -> None:
        self._rooms.disown(user)
        self._state.drop_user(user)
        if user.kept:
            self._state.out.append(Append(DropUser(user.user.id)))
        for other, chat in list(user.chats.items()):
            if other in self._state.users and (chat.head or chat.pending):
                chat.ended = True
            else:
                self._state.drop_chat(chat)

    def _forget_unused_chats(self) -> None:
        """A client that lost its connection between look-up and first word still finds the chat, unless many came."""
        unused = self._state.unused
        surplus = max(0, len(unused) - self._state.limits.unused_chats)
        for chat in list(islice(unused.values(), surplus)):
            if not chat.pending:
                self._state.drop_chat(chat)

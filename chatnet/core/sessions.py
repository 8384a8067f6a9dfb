"""Who is connected as whom: guests log in, and everybody goes.

A guest is a name and a secret. The same secret is the same guest, in several sessions at once if it likes; the name
is held for a day after the last of them. Somebody else's name is refused, and nothing about its holder is told; so is
one that looks like an account's. How accounts log in is in `chatnet.core.entering`, how names change in
`chatnet.core.renaming`.
"""

from itertools import islice

from chatnet.auth.guests import hash_secret, is_secret
from chatnet.auth.names import check_display, check_name, fold
from chatnet.clock import Now
from chatnet.core.effects import Admit, Close, Reply
from chatnet.core.entities import Session, UserState
from chatnet.core.entries import DropUser
from chatnet.core.following import Following
from chatnet.core.policy import check_ban
from chatnet.core.renaming import Renaming
from chatnet.core.rooms import Rooms
from chatnet.core.state import State
from chatnet.core.transfers import Transfers
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Welcome
from chatnet.model import User
from chatnet.requests import Enter, Login, TokenLogin


class Sessions:
    """Logins and farewells."""

    def __init__(
        self,
        state: State,
        following: Following,
        rooms: Rooms,
        renaming: Renaming,
        transfers: Transfers,
        *,
        history: str,
        open_to_guests: bool,
    ) -> None:
        self._state = state
        self._following = following
        self._rooms = rooms
        self._renaming = renaming
        self._transfers = transfers
        self._history = history
        self._open = open_to_guests
        self._started: float | None = None
        """When the first tick came (monotonic): guests whom only the store knew have been away since then."""

    # -- login ------------------------------------------------------------------------------------------------

    def login(self, session: Session, request: Login, now: Now) -> None:
        """Let a guest in.

        :raises Refused: the session may try again under another name.
        """
        self.check_stranger(session)
        self._check_guests(session)
        before = self._before(request)
        user = before or self._guest(request)
        self._renaming.check_looks(user, user.user.name, request.display if before is None else user.user.display)
        if user.user.id not in self._state.users:
            self._state.add_user(user)
        self.make_place(user, request, now)
        # Who goes on with a session has missed a rename at most; only who comes anew asks for another display name.
        if before is None:
            self._renaming.take_display(user, request.display)
        self._state.out.append(Reply(session.handle, self.admit(session, user, request, now)))

    def check_stranger(self, session: Session) -> None:
        """:raises Refused: ALREADY_LOGGED_IN: it has a user, or is about to have one."""
        if session.user is not None:
            raise Refused(ErrorCode.ALREADY_LOGGED_IN, f"this connection is {session.user.user.name} already")
        if session.is_waiting:
            raise Refused(ErrorCode.ALREADY_LOGGED_IN, "an account is being made for this connection; wait for it")

    def _check_guests(self, session: Session) -> None:
        if self._open:
            return
        if not session.caller.is_local:
            raise Refused(ErrorCode.FORBIDDEN, "guests can only come from the server's own machine; see serve --open")
        if self._state.registry.registered:
            raise Refused(
                ErrorCode.FORBIDDEN, "this server has accounts, and lets no guests in: log in, or join with a code"
            )

    def _before(self, request: Login) -> UserState | None:
        """Who had the session that this login goes on with, whatever the name is by now; numbers can be guessed."""
        user = self._state.users.get(self._state.had_session.get(request.replaces, 0))
        return user if user is not None and is_secret(request.secret, user.secret_hash) else None

    def _guest(self, request: Login) -> UserState:
        """The guest of this name, perhaps a new one."""
        name, display = check_name(request.name), check_display(request.display)
        user = self._state.names.get(fold(name))
        if user is None and not self._state.registry.is_reserved(name):
            return UserState(User(self._state.next_user(), name, display), hash_secret(request.secret))
        if user is None or not is_secret(request.secret, user.secret_hash):
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is taken; choose another")
        return user

    def make_place(self, user: UserState, request: Login | Enter | TokenLogin, now: Now) -> None:
        """Make room for one more session of this user, who is certainly the one that logs in.

        :raises Refused: BANNED, TOO_MANY_SESSIONS.
        """
        check_ban(user, now)
        self._replace(user, request, now)
        count = len(user.sessions)
        if count >= self._state.limits.sessions_per_user:
            raise Refused(ErrorCode.TOO_MANY_SESSIONS, f"{user.user.name!r} is connected {count} times already")

    def _replace(self, user: UserState, request: Login | Enter | TokenLogin, now: Now) -> None:
        """End the session that the new one takes the place of, if it is one of this user's and of the same device.

        Only a device knows what was its own; numbers of sessions can be guessed.
        """
        for old in user.sessions if request.replaces else ():
            if old.id == request.replaces and old.device == request.device:
                self.close(old, ErrorCode.REPLACED, "the same client has connected again", now)

    def admit(self, session: Session, user: UserState, request: Login | Enter | TokenLogin, now: Now) -> Welcome:
        """Make it a session of this user, for whom there is a place; returns the reply."""
        if not user.sessions:
            self._state.set_online(user)
        session.id = self._state.next_session(user.user.id, now)
        session.user, session.device = user, request.device
        user.sessions = (*user.sessions, session)
        self._state.out.append(Admit(session.handle))
        if self._state.log.is_on:
            self._state.log.logged_in(session)
        if request.live and not session.only_sends:
            for chat in user.chats.values():
                self._following.start(session, chat, None)
        return Welcome(request.id, user.user, session.id, self._history, now.wall)

    # -- the end ----------------------------------------------------------------------------------------------

    def end(self, session: Session, now: Now, why: str = "") -> None:
        """Forget a session; the user stays, for a while. ``why``: if it is the server that ends it."""
        del self._state.sessions[session.handle]
        user = session.user
        if user is None:
            return
        if session.lane is not None:
            self._transfers.leave(session, now)
        if self._state.log.is_on:
            self._state.log.left(session, why)
        for room in list(session.rooms.values()):
            self._rooms.leave(session, room)
        for chat in user.chats.values():
            self._following.stop(session, chat)
        user.sessions = tuple(other for other in user.sessions if other is not session)
        if not user.sessions:
            self._state.set_offline(user, now.monotonic)

    def close(self, session: Session, code: ErrorCode, reason: str, now: Now) -> None:
        """End a session, and say why."""
        self.end(session, now, reason)
        self._state.out.append(Close(session.handle, code, reason))

    def tick(self, now: Now) -> None:
        """Forget what need not be kept any longer."""
        if self._started is None:
            self._started = now.monotonic
        overdue, self._state.overdue = self._state.overdue, []
        self._state.out += overdue
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
            self.forget(user)

    def forget(self, user: UserState, *, is_dropped: bool = False) -> None:
        """A user without sessions is gone for good. ``is_dropped``: the store knows it already."""
        self._transfers.forget(user.user.id)
        self._rooms.disown(user)
        self._state.drop_user(user)
        if user.kept and not is_dropped:
            self._state.out.append(DropUser(user.user.id))
        for other, chat in list(user.chats.items()):
            if other in self._state.users and (chat.head or chat.pending):
                chat.ended = True
            else:
                self._transfers.drop_conversation(chat)
                self._state.drop_chat(chat)

    def _forget_unused_chats(self) -> None:
        """A client that lost its connection between look-up and first word still finds the chat, unless many came."""
        unused = self._state.unused
        surplus = max(0, len(unused) - self._state.limits.unused_chats)
        for chat in list(islice(unused.values(), surplus)):
            if not chat.is_under_way:
                self._state.drop_chat(chat)

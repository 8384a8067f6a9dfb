"""Accounts: made, given another role or password, listed and removed.

Rules kept here: a name is reserved from the moment in which its account is handed to the store; there is always an
admin; and who knew only the old password has nothing left once the new one is stored.
"""

from heapq import nsmallest

from msgspec.structs import replace

from chatnet.auth.names import check_display, check_name, fold
from chatnet.clock import Now
from chatnet.core.audit import Audit
from chatnet.core.changing import Changing
from chatnet.core.effects import Reply
from chatnet.core.entities import Session, UserState
from chatnet.core.entries import DropUser
from chatnet.core.lists import ITEM_BYTES
from chatnet.core.pending import Change, Pending
from chatnet.core.renaming import tell_acquainted
from chatnet.core.sessions import Sessions
from chatnet.core.state import State
from chatnet.core.tokens import Tokens
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, Registered, UserPage
from chatnet.model import Act, Role, User, UserId, Verifier
from chatnet.requests import CreateAccount, DropAccount, ListAccounts, SetPassword, SetRole


def require_private(session: Session, what: str) -> None:
    """Whatever opens an account goes only where nobody else can read it.

    :raises Refused: FORBIDDEN.
    """
    if not session.caller.is_private:
        raise Refused(ErrorCode.FORBIDDEN, f"others could read {what} on this connection: use TLS (chatnet://...)")


class Accounts:
    """Everything about accounts but how one logs in."""

    def __init__(
        self, state: State, pending: Pending, changing: Changing, sessions: Sessions, tokens: Tokens, audit: Audit
    ) -> None:
        self._state = state
        self._pending = pending
        self._changing = changing
        self._sessions = sessions
        self._tokens = tokens
        self._audit = audit
        self._stepping_down: dict[UserId, None] = {}
        """Admins who will be none, or gone, once the store has answered."""

    # -- names ------------------------------------------------------------------------------------------------

    def reserve(
        self, name: str, display: str, role: Role, *, verifier: Verifier | None = None, uid: int = -1
    ) -> UserState:
        """An account of a free name, to be stored; then `settle` or `release` it. A guest who is away loses the name.

        :raises Refused: BAD_NAME, NAME_IN_USE.
        """
        check_name(name)
        check_display(display)
        holder = self._state.names.get(fold(name))
        if self._state.registry.is_reserved(name) or (holder is not None and (holder.sessions or not holder.is_guest)):
            raise Refused(ErrorCode.NAME_IN_USE, f"the name {name!r} is taken; choose another")
        if holder is not None:
            self._sessions.forget(holder)
        user = UserState(
            User(self._state.next_user(), name, display, role), b"", verifier=verifier, uid=uid, saved=True
        )
        self._state.registry.reserve(user.user)
        return user

    def check_looks(self, name: str, display: str) -> None:
        """May somebody who is not an admin choose these names for a new account?

        :raises Refused: NAME_IN_USE.
        """
        for text in (name, display):
            if self._state.registry.is_imitation(text):
                raise Refused(ErrorCode.NAME_IN_USE, f"{text!r} is, or looks like, an account's name; choose another")

    def settle(self, user: UserState) -> None:
        """A reserved account is stored."""
        self._state.registry.release(user.user)
        self._state.add_user(user)

    def release(self, user: UserState) -> None:
        """A reserved account could not be stored."""
        self._state.registry.release(user.user)

    def subject(self, session: Session, name: str) -> UserState:
        """The account that a request is about: the session's own for an empty name, others' for admins.

        :raises Refused: FORBIDDEN, NO_SUCH_USER.
        """
        me = session.user
        assert me is not None
        if not name or fold(name) == fold(me.user.name):
            if me.is_guest:
                raise Refused(ErrorCode.FORBIDDEN, "guests have no account: join with a code to get one")
            return me
        if not session.is_admin:
            raise Refused(ErrorCode.FORBIDDEN, "only admins can do that for others")
        return self._find(name)

    def _find(self, name: str) -> UserState:
        user = self._state.find_user(name)
        if user.is_guest:
            raise Refused(ErrorCode.NO_SUCH_USER, f"{user.user.name} is a guest, and has no account")
        return user

    # -- for admins -------------------------------------------------------------------------------------------

    def create(self, session: Session, request: CreateAccount, now: Now) -> None:
        """Make an account; an admin may give it a name that looks like another's.

        :raises Refused: BAD_NAME, NAME_IN_USE, BAD_REQUEST; FORBIDDEN where others could read the verifier.
        """
        assert session.user is not None
        _check_role(request.role)
        if request.verifier is not None:
            require_private(session, "a password's verifier")
        user = self.reserve(request.name, request.display, request.role, verifier=request.verifier)

        def apply() -> Event:
            self.settle(user)
            return Registered(request.id, user.user)

        change = Change(session.handle, request.id, apply, lambda: self.release(user))
        self._pending.submit(user.entry(), change)
        detail = request.role.name.lower()
        self._audit.record(session.user.user, Act.CREATE_ACCOUNT, user.user.name, 0, detail, now)

    def set_role(self, session: Session, request: SetRole, now: Now) -> None:
        """Make an account an admin's or a member's.

        :raises Refused: NO_SUCH_USER, BAD_REQUEST; FORBIDDEN for the last admin.
        """
        assert session.user is not None
        _check_role(request.role)
        user, role = self._find(request.user), request.role
        if role is not Role.ADMIN:
            self._check_not_last(session, user)
        self._changing.hold(user)
        self._step_down(user, role is not Role.ADMIN)

        def apply() -> Event:
            self._let_go(user)
            user.user = replace(user.user, role=role)
            self._state.registry.note(user)
            tell_acquainted(self._state, user)
            return Done(request.id)

        entry = replace(user.entry(), role=role)
        user.saved = True
        self._pending.submit(entry, Change(session.handle, request.id, apply, lambda: self._let_go(user)))
        self._audit.record(session.user.user, Act.SET_ROLE, user.user.name, 0, role.name.lower(), now)

    def drop(self, session: Session, request: DropAccount, now: Now) -> None:
        """Remove an account, perhaps one's own.

        :raises Refused: NO_SUCH_USER; FORBIDDEN for the last admin.
        """
        assert session.user is not None
        user = self._find(request.user)
        self._check_not_last(session, user)
        self._changing.hold(user)
        self._step_down(user, True)

        def apply() -> Event:
            self._let_go(user)
            return Done(request.id)

        def after() -> None:
            self._end_sessions(user, None, "the account was removed", now)
            self._tokens.forget(user.user.id)
            self._sessions.forget(user, is_dropped=True)

        change = Change(session.handle, request.id, apply, lambda: self._let_go(user), after)
        self._pending.submit(DropUser(user.user.id), change)
        self._audit.record(session.user.user, Act.DROP_ACCOUNT, user.user.name, 0, "", now)

    def list(self, session: Session, request: ListAccounts) -> None:
        """All accounts, in the order of their ids."""
        accounts = self._state.registry.accounts
        most = max(1, self._state.limits.page // ITEM_BYTES)
        ids = nsmallest(most, (id for id in accounts if id > request.cursor))
        following = ids[-1] if len(ids) == most else 0
        page = UserPage(request.id, [accounts[id].user for id in ids], following)
        self._state.out.append(Reply(session.handle, page))

    def _check_not_last(self, session: Session, user: UserState) -> None:
        """Whoever runs the server can always be admin by local access, and so may do without any other."""
        left = self._state.registry.admins.keys() - self._stepping_down.keys() - {user.user.id}
        if user.user.role is Role.ADMIN and not left and not session.caller.is_owner:
            raise Refused(ErrorCode.FORBIDDEN, f"{user.user.name} is the last admin: make another one first")

    def _step_down(self, user: UserState, is_so: bool) -> None:
        if is_so:
            self._stepping_down[user.user.id] = None

    def _let_go(self, user: UserState) -> None:
        """The store has answered."""
        self._changing.release(user)
        self._stepping_down.pop(user.user.id, None)

    # -- passwords --------------------------------------------------------------------------------------------

    def set_password(self, session: Session, request: SetPassword, now: Now) -> None:
        """Change a password, one's own after showing the old one.

        :raises Refused: FORBIDDEN, NO_SUCH_USER.
        """
        assert session.user is not None
        require_private(session, "a password's verifier")
        user, verifier = self.subject(session, request.user), request.verifier
        if user is session.user and user.verifier is not None and not _has_shown(session, user):
            raise Refused(ErrorCode.FORBIDDEN, "show the old password on this connection first")
        kept = session.token if user is session.user else None
        self._changing.hold(user)

        def apply() -> Event:
            self._changing.release(user)
            user.verifier = verifier
            self._state.registry.note(user)
            self._tokens.forget(user.user.id, kept)
            if user is session.user and session.proofs is not None and session.proofs.user == user.user.id:
                session.proofs.password = verifier
            self._end_sessions(user, session, "the password was changed", now)
            return Done(request.id)

        entry = replace(user.entry(), verifier=verifier)
        user.saved = True
        change = Change(session.handle, request.id, apply, lambda: self._changing.release(user))
        self._pending.submit(entry, change)
        self._state.out += self._tokens.drops(user.user.id, kept)
        self._audit.record(session.user.user, Act.SET_PASSWORD, user.user.name, 0, "", now)

    def _end_sessions(self, user: UserState, but: Session | None, reason: str, now: Now) -> None:
        for session in user.sessions:
            if session is not but:
                self._sessions.close(session, ErrorCode.LOGGED_OUT, reason, now)


def _has_shown(session: Session, user: UserState) -> bool:
    """Has this connection shown the password that the account has now?"""
    proofs = session.proofs
    return proofs is not None and proofs.user == user.user.id and proofs.password == user.verifier


def _check_role(role: Role) -> None:
    if role is Role.GUEST:
        raise Refused(ErrorCode.BAD_REQUEST, "an account is a member's or an admin's; guests have none")

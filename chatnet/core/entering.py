"""How accounts log in: with a token, as who the connection has shown to be, or by what the operating system says.

The local socket needs no password: the kernel says which user calls. That user's account is made at the first time,
under the login name if it is free. Guests log in elsewhere (`chatnet.core.sessions`).
"""

from msgspec import structs

from chatnet.auth.names import suggest_name
from chatnet.auth.tokens import hash_token, is_token
from chatnet.clock import Now
from chatnet.core.accounts import Accounts, require_private
from chatnet.core.attempts import Attempts
from chatnet.core.audit import Audit
from chatnet.core.callers import Caller
from chatnet.core.effects import Reply
from chatnet.core.entities import Session, UserState
from chatnet.core.pending import Change, Pending
from chatnet.core.sessions import Sessions
from chatnet.core.state import State
from chatnet.core.tokens import Tokens
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Event
from chatnet.model import Act, Role
from chatnet.requests import Enter, TokenLogin


class Entering:
    """Lets accounts in."""

    def __init__(
        self,
        state: State,
        pending: Pending,
        sessions: Sessions,
        accounts: Accounts,
        tokens: Tokens,
        attempts: Attempts,
        audit: Audit,
    ) -> None:
        self._state = state
        self._pending = pending
        self._sessions = sessions
        self._accounts = accounts
        self._tokens = tokens
        self._attempts = attempts
        self._audit = audit
        self._binding: dict[int, UserState] = {}
        """Accounts of local users that wait for the store, by the operating system's user."""
        self._owner: tuple[bytes, Caller] | None = None
        """The hash of the token by which the server's owner gets in, and who that is."""

    def let_in_owner(self, token: bytes, caller: Caller) -> None:
        """Take this token for local access, where the operating system cannot say who calls."""
        self._owner = hash_token(token), caller

    # -- tokens -----------------------------------------------------------------------------------------------

    def token_login(self, session: Session, request: TokenLogin, now: Now) -> None:
        """Log in with a token.

        Only those who have none that is good are counted and made to wait: whoever has one cannot have guessed it, and
        a broken script shall not keep out the others of its address.
        :raises Refused: BAD_CREDENTIALS, RETRY_AFTER, TOO_MANY_SESSIONS; FORBIDDEN where others could read it.
        """
        self._sessions.check_stranger(session)
        require_private(session, "a token")
        if self._owner is not None and session.caller.is_local and is_token(request.token, self._owner[0]):
            session.caller = structs.replace(self._owner[1], binding=session.caller.binding)
            self.enter(session, Enter(request.id, request.device, request.live, request.replaces), now)
            return
        token = self._tokens.find(request.token, now)
        if token is None:
            self._attempts.check(session.caller.place, "", now)
            self._attempts.failed(session.caller.place, "", now)
            raise Refused(ErrorCode.BAD_CREDENTIALS, "this token is unknown here, revoked or over: log in anew")
        user = self._state.users[token.user]
        self._sessions.make_place(user, request, now)
        session.token = token
        self._welcome(session, user, request, now)

    def _welcome(self, session: Session, user: UserState, request: Enter | TokenLogin, now: Now) -> None:
        self._state.out.append(Reply(session.handle, self._sessions.admit(session, user, request, now)))

    # -- what was shown on the connection ---------------------------------------------------------------------

    def enter(self, session: Session, request: Enter, now: Now) -> None:
        """Log in as who the connection has shown to be, else as who the operating system says.

        :raises Refused: FORBIDDEN, BAD_CREDENTIALS, TOO_MANY_SESSIONS; RETRY_AFTER.
        """
        self._sessions.check_stranger(session)
        user = self._proven(session) or self._state.registry.local.get(session.caller.uid)
        if user is not None:
            self._sessions.make_place(user, request, now)
            self._welcome(session, user, request, now)
        elif session.caller.uid >= 0:
            self._bind(session, request, now)
        else:
            raise Refused(ErrorCode.FORBIDDEN, "show who you are first, by a password, a join code or a token")

    def _proven(self, session: Session) -> UserState | None:
        """Whose password, or new account, the connection has shown; None for nobody's.

        :raises Refused: BAD_CREDENTIALS: that holds no longer.
        """
        proofs = session.proofs
        if proofs is None or not proofs.user:
            return None
        user = self._state.users.get(proofs.user)
        if user is None or user.verifier != proofs.password:
            raise Refused(ErrorCode.BAD_CREDENTIALS, "the account has changed since you have shown who you are")
        return user

    # -- local users ------------------------------------------------------------------------------------------

    def _bind(self, session: Session, request: Enter, now: Now) -> None:
        """Make the account of a local user; who comes again before it is stored waits for the same."""
        uid = session.caller.uid
        user = self._binding.get(uid)
        is_first = user is None
        if user is None:
            user = self._binding[uid] = self._new_account(session)
        account = user
        session.is_waiting = True

        def apply() -> Event:
            session.is_waiting = False
            if self._binding.pop(uid, None) is not None:
                self._accounts.settle(account)
            if self._state.sessions.get(session.handle) is not session:
                raise Refused(ErrorCode.NOT_LOGGED_IN, "the connection is gone")
            self._sessions.make_place(account, request, now)
            return self._sessions.admit(session, account, request, now)

        def undo() -> None:
            session.is_waiting = False
            if self._binding.pop(uid, None) is not None:
                self._accounts.release(account)

        self._pending.submit(account.entry(), Change(session.handle, request.id, apply, undo))
        if is_first:
            detail = f"by local access, {account.user.role.name.lower()}"
            self._audit.record(account.user, Act.REGISTER, account.user.name, 0, detail, now)

    def _new_account(self, session: Session) -> UserState:
        caller = session.caller
        name = suggest_name(caller.login or f"user{caller.uid}")
        role = Role.ADMIN if caller.is_owner else Role.MEMBER
        try:
            return self._accounts.reserve(name, "", role, uid=caller.uid)
        except Refused as no:
            reason = (
                f"{name!r}, your name on this machine, is somebody else's here. If that is you, log in with your "
                "password or token; else ask an admin for a join code"
            )
            raise Refused(ErrorCode.FORBIDDEN, reason) from no

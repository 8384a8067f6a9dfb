"""What is asked about tokens: one's own, and for admins everybody's."""

from itertools import islice

from chatnet.clock import Now
from chatnet.core.accounts import Accounts, require_private
from chatnet.core.audit import Audit
from chatnet.core.changing import Changing
from chatnet.core.effects import Reply
from chatnet.core.entities import Session
from chatnet.core.entries import DropToken, PutToken
from chatnet.core.lists import ITEM_BYTES
from chatnet.core.pending import Change, Pending
from chatnet.core.state import State
from chatnet.core.tokens import Tokens
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, TokenCreated, TokenPage
from chatnet.model import Act, Scope, Token
from chatnet.requests import CreateToken, ListTokens, RevokeToken


class Issuing:
    """Answers those requests."""

    def __init__(
        self, state: State, pending: Pending, changing: Changing, accounts: Accounts, tokens: Tokens, audit: Audit
    ) -> None:
        self._state = state
        self._pending = pending
        self._changing = changing
        self._accounts = accounts
        self._tokens = tokens
        self._audit = audit

    def create(self, session: Session, request: CreateToken, now: Now) -> None:
        """Make a token. One that this account has already is answered again: the first answer may have been lost.

        :raises Refused: FORBIDDEN, NO_SUCH_USER, BAD_NAME, BAD_REQUEST; RETRY_AFTER while the account changes.
        """
        assert session.user is not None
        require_private(session, "a token")
        user = self._accounts.subject(session, request.user)
        known = self._tokens.find(request.token, now)
        if known is not None and known.user == user.user.id:
            self._state.out.append(Reply(session.handle, TokenCreated(request.id, _shown(known))))
            return
        self._changing.check(user)
        entry = self._tokens.reserve(
            user, request.token, request.label, now, scope=request.scope, expires=request.expires
        )
        self._changing.share(user)

        def apply() -> Event:
            self._changing.unshare(user)
            self._tokens.settle(entry)
            return TokenCreated(request.id, _shown(entry))

        def undo() -> None:
            self._changing.unshare(user)
            self._tokens.release(entry)

        self._pending.submit(entry, Change(session.handle, request.id, apply, undo))
        detail = f"of {user.user.name}" + (", to send only" if request.scope is Scope.SEND else "")
        self._audit.record(session.user.user, Act.CREATE_TOKEN, _title(entry), 0, detail, now)

    def list(self, session: Session, request: ListTokens) -> None:
        """The tokens of an account.

        :raises Refused: FORBIDDEN, NO_SUCH_USER.
        """
        user = self._accounts.subject(session, request.user)
        most = max(1, self._state.limits.page // ITEM_BYTES)
        page = list(islice((t for t in self._tokens.of(user.user.id) if t.id > request.cursor), most))
        following = page[-1].id if len(page) == most else 0
        self._state.out.append(Reply(session.handle, TokenPage(request.id, list(map(_shown, page)), following)))

    def revoke(self, session: Session, request: RevokeToken, now: Now) -> None:
        """Make a token worthless.

        :raises Refused: NO_SUCH_TOKEN.
        """
        me = session.user
        assert me is not None
        token = self._tokens.get(request.token) if request.token else session.token
        if token is None or not (token.user == me.user.id or session.is_admin):
            raise Refused(ErrorCode.NO_SUCH_TOKEN, "there is no such token, or it is not for you")
        change = Change(
            session.handle,
            request.id,
            lambda: Done(request.id),
            after=lambda: self._tokens.revoke(token, "its token was revoked", now),
        )
        self._pending.submit(DropToken(token.id), change)
        owner = self._state.users[token.user].user.name
        self._audit.record(me.user, Act.REVOKE_TOKEN, _title(token), 0, f"of {owner}", now)


def _shown(token: PutToken) -> Token:
    """A token as clients see it."""
    return Token(token.id, token.user, token.label, token.scope, token.made, token.expires)


def _title(token: PutToken) -> str:
    """What the audit log calls a token."""
    return token.label or f"token {token.id}"

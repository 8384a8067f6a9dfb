"""Tokens: made for devices and scripts, listed, and good for nothing once they are revoked or over.

The server knows a token by its hash alone. Looking that up in a dict tells nothing by the time it takes: who does not
know the token cannot choose its hash.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from chatnet.auth.names import check_display
from chatnet.auth.tokens import hash_token
from chatnet.clock import Now
from chatnet.core.entities import UserState
from chatnet.core.entries import DropToken, PutToken, Snapshot
from chatnet.core.sessions import Sessions
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.model import Scope, TokenId, UserId


class Tokens:
    """All tokens."""

    def __init__(self, state: State, sessions: Sessions, snapshot: Snapshot) -> None:
        self._state = state
        self._sessions = sessions
        self._next = snapshot.next_token
        self._by_hash: dict[bytes, PutToken] = {}
        self._by_id: dict[TokenId, PutToken] = {}
        self._by_user: dict[UserId, dict[TokenId, PutToken]] = {}
        self._reserved: dict[bytes, UserId] = {}
        """Hashes of tokens that wait for the store, and whose they will be."""
        self._expiring: list[tuple[int, TokenId]] = []
        """A heap of when tokens end (wall); some may be gone by then."""
        for token in snapshot.tokens:
            if token.user in state.registry.accounts:
                self._add(token)

    # -- looking up -------------------------------------------------------------------------------------------

    def find(self, token: bytes, now: Now) -> PutToken | None:
        """What is known of a token that can be used now."""
        found = self._by_hash.get(hash_token(token))
        return None if found is None or _is_over(found, now) else found

    def get(self, id: TokenId) -> PutToken | None:
        """The token of this id."""
        return self._by_id.get(id)

    def of(self, user: UserId) -> Iterable[PutToken]:
        """All tokens of an account, in the order of their ids."""
        return self._by_user.get(user, {}).values()

    # -- making -----------------------------------------------------------------------------------------------

    def reserve(
        self, user: UserState, token: bytes, label: str, now: Now, *, scope: Scope = Scope.ALL, expires: int = 0
    ) -> PutToken:
        """A new token of an account, to be stored; then `settle` or `release` it.

        :raises Refused: BAD_NAME for the label; BAD_REQUEST for a token that is known, or over already; FORBIDDEN if
            the account has as many as it may.
        """
        check_display(label, "label")
        id, hash, most = user.user.id, hash_token(token), self._state.limits.tokens_per_account
        if hash in self._by_hash or hash in self._reserved:
            raise Refused(ErrorCode.BAD_REQUEST, "this token is in use already: make another one, at random")
        if expires and expires <= now.wall:
            raise Refused(ErrorCode.BAD_REQUEST, "this token would be over before it begins")
        count = len(self._by_user.get(id, ())) + sum(owner == id for owner in self._reserved.values())
        if count >= most:
            raise Refused(ErrorCode.FORBIDDEN, f"an account has at most {most} tokens: revoke one of them first")
        self._reserved[hash] = id
        self._next += 1
        return PutToken(self._next - 1, id, hash, label, scope, now.wall, expires)

    def settle(self, token: PutToken) -> None:
        """A reserved token is stored."""
        del self._reserved[token.hash]
        self._add(token)

    def release(self, token: PutToken) -> None:
        """A reserved token could not be stored."""
        del self._reserved[token.hash]

    def _add(self, token: PutToken) -> None:
        self._by_hash[token.hash] = self._by_id[token.id] = token
        self._by_user.setdefault(token.user, {})[token.id] = token
        if token.expires:
            heappush(self._expiring, (token.expires, token.id))

    # -- the end ----------------------------------------------------------------------------------------------

    def drops(self, user: UserId, but: PutToken | None) -> list[DropToken]:
        """What the store has to be told to forget all tokens of an account but one."""
        return [DropToken(token.id) for token in self.of(user) if token is not but]

    def forget(self, user: UserId, but: PutToken | None = None) -> None:
        """All tokens of an account but one are worthless now."""
        for token in list(self.of(user)):
            if token is not but:
                self._remove(token)

    def revoke(self, token: PutToken, reason: str, now: Now) -> None:
        """A token is worthless now, and the sessions that came with it end."""
        self._remove(token)
        user = self._state.users.get(token.user)
        for session in user.sessions if user is not None else ():
            if session.token is token:
                self._sessions.close(session, ErrorCode.LOGGED_OUT, reason, now)

    def _remove(self, token: PutToken) -> None:
        if self._by_id.pop(token.id, None) is None:
            return
        del self._by_hash[token.hash]
        tokens = self._by_user[token.user]
        del tokens[token.id]
        if not tokens:
            del self._by_user[token.user]

    def tick(self, now: Now) -> None:
        """End what is over. If the store cannot forget it now, it is found to be over again after a restart."""
        while self._expiring and self._expiring[0][0] <= now.wall:
            token = self._by_id.get(heappop(self._expiring)[1])
            if token is not None:
                self._state.out.append(DropToken(token.id))
                self.revoke(token, "its token is over", now)


def _is_over(token: PutToken, now: Now) -> bool:
    return 0 < token.expires <= now.wall

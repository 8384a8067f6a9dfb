"""Showing a password or a join code by SCRAM, and making an account with a join code.

Rules kept here: who fails learns nothing but that; a proof holds for its own connection, and while what it was checked
by is still so; and an account, its first token and the use of the code are stored together or not at all.
"""

from collections.abc import Callable
from zlib import crc32

from chatnet.auth.names import NAME_MAX, fold
from chatnet.auth.scram import ServerExchange, make_nonce, refusal
from chatnet.clock import Now
from chatnet.core.accounts import Accounts, require_private
from chatnet.core.attempts import Attempts
from chatnet.core.audit import Audit
from chatnet.core.effects import Reply
from chatnet.core.entities import Session, UserState
from chatnet.core.entries import PutInvitation
from chatnet.core.invitations import Invitations
from chatnet.core.pending import Change, Pending
from chatnet.core.proofs import Exchange, Proofs
from chatnet.core.sessions import Sessions
from chatnet.core.state import State
from chatnet.core.tokens import Tokens
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Challenge, Event, Proven, Registered
from chatnet.model import Act, Scope, UserId, Verifier
from chatnet.requests import FinishScram, Proof, Register, StartScram


class Enrolling:
    """Checks proofs, and makes the accounts of those who have a join code."""

    def __init__(
        self,
        state: State,
        pending: Pending,
        sessions: Sessions,
        accounts: Accounts,
        tokens: Tokens,
        invitations: Invitations,
        attempts: Attempts,
        audit: Audit,
        *,
        secret: bytes,
        entropy: Callable[[int], bytes],
    ) -> None:
        """``secret``: 32 bytes that stay the same over restarts; ``entropy(n)`` gives n random bytes."""
        self._state = state
        self._pending = pending
        self._sessions = sessions
        self._accounts = accounts
        self._tokens = tokens
        self._invitations = invitations
        self._attempts = attempts
        self._audit = audit
        self._secret = secret
        self._entropy = entropy

    # -- SCRAM ------------------------------------------------------------------------------------------------

    def start(self, session: Session, request: StartScram, now: Now) -> None:
        """Begin an exchange; one that was under way on this connection is over.

        :raises Refused: BAD_REQUEST, RETRY_AFTER.
        """
        if session.proofs is None:
            session.proofs = Proofs()
        session.proofs.exchange = None
        user: UserId = 0
        verifier: Verifier | None = None

        def lookup(name: str) -> Verifier | None:
            nonlocal user, verifier
            user, verifier = self._look_up(request.proof, name, now)
            return verifier

        scram = ServerExchange(
            request,
            binding=session.caller.binding,
            nonce=make_nonce(self._entropy),
            lookup=lookup,
            secret=self._secret,
        )
        session.proofs.tried = scram.name if request.proof is Proof.PASSWORD else ""
        self._attempts.check(session.caller.place, _key(request.proof, scram.name), now)
        session.proofs.exchange = Exchange(scram, request.proof, user, verifier)
        self._state.out.append(Reply(session.handle, Challenge(request.id, scram.challenge)))

    def finish(self, session: Session, request: FinishScram, now: Now) -> None:
        """Check the proof.

        :raises Refused: BAD_CREDENTIALS, RETRY_AFTER; BAD_REQUEST if there is no exchange under way.
        """
        proofs = session.proofs
        if proofs is None or proofs.exchange is None:
            raise Refused(ErrorCode.BAD_REQUEST, "there is nothing to finish: begin with StartScram")
        exchange, proofs.exchange = proofs.exchange, None
        place, key = session.caller.place, _key(exchange.proof, exchange.scram.name)
        # Here and not only at the start: many exchanges may have begun before the first of them failed.
        self._attempts.check(place, key, now)
        try:
            message = exchange.scram.finish(request.final)
            if exchange.verifier is None or self._found(exchange, now) != (exchange.user, exchange.verifier):
                raise refusal(exchange.proof)
        except Refused:
            self._attempts.failed(place, key, now)
            raise
        name = self._note(proofs, exchange, exchange.verifier)
        self._state.out.append(Reply(session.handle, Proven(request.id, message, name)))

    def _found(self, exchange: Exchange, now: Now) -> tuple[UserId, Verifier | None]:
        """What there is for the exchange's name by now."""
        return self._look_up(exchange.proof, exchange.scram.name, now)

    def _note(self, proofs: Proofs, exchange: Exchange, verifier: Verifier) -> str:
        """Note what was shown; returns the name of it as it is registered."""
        if exchange.proof is Proof.CODE:
            proofs.code, proofs.code_verifier = exchange.scram.name, verifier
            return exchange.scram.name
        proofs.user, proofs.password = exchange.user, verifier
        return self._state.users[exchange.user].user.name

    def _look_up(self, proof: Proof, name: str, now: Now) -> tuple[UserId, Verifier | None]:
        """The account of a name (0 for none, and for codes), and what checks its secret."""
        if proof is Proof.CODE:
            invitation = self._invitations.find(name, now)
            return 0, None if invitation is None else invitation.verifier
        folded = fold(name)
        user = self._state.names.get(folded)
        # For an unknown name some account is fetched too, always the same one. One that nobody has asked for in a while
        # takes the processor a microsecond more to get at, and that can be measured over a network.
        stand_in = 1 + crc32(folded.encode(errors="replace")) % max(1, self._state.last_user)
        id = stand_in if user is None else user.user.id
        fetched = self._state.registry.accounts.get(id)
        verifier = None if fetched is None else _fetch(fetched)
        return (0, None) if user is None else (id, verifier)

    # -- a new account ----------------------------------------------------------------------------------------

    def register(self, session: Session, request: Register, now: Now) -> None:
        """Make an account with the join code that was shown on this connection.

        :raises Refused: BAD_CREDENTIALS: no code was shown, or it is no good any more; BAD_NAME, NAME_IN_USE: try
            another name; FORBIDDEN where others could read the token.
        """
        self._sessions.check_stranger(session)
        require_private(session, "a token")
        known = self._registered(request, now)
        if known is not None:
            _be(session, known)
            self._state.out.append(Reply(session.handle, Registered(request.id, known.user)))
            return
        invitation = self._invitation(session, now)
        self._accounts.check_looks(request.name, request.display)
        user = self._accounts.reserve(request.name, request.display, invitation.role)
        try:
            token = self._tokens.reserve(user, request.token, request.label, now)
        except Refused:
            self._accounts.release(user)
            raise
        session.is_waiting = True

        def apply() -> Event:
            session.is_waiting = False
            self._accounts.settle(user)
            self._tokens.settle(token)
            self._invitations.settle(invitation)
            _be(session, user)
            return Registered(request.id, user.user)

        def undo() -> None:
            session.is_waiting = False
            self._accounts.release(user)
            self._tokens.release(token)
            self._invitations.give_back(invitation)

        self._pending.submit(user.entry(), Change(session.handle, request.id, apply, undo))
        self._state.out += (token, *self._invitations.take(invitation))
        detail = f"with the join code {invitation.name}, {invitation.role.name.lower()}"
        self._audit.record(user.user, Act.REGISTER, user.user.name, 0, detail, now)

    def _registered(self, request: Register, now: Now) -> UserState | None:
        """The account, if this very request has made it before: nobody else can know the token.

        Not once it has a password, which a token alone does not show.
        """
        token = self._tokens.find(request.token, now)
        if token is None or token.scope is not Scope.ALL:
            return None
        user = self._state.users[token.user]
        is_same = fold(user.user.name) == fold(request.name) and user.verifier is None
        return user if is_same else None

    def _invitation(self, session: Session, now: Now) -> PutInvitation:
        """What was shown on this connection, if it is still good.

        :raises Refused: BAD_CREDENTIALS.
        """
        proofs = session.proofs
        found = self._invitations.find(proofs.code, now) if proofs is not None and proofs.code else None
        if proofs is None or found is None or found.verifier != proofs.code_verifier:
            raise refusal(Proof.CODE)
        return found


def _be(session: Session, user: UserState) -> None:
    """The connection has shown to be this user, and the code that it may have shown is spent."""
    session.proofs = Proofs(user=user.user.id, password=user.verifier)


def _key(proof: Proof, name: str) -> str:
    """Under what failed proofs of one secret are counted; of bounded length."""
    return f"{proof.name} {fold(name)[:NAME_MAX]}"


def _fetch(user: UserState) -> Verifier | None:
    """What checks a user's password, with all that a look at it takes."""
    verifier = user.verifier
    if verifier is not None and user.user.id:
        for part in (verifier.salt, verifier.stored_key, verifier.server_key):
            _ = part[0] ^ part[-1]
    return verifier

"""A client's part of SCRAM in little plays, with few iterations, and people who have accounts."""

from functools import cache

from scramp import ScramClient  # type: ignore[import-untyped]

from chatnet.auth.scram import make_verifier
from chatnet.core.callers import Caller
from chatnet.core.effects import Effect
from chatnet.core.entries import PutInvitation, PutUser, Snapshot
from chatnet.errors import ErrorCode
from chatnet.events import Challenge, Event, Proven, Registered
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Role, User, Verifier
from chatnet.requests import Enter, FinishScram, Proof, Register, Request, StartScram, TokenLogin
from tests.core.script import Script, events, over_tls, the

PASSWORD = "correct horse"
CODE, CODE_SECRET = "7KQM", "4XDP9TBC"
ITERATIONS = 4096
"""So few that tests are fast."""


@cache
def verifier(secret: str) -> Verifier:
    """What a server keeps of a secret."""
    return make_verifier(secret, b"salt" * 4, ITERATIONS)


def invitation(
    uses: int = 1, *, name: str = CODE, role: Role = Role.MEMBER, expires: int = 0, maker: int = 1
) -> PutInvitation:
    """A join code."""
    return PutInvitation(name, verifier(CODE_SECRET), uses, expires, role, maker)


def snapshot(*accounts: PutUser, invitations: tuple[PutInvitation, ...] = ()) -> Snapshot:
    """What a store has kept of some accounts."""
    return Snapshot(users=list(accounts), next_user=len(accounts) + 1, invitations=list(invitations), secret=b"k" * 32)


def people(*invitations: PutInvitation) -> Snapshot:
    """The admin anna (1), and the members bert (2) and cleo (3); all have the same password."""
    return snapshot(
        account(1, "anna", Role.ADMIN), account(2, "bert"), account(3, "cleo"), invitations=tuple(invitations)
    )


def account(id: int, name: str, role: Role = Role.MEMBER, *, password: str = PASSWORD, uid: int = -1) -> PutUser:
    """An account; an empty password for none."""
    return PutUser(id, name, "", role, b"", verifier(password) if password else None, uid)


def device(name: str = "d") -> bytes:
    return name.encode().ljust(16, b".")[:16]


def token(name: str) -> bytes:
    """A token, made of any words."""
    return name.encode().ljust(32, b".")[:32]


class Prover:
    """One exchange, step by step."""

    def __init__(
        self, chat: Script, session: str, proof: Proof, name: str, secret: str, *, binding: bytes | None = b"binding"
    ) -> None:
        self._chat = chat
        self._session = session
        self._proof = proof
        mechanism, channel = ("SCRAM-SHA-256", None)
        if binding is not None:
            mechanism, channel = "SCRAM-SHA-256-PLUS", ("tls-server-end-point", binding)
        self._client = ScramClient([mechanism], name, secret, channel, "client-nonce")

    def start(self) -> list[Effect]:
        return self._chat.ask(self._session, StartScram(1, self._proof, self._client.get_client_first()))

    def finish(self, started: list[Effect]) -> list[Effect]:
        challenge = the(Challenge, started, self._session).message
        if not challenge.endswith(f",i={ITERATIONS}"):
            # Of a name that does not exist: no proof is right, and to compute one takes long.
            return self._chat.ask(self._session, FinishScram(2, "c=biws,r=nonce,p=proof"))
        self._client.set_server_first(challenge)
        return self._chat.ask(self._session, FinishScram(2, self._client.get_client_final()))

    def verify(self, finished: list[Effect]) -> None:
        """The server knew the secret too."""
        self._client.set_server_final(the(Proven, finished, self._session).message)


def prove(
    chat: Script,
    session: str,
    name: str,
    secret: str = PASSWORD,
    *,
    proof: Proof = Proof.PASSWORD,
    binding: bytes | None = b"binding",
) -> list[Effect]:
    """Show a secret over a connection that is there; returns the answer to the last step that was reached."""
    prover = Prover(chat, session, proof, name, secret, binding=binding)
    started = prover.start()
    if isinstance(reply(started, session), RefusedEvent):
        return started
    return prover.finish(started)


def show_code(chat: Script, session: str, secret: str = CODE_SECRET, *, caller: Caller | None = None) -> list[Effect]:
    """Connect over TLS, and show the join code."""
    chat.connect(session, caller or over_tls())
    return prove(chat, session, CODE, secret, proof=Proof.CODE)


def enter(chat: Script, session: str, name: str | None = None, *, device: bytes | None = None) -> list[Effect]:
    """Connect over TLS, and log in with the password; the name is the session's if nothing is said."""
    chat.connect(session, over_tls())
    prove(chat, session, session if name is None else name)
    return chat.ask(session, Enter(3, device or session.encode().ljust(16, b".")[:16]))


def token_login(chat: Script, session: str, secret: bytes, caller: Caller | None = None) -> list[Effect]:
    """Connect over TLS, and log in with a token."""
    chat.connect(session, caller or over_tls())
    return chat.ask(session, TokenLogin(3, secret, session.encode().ljust(16, b".")[:16]))


def register(chat: Script, session: str, name: str, *, display: str = "") -> list[Effect]:
    """Connect over TLS, show the join code, and make an account."""
    show_code(chat, session)
    return chat.ask(session, Register(4, name, display, token(name), "laptop"))


def registered(chat: Script, session: str, name: str) -> User:
    """The account that `register` has made."""
    register(chat, session, name)
    return the(Registered, chat.store_all(), session).user


def done(chat: Script, session: str, request: Request) -> Event:
    """The reply to a request, once the store has done what it was asked."""
    effects = chat.ask(session, request) + chat.store_all()
    return reply(effects, session)


def reply(effects: list[Effect], session: str) -> Event:
    """The reply among all that a session is told: it has an id."""
    (found,) = [event for event in events(effects, session) if hasattr(event, "id")]
    return found


def code_of(event: Event) -> ErrorCode:
    """The code of a refusal."""
    assert isinstance(event, RefusedEvent), event
    return ErrorCode(event.code)

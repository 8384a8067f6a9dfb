"""A server that knows nothing but accounts, codes and tokens, in memory, and loses connections when it is told to."""

import os
from typing import Generic, TypeVar

from chatnet.auth import scram
from chatnet.auth.codes import Code
from chatnet.auth.names import fold
from chatnet.auth.scram import ServerExchange, make_code_verifier, make_nonce
from chatnet.client.credentials import KnownChannel
from chatnet.client.errand import Errand, Plan
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Challenge, Done, Event, Hello, Proven, Registered, TokenCreated, Welcome
from chatnet.events import Refused as RefusedEvent
from chatnet.model import Role, Scope, Token, User, Verifier
from chatnet.requests import (
    CreateToken,
    Enter,
    FinishScram,
    Proof,
    Register,
    Request,
    SetPassword,
    StartScram,
    TokenLogin,
)
from chatnet.wire.codec import decode_request, encode
from chatnet.wire.frames import MAX_PAYLOAD, PREFACE, FrameReader

T = TypeVar("T")
CODE = Code("7KQM", "4XDP9TBC")
BINDING, PIN = b"\x01" * 32, b"\x02" * 32
TLS = KnownChannel(channel_binding=BINDING, server_pin=PIN)
LOCAL = KnownChannel(is_local=True)


class Registrar:
    """All that a server keeps; each connection is a `Desk`."""

    def __init__(self, *, uses: int = 1, id: bytes = b"s" * 16) -> None:
        self.id = id
        self.uses = uses
        self.users: dict[str, User] = {}
        self.tokens: dict[bytes, User] = {}
        self.passwords: dict[str, Verifier] = {}
        self.codes = {fold(CODE.name): make_code_verifier(CODE, b"0123456789abcdef")}
        self.refuses: Refused | None = None
        """What `Register` is answered, if anything but its own reply."""
        self.log: list[str] = []
        """The names of all requests that came."""

    def add(self, name: str, verifier: Verifier | None = None) -> User:
        """Make an account."""
        user = User(len(self.users) + 1, name, role=Role.MEMBER)
        self.users[fold(name)] = user
        if verifier is not None:
            self.passwords[fold(name)] = verifier
        return user

    def lookup(self, proof: Proof, name: str) -> Verifier | None:
        """What can check a secret."""
        if proof is Proof.CODE:
            return self.codes.get(fold(name)) if self.uses else None
        return self.passwords.get(fold(name))


class Desk:
    """One connection's part of the server."""

    def __init__(self, registrar: Registrar, binding: bytes | None) -> None:
        self._all = registrar
        self._binding = binding
        self._exchange: ServerExchange | None = None
        self._proof = Proof.PASSWORD
        self._proven: tuple[Proof, str] | None = None
        self._user: User | None = None

    def answer(self, request: Request) -> Event:
        """The reply, as a server would give it."""
        self._all.log.append(type(request).__name__)
        id: int = getattr(request, "id", 0)
        try:
            return self._answer(id, request)
        except Refused as refused:
            return RefusedEvent(id, refused.code, refused.message, refused.retry_after)

    def _answer(self, id: int, request: Request) -> Event:
        match request:
            case StartScram(proof=proof):
                self._proof = proof
                self._exchange = ServerExchange(
                    request,
                    binding=self._binding,
                    nonce=make_nonce(os.urandom),
                    lookup=lambda name: self._all.lookup(proof, name),
                    secret=b"k" * 32,
                )
                return Challenge(id, self._exchange.challenge)
            case FinishScram(final=final):
                assert self._exchange is not None
                message = self._exchange.finish(final)
                self._proven = self._proof, self._exchange.name
                return Proven(id, message, self._exchange.name)
            case Register():
                return self._register(request)
            case TokenLogin(token=token):
                if token not in self._all.tokens:
                    raise Refused(ErrorCode.BAD_CREDENTIALS, "no such token")
                self._user = self._all.tokens[token]
                return self._welcome(id)
            case Enter():
                assert self._proven is not None
                assert self._proven[0] is Proof.PASSWORD
                self._user = self._all.users[fold(self._proven[1])]
                return self._welcome(id)
            case CreateToken(token=token, label=label):
                assert self._user is not None
                self._all.tokens[token] = self._user
                return TokenCreated(id, Token(1, self._user.id, label, Scope.ALL, 0))
            case SetPassword(verifier=verifier):
                assert self._user is not None
                name = fold(self._user.name)
                if name in self._all.passwords and self._proven != (Proof.PASSWORD, self._user.name):
                    raise Refused(ErrorCode.FORBIDDEN, "show the old password first")
                self._all.passwords[name] = verifier
                return Done(id)
            case _:
                raise AssertionError(f"nobody asks for {request}")

    def _register(self, request: Register) -> Event:
        assert self._proven == (Proof.CODE, CODE.name)
        if self._all.refuses is not None:
            raise self._all.refuses
        if fold(request.name) in self._all.users:
            raise Refused(ErrorCode.NAME_IN_USE, f"{request.name} is taken")
        if not self._all.uses:
            raise scram.refusal(Proof.CODE)
        self._all.uses -= 1
        user = self._all.add(request.name)
        self._all.tokens[request.token] = user
        return Registered(request.id, user)

    def _welcome(self, id: int) -> Welcome:
        assert self._user is not None
        return Welcome(id, self._user, 1, "durable", 0)


class Visit(Generic[T]):
    """An errand at the registrar's, over one connection after the other, in virtual time."""

    def __init__(self, plan: Plan[T], registrar: Registrar) -> None:
        self.errand = Errand(plan, 10.0)
        self.registrar = registrar

    def go(
        self,
        channel: KnownChannel = TLS,
        *,
        binding: bytes | None = None,
        lose_request: type[Request] | None = None,
        lose_reply: type[Request] | None = None,
    ) -> None:
        """Over one connection, until it ends. It breaks before, or after, the server has seen to a request."""
        errand, reader = self.errand, FrameReader(MAX_PAYLOAD)
        desk = Desk(self.registrar, channel.channel_binding if binding is None else binding)
        errand.connection_made(0.0, channel)
        assert errand.data_to_send() == PREFACE
        errand.receive(encode(Hello(self.registrar.id, "0.0")), 0.0)
        while not errand.wants_close:
            reader.receive(errand.data_to_send())
            payload = reader.next_frame()
            assert payload is not None, "the client waits for nothing"
            request = decode_request(payload)
            if type(request) is lose_request:
                break
            reply = desk.answer(request)
            if type(request) is lose_reply:
                break
            errand.receive(encode(reply), 0.0)
        errand.connection_lost(0.0, None)


def failure_of(visit: Visit[User]) -> Exception:
    """Why the last connection was the last."""
    assert visit.errand.outcome == []
    assert visit.errand.is_final
    assert visit.errand.failure is not None
    return visit.errand.failure

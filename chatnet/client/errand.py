"""Something that is done once with a server: connect, say a few things, leave. No I/O in `Errand`; `run` drives it.

A connection that breaks in the middle is made again only where the errand itself cannot tell what came of it; then it
begins with finding out.
"""

import math
import time
from typing import Generic, Protocol, TypeVar

from chatnet.address import Address
from chatnet.client.backoff import Backoff
from chatnet.client.connection import Connection
from chatnet.client.credentials import UNKNOWN_CHANNEL, Channel
from chatnet.client.dialogue import Dialogue, Steps
from chatnet.client.driver import chance
from chatnet.client.link import Link, Session
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError, TimedOut, Unreachable
from chatnet.events import Event, Hello
from chatnet.net.trust import TrustFor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_TRIES = 5
"""Connections in all, for an errand whose end is unknown."""


class Plan(Protocol[T_co]):
    """What is to be done, over one connection after the other."""

    is_unsure: bool
    """May the server have done it without one's hearing of it?"""

    def steps(self, hello: Hello, channel: Channel) -> Steps[T_co]:
        """What to say on a new connection, once the server has greeted."""
        ...


class Errand(Session, Generic[T]):
    """One plan, and how it fares. For a `chatnet.client.link.Link`; ``answer_seconds``: for each connection."""

    def __init__(self, plan: Plan[T], answer_seconds: float) -> None:
        self.outcome: list[T] = []
        """What came of it, once it is done."""
        self.failure: ChatnetError | None = None
        """Why the last connection ended."""
        self.is_final = False
        """Is it no use to try again?"""
        self.retry_after = 0.0
        """Seconds for which the server wants to be left alone."""
        self._plan = plan
        self._answer_seconds = answer_seconds
        self._connection: Connection | None = None
        self._channel: Channel = UNKNOWN_CHANNEL
        self._is_greeted = False

    def connection_made(self, now: float, channel: Channel) -> None:
        """There is a new connection."""
        self.failure, self.is_final, self.retry_after = None, False, 0.0
        self._is_greeted = False
        self._channel = channel
        self._connection = Connection(now, self._answer_seconds, self._handle)

    @property
    def wants_close(self) -> bool:
        """Is the connection of no more use?"""
        return bool(self.outcome) or (self._connection is not None and self._connection.failure is not None)

    @property
    def next_tick(self) -> float | None:
        """When `tick` is due; None without a connection."""
        return None if self._connection is None else self._connection.next_tick

    def receive(self, data: bytes, now: float) -> None:
        """Take what arrived."""
        if self._connection is not None and not self.wants_close:
            self._connection.receive(data, now)

    def data_to_send(self) -> bytes:
        """What is to be sent now; every byte is returned once."""
        return b"" if self._connection is None else self._connection.data_to_send()

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._connection is not None and not self.wants_close:
            self._connection.tick(now)

    def connection_lost(self, now: float, error: ChatnetError | None) -> None:
        """A connection has ended."""
        del now
        connection, self._connection = self._connection, None
        if connection is not None:
            self.failure, self.is_final = connection.end(error), connection.is_final
            self.retry_after = connection.retry_after
            for _, done in connection.take_unanswered():
                done(None)

    def _handle(self, event: Event, now: float) -> None:
        del now
        connection = self._connection
        assert connection is not None
        if self._is_greeted:
            asked = connection.take_asked(event)
            if asked is not None:
                asked[1](event)
        elif isinstance(event, Hello):
            self._is_greeted = True
            connection.greeted()
            steps = self._plan.steps(event, self._channel)
            Dialogue(connection.ask, steps, self.outcome.append, self._failed).start()
        else:
            raise ProtocolError(ErrorCode.BAD_FRAME, "a server's first word is Hello")

    def _failed(self, error: ChatnetError) -> None:
        assert self._connection is not None
        self._connection.fail(error, is_final=True)


def run(plan: Plan[T], address: Address, timeout: float, trust: TrustFor) -> T:
    """Do it, blocking; ``timeout``: seconds for the whole of each connection.

    :raises Refused: the server, or reason, said no.
    :raises TrustError: it may be another server, or others could read along; see its text.
    :raises TimedOut, Unreachable: no answer, or no connection. The text says whether it may have been done.
    """
    errand = Errand(plan, timeout)
    backoff = Backoff(chance)
    link = Link(errand, trust)
    try:
        for rest in reversed(range(_TRIES)):
            failure = _try(errand, link, address, timeout)
            if failure is None:
                return errand.outcome[0]
            if errand.is_final or not plan.is_unsure or not rest:
                raise _told(failure, address, plan.is_unsure)
            _rest(link, backoff.next_delay(errand.retry_after))
    finally:
        link.close()
    raise AssertionError("the last try returns or raises")


def _try(errand: Errand[T], link: Link, address: Address, timeout: float) -> ChatnetError | None:
    """Over one connection; why it failed, or None."""
    try:
        link.connect(address, timeout)
    except Unreachable as error:
        return error
    while link.is_connected:
        link.step(math.inf)
    return None if errand.outcome else errand.failure


def _rest(link: Link, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        link.step(until)


def _told(failure: ChatnetError, address: Address, is_unsure: bool) -> ChatnetError:
    """The same error, saying which server it is about, and what it leaves open."""
    if isinstance(failure, Unreachable | TimedOut | ProtocolError):
        where = "" if str(address) in failure.message else f"{address}: "
        unsure = "; it may have been done all the same, but the server's answer was lost" if is_unsure else ""
        return type(failure)(failure.code, f"{where}{failure.message}{unsure}")
    return failure

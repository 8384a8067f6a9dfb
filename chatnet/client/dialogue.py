"""A row of requests of which each depends on the replies before it, written as a generator.

It yields what to ask, and is sent the reply; a request that is refused raises `Refused` inside it. So a login of three
steps reads like three lines, and knows nothing of connections.
"""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from chatnet.client.connection import Ask, Make
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError, Refused
from chatnet.events import Event
from chatnet.events import Refused as RefusedEvent

E = TypeVar("E", bound=Event)
T = TypeVar("T")
Steps = Generator[Make, Event, T]
"""Yields requests, is sent their replies, and returns what comes of it all."""


class Dialogue(Generic[T]):
    """Takes the steps on one connection. If that is lost first, neither ``done`` nor ``failed`` is called."""

    def __init__(
        self, ask: Ask, steps: Steps[T], done: Callable[[T], None], failed: Callable[[ChatnetError], None]
    ) -> None:
        self._ask = ask
        self._steps = steps
        self._done = done
        self._failed = failed

    def start(self) -> None:
        """Take the first step; the others follow by themselves."""
        self._go_on(lambda: next(self._steps))

    def _replied(self, reply: Event | None) -> None:
        if reply is None:
            self._steps.close()
        elif isinstance(reply, RefusedEvent):
            error = Refused(reply.code, reply.reason, reply.retry_after)
            self._go_on(lambda: self._steps.throw(error))
        else:
            self._go_on(lambda: self._steps.send(reply))

    def _go_on(self, step: Callable[[], Make]) -> None:
        try:
            make = step()
        except StopIteration as end:
            self._done(end.value)
        except ChatnetError as error:
            self._failed(error)
        else:
            self._ask(make, self._replied)


def expect(expected: type[E], reply: Event) -> E:
    """The reply, if it is of the expected kind.

    :raises ProtocolError: BAD_FRAME.
    """
    if not isinstance(reply, expected):
        raise ProtocolError(ErrorCode.BAD_FRAME, f"the server answered with {type(reply).__name__}")
    return reply

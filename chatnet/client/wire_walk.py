"""One connection, driven by hand from one stage to the next, with a look at what the server says on the way."""

import time
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE

from chatnet.client.session import ClientSession
from chatnet.errors import ChatnetError, ErrorCode, TimedOut, Unreachable
from chatnet.events import Event, Hello, Welcome
from chatnet.net.platform import new_selector
from chatnet.net.ports import Transport
from chatnet.wire.codec import decode_event
from chatnet.wire.frames import MAX_PAYLOAD, FrameReader

_READ_BYTES = 64 * 1024
_LOOK_SECONDS = 0.5
"""Of each wait, so that Ctrl-C is noticed on Windows too."""


class WireWalk:
    """Owns a transport. Every wait ends at a deadline, in seconds of `time.monotonic`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.hello: Hello | None = None
        self.welcome: tuple[Welcome, float] | None = None
        """And when it came, in seconds since 1970 UTC."""
        self._reader = FrameReader(MAX_PAYLOAD)
        self._unsent = b""
        self._early = b""
        """What came right behind the handshake."""

    def close(self) -> None:
        self.transport.close()

    def shake_hands(self, deadline: float) -> float:
        """Wait for the end of the TLS handshake, and return how long it took.

        :raises TrustError: the server could not prove who it is.
        :raises Unreachable: TLS_FAILED. :raises TimedOut: NO_ANSWER.
        """
        started = time.monotonic()
        while not self.transport.is_established:
            self._wait(deadline, "no answer to the TLS handshake")
            try:
                self.transport.flush()
                self._early += self.transport.receive(_READ_BYTES) or b""
            except OSError as error:
                message = f"the connection broke in the TLS handshake: {error.strerror or error}"
                raise Unreachable(ErrorCode.TLS_FAILED, message) from error
        return time.monotonic() - started

    def start(self, session: ClientSession, done: Callable[[], bool], deadline: float) -> float:
        """Let ``session`` begin on this connection, until ``done``; returns how long it took. Raises as `go_on`."""
        session.connection_made(time.monotonic(), self.transport)
        if self._early:
            self._take(session, self._early)
        return self.go_on(session, done, deadline)

    def go_on(self, session: ClientSession, done: Callable[[], bool], deadline: float) -> float:
        """Let ``session`` talk until ``done``; returns how long it took. What it says then waits for the next call.

        :raises ChatnetError: why the session failed. :raises TimedOut: NO_ANSWER.
        """
        started = time.monotonic()
        while not done():
            self._send(session)
            self._wait(deadline, "no answer")
            self._receive(session)
            if session.wants_close:
                session.connection_lost(time.monotonic())
            if session.failure is not None:
                raise session.failure
        return time.monotonic() - started

    def _wait(self, deadline: float, silence: str) -> None:
        """Until something can be read, or written if something waits for that."""
        events = EVENT_READ | (EVENT_WRITE if self._unsent or self.transport.wants_write else 0)
        with new_selector() as selector:
            selector.register(self.transport.selectable, events)
            while not selector.select(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
                if time.monotonic() >= deadline:
                    raise TimedOut(ErrorCode.NO_ANSWER, f"{silence} in the time given")

    def _send(self, session: ClientSession) -> None:
        self._unsent += session.data_to_send()
        try:
            self.transport.flush()
            self._unsent = self._unsent[self.transport.send(self._unsent) :] if self._unsent else b""
        except OSError:
            return  # what the server said before it closed tells more, and reading finds out that it has closed

    def _receive(self, session: ClientSession) -> None:
        try:
            while not session.wants_close and (data := self.transport.receive(_READ_BYTES)) is not None:
                if not data:
                    session.connection_lost(time.monotonic())
                    return
                self._take(session, data)
        except OSError as error:
            why = Unreachable(ErrorCode.UNREACHABLE, f"the connection was lost: {error.strerror or error}")
            session.connection_lost(time.monotonic(), why)

    def _take(self, session: ClientSession, data: bytes) -> None:
        """The session keeps to itself what a checkup wants to show. What it could not read, it has said already."""
        session.receive(data, time.monotonic())
        try:
            self._reader.receive(data)
            while (payload := self._reader.next_frame()) is not None:
                self._note(decode_event(payload))
        except ChatnetError:
            return

    def _note(self, event: Event | None) -> None:
        if isinstance(event, Hello):
            self.hello = event
        elif isinstance(event, Welcome):
            self.welcome = event, time.time()

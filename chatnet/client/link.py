"""Carries a session's bytes over one transport after the other. The only place in the client that waits.

One thread uses a link; only `wake` may be called from others.
"""

import math
import sys
import time
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

from chatnet.address import Address
from chatnet.client.session import ClientSession
from chatnet.errors import ErrorCode, Unreachable
from chatnet.net.platform import new_selector
from chatnet.net.ports import Transport
from chatnet.net.waker import SocketWaker
from chatnet.transports import registry

READ_BYTES = 64 * 1024
READS = 16
"""In one step, so that a server that never pauses leaves time for everything else."""
_LONGEST_WAIT = 0.5 if sys.platform == "win32" else math.inf
"""On Windows Ctrl-C is only noticed between two waits."""


class Link:
    """Connects, waits, reads and writes for one session."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._selector = new_selector()
        self._waker = SocketWaker()
        self._selector.register(self._waker.selectable, EVENT_READ)
        self._transport: Transport | None = None
        self._unsent = bytearray()
        self._was_woken = False

    @property
    def is_connected(self) -> bool:
        """Is there a connection, perhaps not logged in yet?"""
        return self._transport is not None

    def connect(self, address: Address, timeout: float) -> None:
        """Make a connection for the session. What ends it later, the session hears.

        :raises Unreachable: nobody is there; the session has not heard of it.
        """
        self._transport = transport = registry.connect(address, timeout)
        self._selector.register(transport.selectable, EVENT_READ)
        self._session.connection_made(time.monotonic())

    def step(self, until: float) -> None:
        """Send what is to be sent; then wait for something to happen, at the latest until ``until``, and deal with it.

        All times are those of `time.monotonic`. It may return early for no reason.
        """
        if self._transport is None:
            self._wait(until)
            return
        self._send()
        if self.is_connected and not self._session.wants_close:
            self._wait(until)
            self._receive()
            self._session.tick(time.monotonic())
            self._send()
        if self._session.wants_close:
            self._end(None)

    def wake(self) -> None:
        """End the wait that is under way, or the next one. From any thread."""
        self._was_woken = True
        with suppress(OSError):  # closed in the same moment: nobody waits any more
            self._waker.notify()

    def take_woken(self) -> bool:
        """Was `wake` called since the last time?"""
        woken, self._was_woken = self._was_woken, False
        return woken

    def close(self) -> None:
        """Release everything."""
        self._drop()
        self._waker.close()
        self._selector.close()

    # -- steps ------------------------------------------------------------------------------------------------

    def _wait(self, until: float) -> None:
        due = self._session.next_tick
        wait = min(until, math.inf if due is None else due) - time.monotonic()
        wait = max(0.0, min(wait, _LONGEST_WAIT))
        ready = self._selector.select(None if wait == math.inf else wait)
        if any(key.fileobj is self._waker.selectable for key, _ in ready):
            self._waker.drain()

    def _send(self) -> None:
        self._unsent += self._session.data_to_send()
        if self._transport is None or not self._unsent:
            return
        try:
            with memoryview(self._unsent) as view:
                taken = self._transport.send(view)
        except OSError as error:
            # The server may have said why before it closed; that is worth more than the bare error.
            self._receive()
            self._end(error)
            return
        del self._unsent[:taken]
        # All or nothing is left of most writes, so this changes the selector rarely.
        events = EVENT_READ | EVENT_WRITE if self._unsent else EVENT_READ
        if events != self._selector.get_key(self._transport.selectable).events:
            self._selector.modify(self._transport.selectable, events)

    def _receive(self) -> None:
        """Take what is there, so that nothing that has arrived counts as silence."""
        for _ in range(READS):
            if self._transport is None or self._session.wants_close:
                return
            try:
                data = self._transport.receive(READ_BYTES)
            except OSError as error:
                self._end(error)
                return
            if not data:
                if data is not None:
                    self._end(None)
                return
            self._session.receive(data, time.monotonic())

    def _end(self, error: OSError | None) -> None:
        if self._transport is None:
            return
        self._drop()
        why = None
        if error is not None:
            why = Unreachable(ErrorCode.UNREACHABLE, f"the connection was lost: {error.strerror or error}")
        self._session.connection_lost(time.monotonic(), why)

    def _drop(self) -> None:
        if self._transport is not None:
            self._selector.unregister(self._transport.selectable)
            self._transport.close()
        self._transport = None
        self._unsent.clear()

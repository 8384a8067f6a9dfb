"""Carries a session's bytes over one transport after the other. The only place in the client that waits.

One thread uses a link; only `wake` may be called from others.
"""

import math
import sys
import time
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Protocol

from chatnet.address import Address
from chatnet.client.credentials import Channel
from chatnet.errors import ChatnetError, ErrorCode, TrustError, Unreachable
from chatnet.net.platform import new_selector
from chatnet.net.ports import Transport
from chatnet.net.trust import Trust, TrustFor, Unproven, by_authority
from chatnet.net.waker import SocketWaker
from chatnet.transports import registry

READ_BYTES = 64 * 1024
READS = 16
"""In one step, so that a server that never pauses leaves time for everything else."""
_LONGEST_WAIT = 0.5 if sys.platform == "win32" else 5.0
"""On Windows Ctrl-C is only noticed between two waits; elsewhere, too, if it comes in the moment before one begins."""


class Session(Protocol):
    """Whose bytes a link carries: a `chatnet.client.session.ClientSession`, or something shorter; see there."""

    @property
    def wants_close(self) -> bool: ...

    @property
    def next_tick(self) -> float | None: ...

    def connection_made(self, now: float, channel: Channel) -> None: ...

    def receive(self, data: bytes, now: float) -> None: ...

    def data_to_send(self) -> bytes: ...

    @property
    def has_bulk(self) -> bool:
        """Does something wait that goes out when nothing else does? Who moves no files never has such."""
        return False

    def bulk_to_send(self) -> bytes:
        """One frame of it."""
        return b""

    def tick(self, now: float) -> None: ...

    def connection_lost(self, now: float, error: ChatnetError | None) -> float | None: ...


class Link:
    """Connects, waits, reads and writes for one session."""

    def __init__(self, session: Session, trust: TrustFor = by_authority) -> None:
        """``trust``: how the server at an address has to prove itself, where it speaks TLS."""
        self._session = session
        self._trust = trust
        self._selector = new_selector()
        self._waker = SocketWaker()
        self._selector.register(self._waker.selectable, EVENT_READ)
        self._transport: Transport | None = None
        self._unsent = bytearray()
        self._favours_latency = False
        """Was this transport told to?"""
        self._was_woken = False

    @property
    def is_connected(self) -> bool:
        """Is there a connection, perhaps not logged in yet?"""
        return self._transport is not None

    def connect(self, address: Address, timeout: float) -> None:
        """Make a connection for the session. What ends it later, the session hears.

        :raises Unreachable: nobody is there; the session has not heard of it.
        :raises TrustError: the server could not prove who it is; ``seen`` is its pin, where it could be had.
        """
        deadline = time.monotonic() + timeout
        try:
            self._connect(address, self._trust(address), deadline)
        except TrustError as error:
            if error.seen is None:
                error.seen = self._look_at_pin(address, deadline)
            raise

    def _connect(self, address: Address, trust: Trust, deadline: float) -> None:
        transport = registry.connect(address, deadline - time.monotonic(), trust)
        try:
            first = self._shake_hands(transport, address, deadline)
        except BaseException:
            transport.close()
            raise
        self._transport = transport
        self._favours_latency = False
        self._selector.register(transport.selectable, EVENT_READ)
        self._session.connection_made(time.monotonic(), transport)
        if first:
            self._session.receive(first, time.monotonic())

    def _look_at_pin(self, address: Address, deadline: float) -> bytes | None:
        """OpenSSL forgets a certificate that it does not accept: ask for it once more, and say nothing."""
        transport = None
        try:
            transport = registry.connect(address, deadline - time.monotonic(), Unproven())
            self._shake_hands(transport, address, deadline)
            return transport.server_pin
        except Unreachable:
            return None
        finally:
            if transport is not None:
                transport.close()

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

    # -- the handshake ----------------------------------------------------------------------------------------

    def _shake_hands(self, transport: Transport, address: Address, deadline: float) -> bytes | None:
        """Wait until it is over, and return what came right behind it."""
        data = None
        while not transport.is_established:
            if not self._wait_for(transport, deadline):
                message = f"no TLS handshake with {address} in the time given"
                raise Unreachable(ErrorCode.TLS_FAILED, message)
            try:
                transport.flush()
                data = transport.receive(READ_BYTES)
            except OSError as error:
                message = f"the connection to {address} broke in the TLS handshake: {error.strerror or error}"
                raise Unreachable(ErrorCode.TLS_FAILED, message) from error
        return data

    def _wait_for(self, transport: Transport, deadline: float) -> bool:
        """Is it time to go on with the handshake? False when the time is over."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self._selector.register(transport.selectable, _events(transport.wants_write))
        try:
            ready = self._selector.select(min(left, _LONGEST_WAIT))
        finally:
            self._selector.unregister(transport.selectable)
        self._take_wake(ready)
        return True

    # -- steps ------------------------------------------------------------------------------------------------

    def _wait(self, until: float) -> None:
        due = self._session.next_tick
        wait = min(until, math.inf if due is None else due) - time.monotonic()
        self._take_wake(self._selector.select(max(0.0, min(wait, _LONGEST_WAIT))))

    def _take_wake(self, ready: list[tuple[SelectorKey, int]]) -> None:
        if any(key.fileobj is self._waker.selectable for key, _ in ready):
            self._waker.drain()

    def _send(self) -> None:
        self._unsent += self._session.data_to_send()
        transport = self._transport
        if transport is None:
            return
        try:
            if self._unsent or transport.wants_write:
                self._write(transport)
            if self._session.has_bulk and not self._unsent and not transport.wants_write:
                self._send_bulk(transport)
        except OSError as error:
            # The server may have said why before it closed; that is worth more than the bare error.
            self._receive()
            self._end(error)
            return
        # All or nothing is left of most writes, so this changes the selector rarely.
        events = _events(bool(self._unsent) or transport.wants_write or self._session.has_bulk)
        if events != self._selector.get_key(transport.selectable).events:
            self._selector.modify(transport.selectable, events)

    def _send_bulk(self, transport: Transport) -> None:
        """Send one frame of a file, now that nothing else waits; what comes meanwhile waits for no more than that."""
        if not self._favours_latency:
            self._favours_latency = True
            transport.favour_latency()
        self._unsent += self._session.bulk_to_send()
        self._unsent += self._session.data_to_send()
        self._write(transport)

    def _write(self, transport: Transport) -> None:
        transport.flush()
        with memoryview(self._unsent) as view:
            taken = transport.send(view) if self._unsent else 0
        del self._unsent[:taken]

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


def _events(is_full: bool) -> int:
    return EVENT_READ | EVENT_WRITE if is_full else EVENT_READ

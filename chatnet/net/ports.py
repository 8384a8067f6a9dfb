"""What the network layer needs from the layers above it, as Protocols.

A new way to carry bytes is a `Transport` with its `Listener`, a new protocol is a `Frontend`, a new place to keep
messages is a `Store`. None of them subclasses anything here; the conformance suites in `chatnet.testing` say whether
one keeps its contract.
"""

from collections.abc import Callable
from typing import Protocol

from chatnet.address import Address
from chatnet.core.entries import Batch, Completion, Query, Snapshot
from chatnet.core.file_jobs import FileAnswer, FileJob
from chatnet.events import Event
from chatnet.requests import Request

WHOLE_READ = 32 * 1024
"""Bytes that a read must have room for, so that nothing which came with them has to be held back."""


class Selectable(Protocol):
    """What a selector can wait for. Real ones are file descriptors; a memory network has its own selector."""

    def fileno(self) -> int: ...


class Transport(Protocol):
    """One connection that carries bytes, never blocking.

    All methods but `close` raise ConnectionError (or another OSError) when the connection is broken; after `close`
    nothing else is called, and `close` itself may be called twice.
    """

    @property
    def selectable(self) -> Selectable:
        """What to register with the selector, the same object for the transport's whole life."""
        ...

    @property
    def peer(self) -> str:
        """Who is at the other end, for people and logs: ``127.0.0.1:40000``, ``unix: pid 12, uid 0``."""
        ...

    @property
    def host(self) -> str:
        """The other end's numeric IP address, an IPv4 one as such; empty where there is none, or it says nothing."""
        ...

    @property
    def is_local(self) -> bool:
        """Is the other end certainly on this machine?"""
        ...

    @property
    def uid(self) -> int:
        """The operating system's user at the other end, as the kernel says; -1 where it does not."""
        ...

    @property
    def is_established(self) -> bool:
        """Is the handshake over, so that `send` takes something? At once, where there is none.

        `receive` goes on with it. At a client it raises TrustError or Unreachable if that fails.
        """
        ...

    @property
    def wants_write(self) -> bool:
        """Does it hold bytes, taken or its own, that could not go out yet? Then call `flush` when it is writable."""
        ...

    @property
    def channel_binding(self) -> bytes | None:
        """The connection's ``tls-server-end-point`` (RFC 5929) once it is established; None if it is no TLS."""
        ...

    @property
    def server_pin(self) -> bytes | None:
        """The SHA-256 of the server's public key once it is established; None if it is no TLS."""
        ...

    def receive(self, limit: int) -> bytes | None:
        """Take up to ``limit`` bytes: None when none are there yet, ``b""`` once the other side has ended its side.

        With a limit of `WHOLE_READ` or more, whatever is left behind makes it readable to the selector.
        """
        ...

    def send(self, data: bytes | memoryview) -> int:
        """Hand over bytes and return how many were taken, 0 when the way is full for now."""
        ...

    def flush(self) -> None:
        """Send what it holds, as far as the way is open, also after `end`."""
        ...

    def favour_latency(self) -> None:
        """Take little more from now on than is on its way, where the system can do that. Never fails.

        What is sent in bulk then waits before `send`, where something else can still overtake it.
        """
        ...

    def end(self) -> None:
        """Nothing more will be sent; what was sent still arrives, and the other side can go on sending."""
        ...

    def close(self) -> None:
        """Release everything at once. Bytes that the other side has not got yet may be lost."""
        ...


class Listener(Protocol):
    """An open address that accepts connections, never blocking."""

    @property
    def selectable(self) -> Selectable: ...

    @property
    def address(self) -> Address:
        """Where it listens, with the real port if it was opened with port 0."""
        ...

    def accept(self) -> Transport | None:
        """The next connection, or None if there is none now.

        :raises OSError: for instance EMFILE; the listener stays open.
        """
        ...

    def close(self) -> None:
        """Stop listening and free the address; a unix socket's file goes away. May be called twice."""
        ...


class Frontend(Protocol):
    """One connection's protocol: bytes to requests, and events to bytes. No I/O.

    ``encode`` must depend on its argument alone, and be the same object for all connections that speak the same
    dialect: the dispatcher encodes a broadcast once for each different ``encode``.
    """

    @property
    def encode(self) -> Callable[[Event], bytes]: ...

    @property
    def ready(self) -> bool:
        """Has the other side been recognised (a good preface)? Only then does the core hear of it."""
        ...

    def receive(self, data: bytes) -> None:
        """Take what arrived. Never raises; memory stays within the frame limit and one ``data``."""
        ...

    def next_request(self) -> Request | None:
        """The next whole request, or None if more bytes are needed.

        :raises ProtocolError: the other side broke the protocol; every later call raises the same.
        """
        ...

    def admit(self) -> None:
        """The session has logged in: frames may now be as big as the protocol allows."""
        ...

    def farewell(self, code: str, reason: str, retry_after: float) -> bytes:
        """The last words on this connection, in the language that the other side seems to speak."""
        ...


class Store(Protocol):
    """Where messages are kept. Asynchronous: nothing here waits, and answers come later through `completions`.

    The rules that a batch follows are in `chatnet.core.entries`.
    """

    @property
    def history(self) -> str:
        """How long messages are kept, as `Welcome` tells clients: ``none`` or ``durable``."""
        ...

    def load(self) -> Snapshot:
        """What was kept before. Called once, before anything else; may take its time."""
        ...

    def bind(self, wakeup: Callable[[], None]) -> None:
        """Call ``wakeup`` (from any thread) for each answer that was not there when `submit` or `read` returned."""
        ...

    def submit(self, batch: Batch) -> None:
        """Store a batch, after all that were submitted before."""
        ...

    def read(self, query: Query) -> None:
        """Read something; its answer may overtake those of batches submitted before."""
        ...

    def completions(self) -> list[Completion]:
        """Answers that came since the last call, those of batches in the order of submission. Never waits."""
        ...

    def acknowledge_failure(self) -> None:
        """The core has heard of the first `Failed`; batches submitted from now on are tried again."""
        ...

    def close(self) -> None:
        """Finish all submitted batches, then release everything."""
        ...


class FileStore(Protocol):
    """Where the content of files is kept. Asynchronous as a `Store` is: nothing here waits but `load` and `close`.

    The rules that jobs follow are in `chatnet.core.file_jobs`.
    """

    def load(self) -> None:
        """Make ready what was kept before. Called once, before anything else; may take its time."""
        ...

    def bind(self, wakeup: Callable[[], None]) -> None:
        """Call ``wakeup`` (from any thread) when there are answers that were not there when `submit` returned; once
        for several is enough."""
        ...

    def submit(self, job: FileJob) -> None:
        """Do this, after all that was submitted before for the same part or file."""
        ...

    def completions(self) -> list[FileAnswer]:
        """Answers that came since the last call. Never waits."""
        ...

    def close(self) -> None:
        """Finish all submitted jobs, close all parts as `ClosePart` does, then release everything."""
        ...

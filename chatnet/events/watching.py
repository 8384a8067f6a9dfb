"""How the server fares, and what happens on it; for admins who `Watch`."""

from chatnet.events.base import Event
from chatnet.model import ConnectionInfo, LogLine, Natural, Seconds, ServerInfo, Time


class Stats(Event, frozen=True, tag=80):
    """How the server fares. Counters begin at its start: two of these give a rate."""

    id: int
    """0 where it comes because of `Watch`."""
    time: Time
    """Of these figures, by the server's clock."""
    server: ServerInfo
    connections: Natural
    """Open, whoever is at the other end and whether anything was said yet."""
    sessions: Natural
    """Connections that have logged in."""
    users: Natural
    """Users who are online, each once."""
    rooms: Natural
    messages: Natural
    """Stored since the start."""
    deliveries: Natural
    """Messages handed out since the start, once for each session that got one."""
    received: Natural
    """Bytes from all clients since the start, those that are gone included; without what TLS adds."""
    sent: Natural
    """Bytes to all clients since the start, likewise."""
    queued: Natural
    """Bytes that wait for clients to read them."""
    lag: Seconds
    """The longest that the loop kept anybody waiting within the last second."""
    batches: Natural
    """Batches that wait for the store: 0 or 1 while it keeps up, else 2, however large."""
    stored: Natural
    """Bytes of the message store's files; 0 where it has none."""
    transfers: Natural
    """Uploads and downloads under way."""
    cpu: Seconds
    """Time of the processor that the server has used since its start."""
    memory: Natural
    """Bytes of memory that the process has; 0 where the system does not say."""


class LogLines(Event, frozen=True, tag=81):
    """What happened on the server, in order."""

    lines: list[LogLine]
    dropped: Natural = 0
    """How many lines are missing right before these: too much happened, or this client did not read."""


class ConnectionPage(Event, frozen=True, tag=82):
    """Some of the connections, the oldest first; ``next`` is a cursor as in the other pages."""

    id: int
    connections: list[ConnectionInfo]
    next: int = 0


class WatchEnded(Event, frozen=True, tag=83):
    """No more of what `Watch` brings: one is no admin any more."""

    code: str
    reason: str

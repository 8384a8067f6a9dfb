"""The connection itself: its first word, its last, and whether anybody is still there."""

import msgspec

from chatnet.events.base import Delay, Event


class Hello(Event, frozen=True, tag=1):
    """The server's first word, once it has seen a good preface."""

    server: bytes
    """16 bytes that name this server; guests derive their secret for it from them."""
    version: str
    """chatnet's version, for people."""
    features: list[str] = msgspec.field(default_factory=list)
    """What this server can do beyond the first version of the protocol."""


class AreYouThere(Event, frozen=True, tag=2):
    """Silence for too long; answer with `Alive`, or anything else."""


class Closing(Event, frozen=True, tag=3):
    """The server's last word before it closes the connection, and why."""

    code: str
    reason: str
    retry_after: Delay = 0.0
    """Seconds after which connecting again makes sense; 0 where the code tells."""

"""Who is at the other end of a connection, as far as the connection itself can tell."""

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """What the network knows of a connection before anything was said on it."""

    is_local: bool
    """Certainly on this machine?"""
    place: str = ""
    """Where it comes from, for limits by address: an IPv4 address, the /64 of an IPv6 address; empty if local."""
    is_private: bool = False
    """Can nobody else read it on the way: TLS, or on this machine?"""
    binding: bytes | None = None
    """The channel binding ``tls-server-end-point`` (RFC 5929); None without TLS."""
    uid: int = -1
    """The operating system's user, where the kernel says so (SO_PEERCRED); else -1."""
    login: str = ""
    """That user's login name; empty if unknown."""
    is_owner: bool = False
    """Is it the user who runs the server?"""

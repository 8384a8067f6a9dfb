"""What all requests have in common."""

import msgspec


class Request(msgspec.Struct, frozen=True, array_like=True):
    """Base of all requests."""

"""What all requests have in common."""

import msgspec


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all requests."""

"""What all events have in common."""

from typing import Annotated

import msgspec

Delay = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
"""Seconds; neither a broken nor a hostile server makes a client wait for ever."""


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all events."""

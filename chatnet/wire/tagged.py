"""The outer shape of every payload, for one of which no more can be read."""

import msgspec


class Tagged(msgspec.Struct, frozen=True, array_like=True):
    """Any request or event, known or not."""

    tag: int

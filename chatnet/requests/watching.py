"""Watching the server at work; for admins."""

from chatnet.model import Natural
from chatnet.requests.base import Request


class Watch(Request, frozen=True, tag=80):
    """Be told how the server fares until `Unwatch`; once more to change ``log``. Reply: `Done`.

    `Stats` comes at once and then every second, `LogLines` at most four times a second. Whoever does not read is told
    nothing meanwhile, and of the lines then only how many they were.
    """

    id: Natural
    log: bool = True
    """The live log too, not only the figures."""


class Unwatch(Request, frozen=True, tag=81):
    """Watch no more. Reply: `Done`."""

    id: Natural


class GetStats(Request, frozen=True, tag=82):
    """How the server fares now. Reply: `Stats`."""

    id: Natural


class ListConnections(Request, frozen=True, tag=83):
    """All connections that speak the protocol, the oldest first. Reply: `ConnectionPage`."""

    id: Natural
    cursor: Natural = 0

"""The server's end of each connection: what passes is read along, and the server's process may end there.

A process that is killed may have written to some of its peers and not to others, or a part of what it wanted to write.
"""

from collections.abc import Iterator

from chatnet.events import Ack, Deliver
from chatnet.testing.simulation.kills import Fate, ServerStep
from chatnet.testing.simulation.wiretap import TAG_AT, Turn, Wiretap
from chatnet.transports.memory import MemoryTransport
from chatnet.wire.frames import HEADER_BYTES

_DELIVER, _ACK = (event.__struct_config__.tag for event in (Deliver, Ack))


class TappedTransport(MemoryTransport):
    """The server's end of a connection, with somebody who reads along, and who may end the server's process."""

    def __init__(self, end: MemoryTransport, tap: Wiretap, turn: Turn, fate: Fate[ServerStep]) -> None:
        super().__init__(end.incoming, end.outgoing, end.peer)
        self._tap, self._turn, self._fate = tap, turn, fate

    def receive(self, limit: int) -> bytes | None:
        data = super().receive(limit)
        if data:
            self._tap.heard(data)
            self._fate.at(ServerStep.RECEIVED)
        elif data is not None:
            self._tap.ended()
        return data

    def send(self, data: bytes | memoryview) -> int:
        end = self._before_ack(bytes(data))
        if end is not None and self._fate.is_now(ServerStep.DELIVERED):
            self._tap.said(bytes(data), super().send(data[:end]))
            self._fate.end(ServerStep.DELIVERED)
        if self._turn.served - {self._tap} and self._has_messages(bytes(data)):
            self._fate.at(ServerStep.DELIVERING)
        acks = self._tap.acks
        taken = super().send(data)
        self._tap.said(bytes(data), taken)
        if self._tap.acks > acks:
            self._fate.at(ServerStep.ACKED)
        return taken

    def close(self) -> None:
        way = self.outgoing
        is_broken = way._broken or way._abandoned or way._ended
        super().close()
        self._tap.closed(is_broken=is_broken)

    def die(self) -> None:
        """The server's process is gone, and the system closes what it had open."""
        self._tap.is_open = False
        super().close()

    # -- what is about to be written --------------------------------------------------------------------------

    def _has_messages(self, data: bytes) -> bool:
        return any(tag == _DELIVER for _, tag in self._frames(data))

    def _before_ack(self, data: bytes) -> int | None:
        """Where the first ack in these bytes begins, if by then anybody has a message that was said in this turn."""
        has_message = bool(self._turn.served)
        for start, tag in self._frames(data):
            if tag == _ACK:
                return max(0, start) if has_message else None
            has_message = has_message or tag == _DELIVER
        return None

    def _frames(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where each frame begins in these bytes, and its tag; one that was begun before begins below 0."""
        begun = self._tap.begun
        data, at = begun + data, 0
        while len(data) > at + TAG_AT:
            yield at - len(begun), data[at + TAG_AT]
            at += HEADER_BYTES + int.from_bytes(data[at : at + HEADER_BYTES])

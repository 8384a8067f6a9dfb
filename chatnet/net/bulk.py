"""A connection's second lane: the frames of files, which go only where nothing else waits.

Frames cannot be mixed, so one that was begun is finished before anything else; but the next is begun only when all else
is written, and one in a turn. So what is said in the meantime goes in between, and waits for no more than the rest of
one frame and what the system holds of those before.

What is in this lane counts towards no limit of the other: the core never has more than one frame of a session in it.
"""

from collections import deque

from chatnet.net.ports import Transport


class BulkLane:
    """What of it waits for one connection."""

    __slots__ = ("_begun", "_frames", "is_due", "taken")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._begun: bytes | memoryview = b""
        """The rest of a frame of which the other side may have a part already."""
        self.is_due = False
        """May one more frame be begun in this turn?"""
        self.taken = 0
        """Bytes that the transport has taken through this lane, of both."""

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(map(len, self._frames)) + len(self._begun)

    def add(self, frame: bytes) -> None:
        """Queue a frame."""
        self._frames.append(frame)
        self.is_due = True

    def forget(self) -> None:
        """Drop what is not begun."""
        self._frames.clear()

    def write(self, transport: Transport, chat: list[bytes]) -> tuple[bytes | memoryview, int]:
        """Write what was begun, then ``chat``, then perhaps the next frame.

        :return: the rest of ``chat``, and how many frames are now handed over whole.
        :raises OSError: the connection is broken.
        """
        begun = self._begun
        pieces = [begun, *chat] if begun else chat
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if not data:
            transport.flush()
        taken = transport.send(data) if data else 0
        self.taken += taken
        self._begun = begun[taken:] or b""  # an empty view would hold on to its whole frame
        rest = data[max(taken, len(begun)) :]
        done = 1 if begun and not self._begun else 0
        if self._frames and self.is_due and taken == len(data) and not transport.wants_write:
            done += self._begin(transport)
        return rest, done

    def _begin(self, transport: Transport) -> int:
        """Write the next frame; 1 if all of it was taken."""
        self.is_due = False
        frame = self._frames[0]
        taken = transport.send(frame)
        self.taken += taken
        if taken:
            self._frames.popleft()
            self._begun = memoryview(frame)[taken:] or b""
        return int(taken == len(frame))

"""What thousands of clients heard, checked at a rate that no server reaches: each message once, whole and in order.

Every text says who said it and under which number. Taking each one apart at each client would make the load the
bottleneck, so that is done once: those who only listen in a room get the same bytes, and comparing bytes is cheap. Who
also speaks, whose bytes answers of the server are mixed into, and whoever gets something in another order, is read text
by text and compared with what the others heard. No shortcut leaves out a text, or a byte of one.
"""

import re
from bisect import bisect_right
from collections import Counter

MARK, END = b"|#>", b"<#|"
"""Around each text; their first bytes are rare in all protocols."""
NUMBER, STAMP = b"{number}", b"{nanoseconds   }"
"""What becomes the sender's own number of the message, and the time when it was sent, in as many digits."""
TEXT_BYTES = 128
_SENDER_DIGITS = 4
_NUMBER_END = _SENDER_DIGITS + len(NUMBER)
_HEAD = len(MARK) + _SENDER_DIGITS + len(NUMBER) + len(STAMP)
_REST = (
    b"the quick brown fox jumps over the lazy dog, and over it again, as if there were nothing else to do"[
        : TEXT_BYTES - _HEAD - len(END)
    ]
    + END
)
_FIND = re.compile(re.escape(MARK) + b"(.{%d})" % (_HEAD - len(MARK)) + re.escape(_REST), re.DOTALL)
"""Whole texts only: one that is damaged is as good as lost."""
_MOST_PENDING = 200_000


def name_of(sender: int) -> bytes:
    """How a text names who said it."""
    return b"%04d" % sender


def text_of(sender: int) -> bytes:
    """What a sender says, with places for the number and the time."""
    return MARK + name_of(sender) + NUMBER + STAMP + _REST


def sender_in(item: bytes) -> bytes:
    """Whose item it is: an item is what a text says of itself."""
    return item[:_SENDER_DIGITS]


def stamp_in(item: bytes) -> int:
    """When it was sent."""
    return int(item[-len(STAMP) :])


class Log:
    """The messages of one room, in the order in which somebody heard them first."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.faults: Counter[str] = Counter()
        self.said: dict[bytes, int] = {}
        """By sender of this room: messages in the log."""
        self.told: dict[bytes, int] = {}
        """The same, as far as other speakers heard them who do not hear themselves."""

    def heard_of(self, sender: bytes) -> int:
        """How many messages of a sender anybody heard."""
        return max(self.said[sender], self.told.get(sender, 0))

    def extend(self, items: list[bytes]) -> None:
        """News, heard by one client."""
        check(items, self.said, self.faults)
        self.items += items


def check(items: list[bytes], last: dict[bytes, int], faults: Counter[str]) -> None:
    """Each sender's numbers go on where they were; ``last`` has those of all who speak in the room."""
    for item in items:
        sender, number = item[:_SENDER_DIGITS], item[_SENDER_DIGITS:_NUMBER_END]
        before = last.get(sender)
        if before is None or not number.isdigit():
            faults["damaged, or heard in another room"] += 1
            continue
        n = int(number)
        if n != before + 1:
            faults["lost or damaged" if n > before else "heard twice or out of order"] += 1
        last[sender] = n


class Reader:
    """Takes apart all that one client gets, and compares it with the log."""

    def __init__(self, log: Log, at: int = 0, carry: bytes = b"") -> None:
        self.heard = at
        """Messages; those of the log up to here, if nothing is `pending`."""
        self.pending: list[bytes] = []
        """Heard in another order than the log's: it may be caught up with."""
        self.detours = 0
        """How often that was so."""
        self.rest = carry
        """What came behind the last whole text."""
        self.log = log

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came; the items in it."""
        if self.rest:
            data = self.rest + data
        end = data.rfind(END) + len(END)
        if end < len(END):
            self.rest = data
            return []
        items = _FIND.findall(data, 0, end)
        self.rest = data[end:]
        self.hear(items)
        return items

    def hear(self, items: list[bytes]) -> None:
        """One after the other."""
        log = self.log
        if not self.pending:
            known = log.items[self.heard : self.heard + len(items)]
            if known == items:
                self.heard += len(items)
                return
            if known == items[: len(known)]:
                log.extend(items[len(known) :])
                self.heard += len(items)
                return
            self.detours += 1
        self.pending += items
        if len(self.pending) < _MOST_PENDING:
            self._settle()

    def _settle(self) -> None:
        """A server may tell one client of two senders in another order than another client; each sender's own order
        must be kept.
        """
        log, pending = self.log, self.pending
        known = log.items[self.heard : self.heard + len(pending)]
        if len(known) < len(pending):
            old = set(known)
            log.extend([item for item in pending if item not in old])
            known = log.items[self.heard : self.heard + len(pending)]
        if sorted(known, key=sender_in) == sorted(pending, key=sender_in):
            self.heard += len(pending)
            self.pending = []

    def missing(self) -> int:
        """How many messages of the log this client has not heard, or not as they were said."""
        return len(self.log.items) - self.heard


class Solo(Reader):
    """One who does not hear what it says itself: each sender's order is checked for it alone."""

    def __init__(self, log: Log, own: bytes) -> None:
        super().__init__(log)
        self._own = own
        self._last = dict.fromkeys(log.said, 0)

    def hear(self, items: list[bytes]) -> None:
        """One after the other."""
        check(items, self._last, self.log.faults)
        self.heard += len(items)
        told = self.log.told
        for sender, n in self._last.items():
            if n > told.get(sender, 0):
                told[sender] = n

    def missing(self) -> int:
        """How many messages this client has not heard."""
        return sum(self.log.heard_of(sender) - n for sender, n in self._last.items() if sender != self._own)


class Stream:
    """The bytes that all get who only listen in a room."""

    def __init__(self, log: Log) -> None:
        self.data = bytearray()
        self.ends: list[int] = []
        """Where in the bytes each text ends."""
        self.unsure = 0
        """Up to this text, the order may be another one than the log's."""
        self.log = log
        self._reader = Reader(log)

    def append(self, data: bytes) -> None:
        """Bytes that somebody was the first to get."""
        start = self.ends[-1] if self.ends else 0
        self.data += data
        items = []
        for match in _FIND.finditer(self.data, start):
            items.append(match[1])
            self.ends.append(match.end())
        detours = self._reader.detours
        self._reader.hear(items)
        if self._reader.pending or self._reader.detours != detours:
            self.unsure = len(self.ends)


class Follower:
    """One who only listens: most of what it gets has been heard by another before, byte by byte."""

    def __init__(self, stream: Stream) -> None:
        self.log = stream.log
        self._stream = stream
        self._at = 0
        self._reader: Reader | None = None

    @property
    def heard(self) -> int:
        """Messages."""
        return self._reader.heard if self._reader is not None else bisect_right(self._stream.ends, self._at)

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came; nobody waits for its items."""
        stream = self._stream
        if self._reader is None:
            if stream.data.startswith(data, self._at):
                self._at += len(data)
                return []
            known = len(stream.data) - self._at
            if known < len(data) and stream.data.endswith(data[:known]):
                stream.append(data[known:])
                self._at += len(data)
                return []
            self._reader = self._leave()
        self._reader.feed(data)
        self._come_back(self._reader)
        return []

    def _leave(self) -> Reader:
        """From now on, it is read alone."""
        heard, stream = self.heard, self._stream
        start = stream.ends[heard - 1] if heard else 0
        return Reader(self.log, heard, bytes(stream.data[start : self._at]))

    def _come_back(self, reader: Reader) -> None:
        """As soon as it has heard the same as the others, and goes on with the same bytes."""
        stream, n = self._stream, reader.heard
        if reader.pending or not stream.unsure < n <= len(stream.ends):
            return
        end = stream.ends[n - 1]
        if stream.data.startswith(reader.rest, end):
            self._at = end + len(reader.rest)
            self._reader = None

    def missing(self) -> int:
        """How many messages of the log this client has not heard, or not as they were said."""
        return len(self.log.items) - self.heard


Ear = Reader | Follower

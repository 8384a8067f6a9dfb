"""Messages as rows of the message list: day separators, runs of one sender, times and marks.

A row is a value: two rows that are equal look the same, so the list changes only what differs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from zlib import crc32

from chatnet.model import Kind, Message, Seq, User, UserId
from chatnet_gui.viewmodels.segments import Segment, line, segments

SENDER_COLOURS = 8
RUN_SECONDS = 300
"""A later message of the same sender gets a line with name and time again."""
FOLD_CHARACTERS = 1500
FOLD_LINES = 15
"""What is longer is folded."""
FOLDED_CHARACTERS = 600
FOLDED_LINES = 6


@dataclass(frozen=True, slots=True)
class Row:
    """Some whole lines of the list; the last segment ends with a newline."""

    key: str
    """Tells it from the other rows: ``m12`` is the message 12, ``p3`` a pending one, ``d...`` a day, ``new``."""
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """All of it, without tags."""
        return "".join(text for text, _ in self.segments)


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that the server has not stored yet, or has refused."""

    token: int
    text: str
    kind: Kind = Kind.TEXT
    refused: str = ""
    """Why it never will be stored."""


@dataclass(frozen=True, slots=True)
class Look:
    """What rows depend on besides the messages."""

    me: User
    today: date
    hours24: bool = True
    zone: tzinfo | None = None
    """None for the system's."""
    new_from: Seq = 0
    """The first message under the line of new messages; 0 for no line."""
    delivered: Seq = 0
    """How far the other one of a personal chat has got."""
    read: Seq = 0
    people: frozenset[str] = frozenset()
    unfolded: frozenset[Seq] = field(default=frozenset())


class RowCache:
    """Rows that were made before: drawing again after one more message must not cost as much as the first time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[Seq, tuple[object, Row]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, seq: Seq, key: object, make: Callable[[], Row]) -> Row:
        """The row of a message; ``key`` is all that it depends on besides the message."""
        found = self._rows.get(seq)
        if found is None or found[0] != key:
            if len(self._rows) >= self._most:
                self._rows.clear()
            found = self._rows[seq] = (key, make())
        return found[1]


def rows(
    messages: Sequence[Message], pending: Iterable[Pending], look: Look, cache: RowCache | None = None
) -> list[Row]:
    """All rows, from the oldest message to what is not sent yet."""
    cache = RowCache(len(messages) + 1) if cache is None else cache
    marks = _marks(messages, look)
    made: list[Row] = []
    before: Message | None = None
    day: date | None = None
    for message in messages:
        moment = datetime.fromtimestamp(message.time / 1000, look.zone)
        if day != moment.date():
            day, before = moment.date(), None
            made.append(_day(day, look.today))
        if message.seq == look.new_from:
            made.append(Row("new", (("New messages\n", ("new",)),)))
            before = None
        is_run, mark = _is_run(before, message), marks.get(message.seq, "")
        key = (is_run, mark, message.seq in look.unfolded, look.hours24, look.zone, look.me, look.people)
        made.append(cache.get(message.seq, key, partial(_message, message, moment, look, is_run, mark)))
        before = message
    made += [_pending(waiting, look) for waiting in pending]
    return made


def sender_colour(user: UserId, name: str) -> int:
    """Which of the `SENDER_COLOURS` a user has: the same in every window, whatever happens."""
    return (user or crc32(name.casefold().encode())) % SENDER_COLOURS


def clock(moment: datetime, *, hours24: bool) -> str:
    """The time of day."""
    if hours24:
        return f"{moment:%H:%M}"
    return f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def day_name(day: date, today: date) -> str:
    """A day as people say it."""
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day:%A}, {day.day} {day:%B}{year}"


def is_long(body: str) -> bool:
    """Is it folded?"""
    return len(body) > FOLD_CHARACTERS or body.count("\n") >= FOLD_LINES


# -- parts ----------------------------------------------------------------------------------------------------


def _day(day: date, today: date) -> Row:
    return Row(f"d{day.isoformat()}", ((f"{day_name(day, today)}\n", ("day",)),))


def _is_run(before: Message | None, message: Message) -> bool:
    return (
        before is not None
        and (before.sender, before.name, before.display) == (message.sender, message.name, message.display)
        and message.time - before.time < RUN_SECONDS * 1000
        and before.kind not in (Kind.ACTION, Kind.SYSTEM)
        and message.kind not in (Kind.ACTION, Kind.SYSTEM)
    )


def _message(message: Message, moment: datetime, look: Look, is_run: bool, mark: str) -> Row:
    time = clock(moment, hours24=look.hours24)
    end: tuple[Segment, ...] = ((f"  {mark}\n", ("body", "mark")),) if mark else (("\n", ("body",)),)
    colour = f"sender{sender_colour(message.sender, message.name)}"
    name = line(message.name)
    if message.kind == Kind.SYSTEM:
        return Row(f"m{message.seq}", ((f"{line(message.body)}  {time}\n", ("system",)),))
    if message.kind == Kind.ACTION:
        said = segments(message.body, look.me.name, look.people, ("action",))
        head: tuple[Segment, ...] = (("* ", ("action",)), (name, ("action", colour)), (" ", ("action",)))
        return Row(f"m{message.seq}", (*head, *said, (f"  {time}\n", ("action", "time"))))
    return Row(f"m{message.seq}", (*(() if is_run else _header(message, time, colour)), *_body(message, look), *end))


def _header(message: Message, time: str, colour: str) -> Iterator[Segment]:
    yield line(message.display or message.name), ("header", "sender", colour)
    if message.display:
        yield f"  {line(message.name)}", ("header", "login")
    yield f"  {time}\n", ("header", "time")


def _body(message: Message, look: Look) -> Iterator[Segment]:
    label = {Kind.ASK: "asks: ", Kind.ANSWER: "answers: "}.get(message.kind, "")
    if label:
        yield label, ("body", "mark")
    body = message.body.rstrip("\n")
    if not is_long(body):
        yield from segments(body, look.me.name, look.people, ("body",))
        return
    if message.seq in look.unfolded:
        yield from segments(body, look.me.name, look.people, ("body",))
        yield "\n", ("body",)
        yield "Show less", ("body", "fold")
        return
    shown = "\n".join(body[:FOLDED_CHARACTERS].split("\n")[:FOLDED_LINES])
    yield from segments(shown, look.me.name, look.people, ("body",))
    yield "…\n", ("body",)
    yield f"Show all {len(body):,} characters", ("body", "fold")


def _pending(waiting: Pending, look: Look) -> Row:
    body = waiting.text.rstrip("\n")
    start: tuple[Segment, ...] = ()
    if waiting.kind == Kind.ACTION:
        start = ((f"* {line(look.me.name)} ", ("body", "pending")),)
    said = segments(body, "", (), ("body", "pending"))
    if waiting.refused:
        note: tuple[Segment, ...] = ((f"\nNot sent: {line(waiting.refused)}\n", ("body", "refused")),)
    else:
        note = (("  waiting…\n", ("body", "mark")),)
    return Row(f"p{waiting.token}", (*start, *said, *note))


def _marks(messages: Sequence[Message], look: Look) -> dict[Seq, str]:
    """The newest of one's own messages that was read, and the newest that was only delivered."""
    own = [m.seq for m in messages if m.sender == look.me.id and m.kind not in (Kind.ACTION, Kind.SYSTEM)]
    found: dict[Seq, str] = {}
    delivered = max((seq for seq in own if seq <= look.delivered), default=0)
    read = max((seq for seq in own if seq <= look.read), default=0)
    if delivered > read:
        found[delivered] = "✓ delivered"
    if read:
        found[read] = "✓✓ read"
    return found

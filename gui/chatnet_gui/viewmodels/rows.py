"""Messages as rows of the message list: day separators, runs of one sender, times and marks.

A row is a value: two rows that are equal look the same, so the list changes only what differs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from zlib import crc32

from chatnet.model import Kind, Message, Seq, User, UserId
from chatnet_gui.viewmodels.file_rows import ACTION, NO_FILES, FilesLook, file_segments
from chatnet_gui.viewmodels.segments import Segment, line, segments

SENDER_COLOURS = 8
RUN_SECONDS = 300
"""A later message of the same sender gets a line with name and time again."""
FOLD_CHARACTERS = 1500
FOLD_LINES = 15
"""What is longer is folded."""
FOLDED_CHARACTERS = 600
FOLDED_LINES = 6


class Row:
    """Some whole lines of the list; the last segment ends with a newline.

    The segments are made when somebody asks for them: in a burst most rows are never drawn.
    """

    __slots__ = ("_segments", "key")

    def __init__(self, key: str, segments: tuple[Segment, ...] | Callable[[], tuple[Segment, ...]]) -> None:
        self.key = key
        """Tells it from the other rows: ``m12`` is the message 12, ``p3`` a pending one, ``d...`` a day, ``new``."""
        self._segments = segments

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What it shows."""
        if callable(self._segments):
            self._segments = self._segments()
        return self._segments

    @property
    def text(self) -> str:
        """All of it, without tags."""
        return "".join(text for text, _ in self.segments)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return self is other or (self.key == other.key and self.segments == other.segments)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Row({self.key!r}, {self.segments!r})"


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
    files: FilesLook = NO_FILES


class _Made:
    """A message's row, with all that it depends on."""

    __slots__ = ("before", "day", "file", "is_unfolded", "look", "mark", "message", "people", "row")

    def __init__(self, message: Message, before: Message | None, mark: str, look: Look, look_key: object) -> None:
        moment = _moment(message, look)
        self.message, self.before, self.mark, self.look = message, before, mark, look_key
        self.day = moment.date()
        self.is_unfolded = message.seq in look.unfolded
        self.people = look.people if "@" in message.body else None
        """Only names with an @ before them are shown as such."""
        self.file = look.files.of(message) if message.kind == Kind.FILE else None
        make = partial(_message, message, moment, look, _is_run(before, message), mark)
        self.row = Row(f"m{message.seq}", make)


class RowCache:
    """Rows that were made before: drawing again after one more message must not cost as much as the first time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[Seq, _Made] = {}
        self._look: tuple[object, ...] = ()

    def __len__(self) -> int:
        return len(self._made)

    def key_of(self, look: Look) -> object:
        """What all rows depend on; the same object as long as it is the same."""
        key = (look.me, look.hours24, look.zone)
        if key != self._look:
            self._look = key
        return self._look

    def day_of(self, message: Message, look: Look) -> date:
        """On which day it was said."""
        made = self._made.get(message.seq)
        return made.day if made is not None and made.message is message else _moment(message, look).date()

    def get(self, message: Message, before: Message | None, mark: str, look: Look, look_key: object) -> Row:
        """The row of a message that stands below another one, or below none."""
        made = self._made.get(message.seq)
        if (
            made is None
            or made.message is not message
            or made.before is not before
            or made.look is not look_key
            or made.mark != mark
            or (made.people is not None and made.people != look.people)
            or made.is_unfolded != (message.seq in look.unfolded)
            or (made.file is not None and made.file != look.files.of(message))
        ):
            made = _Made(message, before, mark, look, look_key)
            while len(self._made) >= self._most:
                del self._made[next(iter(self._made))]
            self._made[message.seq] = made
        return made.row


def rows(
    messages: Sequence[Message], pending: Iterable[Pending], look: Look, cache: RowCache | None = None
) -> list[Row]:
    """All rows, from the oldest message to what is not sent yet."""
    cache = RowCache(len(messages) + 1) if cache is None else cache
    marks, look_key = _marks(messages, look), cache.key_of(look)
    found: list[Row] = []
    before: Message | None = None
    day: date | None = None
    for message in messages:
        if (its_day := cache.day_of(message, look)) != day:
            day, before = its_day, None
            found.append(_day(day, look.today))
        if message.seq == look.new_from:
            found.append(Row("new", (("New messages\n", ("new",)),)))
            before = None
        found.append(cache.get(message, before, marks.get(message.seq, ""), look, look_key))
        before = message
    found += [_pending(waiting, look) for waiting in pending]
    return found


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


def _moment(message: Message, look: Look) -> datetime:
    return datetime.fromtimestamp(message.time / 1000, look.zone)


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


def _message(message: Message, moment: datetime, look: Look, is_run: bool, mark: str) -> tuple[Segment, ...]:
    time = clock(moment, hours24=look.hours24)
    colour = f"sender{sender_colour(message.sender, message.name)}"
    if message.kind == Kind.SYSTEM:
        return ((f"{line(message.body)}  {time}\n", ("system",)),)
    if message.kind == Kind.ACTION:
        said = segments(message.body, look.me.name, look.people, ("action",))
        before: tuple[Segment, ...] = (
            ("* ", ("action",)), (line(message.name), ("action", colour)), (" ", ("action",)),
        )  # fmt: skip
        return (*before, *said, (f"  {time}\n", ("action", "time")))
    start = () if is_run else tuple(_header(message, time, colour))
    end: Segment = (f"  {mark}\n", ("body", "mark")) if mark else ("\n", ("body",))
    if message.kind != Kind.FILE:
        return (*start, *_body(message, look), end)
    caption = (*_body(message, look), ("\n", ("body",))) if message.body.strip() else ()
    return (*start, *caption, *file_segments(message.file, look.files.of(message)), end)


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
        yield "Show less", ("body", ACTION, f"{ACTION}:fold")
        return
    shown = "\n".join(body[:FOLDED_CHARACTERS].split("\n")[:FOLDED_LINES])
    yield from segments(shown, look.me.name, look.people, ("body",))
    yield "…\n", ("body",)
    yield f"Show all {len(body):,} characters", ("body", ACTION, f"{ACTION}:fold")


def _pending(waiting: Pending, look: Look) -> Row:
    body = waiting.text.rstrip("\n")
    start: tuple[Segment, ...] = ()
    if waiting.kind == Kind.ACTION:
        start = ((f"* {line(look.me.name)} ", ("body", "pending")),)
    said = segments(body, "", (), ("body", "pending"))
    if waiting.refused:
        note: tuple[Segment, ...] = (
            (f"\nNot sent: {line(waiting.refused)}\n", ("body", "refused")),
            ("Edit it", ("body", ACTION, f"{ACTION}:edit")), ("    ", ("body",)),
            ("Dismiss it", ("body", ACTION, f"{ACTION}:dismiss")), ("\n", ("body",)),
        )  # fmt: skip
    else:
        note = (("  waiting…\n", ("body", "mark")),)
    return Row(f"p{waiting.token}", (*start, *said, *note))


def _marks(messages: Sequence[Message], look: Look) -> dict[Seq, str]:
    """The newest of one's own messages that was read, and the newest that was only delivered."""
    if not look.delivered and not look.read:
        return {}
    own = [m.seq for m in messages if m.sender == look.me.id and m.kind not in (Kind.ACTION, Kind.SYSTEM)]
    found: dict[Seq, str] = {}
    delivered = max((seq for seq in own if seq <= look.delivered), default=0)
    read = max((seq for seq in own if seq <= look.read), default=0)
    if delivered > read:
        found[delivered] = "✓ delivered"
    if read:
        found[read] = "✓✓ read"
    return found

"""The live log: what happens on the server, line by line as it is shown, with a filter, a pause, and a bound.

The rule kept here: however much happens, only the last `KEPT` lines are kept and the last `SHOWN` of those that pass
the filter are shown. What is missing is counted, and the log says where. Of personal chats it knows no more than who
wrote to whom, and how much.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatnet.model import Act, Happening, LogLine
from chatnet_gui.viewmodels.rows import clock
from chatnet_gui.viewmodels.segments import Segment, line

KEPT = 5000
SHOWN = 600
EVERYTHING, MESSAGES, PEOPLE, PROBLEMS = "Everything", "Messages", "People", "Problems"
CHOICES = (EVERYTHING, MESSAGES, PEOPLE, PROBLEMS)
"""What can be chosen to be shown."""
_GROUPS = {
    Happening.SAID: MESSAGES,
    Happening.SAID_PRIVATELY: MESSAGES,
    Happening.FILE_SHARED: MESSAGES,
    Happening.LOGIN_REFUSED: PROBLEMS,
    Happening.STORE_FAILED: PROBLEMS,
}
_PRIVATE_ROOM = "a private room"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line: its pieces with their tags, and under which choice it falls."""

    group: str
    segments: tuple[Segment, ...]
    folded: str
    """Its text, for the filter."""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.segments)


@dataclass(frozen=True, slots=True)
class LogUpdate:
    """What has changed on the screen: first everything goes if ``anew``, or else the oldest ``removed``; then
    ``added`` follow at the end.
    """

    anew: bool
    removed: int
    added: Sequence[LogRow]


class LogModel:
    """``hours24``: how times are written, from now on."""

    def __init__(self, *, hours24: bool = True) -> None:
        self.hours24 = hours24
        self.words = ""
        self.choice = EVERYTHING
        self.is_paused = False
        self.left_out = 0
        """How many lines never came here, in all."""
        self.waiting = 0
        """How many have come since the pause began."""
        self._rows: deque[LogRow] = deque(maxlen=KEPT)
        self._shown: deque[LogRow] = deque(maxlen=SHOWN)
        self._anew, self._removed = True, 0
        self._added: list[LogRow] = []

    # -- what comes -------------------------------------------------------------------------------------------

    def add(self, lines: Iterable[LogLine], dropped: int = 0) -> None:
        """What happened; ``dropped`` lines are missing right before these."""
        if dropped:
            self.left_out += dropped
            self._take(_row(PROBLEMS, [(f"… {dropped:,} {_plural('line', dropped)} left out", ("gap",))]))
        for happened in lines:
            self._take(_row(_GROUPS.get(happened.what, PEOPLE), [self._time(happened.time), *_told(happened)]))

    def say(self, text: str, *, time: int, is_problem: bool = False) -> None:
        """Something that the window, or the server's own output, has to say."""
        tag = "problem" if is_problem else "note"
        self._take(_row(PROBLEMS if is_problem else PEOPLE, [self._time(time), (line(text), (tag,))]))

    # -- what the user does -----------------------------------------------------------------------------------

    def filter(self, words: str, choice: str) -> None:
        """Show only lines with all of these words, of this kind."""
        if (words, choice) != (self.words, self.choice):
            self.words, self.choice = words, choice
            self._show_anew()

    def pause(self, paused: bool) -> None:
        """Let the lines stand still, or go on with all that have come meanwhile."""
        if paused != self.is_paused:
            self.is_paused = paused
            if not paused:
                self._show_anew()

    def clear(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self.left_out = self.waiting = 0
        self._show_anew()

    @property
    def summary(self) -> str:
        """What is missing from what is shown."""
        parts = []
        if self.is_paused:
            parts.append(f"paused, {self.waiting:,} new")
        if self.left_out:
            parts.append(f"{self.left_out:,} left out")
        return "; ".join(parts)

    # -- what is shown ----------------------------------------------------------------------------------------

    def take_update(self) -> LogUpdate | None:
        """What has changed since the last call; None if nothing has."""
        if not (self._anew or self._added or self._removed):
            return None
        update = LogUpdate(self._anew, self._removed, list(self._shown) if self._anew else self._added)
        self._anew, self._removed, self._added = False, 0, []
        return update

    def _take(self, row: LogRow) -> None:
        self._rows.append(row)
        if self.is_paused:
            self.waiting += 1
        elif self._passes(row):
            self._show(row)

    def _show(self, row: LogRow) -> None:
        if len(self._shown) == SHOWN:
            self._removed += 1
        self._shown.append(row)
        self._added.append(row)
        if len(self._added) >= SHOWN:
            self._anew = True  # nothing of what was there is left
            self._added, self._removed = [], 0

    def _show_anew(self) -> None:
        words, rows = self.words.casefold().split(), list(self._rows)
        if self.is_paused:
            rows = rows[: max(0, len(rows) - self.waiting)]
        else:
            self.waiting = 0
        self._shown = deque((row for row in rows if self._passes(row, words)), maxlen=SHOWN)
        self._anew, self._removed, self._added = True, 0, []

    def _passes(self, row: LogRow, words: Sequence[str] | None = None) -> bool:
        if self.choice not in (EVERYTHING, row.group):
            return False
        return all(word in row.folded for word in (self.words.casefold().split() if words is None else words))

    def _time(self, moment: int) -> Segment:
        when = datetime.fromtimestamp(moment / 1000)
        shown = f"{when:%H:%M:%S}" if self.hours24 else clock(when, hours24=False)
        return f"{shown}  ", ("time",)


def _row(group: str, segments: Sequence[Segment]) -> LogRow:
    return LogRow(group, tuple(segments), "".join(text for text, _ in segments).casefold())


# -- words ----------------------------------------------------------------------------------------------------


def _told(happened: LogLine) -> list[Segment]:
    """What happened, in words."""
    who: Segment = (line(happened.name) or "somebody", ("name",))
    where = line(happened.target)
    match happened.what:
        case Happening.SAID:
            return [who, (f" in {where}: ", ("muted",)), (_text(happened), ())]
        case Happening.SAID_PRIVATELY:
            told = f"{happened.characters:,} {_plural('character', happened.characters)}"
            return [who, (f" -> {where or _PRIVATE_ROOM}, {told}", ("muted",))]
        case Happening.FILE_SHARED if happened.conversation:
            return [who, (f" in {where}: ", ("muted",)), (f"file {_text(happened)}", ())]
        case Happening.FILE_SHARED:
            return [who, (f" -> {where or _PRIVATE_ROOM}, a file", ("muted",))]
        case Happening.LOGIN_REFUSED:
            return [who, (f" at {where} was not let in: {line(happened.text)}", ("problem",))]
        case Happening.STORE_FAILED:
            return [(f"The store failed: {line(happened.text) or where}", ("problem",))]
        case Happening.MODERATED:
            return [who, (_moderated(happened), ("note",))]
        case _:
            return [who, (_moved(happened, where), ("muted",))]


def _moved(happened: LogLine, where: str) -> str:
    """Who comes and who goes."""
    why = f": {line(happened.text)}" if happened.text else ""
    match happened.what:
        case Happening.LOGGED_IN:
            return f" logged in from {where}"
        case Happening.LEFT:
            return f" left{why}"
        case Happening.JOINED:
            return f" joined {where or _PRIVATE_ROOM}"
        case Happening.PARTED:
            return f" left {where or _PRIVATE_ROOM}"
        case Happening.ROOM_MADE:
            return f" made {f'the room {where}' if where else _PRIVATE_ROOM}"
        case Happening.RENAMED:
            return f" is called {where} now"
        case _:
            return f": {happened.what.name.lower().replace('_', ' ')}{why}"


def _moderated(happened: LogLine) -> str:
    act = happened.act.name.lower().replace("_", " ") if isinstance(happened.act, Act) else "did something to"
    detail = f" ({line(happened.text)})" if happened.text else ""
    return f": {act} {line(happened.target)}{detail}"


def _text(happened: LogLine) -> str:
    cut = "…" if happened.characters > len(happened.text) else ""
    return line(happened.text) + cut


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"

"""The table of connected clients: its rows as they are shown, in the order of one of its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatnet.auth.names import fold
from chatnet.model import ConnectionInfo, SessionId
from chatnet.quantities import show_size
from chatnet_gui.viewmodels.rows import clock
from chatnet_gui.viewmodels.segments import line

MOST = 500
"""Rows that are shown."""
_Key = Callable[[ConnectionInfo], str | float]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name for programs and for people, and what it is sorted by."""

    name: str
    title: str
    key: _Key
    is_number: bool = False


COLUMNS: Sequence[Column] = (
    Column("name", "Name", lambda c: fold(c.user.name) if c.user is not None else ""),
    Column("address", "Address", lambda c: c.address),
    Column("transport", "Transport", lambda c: c.transport),
    Column("since", "Since", lambda c: c.since, is_number=True),
    Column("sent", "Sent", lambda c: c.sent, is_number=True),
    Column("received", "Received", lambda c: c.received, is_number=True),
    Column("queue", "Queue", lambda c: c.queued, is_number=True),
    Column("idle", "Idle", lambda c: c.idle, is_number=True),
)
_BY_NAME = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One row: what identifies it, and what stands in its columns."""

    key: str
    cells: tuple[str, ...]
    user: str
    """The login name; empty before the login."""
    is_own: bool
    """Is it this window?"""

    @property
    def can_be_moderated(self) -> bool:
        """Is there somebody behind it who can be told something, or put out?"""
        return bool(self.user) and not self.is_own


class ClientTable:
    """``sort``: as in the settings."""

    def __init__(self, sort: str = "name") -> None:
        self._column = _BY_NAME.get(sort.lstrip("-"), COLUMNS[0])
        self._is_descending = sort.startswith("-")
        self._connections: list[ConnectionInfo] = []
        self._own: SessionId = 0

    @property
    def sort(self) -> str:
        """For the settings."""
        return f"{'-' if self._is_descending else ''}{self._column.name}"

    def sort_by(self, name: str) -> None:
        """Sort by a column; once more turns the order round."""
        column = _BY_NAME[name]
        self._is_descending = column is self._column and not self._is_descending
        self._column = column

    def heading(self, column: Column) -> str:
        """The title, with an arrow where the table is sorted by it."""
        if column is not self._column:
            return column.title
        return f"{column.title} {'▼' if self._is_descending else '▲'}"

    def replace(self, connections: Sequence[ConnectionInfo], own: SessionId) -> None:
        """These are connected now; ``own`` is this window's session."""
        self._connections, self._own = list(connections), own

    def __len__(self) -> int:
        """How many are connected, this window too."""
        return len(self._connections)

    def people(self) -> list[str]:
        """The login names of all others who are there."""
        names = {fold(c.user.name): c.user.name for c in self._connections if c.user and not self._is_own(c)}
        return sorted(names.values(), key=fold)

    def places_of(self, user: str) -> int:
        """From how many places somebody is connected."""
        return sum(c.user is not None and c.user.name == user for c in self._connections)

    def rows(self, *, hours24: bool, now: datetime | None = None) -> list[ClientRow]:
        """The rows in their order, at most `MOST`. Equal ones are in the order in which they came."""
        today = (now or datetime.now()).date()
        ordered = sorted(self._connections, key=self._column.key, reverse=self._is_descending)
        return [self._row(c, lambda moment: _since(moment, today, hours24)) for c in ordered[:MOST]]

    def _row(self, connection: ConnectionInfo, since: Callable[[int], str]) -> ClientRow:
        user = connection.user.name if connection.user is not None else ""
        is_own = self._is_own(connection)
        shown = f"{line(user)} (this window)" if is_own else line(user) or "(not logged in)"
        cells = (
            shown, line(connection.address), connection.transport, since(connection.since),
            show_size(connection.sent), show_size(connection.received), show_size(connection.queued),
            span(connection.idle),
        )  # fmt: skip
        return ClientRow(str(connection.number), cells, user, is_own)

    def _is_own(self, connection: ConnectionInfo) -> bool:
        return bool(self._own) and connection.session == self._own


def _since(moment: int, today: object, hours24: bool) -> str:
    when = datetime.fromtimestamp(moment / 1000)
    return clock(when, hours24=hours24) if when.date() == today else f"{when:%d %b}"


def span(seconds: float) -> str:
    """A time, as short as a table wants it."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"

"""Which rows to put into a widget next, and where: so that no step takes long, however many rows are to be shown.

A step begins where the reader is, and takes in what is there already and a bounded amount of what is not. What is left
out above or below follows with later steps; the rows in the widget are always a piece without a gap.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatnet_gui.viewmodels.rows import Row

STEP_POINTS = 150
"""How much one step puts in. A row of one short line counts 2, and 1 more for every 100 characters."""
_MOST_POINTS = 30
"""Of one row, so that there is room for any."""
_FEWEST_POINTS = 2 * _MOST_POINTS
"""Of a step, half of which may be for what is below."""


@dataclass(frozen=True, slots=True)
class Change:
    """Put ``rows`` in the place of those from ``start`` to before ``stop``."""

    start: int
    stop: int
    rows: Sequence[Row]


def step(shown: Sequence[Row], wanted: Sequence[Row], at: int, most: int = STEP_POINTS) -> range:
    """The part of ``wanted`` to show next. It has the row number ``at`` in it, which is before the reader's eyes."""
    if not wanted:
        return range(0)
    known = {row.key: row for row in shown}
    below, used = _fitting(wanted[at:], known, most // 2)
    above, used_above = _fitting(reversed(wanted[:at]), known, most - used)
    if above == at:  # all of them
        below, _ = _fitting(wanted[at:], known, most - used_above)
    return range(at - above, at + below)


def fitted(points: int, excess: float) -> int:
    """How much the next step may put in, if one that might put in ``points`` has taken so many times what it may."""
    return STEP_POINTS if excess <= 0 else max(_FEWEST_POINTS, min(STEP_POINTS, round(points / excess)))


def changes(old: Sequence[Row], new: Sequence[Row]) -> Iterator[Change]:
    """What turns one list of rows into another, each change upon what those before it have made.

    What both have stays where it is, if it is the same, so a reader there is not disturbed.
    """
    where = {row.key: index for index, row in enumerate(new)}
    last = next((i for i in range(len(old) - 1, -1, -1) if old[i].key in where), -1)
    end = where[old[last].key] if last >= 0 else -1
    yield from _change(last + 1, len(old), new[end + 1 :])
    # From here on the two lists end alike: what is the same at the end stays, then what is the same at the start.
    same, most = 0, min(last, end) + 1
    while same < most and old[last - same] == new[end - same]:
        same += 1
    start = 0
    while start < most - same and old[start] == new[start]:
        start += 1
    yield from _change(start, last + 1 - same, new[start : end + 1 - same])


def _change(start: int, stop: int, rows: Sequence[Row]) -> Iterator[Change]:
    if start < stop or rows:
        yield Change(start, stop, rows)


def _fitting(rows: Iterable[Row], known: Mapping[str, Row], most: int) -> tuple[int, int]:
    """How many of these rows there is room for, from the first on; and the points that they take."""
    count = used = 0
    for row in rows:
        found = known.get(row.key)
        if found is None or found != row:
            used_then = used + min(_MOST_POINTS, 2 + sum(len(text) for text, _ in row.segments) // 100)
            if used_then > most:
                break
            used = used_then
        count += 1
    return count, used

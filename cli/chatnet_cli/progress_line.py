"""How far something is, as one line that fits a terminal: ``video.mkv   34% [======>     ]  512 MiB of 1.4 GiB  ...``.

The more room there is, the more is said: the name always; then what it waits for, or percentage and time left; then
speed, amount and a bar. A line never needs more columns than it was given, since one that wraps cannot be drawn over.
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from chatnet.quantities import show_size

_SHORTEST_NAME = 12
"""Columns that a long name keeps before something else is left out for it."""
_BARS = (24, 12)
"""Columns of a bar with its brackets: the long one and the short one."""
_SIZE = len("1023.9 MiB")
_SPEED = len("1023.9 MiB/s")
_DAY = 86400


@dataclass(frozen=True, slots=True)
class State:
    """How far one thing is, or all of them together."""

    name: str
    """Safe to print."""
    done: int
    """Bytes."""
    total: int | None
    """Bytes; None where nobody knows."""
    rate: float
    """Bytes a second."""
    left: float | None
    """Seconds; None where nobody knows."""
    note: str = ""
    """What it waits for, instead of speed and time left."""


def progress_line(state: State, width: int) -> str:
    """The line for so many columns."""
    tail, room = "", width
    for tail in _tails(state):
        room = width - len(tail)
        if room >= min(columns(state.name), _SHORTEST_NAME):
            break
    return (cut(state.name, room) + tail).rstrip() if room >= 0 else cut(tail.strip(), width)


def _tails(state: State) -> Iterator[str]:
    """What stands behind the name, from all that can be said to the least."""
    share = "" if state.total is None else f"  {percent_of(state.done, state.total):3}%"
    amount = f"  {_amount(state)}"
    speed = f"  {show_size(round(state.rate)) + '/s':{_SPEED}}" if state.rate and not state.note else ""
    end = f"  {state.note}" if state.note else "" if state.left is None else f"  {shown_seconds(state.left)} left"
    if state.total is None:
        yield amount + speed + end
        yield amount
        return
    for bar in _BARS:
        yield f"{share} {_bar(state.done, state.total, bar)}{amount}{speed}{end}"
    yield share + amount + speed + end
    yield share + speed + end
    yield share + end
    yield end if state.note else share


def percent_of(done: int, total: int) -> int:
    """Rounded down: 100 is only said of what is complete."""
    return 100 if done >= total else done * 100 // total


def _bar(done: int, total: int, width: int) -> str:
    inner = width - 2
    full = inner if done >= total else done * inner // total
    drawn = "=" * full if full == inner else "=" * full + ">"
    return f"[{drawn:{inner}}]"


def _amount(state: State) -> str:
    if state.total is None:
        return show_size(state.done)
    of_total = f" of {show_size(state.total)}"
    # Always as long, so that what stands behind it does not jump.
    return f"{show_size(state.done) + of_total:{_SIZE + len(of_total)}}"


def shown_seconds(seconds: float) -> str:
    """``0:42``, ``1:05:00``, ``3 days``."""
    whole = math.ceil(seconds)
    if whole >= 2 * _DAY:
        return f"{whole // _DAY} days"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


# -- columns --------------------------------------------------------------------------------------------------


def columns(text: str) -> int:
    """How many columns of a terminal a text takes, at most: terminals differ about emoji of several characters."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    # A variation selector is a mark too, but makes some characters wide.
    return 0 if unicodedata.category(char) in ("Mn", "Me", "Cf") and not "\ufe00" <= char <= "\ufe0f" else 1


def cut(text: str, width: int) -> str:
    """A text in at most so many columns; of a longer one the beginning and the end: ``holiday-...-12.jpeg``."""
    if columns(text) <= width:
        return text
    if width <= 3:
        return "." * max(0, width)
    end = _start(text[::-1], (width - 3) // 3)[::-1]
    return _start(text, width - 3 - columns(end)) + "..." + end


def _start(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += _width(char)
        if taken > width:
            return text[:index]
    return text

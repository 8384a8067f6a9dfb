"""Reads an IRC log: who said what, and who took another nick.

    [04:14] <Gobbert> ziggi: what do you need help with?     a message
    [04:14]  * ziggi waves                                   an action
    === Sekreta1 is now known as Sekreta                     a rename

Other lines that begin with ``===`` (joins, parts, topics) say nothing that is replayed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from chatnet.auth.names import fold, suggest_name
from chatnet.model import Kind

_MESSAGE = re.compile(r"\[\d\d:\d\d\] <(?P<nick>[^>]+)> ?(?P<text>.*)")
_ACTION = re.compile(r"\[\d\d:\d\d\] {1,2}\* (?P<nick>\S+) ?(?P<text>.*)")
_RENAME = re.compile(r"=== (?P<nick>\S+) is now known as (?P<new>\S+)")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said, or (with ``new``) a change of nick."""

    nick: str
    kind: Kind = Kind.TEXT
    text: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """The lines that are replayed, and what had to be left out of them."""

    lines: list[Line]
    empty: int
    """Actions and messages without a word: there is nothing to say."""
    unknown: int
    """Lines that are none of the known kinds."""


def read_log(path: Path) -> Log:
    """Read a log in UTF-8.

    :raises OSError: it cannot be read.
    :raises UnicodeDecodeError: it is not UTF-8.
    """
    lines: list[Line] = []
    empty = unknown = 0
    for text in path.read_text(encoding="utf-8").split("\n"):
        line = parse_line(text)
        if line is None:
            unknown += bool(text) and not text.startswith("===")
        elif not (line.text or line.new):
            empty += 1
        else:
            lines.append(line)
    return Log(lines, empty, unknown)


def parse_line(text: str) -> Line | None:
    """One line of the log; None if nothing is to be replayed for it."""
    for pattern, kind in ((_MESSAGE, Kind.TEXT), (_ACTION, Kind.ACTION)):
        found = pattern.fullmatch(text)
        if found:
            return Line(found["nick"], kind, found["text"])
    found = _RENAME.fullmatch(text)
    return Line(found["nick"], new=found["new"]) if found else None


def people(lines: list[Line]) -> list[str]:
    """The first nick of everybody in the log, each once. Somebody who takes another nick stays the same person."""
    known: set[str] = set()
    first: list[str] = []
    for line in lines:
        if line.nick not in known:
            known.add(line.nick)
            first.append(line.nick)
        if line.new:
            known.discard(line.nick)
            known.add(line.new)
    return first


class NameBook:
    """Gives each nick a login name: the nick itself where that is legal, else one like it that nobody has."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def names(self, nick: str) -> tuple[str, str]:
        """(login name, display name) of a nick, always the same; the display name is empty if it is not needed."""
        name = self._names.get(nick)
        if name is None:
            name = self._names[nick] = self._free(suggest_name(nick))
            self._taken.add(fold(name))
        return name, "" if name == nick else nick

    def _free(self, wanted: str) -> str:
        name, number = wanted, 2
        while fold(name) in self._taken:
            suffix = f"-{number}"
            name, number = wanted[: 32 - len(suffix)] + suffix, number + 1
        return name

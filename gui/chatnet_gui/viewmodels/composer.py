"""The entry below the messages: recall with Up, names with Tab."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_RECALLED = 100
_PREFIX = re.compile(r"(?:(?<=\s)|^)@?[\w.-]*$")


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab does: in place of the last ``length`` characters before the caret, ``text``."""

    length: int
    text: str


class Recall:
    """What was said from here, newest last; Up and Down go through it."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._at = 0
        self._typed = ""
        """What stood in the entry when one began to go up."""

    def say(self, text: str) -> None:
        """This was sent."""
        if not self._said or self._said[-1] != text:
            self._said.append(text)
            del self._said[:-_MOST_RECALLED]
        self._at = len(self._said)

    def up(self, typed: str) -> str | None:
        """The text before; None if there is none."""
        if self._at == 0:
            return None
        if self._at == len(self._said):
            self._typed = typed
        self._at -= 1
        return self._said[self._at]

    def down(self) -> str | None:
        """The text after, at last what was typed; None if one has not gone up."""
        if self._at >= len(self._said):
            return None
        self._at += 1
        return self._said[self._at] if self._at < len(self._said) else self._typed


class Completer:
    """Completes names; pressed again at the same place, it offers the next one."""

    def __init__(self) -> None:
        self._offers: list[str] = []
        self._shown = ""
        """All that stood before the caret after the last completion."""

    def complete(self, before: str, names: Iterable[str]) -> Completion | None:
        """``before``: the text before the caret; ``names``: whom it may mean, the likeliest first."""
        if self._shown and before == self._shown:
            length = len(self._offers[0])
            self._offers.append(self._offers.pop(0))
        else:
            match = _PREFIX.search(before)
            prefix = match[0] if match is not None else ""
            if not prefix:
                return None
            length = len(prefix)
            ending = ": " if len(before) == length else " "
            at, start = ("@", prefix[1:]) if prefix.startswith("@") else ("", prefix)
            fitting = [name for name in names if name.casefold().startswith(start.casefold())]
            self._offers = [f"{at}{name}{ending}" for name in dict.fromkeys(fitting)]
        if not self._offers:
            return None
        self._shown = before[: len(before) - length] + self._offers[0]
        return Completion(length, self._offers[0])

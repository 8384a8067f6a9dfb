"""Lines on stderr that are drawn over in place: they show how something goes, and leave nothing behind.

Only a terminal that understands cursor movements gets them; a file, a pipe and TERM=dumb get nothing.
"""

import os
import sys

from chatnet_cli.output import is_terminal, write_to_stderr
from chatnet_cli.safe_text import neutral

_USUAL_COLUMNS = 80
_TO_END_OF_LINE = "\x1b[K"
_TO_END_OF_SCREEN = "\x1b[J"


class Redrawn:
    """Some lines at the bottom of the terminal. Erase them before anything else is printed."""

    def __init__(self) -> None:
        self.is_seen = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        self._drawn = 0
        """Lines that are on the screen now; the cursor is behind the last one."""

    @property
    def width(self) -> int:
        """Columns that a line may have: the last one stays free, since some terminals wrap already there."""
        try:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return (columns or _USUAL_COLUMNS) - 1

    @staticmethod
    def shown(text: str) -> str:
        """A safe text as the terminal shows it: one that has only ASCII needs more columns for the others."""
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def draw(self, lines: list[str]) -> None:
        """Put these lines, of at most `width` columns each, where the last ones were."""
        if self.is_seen:
            shown = "\n".join(neutral(line) + _TO_END_OF_LINE for line in lines)
            write_to_stderr(self._back() + shown + _TO_END_OF_SCREEN)
            self._drawn = len(lines)

    def erase(self) -> None:
        """Leave the screen as it was before."""
        if self._drawn:
            write_to_stderr(self._back() + _TO_END_OF_SCREEN)
            self._drawn = 0

    def _back(self) -> str:
        above = self._drawn - 1
        return "\r" + (f"\x1b[{above}A" if above > 0 else "")

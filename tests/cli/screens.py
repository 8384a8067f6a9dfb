"""A terminal that remembers what stands on it, of those escape sequences that `chatnet_cli.redrawing` uses."""

import io
import re

_PIECES = re.compile(r"(\x1b\[\d*[A-Z]|\r|\n)")


class Screen(io.StringIO):
    """A stream that is a terminal. It never scrolls, and wraps nothing: lines have to fit anyway."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.rows = [""]
        self.row = self.column = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for piece in _PIECES.split(text):
            self._take(piece)
        return super().write(text)

    def _take(self, piece: str) -> None:
        line = self.rows[self.row]
        if piece == "\r":
            self.column = 0
        elif piece == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            self.row -= int(piece[2:-1])
        elif piece == "\x1b[K":
            self.rows[self.row] = line[: self.column]
        elif piece == "\x1b[J":
            self.rows[self.row :] = [line[: self.column]]
        else:
            assert not piece.startswith("\x1b"), f"unknown sequence {piece!r}"
            self.rows[self.row] = line[: self.column].ljust(self.column) + piece + line[self.column + len(piece) :]
            self.column += len(piece)

    @property
    def seen(self) -> list[str]:
        """The rows that are not empty."""
        return [row for row in self.rows if row]

"""Errors as people read them in a window."""

from chatnet_gui.viewmodels.segments import line


def sentence(text: str) -> str:
    """An error's first line, as a sentence."""
    first = line(text.split("\n")[0].strip())
    return first[:1].upper() + first[1:] + ("" if first.endswith((".", "?", "!")) else ".")

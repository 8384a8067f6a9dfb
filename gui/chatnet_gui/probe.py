"""For tests of the real program: what a window shows, written out whenever it changes.

It only tells and takes no orders, and it is off unless the environment names a file or a pipe to write to.
"""

import json
import tkinter as tk
from contextlib import suppress
from tkinter import ttk

_EVERY = 50
"""Milliseconds."""


class Probe:
    """Writes all widgets that can be seen, where they are and what stands in them, as one JSON object a line."""

    def __init__(self, root: tk.Tk, path: str) -> None:
        self._root = root
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115
        self._last = ""
        self._write()

    def _write(self) -> None:
        focus = None
        with suppress(KeyError):  # a combobox's list is no widget of Python's
            focus = self._root.focus_get()
        seen = json.dumps(
            {
                "title": self._root.title(),
                "focus": "" if focus is None else str(focus),
                "widgets": [about for widget in _all(self._root) if (about := _about(widget))] + _foreign(self._root),
            }
        )
        if seen != self._last:
            self._last = seen
            self._file.write(seen + "\n")
            self._file.flush()
        self._root.after(_EVERY, self._write)


def _all(widget: tk.Misc) -> list[tk.Misc]:
    return [widget, *(inner for child in widget.children.values() for inner in _all(child))]


def _foreign(root: tk.Tk) -> list[dict[str, object]]:
    """What Tk has made by itself: its windows that ask for files. Only where they are."""
    call = root.tk.call
    found: list[dict[str, object]] = []
    todo = ["."]
    while todo:
        path = str(todo.pop())
        todo += root.tk.splitlist(call("winfo", "children", path))
        if "__tk_" in path and call("winfo", "viewable", path):
            about: dict[str, object] = {
                name: int(call("winfo", question, path))
                for name, question in (("x", "rootx"), ("y", "rooty"), ("width", "width"), ("height", "height"))
            }
            found.append({"path": path, "class": str(call("winfo", "class", path)), "text": "", **about})
    return found


def _about(widget: tk.Misc) -> dict[str, object] | None:
    if not widget.winfo_viewable():
        return None
    about: dict[str, object] = {
        "path": str(widget),
        "class": widget.winfo_class(),
        "x": widget.winfo_rootx(),
        "y": widget.winfo_rooty(),
        "width": widget.winfo_width(),
        "height": widget.winfo_height(),
        "text": _text(widget),
        "disabled": isinstance(widget, ttk.Widget) and widget.instate(["disabled"]),
    }
    if isinstance(widget, ttk.Treeview):
        about["rows"] = [_row(widget, item) for item in widget.get_children()]
    return about


def _text(widget: tk.Misc) -> str:
    if isinstance(widget, tk.Text):
        return widget.get("1.0", "end-1c")
    if isinstance(widget, ttk.Entry):
        return widget.get()
    if isinstance(widget, ttk.Label | ttk.Button | ttk.Checkbutton | ttk.Radiobutton):
        return str(widget["text"])
    return ""


def _row(tree: ttk.Treeview, item: str) -> dict[str, object]:
    row: dict[str, object] = {
        "text": str(tree.item(item, "text")).strip(),
        "values": [str(value) for value in tree.item(item, "values")],
        "selected": item in tree.selection(),
        "tags": [str(tag) for tag in tree.item(item, "tags")],
    }
    box = tree.bbox(item)
    if isinstance(box, tuple):
        row |= {"x": tree.winfo_rootx() + box[0], "y": tree.winfo_rooty() + box[1], "height": box[3]}
    return row
